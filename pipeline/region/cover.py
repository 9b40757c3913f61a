"""A few simple polygons that certainly cover a region: what a catalog is asked with.

CMR reads the edges of a polygon as great circles where the collection is geodetic or given by orbits, and as
straight lines of longitude and latitude where it is cartesian. The cover holds the region either way.

How it is known to hold it. All is done in the region's own plane. With a margin m: the shells, simplified by
at most 0.1 m, are widened by m (which round corners realise to 0.98 m) and simplified again by at most 0.2
m. A point of the region is then at least 0.88 m from the widened outline; where that outline is replaced by
chords within 0.2 m, nothing changes farther than 0.4 m from it, so the point stays inside, at least 0.68 m
from every chord. At last edges are divided until both readings stay within 0.25 m of their chord, which
changes nothing farther away than 0.5 m. The tests check the same by points.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RegionError
from .edges import distance_to_chord, split_edges, unwrap, wrap
from .projection import EARTH_RADIUS, project, unproject

Floats = NDArray[np.float64]

#: The margin begins with this part of the region's extent (of its box, the mean of both sides), and at least
#: this many metres.
_FIRST_MARGIN = 0.01
_LEAST_MARGIN = 200.0
_GROWTH = 1.5
_ROUNDS = 40
#: What the margin is spent on, see above.
_BEFORE, _AFTER, _BEND = 0.1, 0.2, 0.25
#: Widest part, degrees of longitude: CMR takes less than 180.
_WIDEST = 170.0
#: Where a part meets a pole it goes there along one meridian and leaves from this far off along the other:
#: CMR refuses two vertices at the pole. On the sphere nothing is lost by that.
_OFF_POLE = 0.001
#: Degrees from a pole, a metre, within which a vertex is at the pole.
_AT_POLE = 1e-5
#: Digits of a degree that are sent.
_DIGITS = 6
_FEWEST_VERTICES = 32


def cover_polygons(shells: list[Floats], projection: str, reach: float, max_vertices: int, max_parts: int) -> list[Any]:
    """Cover shells by a few polygons.

    Parameters
    ----------
    shells
        float64 (V, 2) each, in the plane; plate carree in degrees.
    projection
        The plane.
    reach
        What is to be covered beyond the shells, in units of the plane.
    max_vertices, max_parts
        At most so many vertices in a part, and parts. The margin grows until that is met.

    Returns
    -------
    shapely polygons of longitude and latitude, none wider than 170 degrees, none across the antimeridian,
    counter-clockwise, rounded to 6 digits.

    Raises
    ------
    ValueError
        If fewer than 32 vertices or 4 parts are allowed, in which not every region can be covered.
    """
    import shapely

    if max_vertices < _FEWEST_VERTICES or max_parts < 4:
        least = f"a cover needs at least {_FEWEST_VERTICES} vertices and 4 parts"
        raise ValueError(f"{least}; allowed are {max_vertices} and {max_parts}")
    area = shapely.MultiPolygon([shapely.Polygon(shell) for shell in shells])
    west, south, east, north = area.bounds
    unit = 180 / np.pi if projection == "plate_carree" else 1.0
    margin = max(_FIRST_MARGIN * np.sqrt((east - west) * (north - south)), _LEAST_MARGIN / EARTH_RADIUS * unit)
    for _ in range(_ROUNDS):
        wide = [_outer(part) for part in shapely.get_parts(_widened(area, margin, reach))]
        parts = list(_in_degrees(wide, projection, margin))
        if len(parts) <= max_parts and all(len(part.exterior.coords) <= max_vertices + 1 for part in parts):
            return parts
        margin *= _GROWTH
    raise RegionError(f"no cover of {max_parts} parts with {max_vertices} vertices was found; allow more")


def _widened(area: Any, margin: float, reach: float) -> Any:
    import shapely

    coarse = shapely.simplify(shapely.get_parts(area), _BEFORE * margin)
    wide = shapely.union_all(shapely.buffer(coarse, margin + reach, quad_segs=4))
    return shapely.simplify(wide, _AFTER * margin)


def _outer(polygon: Any) -> Any:
    import shapely

    return shapely.Polygon(polygon.exterior)


def _in_degrees(wide: list[Any], projection: str, margin: float) -> Iterable[Any]:
    """Cut what CMR does not take in one part, and give it in degrees."""
    import shapely

    cut = _cut_plate_carree(wide) if projection == "plate_carree" else _cut_polar(wide, projection)
    for polygon, west, east in cut:
        ring = split_edges(np.asarray(polygon.exterior.coords)[:-1], lambda a, b: _bent(a, b, projection, margin))
        lonlat = _off_pole(_degrees(ring, projection), west, east)
        lonlat = np.round(lonlat, _DIGITS) + 0.0
        lonlat = lonlat[(lonlat != np.roll(lonlat, 1, axis=0)).any(axis=1)]
        if len(lonlat) > 2:
            yield shapely.geometry.polygon.orient(shapely.Polygon(lonlat))


# cutting
# -------------------------------------------------------------------------------------------------------


def _polygons(geometry: Any) -> list[Any]:
    import shapely

    return [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]


def _cut_plate_carree(wide: list[Any]) -> Iterable[tuple[Any, float, float]]:
    import shapely

    turns = []
    for turn in (-1, 0, 1, 2):
        box = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
        turns += [shapely.transform(p, _turned(turn)) for part in wide for p in _polygons(part & box)]
    for part in _polygons(shapely.union_all(turns)):
        west, _, east, _ = part.bounds
        if east - west < _WIDEST:
            yield _once_at_each_pole(_outer(part)), west, east
            continue
        for start in (-180, -90, 0, 90):
            for piece in _polygons(_outer(part) & shapely.box(start, -90, start + 90, 90)):
                yield _once_at_each_pole(piece), start, start + 90


def _once_at_each_pole(polygon: Any) -> Any:
    """Fill what reaches a pole in two places, which on the sphere are one vertex."""
    lat = np.asarray(polygon.exterior.coords)[:-1, 1]
    runs = [((side * lat >= 90) & (side * np.roll(lat, 1) < 90)).sum() for side in (-1, 1)]
    return polygon.convex_hull if max(runs) > 1 else polygon


def _turned(turns: int) -> Any:
    return lambda points: points - np.array([360 * turns, 0])


def _cut_polar(wide: list[Any], projection: str) -> Iterable[tuple[Any, float, float]]:
    import shapely

    side = 1 if projection == "north_polar" else -1
    far = 2 * max(np.abs(part.bounds).max() for part in wide)
    antimeridian = shapely.LineString([(0, 0), (-far, 0)])
    for part in wide:
        lon, turns = unwrap(_degrees(np.asarray(part.exterior.coords)[:-1], projection)[:, 0])
        if turns or np.ptp(lon) >= _WIDEST or part.intersects(shapely.Point(0, 0)):
            corners = [(start, side * np.radians(start + 45)) for start in (-180, -90, 0, 90)]
            sectors = [(start, 90, np.sign(np.cos(a)) * far, np.sign(np.sin(a)) * far) for start, a in corners]
        elif part.intersects(antimeridian):
            sectors = [(0, 180, 0.0, side * far), (-180, 180, 0.0, -side * far)]
        else:
            yield part, -180.0, 180.0
            continue
        for start, width, x, y in sectors:
            box = shapely.box(min(0, x) if x else -far, min(0, y), max(0, x) if x else far, max(0, y))
            for piece in _polygons(part & box):
                yield piece, float(start), float(start + width)


# degrees
# -------------------------------------------------------------------------------------------------------


def _degrees(points: Floats, projection: str) -> Floats:
    lon, lat = points.T if projection == "plate_carree" else unproject(projection, points[:, 0], points[:, 1])
    return np.column_stack([lon, np.where(np.abs(lat) > 90 - _AT_POLE, 90 * np.sign(lat), lat)])


def _off_pole(lonlat: Floats, west: float, east: float) -> Floats:
    """Bring longitudes into the part's range, and let each run of vertices at a pole become two."""
    lon = np.clip((west + east) / 2 + wrap(lonlat[:, 0] - (west + east) / 2), west, east)
    lat = lonlat[:, 1]
    at_pole = np.abs(lat) == 90
    if not at_pole.any():
        return np.column_stack([lon, lat])
    # the way off lies nearer to the pole than all other vertices
    off = min(_OFF_POLE, (90 - np.abs(lat[~at_pole]).max()) / 2)
    ring: list[tuple[float, float]] = []
    for i in range(len(lon)):
        after = (i + 1) % len(lon)
        if not at_pole[i]:
            ring.append((lon[i], lat[i]))
        if at_pole[i] and not at_pole[i - 1]:
            ring.append((lon[i - 1], lat[i]))
        if at_pole[i] and not at_pole[after]:
            ring.append((lon[after], lat[i] - np.sign(lat[i]) * off))
    return np.array(ring)


