"""Edges of outlines: continuous across the antimeridian, and split where straight lines would leave them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .projection import metres_per_unit, project

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Metres by which an edge drawn straight in another CRS may leave its place. A segment's reference photon
#: comes every 20 m.
DRAWN_TOLERANCE = 1.0

#: Halvings of one edge; 2**20 pieces of the longest edge there is are shorter than 40 m.
_MAX_HALVINGS = 20
_WITHIN_EDGE = (0.25, 0.5, 0.75)


def split_edges(ring: Floats, bent: Callable[[Floats, Floats], Flags]) -> Floats:
    """Halve the edges of a ring until none is bent.

    Parameters
    ----------
    ring
        float64 (V, 2), not closed.
    bent
        Takes the first and last points of edges and says which are to be halved.
    """
    active = np.ones(len(ring), np.bool_)
    for _ in range(_MAX_HALVINGS):
        edges = np.flatnonzero(active)
        ends = np.roll(ring, -1, axis=0)
        halve = edges[bent(ring[edges], ends[edges])]
        if not len(halve):
            break
        middles = (ring[halve] + ends[halve]) / 2
        active = np.zeros(len(ring), np.bool_)
        active[halve] = True
        active = np.insert(active, halve + 1, values=True)
        ring = np.insert(ring, halve + 1, middles, axis=0)
    return ring


def distance_to_chord(points: Floats, first: Floats, last: Floats) -> Floats:
    """Give the distance of each point from its straight edge, in units of the plane: all float64 (E, 2)."""
    along = last - first
    length = np.maximum((along**2).sum(axis=1), np.finfo(np.float64).tiny)
    part = np.clip(((points - first) * along).sum(axis=1) / length, 0, 1)
    gap = points - first - part[:, None] * along
    distance: Floats = np.hypot(gap[:, 0], gap[:, 1])
    return distance


def straighten(ring: Floats, to_lonlat: Callable[[Floats], Floats], projection: str) -> Floats:
    """Give the vertices, in degrees, that keep a ring where it was drawn when its edges are straight in a
    plane.

    Parameters
    ----------
    ring
        float64 (V, 2), in the coordinates in which it was drawn.
    to_lonlat
        Takes such coordinates to longitude and latitude.
    projection
        The plane in which the result is straight. It leaves the drawn edges by `DRAWN_TOLERANCE` at most.
    """

    def bent(first: Floats, last: Floats) -> Flags:
        ends = np.stack([to_lonlat(first), to_lonlat(last)])
        turn = wrap(ends[1, :, 0] - ends[0, :, 0])
        leaves = np.abs(turn) > 90 if projection == "plate_carree" else np.zeros(len(first), np.bool_)
        base = ends[0, :, 0]
        start, end = (_in_plane(side, base, projection) for side in ends)
        for part in _WITHIN_EDGE:
            point = _in_plane(to_lonlat(first + part * (last - first)), base, projection)
            scale = metres_per_unit(projection, point[:, 0], point[:, 1])
            leaves |= distance_to_chord(point, start, end) * scale > DRAWN_TOLERANCE
        return leaves

    return to_lonlat(split_edges(ring, bent))


def _in_plane(lonlat: Floats, base: Floats, projection: str) -> Floats:
    # in plate carree, longitudes within half a turn of the edge's first
    lon = base + wrap(lonlat[:, 0] - base) if projection == "plate_carree" else lonlat[:, 0]
    return np.column_stack(project(projection, lon, lonlat[:, 1]))


def wrap(degrees: Any) -> Any:
    """Bring differences of longitude into -180 to 180; what lies there keeps its bits.

    Examples
    --------
    >>> float(wrap(-340.0)), float(wrap(180.0))
    (20.0, 180.0)
    """
    return degrees - 360 * np.round(degrees / 360)


def unwrap(lon: Floats) -> tuple[Floats, int]:
    """Make the longitudes of a ring continuous, and count its turns around the pole.

    An edge of more than 180 degrees goes the short way round, across the antimeridian. One of exactly 360
    between two that go along the meridian is a line around the globe, as in GeoJSON that closes Antarctica along
    latitude -90; any other only closes a ring that came around.

    Returns
    -------
    longitudes
        float64 (V,).
    turns
        0, or 1 and -1 for a ring around a pole.

    Examples
    --------
    >>> unwrap(np.array([170.0, -170.0, -170.0, 170.0]))
    (array([170., 190., 190., 170.]), 0)
    """
    if lon.max() - lon.min() <= 180:
        return lon, 0
    step = np.roll(lon, -1) - lon
    around = (np.abs(step) == 360) & (np.roll(step, 1) == 0) & (np.roll(step, -1) == 0)
    jump = np.where(around, 0, -np.round(step / 360))
    total = np.cumsum(jump)
    return lon + 360 * np.concatenate([[0.0], total[:-1]]), int(total[-1])
