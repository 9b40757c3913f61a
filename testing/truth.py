"""The truth behind a simulated granule, rebuilt from a few numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from ..pipeline.errors import InputError
from ..pipeline.granule import GranuleName, file_name
from .orbit import ACROSS
from .photons import SIGMA_FOOTPRINT, SIGMA_PULSE, Floats
from .scene import Scene
from .terrain import Terrain

_FORMAT: Final = 1


@dataclass(frozen=True)
class Truth:
    """Heights as they were put into a simulated granule.

    Parameters
    ----------
    scene
        What was simulated.
    granule
        Number of the granule among those simulated together.
    x_start
        Along-track distance of the track's start, m.

    Examples
    --------
    >>> import numpy as np
    >>> from nunatak.testing.scene import Scene
    >>> from nunatak.testing.truth import Truth
    >>> truth = Truth(Scene(terrain="slope", slope=1.0, height=100.0), 0, 8_000_000.0)
    >>> truth.height("gt1l", np.array([8_000_000.0, 8_001_000.0])).round(3)
    array([100.   , 117.455])
    """

    scene: Scene
    granule: int
    x_start: float

    @cached_property
    def terrain(self) -> Terrain:
        """The ground of the granule."""
        return Terrain(self.scene, self.granule, self.x_start)

    def height(self, beam: str, x_atc: Floats) -> Floats:
        """Height of the ground over the ellipsoid under a beam, m, at ``segment_dist_x + dist_ph_along``."""
        x = np.asarray(x_atc, np.float64)
        return self.terrain.height(x, np.full(x.shape, ACROSS[beam]))

    def canopy(self, beam: str, x_atc: Floats) -> Floats:
        """Height of the canopy's top over the ground, m; 0 where nothing grows."""
        x = np.asarray(x_atc, np.float64)
        return self.terrain.canopy(x, np.full(x.shape, ACROSS[beam]))

    def slope(self, beam: str, x_atc: Floats) -> Floats:
        """Along-track slope of the ground, m/m."""
        x = np.asarray(x_atc, np.float64)
        return self.terrain.slope(x, np.full(x.shape, ACROSS[beam]))

    def spread(self, beam: str, x_atc: Floats) -> Floats:
        """Give the standard deviation of a ground photon's height, m: the pulse, and the slope in the footprint."""
        return np.hypot(SIGMA_PULSE, SIGMA_FOOTPRINT * self.slope(beam, x_atc))

    def save(self, path: Path) -> None:
        """Write the numbers that the truth is rebuilt from."""
        values = {
            "format": _FORMAT,
            "granule": self.granule,
            "x_start": self.x_start,
            "scene": self.scene.to_json(),
        }
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Truth:
        """Rebuild the truth of a granule from its own path, or from that of the file beside it.

        Raises
        ------
        InputError
            When there is no such file, or it is not one that the simulator wrote.
        """
        file = Path(path) if Path(path).suffix == ".json" else truth_path(path)
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            version = values["format"]
            if version == _FORMAT:
                return cls(Scene.from_json(values["scene"]), values["granule"], values["x_start"])
        except OSError as error:
            raise InputError(f"{file}: no truth can be read there: {error.strerror}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file}: not the truth of a simulated granule: {error}") from error
        raise InputError(f"{file}: written by another version of the simulator: simulate the granule again")


def truth_path(granule: str | Path) -> Path:
    """Where the truth of a granule lies: beside it, under a name that is not a granule's.

    Examples
    --------
    >>> truth_path("data/ATL03_20181017222812_02950102_006_02.h5").name
    'truth_20181017222812_02950102_006_02.json'
    """
    name = GranuleName.parse(file_name(str(granule)))
    return Path(granule).with_name(f"truth_{str(name).split('_', 1)[1].removesuffix('.h5')}.json")
