"""Which tracks touch a region: yes, no, or too near its border to say without the granule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..region.projection import project
from .tracks import REACH, TOLERANCE, Tracks

if TYPE_CHECKING:
    from ..region import Region, RegionMask

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Least radius of curvature of the ellipsoid: degrees and radii made with it are never too few for their metres.
_LEAST_RADIUS: Final = 6_335_400.0
# Lines that are straight in longitude and latitude are cut into pieces of this length, degrees, before they go into a
# polar plane, where they bend: by 2 m at most up to 88.5 degrees, which the slack holds.
_PIECE: Final = 0.02
_SLACK: Final = 5.0
# Where along a line's way through the region it is asked whether the line is deep inside.
_PARTS: Final = (0.5, 0.3, 0.7, 0.1, 0.9)


@dataclass(frozen=True, slots=True)
class Touch:
    """What tracks alone can say.

    Attributes
    ----------
    certain
        bool (G,): granules that have a position in the region.
    doubtful
        The others that may have one: granule -> numbers of the beams that may.
    """

    certain: Flags
    doubtful: dict[int, list[int]]


def touch(tracks: Tracks, wanted: Flags, area: Region | RegionMask) -> Touch:
    """Sort granules by whether their positions touch a region.

    A vertex is a position, and decides when it lies in the region. Without one, a line that stays farther from the
    region than the tolerance decides against it; one that comes deeper into the region than `REACH` has a position
    there. What is left grazes the region, or passes a corner or a neck of it.

    Parameters
    ----------
    tracks
        Simplified tracks.
    wanted
        bool (G,): the granules that are asked about.
    area
        The region.
    """
    boxes = _widened(area.bounds)
    certain = np.zeros(len(wanted), dtype=np.bool_)
    points = _points_in(tracks, boxes)
    points = points[wanted[tracks.granule[points]]]
    inside = area.contains(tracks.lon[points], tracks.lat[points])
    certain[tracks.granule[points[inside]]] = True
    lines = _lines_in(tracks, boxes)
    lines = lines[(wanted & ~certain)[tracks.granule[lines]]]
    near, deep = _near_and_deep(tracks, lines, area)
    certain[tracks.granule[lines[deep]]] = True
    doubtful: dict[int, list[int]] = {}
    for line in lines[near & ~certain[tracks.granule[lines]]]:
        beams = doubtful.setdefault(int(tracks.granule[line]), [])
        if int(tracks.beam[line]) not in beams:
            beams.append(int(tracks.beam[line]))
    return Touch(certain, doubtful)


# boxes ---------------------------------------------------------------------------------------------------------------


def _widened(boxes: list[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """Boxes wide enough for what lies within the tolerance, also on the other side of the antimeridian."""
    wide = []
    for west, south, east, north in boxes:
        margin = math.degrees(TOLERANCE / _LEAST_RADIUS)
        low, high = south - margin, north + margin
        aside = margin / max(math.cos(math.radians(min(90.0, max(abs(low), abs(high))))), margin / 360)
        wide += [
            (west - aside + turn, low, east + aside + turn, high)
            for turn in (-360.0, 0.0, 360.0)
            if west - aside + turn <= 180 and east + aside + turn >= -180
        ]
    return wide


def _points_in(tracks: Tracks, boxes: list[tuple[float, float, float, float]]) -> Indices:
    found = []
    for west, south, east, north in boxes:
        near = np.flatnonzero((tracks.lat >= south) & (tracks.lat <= north))
        lon = tracks.lon[near]
        found.append(near[(lon >= west) & (lon <= east)])
    return np.unique(np.concatenate(found))


def _lines_in(tracks: Tracks, boxes: list[tuple[float, float, float, float]]) -> Indices:
    """First vertices of the lines whose own boxes meet any of the boxes."""
    low, high = np.minimum(tracks.lat[:-1], tracks.lat[1:]), np.maximum(tracks.lat[:-1], tracks.lat[1:])
    found = [np.empty(0, dtype=np.int64)]
    for west, south, east, north in boxes:
        near = np.flatnonzero(~tracks.ends[:-1] & (high >= south) & (low <= north))
        first, last = tracks.lon[near], tracks.lon[near + 1]
        found.append(near[(np.maximum(first, last) >= west) & (np.minimum(first, last) <= east)])
    return np.unique(np.concatenate(found))


# in the region's plane -----------------------------------------------------------------------------------------------


def _near_and_deep(tracks: Tracks, lines: Indices, area: Region | RegionMask) -> tuple[Flags, Flags]:
    """Which lines come within the tolerance of the region, and which so deep inside that a position must be there."""
    import shapely

    near, deep = np.zeros(len(lines), dtype=np.bool_), np.zeros(len(lines), dtype=np.bool_)
    if not len(lines):
        return near, deep
    region: Region = area.region if hasattr(area, "region") else area
    # a cell of a mask stands out of its region, and leaves some of it out, by less than its diagonal
    blur = getattr(area, "cellsize", 0.0) * math.sqrt(2)
    shape = _shape(region)
    shapely.prepare(shape)
    border = shape.boundary
    shapely.prepare(border)
    for turn in (-360.0, 0.0, 360.0) if region.proj == "plate_carree" else (0.0,):
        drawn, unit = _drawn(tracks, lines, region.proj, turn)
        here = shapely.dwithin(drawn, shape, (TOLERANCE + _SLACK) * unit + blur)
        near |= here
        some = np.flatnonzero(here)
        deep[some] |= _deep(drawn[some], shape, border, (REACH + _SLACK) * unit[some] + blur)
    return near, deep


def _shape(region: Region) -> Any:
    """Give the region in its plane; degrees in plate carree, radii of the sphere in a polar plane."""
    import shapely

    def flat(ring: Floats) -> Floats:
        return ring if region.proj == "plate_carree" else np.column_stack(project(region.proj, *ring.T))

    return shapely.MultiPolygon(
        [shapely.Polygon(flat(shell), list(map(flat, holes))) for shell, *holes in region.polygons()]
    )


def _drawn(tracks: Tracks, lines: Indices, projection: str, turn: float) -> tuple[Any, Floats]:
    """Lines in the plane, and how much of the plane's unit a metre is at most, for each."""
    import shapely

    first = np.column_stack([tracks.lon[lines], tracks.lat[lines]])
    last = np.column_stack([tracks.lon[lines + 1], tracks.lat[lines + 1]])
    if projection == "plate_carree":
        steep = np.radians(np.minimum(np.maximum(np.abs(first[:, 1]), np.abs(last[:, 1])), 89.9))
        ends = np.stack([first, last], axis=1) + np.array([turn, 0.0])
        return shapely.linestrings(ends), np.degrees(1 / _LEAST_RADIUS / np.cos(steep))
    pieces = np.maximum(np.ceil(np.abs(last - first) @ (1.0, 1.0) / _PIECE).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(lines)), pieces + 1)
    part = (np.arange(len(owner)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)) / pieces[owner]
    x, y = project(projection, *(first[owner] + part[:, None] * (last - first)[owner]).T)
    scale = (1 + (x * x + y * y) / 4) / _LEAST_RADIUS
    unit = np.maximum.reduceat(scale, np.cumsum(pieces + 1) - pieces - 1)
    return shapely.linestrings(x, y, indices=owner), unit


def _deep(drawn: Any, shape: Any, border: Any, reach: Floats) -> Flags:
    """Which lines have a point in the shape that is farther from its border than the reach."""
    import shapely

    deep = np.zeros(len(drawn), dtype=np.bool_)
    ways, owner = shapely.get_parts(shapely.intersection(drawn, shape), return_index=True)
    for part in _PARTS:
        points = shapely.line_interpolate_point(ways, part, normalized=True)
        clear = shapely.contains(shape, points) & ~shapely.dwithin(border, points, reach[owner])
        deep[owner[clear]] = True
    return deep
