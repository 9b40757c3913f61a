"""From what was drawn to a region's outline: one plane, valid polygons, one way of writing each.

The plane is chosen here, once and from the whole outline; SlideRule looks at the first vertex alone, and a
ring that begins elsewhere gives another answer there (docs/differences.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RegionError
from .bounds import widest_gap
from .edges import straighten, unwrap
from .forms import Drawing, Ring, Rings, parse_crs
from .polygons import canonical, disjoint, is_flat, rings_of, valid_polygons
from .projection import POLAR_LATITUDE, project, projection_name, unproject

Floats = NDArray[np.float64]

#: Points per edge by which a drawing in another CRS is searched for the poles.
_SAMPLES = 8


def make_outline(drawing: Drawing, proj: object = "auto") -> tuple[str, list[Rings]]:
    """Make the outline of a region.

    Parameters
    ----------
    drawing
        What was given.
    proj
        Name or number of the plane in which edges are straight. "auto": polar where any vertex lies beyond 70
        degrees or the outline goes around a pole; plate carree otherwise, for boxes of longitudes and
        latitudes, and for outlines that reach beyond 70 degrees on both hemispheres.

    Returns
    -------
    projection
        "north_polar", "south_polar" or "plate_carree".
    polygons
        Shells and holes in degrees: disjoint, valid in the plane, shells counter-clockwise, in a fixed order
        and with fixed first vertices. In plate carree an outline across the antimeridian goes on beyond 180.

    Raises
    ------
    RegionError
        If an outline crosses itself, encloses nothing, or has no place on the globe.
    """
    asked, own = projection_name(proj), projection_name(drawing.proj)
    asked = own if asked == "auto" else asked
    polygons, to_lonlat = _where_straight(drawing, own not in {"auto", asked})
    name = asked if asked != "auto" else _choose(polygons, to_lonlat, drawing)
    lonlat = [[_lonlat(ring, to_lonlat, name) for ring in rings] for rings in polygons]
    if asked == "auto" and name != "plate_carree" and any(is_flat(p) for p in _in_plane(lonlat, name)):
        # such as the GeoJSON rectangle from -180 to 180: in a polar plane its corners lie on one line
        name = "plate_carree"
    if name == "plate_carree":
        return name, _plate_carree(lonlat, drawing.source)
    drawn = _drawn_polygons(polygons, to_lonlat is None, drawing.source)
    return name, _polar(lonlat, drawn, name, drawing.source)


# where edges are straight ----------------------------------------------------------------------------


def _where_straight(drawing: Drawing, moved: bool) -> tuple[list[Rings], Callable[[Floats], Floats] | None]:
    """Give the rings, and the way to degrees from where they are straight; None for straight in the plane."""
    if moved and drawing.proj != "plate_carree":
        plane = drawing.proj
        rings = [[np.column_stack(project(plane, *ring.T)) for ring in part] for part in drawing.polygons]
        return rings, lambda points: np.column_stack(unproject(plane, *points.T))
    crs = None if drawing.crs is None else parse_crs(drawing.crs)
    if crs is not None and not crs.is_geographic:
        return drawing.polygons, _transformer(crs, drawing.source)
    polygons = drawing.polygons
    if crs is not None and not _is_wgs84(crs):
        to_lonlat = _transformer(crs, drawing.source)
        polygons = [[to_lonlat(ring) for ring in part] for part in polygons]
    for part in polygons:
        for ring in part:
            _check_positions(ring, drawing)
    return polygons, _as_they_are if moved or drawing.box else None


def _as_they_are(points: Floats) -> Floats:
    return points


def _is_wgs84(crs: Any) -> bool:
    datum = crs.datum.name if crs.datum is not None else crs.name
    return "World Geodetic System 1984" in datum or "WGS 84" in datum


def _transformer(crs: Any, source: str) -> Callable[[Floats], Floats]:
    import pyproj

    transformer = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)

    def to_lonlat(points: Floats) -> Floats:
        lon, lat = transformer.transform(points[:, 0], points[:, 1])
        lost = ~(np.isfinite(lon) & np.isfinite(lat))
        if lost.any():
            x, y = points[np.argmax(lost)]
            raise RegionError(f"{source}: ({x:g}, {y:g}) has no place on the globe in {crs.name}; is that its CRS?")
        return np.column_stack([lon, lat])

    return to_lonlat


def _check_positions(ring: Ring, drawing: Drawing) -> None:
    lon, lat = ring.T
    if (np.abs(lat) > 90).any():
        where = int(np.argmax(np.abs(lat) > 90))
        hint = "; are these (lat, lon)? The longitude comes first" if (np.abs(lon) <= 90).all() else ""
        if not hint and drawing.crs is None:
            hint = "; for coordinates that are no degrees say which CRS with crs="
        raise RegionError(f"{drawing.source}: vertex {where} has latitude {lat[where]:g}, beyond 90{hint}")
    if ((lon < -180) | (lon > 360)).any():
        where = int(np.argmax((lon < -180) | (lon > 360)))
        raise RegionError(f"{drawing.source}: vertex {where} has longitude {lon[where]:g}; they go from -180 to 360")


def _lonlat(ring: Ring, to_lonlat: Callable[[Floats], Floats] | None, name: str) -> Ring:
    if to_lonlat is None or (to_lonlat is _as_they_are and name == "plate_carree"):
        return ring
    return straighten(ring, to_lonlat, name)


# which plane -----------------------------------------------------------------------------------------


def _choose(polygons: list[Rings], to_lonlat: Callable[[Floats], Floats] | None, drawing: Drawing) -> str:
    if drawing.box:
        return "plate_carree"
    north = south = False
    for rings in polygons:
        for ring in rings:
            lonlat = ring if to_lonlat is None else to_lonlat(_sampled(ring))
            pole = _enclosed_pole(lonlat, drawing.source)
            north |= pole > 0 or bool((lonlat[:, 1] > POLAR_LATITUDE).any())
            south |= pole < 0 or bool((lonlat[:, 1] < -POLAR_LATITUDE).any())
    if north == south:
        return "plate_carree"
    return "north_polar" if north else "south_polar"


def _sampled(ring: Ring) -> Ring:
    along = np.roll(ring, -1, axis=0) - ring
    parts = np.arange(_SAMPLES) / _SAMPLES
    return (ring[:, None] + parts[:, None] * along[:, None]).reshape(-1, 2)


def _enclosed_pole(lonlat: Ring, source: str) -> int:
    """Say which pole a ring goes around, 1 or -1: that of its smaller side. 0 if it goes around none."""
    lon, turns = unwrap(lonlat[:, 0])
    if turns == 0:
        return 0
    step = np.diff(lon, append=lon[0] + 360 * turns)
    height = np.sin(np.radians(lonlat[:, 1]))
    mean = float((step * (height + np.roll(height, -1)) / 2).sum() / 360 / turns)
    if abs(mean) < 1e-9:
        raise RegionError(
            f"{source}: the outline halves the globe; say which half with proj='north_polar' or 'south_polar'"
        )
    return 1 if mean > 0 else -1


# valid polygons --------------------------------------------------------------------------------------


def _drawn_polygons(polygons: list[Rings], in_degrees: bool, source: str) -> list[Any]:
    """Make shapely polygons of what was drawn, where it was drawn: there it must not cross itself."""
    import shapely

    if in_degrees:
        return [_unwrapped(rings, source) for rings in polygons]
    return [shapely.Polygon(rings[0], rings[1:]) for rings in polygons]


def _in_plane(lonlat: list[Rings], name: str) -> list[Any]:
    import shapely

    projected = [[np.column_stack(project(name, *ring.T)) for ring in rings] for rings in lonlat]
    return [shapely.Polygon(rings[0], rings[1:]) for rings in projected]


def _polar(lonlat: list[Rings], drawn: list[Any], name: str, source: str) -> list[Rings]:
    side = 1 if name == "north_polar" else -1
    for rings in lonlat:
        if unwrap(rings[0][:, 0])[1] and (side * rings[0][:, 1] <= 0).all():
            raise RegionError(f"{source}: proj is {name!r}, and the outline goes around the other pole")
    plane = _in_plane(lonlat, name)
    whole = disjoint(valid_polygons(plane, drawn, source, name))
    if all(a is b for a, b in zip(whole, plane, strict=False)) and len(whole) == len(plane):
        return canonical([[_on_one_turn(ring) for ring in rings] for rings in lonlat], name)
    back: list[Rings] = [[np.column_stack(unproject(name, *r.T)) for r in rings_of(part)] for part in whole]
    return canonical([[_on_one_turn(ring) for ring in rings] for rings in back], name)


# plate carree ----------------------------------------------------------------------------------------


def _unwrapped(rings: Rings, source: str, poles: bool = False) -> Any:
    """Make a shapely polygon of continuous longitudes; `poles` closes rings around a pole over it."""
    import shapely

    pole = _enclosed_pole(rings[0], source) if poles else 0
    shell, *holes = (_continuous(ring, pole) for ring in rings)
    west = shell[:, 0].min()
    for hole in holes:
        hole[:, 0] += 360 * np.ceil((west - hole[:, 0].min()) / 360)
    inner = [shapely.Polygon(hole) for hole in holes]
    if pole and shapely.is_valid([shapely.Polygon(shell), *inner]).all():
        # a hole around the pole shares the shell's border there; it, or another, may stand across the shell's ends
        turned = [_shift(hole, turn) for hole in inner for turn in (-1, 0, 1)]
        return shapely.difference(shapely.Polygon(shell), shapely.union_all(turned))
    return shapely.Polygon(shell, holes)


def _continuous(ring: Ring, pole: int) -> Ring:
    lon, turns = unwrap(ring[:, 0])
    if not (pole and turns):
        return np.column_stack([lon, ring[:, 1]])
    ring = np.roll(ring, -int(np.argmin((ring[:, 0] + 180) % 360)), axis=0)
    lon = unwrap(ring[:, 0])[0]
    end = lon[0] + 360 * turns
    seam = [(end, ring[0, 1]), (end, 90 * pole), (lon[0], 90 * pole)]
    return np.vstack([np.column_stack([lon, ring[:, 1]]), seam])


def _plate_carree(lonlat: list[Rings], source: str) -> list[Rings]:
    plane = [_unwrapped(rings, source, poles=True) for rings in lonlat]
    whole = disjoint(_one_frame(valid_polygons(plane, plane, source, "plate_carree")))
    return canonical([[_short_edges(ring) for ring in rings_of(part)] for part in whole], "plate_carree")


def _one_frame(polygons: list[Any]) -> list[Any]:
    """Shift polygons by whole turns so that all lie in one: from -180, or across the antimeridian from the
    west end.

    What goes around the globe is cut at the antimeridian.
    """
    shifted = [_shift(p, -np.floor((p.bounds[0] + 180) / 360)) for p in polygons]
    spans = sorted((p.bounds[0], p.bounds[2]) for p in shifted)
    east = max(end for _, end in spans)
    if east < 180 or (east == 180 and spans[0][0] > -180):
        return shifted
    west, east = widest_gap(spans)
    if east - west < 360 and east <= 360:
        return [_shift(p, 1) if p.bounds[0] < west else p for p in shifted]
    return [piece for polygon in shifted for piece in _cut_at_antimeridian(polygon)]


def _shift(polygon: Any, turns: float) -> Any:
    import shapely

    return polygon if turns == 0 else shapely.transform(polygon, lambda xy: xy + np.array([360 * turns, 0]))


def _cut_at_antimeridian(polygon: Any) -> list[Any]:
    import shapely

    pieces = []
    for turn in range(2):
        part = shapely.intersection(polygon, shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90))
        pieces += [_shift(p, -turn) for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
    # a touch of the antimeridian may leave a strip that rounding closes
    return [piece for piece in pieces if not is_flat(piece)]


def _short_edges(ring: Ring) -> Ring:
    """Divide edges longer than 180 degrees, which would be read back as the short way round."""
    if ring[:, 0].max() - ring[:, 0].min() <= 180:
        return ring
    following = np.roll(ring, -1, axis=0)
    long = np.flatnonzero(np.abs(following[:, 0] - ring[:, 0]) > 180)
    thirds = [ring[long] + (following[long] - ring[long]) * part for part in (1 / 3, 2 / 3)]
    return np.insert(ring, np.repeat(long + 1, 2), np.stack(thirds, axis=1).reshape(-1, 2), axis=0)


def _on_one_turn(ring: Ring) -> Ring:
    """Bring longitudes into (-180, 180], and give the pole, which has none, longitude 0."""
    lon = ring[:, 0] - 360 * np.ceil((ring[:, 0] - 180) / 360)
    return np.column_stack([np.where(np.abs(ring[:, 1]) == 90, 0.0, lon), ring[:, 1]])