# the two readings of an edge
# -----------------------------------------------------------------------------------


def _bent(first: Floats, last: Floats, projection: str, margin: float) -> NDArray[np.bool_]:
    """Say which edges, read as a great circle or as a line of degrees, leave their chord by too much."""
    start, end = _degrees(first, projection), _degrees(last, projection)
    start, end = _pole_on_meridian(start, end), _pole_on_meridian(end, start)
    end = np.column_stack([start[:, 0] + wrap(end[:, 0] - start[:, 0]), end[:, 1]])
    # the great circle from pole to pole is any meridian
    bent = np.abs(end[:, 1] - start[:, 1]) > 120
    for part in (0.25, 0.5, 0.75):
        for reading in (_on_great_circle(start, end, part), start + part * (end - start)):
            points = _to_plane(reading, start[:, 0], projection)
            bent |= distance_to_chord(points, first, last) > _BEND * margin
    # what lies at a pole from end to end has no length
    return bent & (np.abs(start[:, 1] + end[:, 1]) < 180)


def _pole_on_meridian(points: Floats, others: Floats) -> Floats:
    """Let vertices at a pole stand on the meridian of the edge's other end, as they are written."""
    at_pole = np.abs(points[:, 1]) == 90
    return np.column_stack([np.where(at_pole, others[:, 0], points[:, 0]), points[:, 1]])


def _on_great_circle(start: Floats, end: Floats, part: float) -> Floats:
    a, b = _unit_vectors(start), _unit_vectors(end)
    x, y, z = (a + part * (b - a)).T
    return np.column_stack([np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))])


def _unit_vectors(lonlat: Floats) -> Floats:
    lam, phi = np.radians(lonlat).T
    return np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _to_plane(lonlat: Floats, base: Floats, projection: str) -> Floats:
    if projection == "plate_carree":
        return np.column_stack([base + wrap(lonlat[:, 0] - base), lonlat[:, 1]])
    return np.column_stack(project(projection, lonlat[:, 0], lonlat[:, 1]))
