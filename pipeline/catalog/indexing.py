"""What an index keeps of a granule, read from its file once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDatasetError, ResourceError
from ..granule import GranuleName
from ..reading.granule_file import GranuleFile, Want
from ..times import sdp_to_utc
from .tracks import Floats, simplify

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a product keeps its positions, below the beam's group.

    Attributes
    ----------
    latitude, longitude, time
        Datasets with one row per segment.
    photons
        Dataset with the number of photons of each segment: without any, a segment has no position.
    """

    latitude: str
    longitude: str
    time: str
    photons: str | None = None


def _segments(group: str) -> Layout:
    return Layout(f"{group}/latitude", f"{group}/longitude", f"{group}/delta_time")


#: Products whose positions are known.
LAYOUTS: Final[Mapping[str, Layout]] = {
    "ATL03": Layout(
        "geolocation/reference_photon_lat",
        "geolocation/reference_photon_lon",
        "geolocation/delta_time",
        "geolocation/segment_ph_cnt",
    ),
    "ATL06": _segments("land_ice_segments"),
    "ATL07": _segments("sea_ice_segments"),
    "ATL08": _segments("land_segments"),
    "ATL13": Layout("segment_lat", "segment_lon", "delta_time"),
}


_REVOLUTION: Final = np.timedelta64(95, "m")


@dataclass(frozen=True, slots=True)
class Record:
    """One granule of an index.

    Attributes
    ----------
    name
        What its name says.
    path
        Its file.
    size, mtime_ns
        Of the file, in bytes and nanoseconds: while both stay, it is not read again.
    t0, t1
        Time span, UTC, datetime64[ns].
    first, last
        First position of gt3r and last of gt1l, as SlideRule's indexer has them, or of the beams nearest to these
        that hold any; longitude and latitude.
    tracks
        Beam -> parts of its simplified track (`nunatak.pipeline.catalog.tracks`); none for a beam without positions.
    photons
        Beam -> number of its photons, where the product counts them.
    unlocated
        Beams whose group lacks the datasets of positions: what they hold may be anywhere.
    notes
        What is odd about the file.
    """

    name: GranuleName
    path: Path
    size: int
    mtime_ns: int
    t0: np.datetime64
    t1: np.datetime64
    first: Position | None = None
    last: Position | None = None
    tracks: Mapping[str, list[Floats]] = field(default_factory=dict)
    photons: Mapping[str, int] = field(default_factory=dict)
    unlocated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_record(path: Path) -> Record:
    """Read what an index keeps of a granule.

    Parameters
    ----------
    path
        A file whose name holds a granule's.

    Raises
    ------
    ResourceError
        When the file is not named as a granule is, or holds no beam.
    ReadError
        When it can't be read.
    """
    name = GranuleName.parse(path.name)
    status = path.stat()
    with GranuleFile(str(path)) as granule:
        if not granule.beams:
            raise ResourceError(f"{path}: there is no group gt1l to gt3r in it")
        beams = {beam: _read_beam(granule, name.product, beam) for beam in granule.beams}
        located = {beam: positions for beam, positions in beams.items() if positions.known}
        t0, t1, notes = _times(granule, name, [positions.span for positions in beams.values()])
        notes += _disagreements(granule, name)
    return Record(
        name=name,
        path=path,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        t0=t0,
        t1=t1,
        first=next((located[beam].at(0) for beam in sorted(located, reverse=True) if located[beam].any), None),
        last=next((located[beam].at(-1) for beam in sorted(located) if located[beam].any), None),
        tracks={beam: simplify(positions.lon, positions.lat) for beam, positions in located.items()},
        photons={beam: positions.photons for beam, positions in located.items() if positions.photons is not None},
        unlocated=tuple(beam for beam in beams if beam not in located),
        notes=notes,
    )


