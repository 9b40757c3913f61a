"""Simulated granules: ATL03 with its ATL08, in NASA's layout, with the truth beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..pipeline.errors import InputError
from ..pipeline.granule import spot_of
from ..pipeline.writers.whole import whole_file
from . import layout
from .beam import Tables, simulate_beam
from .granule_groups import write_granule_groups
from .land import land_tables
from .orbit import ACROSS, Track
from .scene import Scene
from .terrain import Terrain
from .truth import Truth, truth_path
from .writing import GranuleWriter, import_h5py, page_size

_ORIENTATION: Final = {0: "Backward", 1: "Forward", 2: "Transition"}


@dataclass(frozen=True)
class SimulatedGranule:
    """What was written for one granule.

    Attributes
    ----------
    path, atl08_path
        The granule and its companion (None where none was asked for).
    truth
        Heights, canopy and slopes as they were put in; also in ``truth_path`` for another process.
    photons
        Photons of each beam that has rows.
    """

    path: Path
    atl08_path: Path | None
    truth: Truth
    photons: dict[str, int] = field(default_factory=dict)


def simulate(
    folder: str | Path,
    granules: int = 1,
    *,
    scene: Scene | None = None,
    with_atl08: bool = True,
    absent: Mapping[int, Iterable[str]] | None = None,
    page: int | None = None,
    **changes: Any,
) -> list[SimulatedGranule]:
    """Simulate granules into a folder.

    The same arguments give the same values of every dataset, and a granule is the same however many are
    simulated. Granules after the first lie on neighbouring tracks, 29 days apart.

    Parameters
    ----------
    folder
        Where the files go; made where it is missing.
    granules
        How many.
    scene
        What to simulate; ``Scene()`` where none is given.
    with_atl08
        Whether to write the ATL08 companions.
    absent
        Beams whose groups are missing from single granules, counted from 1: ``{2: ["gt2r"]}`` leaves gt2r out
        of the second.
    page
        Bytes of a page of release 007; by default it follows the size of the granule.
    **changes
        Values of the scene: ``terrain="slope"``, ``kilometres=40``, ``seed=7``, ...

    Returns
    -------
    list of SimulatedGranule
        In the order of their times.

    Raises
    ------
    InputError
        For values that can't be simulated and a folder that can't be written.
    MissingExtraError
        When h5py is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from nunatak.testing.granules import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     granule, = simulate(folder, kilometres=1, terrain="flat", beams=("gt1l",), seed=1)
    ...     granule.path.name
    'ATL03_20191220020000_01000503_006_01.h5'
    """
    import_h5py()
    if granules < 1:
        raise InputError(f"granules {granules} can't be simulated; it may be 1 or more")
    first = (scene or Scene()).changed(**changes)
    missing = {number: set(beams) for number, beams in (absent or {}).items()}
    for number, beams in missing.items():
        if not 1 <= number <= granules or not beams <= set(ACROSS):
            raise InputError(
                f"absent {number}: {sorted(beams)}: there are granules 1 to {granules} and beams {', '.join(ACROSS)}"
            )
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: the folder can't be made: {error.strerror}") from error
    return [
        _simulate_granule(target, first.next(i), i, missing.get(i + 1, set()), page, with_atl08=with_atl08)
        for i in range(granules)
    ]


def _simulate_granule(
    folder: Path, scene: Scene, number: int, absent: set[str], page: int | None, *, with_atl08: bool
) -> SimulatedGranule:
    beams = tuple(beam for beam in scene.beams if beam not in absent)
    scene = scene.changed(beams=beams, hollow=tuple(beam for beam in scene.hollow if beam in beams))
    track = Track.of(scene)
    truth = Truth(scene, number, track.x_start)
    photons: dict[str, int] = {}
    path = folder / str(scene.name())
    companion = folder / str(scene.name("ATL08")) if with_atl08 else None
    page = page or page_size(_expected_photons(scene))
    with whole_file(path) as unfinished, GranuleWriter(unfinished, scene.release, page) as atl03:
        if companion:
            with whole_file(companion) as other, GranuleWriter(other, scene.release, page) as atl08:
                photons = _write(scene, number, track, truth.terrain, atl03, atl08)
        else:
            photons = _write(scene, number, track, truth.terrain, atl03, None)
    with whole_file(truth_path(path)) as unfinished:
        truth.save(unfinished)
    return SimulatedGranule(path, companion, truth, photons)


def _write(
    scene: Scene,
    number: int,
    track: Track,
    terrain: Terrain,
    atl03: GranuleWriter,
    atl08: GranuleWriter | None,
) -> dict[str, int]:
    """Write the granule beam by beam, so that one beam at a time is in memory."""
    photons: dict[str, int] = {}
    for product, writer in (("ATL03", atl03), ("ATL08", atl08)):
        if writer:
            write_granule_groups(writer, product, scene, track)
    for name in scene.beams:
        beam = simulate_beam(scene, number, name, track, terrain)
        hollow = name in scene.hollow
        _write_beam(atl03, "ATL03", scene, name, _emptied(beam.tables) if hollow else beam.tables)
        if not hollow:
            photons[name] = beam.photons.shot.size
        if atl08:
            tables = land_tables(scene, beam, terrain)
            if tables:
                _write_beam(atl08, "ATL08", scene, name, _emptied(tables) if hollow else tables)
    return photons


def _write_beam(writer: GranuleWriter, product: str, scene: Scene, beam: str, tables: Tables) -> None:
    spot = spot_of(beam, scene.sc_orient)
    writer.attributes(
        beam,
        {
            "Description": f"Segments of the ground track {beam}.",
            "atlas_beam_type": "strong" if scene.strong(beam) else "weak",
            "atlas_pce": f"pce{(spot + 1) // 2}",
            "atlas_spot_number": str(spot),
            "atmosphere_profile": f"profile_{(spot + 1) // 2}",
            "groundtrack_id": beam,
            "sc_orientation": _ORIENTATION[scene.sc_orient],
        },
    )
    for group, fields in layout.BEAM_GROUPS[product].items():
        writer.group(f"{beam}/{group}", fields, tables[group])


def _emptied(tables: Tables) -> Tables:
    return {group: {name: values[:0] for name, values in columns.items()} for group, columns in tables.items()}


def _expected_photons(scene: Scene) -> int:
    per_metre = scene.signal + scene.background_rate * 8e-7
    return int(scene.kilometres * 1400 * per_metre * sum(1.0 if scene.strong(beam) else 0.25 for beam in scene.beams))
