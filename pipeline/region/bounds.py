"""Boxes of longitude and latitude around outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .edges import distance_to_chord, unwrap
from .projection import pole_of, project, unproject

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]


def bounding_boxes(shells: list[Floats], projection: str) -> list[Box]:
    """Give boxes (west, south, east, north) that hold all shells: one, or two across the antimeridian.

    Parameters
    ----------
    shells
        float64 (V, 2) each: longitude and latitude, not closed; edges are straight in the plane of
        `projection`.
    """
    spans, souths, norths = zip(*(_extent(shell, projection) for shell in shells), strict=True)
    south, north = float(min(souths)), float(max(norths))
    return [(west, south, east, north) for west, east in _enclosing(list(spans))]


def _extent(shell: Floats, projection: str) -> tuple[tuple[float, float], float, float]:
    """Give the span of longitudes (west in -180 to 180, east beyond it) and of latitudes."""
    lat = shell[:, 1]
    if projection == "plate_carree":
        return (float(shell[:, 0].min()), float(shell[:, 0].max())), lat.min(), lat.max()
    lon, turns = unwrap(shell[:, 0])
    plane = np.column_stack(project(projection, shell[:, 0], lat))
    # an edge comes nearer to the pole than its ends do
    nearest = distance_to_chord(np.zeros_like(plane), plane, np.roll(plane, -1, axis=0)).min()
    if turns or nearest == 0:
        nearest, span = 0.0, (-180.0, 180.0)
    else:
        west = lon.min() - 360 * np.floor((lon.min() + 180) / 360)
        span = (float(west), float(west + np.ptp(lon)))
    peak = float(unproject(projection, [nearest], [0.0])[1][0])
    peak = max(peak, lat.max()) if pole_of(projection) > 0 else min(peak, lat.min())
    return span, min(peak, lat.min()), max(peak, lat.max())


def _enclosing(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Enclose spans of longitude outside of their widest gap; in two parts if that crosses the antimeridian."""
    west, east = min(spans)[0], max(end for _, end in spans)
    if east > 180:
        west, east = widest_gap(spans)
    if east - west >= 360:
        return [(-180.0, 180.0)]
    if east <= 180:
        return [(west, east)]
    return [(west, 180.0), (-180.0, east - 360)]


def widest_gap(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """Find where spans of longitude begin east of their widest gap, and where they end, beyond 180.

    Spans begin at -180 or more. Without a gap the answer is (-180, 180).

    Examples
    --------
    >>> widest_gap([(-180.0, -170.0), (175.0, 181.0)])
    (175.0, 190.0)
    """
    gap, west, end = 0.0, -180.0, 180.0
    reach = max(east for _, east in spans) - 360
    for start, east in sorted(spans):
        if start - reach > gap:
            gap, west, end = start - reach, start, reach + 360
        reach = max(reach, east)
    return west, end
