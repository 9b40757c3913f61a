"""From a beam to the extents of a request: read, classify, select, cut. All photon products begin here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..kernels.background import background_rate
from ..kernels.extents import Extents, form_extents
from ..kernels.selection import Selection, select_photons, value_table
from .classification import Classes, classify
from .granule import GROUND_TRACK, extent_id_base
from .photons import Photons, read_photons
from .vocabulary import HIGHEST_OLD_QUALITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .beam import Beam
    from .parameters import Parameters

#: Parameters that every product of extents honours.
HONOURS: Final = frozenset(
    {
        "ats", "atl08_class", "beams", "cnf", "cnt", "dist_in_seg", "len", "pass_invalid", "phoreal", "poly", "proj",
        "quality_ph", "region_mask", "res", "srt", "track", "yapc",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BeamExtents:
    """A beam, cut into the extents of a request.

    Attributes
    ----------
    beam, parameters
        Whose it is, and what was asked.
    photons, classes
        All photons of the region, and what classifiers say of them.
    selection
        The photons that passed the filters.
    extents
        What they were cut into; `extents.kept` counts the photons that its rows refer to.
    """

    beam: Beam
    parameters: Parameters
    photons: Photons
    classes: Classes
    selection: Selection
    extents: Extents

    def background(self) -> NDArray[np.float64]:
        """Interpolate the background rate at each extent's segment, counts/s (E,)."""
        times = self.photons["segment_delta_time"][self.extents.segment]
        return background_rate(times, self.photons["background_time"], self.photons["background_rate"])

    def identity(self, rows: NDArray[Any], *, fitted: bool) -> dict[str, NDArray[Any]]:
        """Give the columns that say where a row comes from: extent_id, segment_id, rgt, cycle, region, spot, gt.

        Parameters
        ----------
        rows
            Extents, one for each row of the result.
        fitted
            Whether the rows are results of a fit, which a bit of extent_id says.
        """
        base = np.uint64(extent_id_base(self.beam.name, self.beam.beam) | (0x2 if fitted else 0))
        return {
            **granule_columns(self.beam, len(rows)),
            "extent_id": base | self.extents.counter[rows].astype(np.uint64) << np.uint64(2),
            "segment_id": self.extents.segment_id[rows],
        }

    def notes(self, counted: Mapping[str, int]) -> tuple[str, ...]:
        """Say what a careful reader wants to know: what is counted here, and what the filters met."""
        heights = self.photons["height"]
        met = {
            "photons whose height is no number": 0
            if np.isfinite(heights.sum(dtype=np.float64))
            else int(np.count_nonzero(~np.isfinite(heights))),
            "photons with a confidence outside -2 to 4, not selected": self.selection.odd_confidence,
            "photons with a quality outside 0 to 25, not selected": self.selection.odd_quality,
        }
        told = (f"{count} {what}" for what, count in {**counted, **met}.items() if count)
        return (*told, *self._of_another_release(), *self.classes.notes)

    def _of_another_release(self) -> tuple[str, ...]:
        """Say which selected qualities this release can't hold, so that they match nothing."""
        if self.beam.name.release >= "007":
            return ()
        beyond = [quality for quality in self.parameters.quality_ph if quality > HIGHEST_OLD_QUALITY]
        if not beyond:
            return ()
        numbers = ", ".join(map(str, beyond))
        return (
            f"quality_ph {numbers} match nothing: release {self.beam.name.release} holds 0 to {HIGHEST_OLD_QUALITY}",
        )


def granule_columns(beam: Beam, rows: int) -> dict[str, NDArray[Any]]:
    """Give the columns that are the same for all rows of a beam: rgt, cycle, region, spot, gt."""
    name = beam.name
    alike = {
        "rgt": name.rgt,
        "cycle": name.cycle,
        "region": name.region,
        "spot": beam.spot(),
        "gt": GROUND_TRACK[beam.beam],
    }
    return {column: np.full(rows, value) for column, value in alike.items()}


def read_extents(beam: Beam, parameters: Parameters) -> BeamExtents | None:
    """Read a beam and cut it into the extents of a request; None when nothing of it is in the region.

    Raises
    ------
    ReadError
        With granule, beam and dataset.
    """
    photons = read_photons(beam, parameters)
    if photons is None:
        return None
    classes = classify(beam, photons, parameters)
    selection = select_photons(
        photons.photon_count,
        photons["confidence"],
        photons["quality"],
        value_table(parameters.cnf),
        value_table(parameters.quality_ph),
        classes.keep(photons.keep, parameters),
    )
    return BeamExtents(beam, parameters, photons, classes, selection, _cut(beam, photons, selection, parameters))


def _cut(beam: Beam, photons: Photons, selection: Selection, parameters: Parameters) -> Extents:
    try:
        return form_extents(
            selection,
            photons.pieces,
            photons["along"],
            photons["segment_dist_x"],
            photons["segment_id"],
            length=parameters.len,
            step=parameters.res,
            in_segments=parameters.dist_in_seg,
            min_photons=parameters.cnt,
            min_spread=parameters.ats,
            pass_invalid=parameters.pass_invalid,
        )
    except ValueError as error:  # distances that no track has
        raise beam.layout_error("geolocation/segment_dist_x", str(error)) from error
