"""Polygons of a region in its plane: valid, apart from each other, and written in one way."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import RegionError
from .forms import Ring, Rings
from .projection import project

#: Area over squared length below which a ring is a line there and back.
_FLAT = 1e-13


def is_flat(polygon: Any) -> bool:
    """Whether a polygon encloses nothing but what rounding leaves."""
    return bool(polygon.area <= _FLAT * polygon.length**2)


def valid_polygons(plane: list[Any], drawn: list[Any], source: str, name: str) -> list[Any]:
    """Give valid polygons in the plane.

    A drawing that does not cross itself may still fold in the plane, such as Antarctica's border along the
    antimeridian to the pole and back. It is then made valid by the even-odd rule, which every test here
    follows.
    """
    import shapely

    whole: list[Any] = []
    for polygon, original in zip(plane, drawn, strict=True):
        if polygon.is_valid:
            whole.append(polygon)
        elif is_flat(polygon.convex_hull) or (original.is_valid and is_flat(polygon)):
            raise RegionError(f"{source}: a polygon encloses nothing in the {name} plane, where its edges are straight")
        elif original.is_valid:
            mended = shapely.make_valid(polygon, method="linework")
            whole.extend(part for part in shapely.get_parts(mended) if part.geom_type == "Polygon")
        else:
            raise _crosses_itself(original, source)
    return whole


def _crosses_itself(polygon: Any, source: str) -> RegionError:
    import shapely

    reason = str(shapely.is_valid_reason(polygon))
    found = re.fullmatch(r"(.*)\[(.*)\]", reason)
    what, where = found.groups() if found else (reason, "")
    place = f" at ({', '.join(where.split())})" if where else ""
    return RegionError(f"{source} is no outline: {what.lower()}{place}; mend it, for example with shapely.make_valid")


def disjoint(polygons: list[Any]) -> list[Any]:
    """Unite polygons that overlap or share a border; others stay as they are."""
    import shapely

    if len(polygons) < 2 or shapely.MultiPolygon(polygons).is_valid:
        return polygons
    return [part for part in shapely.get_parts(shapely.union_all(polygons)) if part.geom_type == "Polygon"]


def rings_of(polygon: Any) -> Rings:
    """Give a shapely polygon's shell and holes, not closed."""
    return [np.asarray(ring.coords)[:-1] for ring in (polygon.exterior, *polygon.interiors)]


def canonical(polygons: list[Rings], name: str) -> list[Rings]:
    """Write polygons in the one way that all equal outlines share: order, winding and first vertices."""
    written = []
    for shell, *holes in polygons:
        inner = sorted((_written(hole, name, -1) for hole in holes), key=lambda ring: ring[0].tolist())
        written.append([_written(shell, name, 1), *inner])
    return sorted(written, key=lambda rings: rings[0][0].tolist())


def _written(ring: Ring, name: str, winding: int) -> Ring:
    """Let a ring wind one way and begin at its westernmost, southernmost vertex."""
    ring = ring[(ring != np.roll(ring, 1, axis=0)).any(axis=1)]
    x, y = project(name, ring[:, 0], ring[:, 1])
    # about the first vertex: far from the origin the products would swallow a small ring's area
    x, y = x - x[0], y - y[0]
    if winding * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) < 0:
        ring = ring[::-1]
    first = int(np.lexsort((ring[:, 1], ring[:, 0]))[0])
    return np.ascontiguousarray(np.roll(ring, -first, axis=0)) + 0.0  # + 0.0: no negative zero
