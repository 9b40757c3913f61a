"""What is in a granule: its identity, its beams, and on request every dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .catalog.indexing import LAYOUTS
from .errors import ReadError
from .granule import BEAMS, GranuleName, spot_of
from .reading.granule_file import DatasetInfo, GranuleFile, Want
from .times import sdp_to_utc


@dataclass(frozen=True, slots=True)
class BeamInfo:
    """What a beam holds: rows along its track, photons, and where and when it begins and ends."""

    beam: str
    spot: int | None
    rows: int
    photons: int | None
    first: tuple[float, float] | None
    last: tuple[float, float] | None
    begin: str = ""
    end: str = ""


def describe_beams(file: GranuleFile, name: GranuleName | None) -> list[BeamInfo]:
    """Describe every beam that the granule has.

    Raises
    ------
    ReadError
        When the granule can't be read.
    """
    orient = file.read({"sc_orient": Want("orbit_info/sc_orient", required=False)}).get("sc_orient")
    sc_orient = int(orient.ravel()[0]) if orient is not None and orient.size else None
    return [_describe_beam(file, beam, sc_orient, name.product if name else "ATL03") for beam in file.beams]


def _describe_beam(file: GranuleFile, beam: str, sc_orient: int | None, product: str) -> BeamInfo:
    spot = None if sc_orient is None else spot_of(beam, sc_orient)
    photons = file.describe(f"{beam}/heights/h_ph").shape[0] if file.exists(f"{beam}/heights/h_ph") else None
    layout = LAYOUTS.get(product, LAYOUTS["ATL03"])
    paths = {"lat": layout.latitude, "lon": layout.longitude, "time": layout.time}
    wants = {key: Want(f"{beam}/{path}", required=False) for key, path in paths.items()}
    track = file.read(wants)
    if "lat" not in track or "lon" not in track or not track["lat"].size:
        return BeamInfo(beam, spot, 0, photons, None, None)
    lat, lon = track["lat"], track["lon"]
    ends = [(float(lat[i]), float(lon[i])) for i in (0, -1)]
    times = track.get("time", np.empty(0))
    span = [str(sdp_to_utc(time)).split(".")[0] for time in (times.min(), times.max())] if times.size else ["", ""]
    return BeamInfo(beam, spot, len(lat), photons, ends[0], ends[1], span[0], span[1])


def walk(file: GranuleFile, group: str = "/") -> Iterator[tuple[str, DatasetInfo | str]]:
    """Give every dataset below a group: its path, and its form, or why it can't be described."""
    for dataset in file.datasets(group):
        path = f"{group.strip('/')}/{dataset}".lstrip("/")
        try:
            yield path, file.describe(path)
        except ReadError as error:
            yield path, error.reason
    for child in file.groups(group):
        yield from walk(file, f"{group.strip('/')}/{child}".lstrip("/"))


def describe(address: str, *, fields: bool = False) -> str:
    """Describe a granule in words, one line a beam; with `fields`, one line a dataset as well.

    Raises
    ------
    ReadError
        When the file can't be read.
    """
    name = GranuleName.find(address)
    lines = [address]
    if name:
        lines.append(
            f"{name.product} release {name.release} revision {name.revision}, {name.time:%Y-%m-%d %H:%M:%S} UTC, "
            f"rgt {name.rgt}, cycle {name.cycle}, region {name.region}"
        )
    with GranuleFile(address) as file:
        beams = describe_beams(file, name)
        lines += [_beam_line(beam) for beam in beams]
        absent = [beam for beam in BEAMS if beam not in file.beams]
        if absent:
            lines.append(f"absent: {', '.join(absent)}")
        if fields:
            lines += [_field_line(path, info) for path, info in walk(file)]
    return "\n".join(lines)


def _beam_line(info: BeamInfo) -> str:
    spot = "" if info.spot is None else f", spot {info.spot}"
    strength = {0: " (weak)", 1: " (strong)"}[info.spot % 2] if info.spot else ""
    if info.first is None or info.last is None:
        return f"{info.beam}{spot}{strength}: no positions"
    photons = "" if info.photons is None else f", {info.photons:,} photons"
    ends = " to ".join(f"{lat:.4f} {lon:.4f}" for lat, lon in (info.first, info.last))
    span = f", {info.begin} to {info.end}" if info.begin else ""
    return f"{info.beam}{spot}{strength}: {info.rows:,} segments{photons}, {ends}{span}"


def _field_line(path: str, info: DatasetInfo | str) -> str:
    if isinstance(info, str):
        return f"  {path}: {info}"
    form = ", ".join([info.layout, *info.filters])
    chunks = f", chunks {info.chunks}" if info.chunks else ""
    problem = f" - not read here: {info.problem}" if info.problem else ""
    return f"  {path}: {info.dtype} {info.shape}{chunks}, {form}, {info.storage:,} bytes{problem}"