def read_positions(path: Path, product: str, beam: str) -> tuple[Floats, Floats]:
    """Read longitude and latitude of a beam's positions, all of them.

    For ATL03 these are the reference photons of segments that have photons.

    Raises
    ------
    ReadError
        When the file can't be read or lacks them.
    """
    with GranuleFile(str(path)) as granule:
        positions = _read_beam(granule, product, beam)
    if not positions.known:
        raise MissingDatasetError(f"no positions of {product}", str(path), beam)
    return positions.lon, positions.lat


@dataclass(frozen=True, slots=True)
class _Positions:
    """Positions of a beam; whether the granule has datasets of them at all; the span of delta_time; its photons."""

    lon: Floats
    lat: Floats
    known: bool
    span: tuple[float, float] | None
    photons: int | None = None

    @property
    def any(self) -> bool:
        return bool(len(self.lon))

    def at(self, row: int) -> Position:
        return float(self.lon[row]), float(self.lat[row])


def _read_beam(granule: GranuleFile, product: str, beam: str) -> _Positions:
    nowhere = np.empty(0)
    layout = LAYOUTS.get(product)
    if layout is None:
        return _Positions(nowhere, nowhere, known=False, span=None)
    paths = {"lat": layout.latitude, "lon": layout.longitude, "time": layout.time, "photons": layout.photons}
    columns = granule.read({name: Want(f"{beam}/{path}", required=False) for name, path in paths.items() if path})
    span = _span(columns.get("time"))
    if not {"lat", "lon"} <= set(columns):
        return _Positions(nowhere, nowhere, known=False, span=span)
    lat, lon = columns["lat"].astype(np.float64), columns["lon"].astype(np.float64)
    # ATL03 fills the positions of segments without photons; a fill value is no position anywhere
    there = (np.abs(lat) <= 90) & (np.abs(lon) <= 360)
    if "photons" not in columns:
        return _Positions(lon[there], lat[there], known=True, span=span)
    there &= columns["photons"] > 0
    photons = int(columns["photons"].sum(dtype=np.int64))
    return _Positions(lon[there], lat[there], known=True, span=span, photons=photons)


def _span(delta_time: NDArray[np.float64] | None) -> tuple[float, float] | None:
    if delta_time is None:
        return None
    known = delta_time[np.abs(delta_time) < 1e12]  # false for NaN and fill values
    return (float(known.min()), float(known.max())) if len(known) else None


def _times(
    granule: GranuleFile, name: GranuleName, spans: list[tuple[float, float] | None]
) -> tuple[np.datetime64, np.datetime64, tuple[str, ...]]:
    """Give the granule's time span: its own statement, or that of its beams, or a revolution after its name's time."""
    columns = granule.read(
        {
            "start": Want("ancillary_data/start_delta_time", required=False),
            "end": Want("ancillary_data/end_delta_time", required=False),
        }
    )
    known = [span for span in spans if span is not None]
    if len(columns) == 2:
        start, end = (float(np.ravel(column)[0]) for column in columns.values())
    elif known:
        start, end = min(span[0] for span in known), max(span[1] for span in known)
    else:
        at = np.datetime64(name.time.replace(tzinfo=None), "ns")
        return at, at + _REVOLUTION, ("its times are unknown; one revolution from the time of its name is taken",)
    t0, t1 = sdp_to_utc([start, end])
    return t0, t1, ()


def _disagreements(granule: GranuleFile, name: GranuleName) -> tuple[str, ...]:
    """Compare the name, which is what counts, with orbit_info; ATL13 lists the tracks of several orbits."""
    columns = granule.read(
        {
            "rgt": Want("orbit_info/rgt", required=False),
            "cycle": Want("orbit_info/cycle_number", required=False),
        }
    )
    said = {"rgt": name.rgt, "cycle": name.cycle}
    return tuple(
        f"orbit_info says {what} {', '.join(map(str, np.ravel(values)))}, its name says {said[what]}"
        for what, values in columns.items()
        if said[what] not in np.ravel(values)
    )
