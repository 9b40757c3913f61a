"""Ground tracks, simplified: few of a beam's positions that say where all others are, within 50 m."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: No position lies farther than this from its simplified track, metres.
TOLERANCE: Final = 50.0
#: A track is divided where its positions are farther than this from each other, metres.
GAP: Final = 500.0
#: Along every part of a simplified track there is a position within this distance, metres: a position is nowhere
#: farther than GAP from the next, nor than TOLERANCE from the track; a hundredth more for the sphere's curvature.
REACH: Final = 1.01 * (TOLERANCE + GAP / 2)

# Longest radius of curvature of the ellipsoid: distances made with it are never too short.
_METRES_PER_DEGREE: Final = 6_399_594.0 * np.pi / 180


@dataclass(frozen=True, slots=True)
class Tracks:
    """The simplified tracks of many granules, as flat arrays of all their vertices.

    Attributes
    ----------
    lon, lat
        float64 (V,), degrees. Each vertex is one of the beam's own positions, to the last bit.
    granule, beam
        int32 (V,), int8 (V,): whose it is; the beam counts from 0 for gt1l.
    ends
        bool (V,): the vertex is the last of its part, so that no line leads to the next.
    """

    lon: Floats
    lat: Floats
    granule: NDArray[np.int32]
    beam: NDArray[np.int8]
    ends: NDArray[np.bool_]


def simplify(lon: Floats, lat: Floats) -> list[Floats]:
    """Simplify the positions of a beam.

    Douglas and Peucker's algorithm, with distances on the ground. Lines between vertices are straight in longitude
    and latitude, as every reader of GeoParquet takes them; a track is divided at the antimeridian and at gaps.

    Parameters
    ----------
    lon, lat
        float64 (N,), degrees, along the track. What is no position is left out.

    Returns
    -------
    list of float64 (V, 2)
        The parts' vertices, longitude and latitude; a part of one position has one vertex.

    Examples
    --------
    >>> import numpy as np
    >>> lat = np.linspace(70.0, 70.1, 500)
    >>> parts = simplify(-45.0 - 0.4 * (lat - 70), lat)
    >>> [len(part) for part in parts]
    [2]
    """
    there = (np.abs(lat) <= 90) & (np.abs(lon) <= 360)  # false for NaN and fill values
    points = np.column_stack([lon[there], lat[there]]).astype(np.float64)
    if not len(points):
        return []
    step = np.diff(points, axis=0)
    far = _ground(step[:, 0], step[:, 1], points[1:, 1]) > GAP
    parts = np.split(points, np.flatnonzero(far) + 1)
    return [part[_kept(part)] for part in parts]


def _ground(east: Floats, north: Floats, lat: Floats) -> Floats:
    """Metres of differences in degrees; a step across the antimeridian comes out as one around the globe."""
    return np.asarray(np.hypot(east * np.cos(np.radians(lat)), north) * _METRES_PER_DEGREE, dtype=np.float64)


def _kept(points: Floats) -> NDArray[np.int64]:
    """Find the vertices that stay."""
    kept = {0, len(points) - 1}
    open_stretches = [(0, len(points) - 1)]
    while open_stretches:
        first, last = open_stretches.pop()
        if last - first < 2:
            continue
        distance = _from_line(points[first + 1 : last], points[first], points[last])
        farthest = int(distance.argmax())
        if distance[farthest] > TOLERANCE:
            middle = first + 1 + farthest
            kept.add(middle)
            open_stretches += [(first, middle), (middle, last)]
    return np.array(sorted(kept), dtype=np.int64)


def _from_line(points: Floats, first: Floats, last: Floats) -> Floats:
    """Metres from points to the line between two others, each measured where the point is."""
    shrink = np.cos(np.radians(points[:, 1]))
    along_east, along_north = (last[0] - first[0]) * shrink, last[1] - first[1]
    east, north = (points[:, 0] - first[0]) * shrink, points[:, 1] - first[1]
    length = np.maximum(along_east**2 + along_north**2, 1e-300)
    part = np.clip((east * along_east + north * along_north) / length, 0, 1)
    away = np.hypot(east - part * along_east, north - part * along_north)
    return np.asarray(away * _METRES_PER_DEGREE, dtype=np.float64)
