"""Outlines of granules as CMR gives them: rings on the sphere, whose edges are great circles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

Ring: TypeAlias = NDArray[np.float64]

#: Degrees of arc between two vertices of an outline in longitude and latitude.
STEP: Final = 1.0


def outlines(granules: Sequence[Sequence[Ring]]) -> list[Any]:
    """Lay the rings of many granules out in longitude and latitude.

    CMR's rings are few vertices with great circles between them; a granule is 20 degrees of latitude long, and
    a straight line in longitude and latitude leaves the great circle by more than the beams are apart. So
    vertices are put in between, and rings that cross the antimeridian or go round a pole are cut there.

    Parameters
    ----------
    granules
        For each granule its rings; a ring is (n, 2) float64, degrees, longitude and latitude, closed.

    Returns
    -------
    list of shapely Geometry or None
        For each granule a polygon, or several; None where it has no ring.

    Examples
    --------
    >>> import numpy as np
    >>> from nunatak.pipeline.catalog.outline import outlines
    >>> ring = np.array([[-1.0, 70], [1, 70], [1, 71], [-1, 71], [-1, 70]])
    >>> [outline and outline.bounds[0] for outline in outlines([[ring], []])]
    [-1.0, None]
    """
    rings = [ring for granule in granules for ring in granule]
    parts = iter(_polygons(rings) if rings else [])
    return [_joined([next(parts) for _ in granule]) for granule in granules]


def _joined(parts: list[Any]) -> Any:
    if len(parts) > 1:
        return shapely.union_all(parts)
    return parts[0] if parts else None


def _polygons(rings: list[Ring]) -> list[Any]:
    """Make one geometry of each ring."""
    points, owner = _along_great_circles(
        np.concatenate(rings), np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    )
    polygons = shapely.polygons(shapely.linearrings(points, indices=owner))
    leaps = (np.abs(np.diff(points[:, 0])) > 180) & (np.diff(owner) == 0)
    for i in np.unique(owner[1:][leaps]):
        polygons[i] = _cut(points[owner == i])
    return list(polygons)


def _along_great_circles(points: Ring, owner: NDArray[np.int64]) -> tuple[Ring, NDArray[np.int64]]:
    """Put vertices in between, `STEP` apart at most; the given ones stay as they are, to the bit."""
    lon, lat = np.radians(points.T)
    at = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    ahead = np.roll(at, -1, axis=0)
    arc = np.degrees(np.arctan2(np.linalg.norm(np.cross(at, ahead), axis=1), np.sum(at * ahead, axis=1)))
    pieces = np.maximum(np.ceil(arc / STEP), 1).astype(np.int64)
    pieces[np.roll(owner, -1) != owner] = 1  # from the last vertex of a ring no edge goes on
    pieces[-1] = 1
    edge = np.repeat(np.arange(len(points)), pieces)
    nth = np.arange(len(edge)) - (np.cumsum(pieces) - pieces)[edge]
    share = (nth / pieces[edge])[:, None]
    x, y, z = ((1 - share) * at[edge] + share * ahead[edge]).T
    between = np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=1))
    return np.where(nth[:, None] == 0, points[edge], between), owner[edge]


def _cut(ring: Ring) -> Any:
    """Cut a ring at the antimeridian; one that goes round a pole gets the pole."""
    lon, lat = np.unwrap(ring[:, 0], period=360), ring[:, 1]
    if abs(lon[-1] - lon[0]) > 180:
        pole = np.copysign(90.0, lat.mean())
        lon, lat = np.append(lon, [lon[-1], lon[0]]), np.append(lat, [pole, pole])
    whole = shapely.make_valid(shapely.Polygon(np.stack([lon, lat], axis=1)))
    turns = range(int(np.floor((lon.min() + 180) / 360)), int(np.floor((lon.max() + 180) / 360)) + 1)
    parts = [
        shapely.transform(
            shapely.intersection(whole, shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)),
            lambda xy, turn=turn: xy - [360 * turn, 0],
        )
        for turn in turns
    ]
    return shapely.union_all(parts)
