"""Random outlines for the tests of regions, drawn in planes of pyproj's making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from hypothesis import strategies as st

SPHERE = "+R=1 +no_defs"
DEGREES = "plate_carree"
#: SlideRule's polar planes, turned by a quarter: edges that are straight in one are straight in the other.
PLANES = {
    "north_polar": f"+proj=stere +lat_0=90 +lon_0=0 +k=1 {SPHERE}",
    "south_polar": f"+proj=stere +lat_0=-90 +lon_0=0 +k=1 {SPHERE}",
}


def to_plane(plane: str, lon: Any, lat: Any) -> np.ndarray:
    transformer = pyproj.Transformer.from_crs(f"+proj=longlat {SPHERE}", plane, always_xy=True)
    return np.column_stack(transformer.transform(lon, lat))


def from_plane(plane: str, points: np.ndarray) -> np.ndarray:
    transformer = pyproj.Transformer.from_crs(plane, f"+proj=longlat {SPHERE}", always_xy=True)
    return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))


@dataclass
class Sketch:
    """A polygon with perhaps a hole, star-shaped in some plane."""

    shell: np.ndarray
    hole: np.ndarray | None
    #: Turns the outline without changing what it encloses.
    start: int = 0
    reverse: bool = False
    closed: bool = False

    def ring(self, points: np.ndarray) -> list[tuple[float, float]]:
        points = np.roll(points, self.start, axis=0)
        points = points[::-1] if self.reverse else points
        points = np.vstack([points, points[:1]]) if self.closed else points
        return [(float(x), float(y)) for x, y in points]

    def polygon(self) -> Any:
        return shapely.Polygon(self.shell, [] if self.hole is None else [self.hole])

    def geojson(self, to_lonlat: Any) -> dict[str, Any]:
        rings = [self.ring(to_lonlat(r)) for r in (self.shell, self.hole) if r is not None]
        rings = [[*ring, ring[0]] if ring[0] != ring[-1] else ring for ring in rings]
        return {"type": "Polygon", "coordinates": rings}


@st.composite
def sketches(draw: Any, centres: Any, sizes: Any, holes: bool = True) -> Sketch:
    count = draw(st.integers(3, 12))
    # no gap between directions of half a turn or more: the centre stays inside
    angles = (np.arange(count) + np.array(draw(st.lists(st.floats(0, 0.8), min_size=count, max_size=count)))) / count
    radii = np.array(draw(st.lists(st.floats(0.3, 1), min_size=count, max_size=count)))
    if count < 5:
        radii = np.maximum(radii, 0.7)
    centre, size = np.array(draw(centres)), draw(sizes)
    unit = np.column_stack([np.cos(2 * np.pi * angles), np.sin(2 * np.pi * angles)]) * radii[:, None]
    hole = centre + size * draw(st.floats(0.2, 0.8)) * unit if holes and draw(st.booleans()) else None
    shell = centre + size * unit
    # three vertices may leave the centre on their border; a sketch that is none is of no use here
    assume_valid(shell, hole)
    return Sketch(shell, hole, draw(st.integers(0, count - 1)), draw(st.booleans()), draw(st.booleans()))


def assume_valid(shell: np.ndarray, hole: np.ndarray | None) -> None:
    from hypothesis import assume

    polygon = shapely.Polygon(shell, [] if hole is None else [hole])
    assume(polygon.is_valid and polygon.area > 1e-3 * shapely.Polygon(shell).length ** 2 / 16)


def polar_sketches(most: float = 0.5) -> Any:
    """Outlines in a polar plane, in radii of the sphere: around the pole, beside it, or across the antimeridian."""
    offset = st.floats(-0.35, 0.35)
    return sketches(st.tuples(offset, offset), st.floats(0.01, most))


def degree_sketches(most: float = 40) -> Any:
    """Outlines in degrees, not beyond 70 degrees north or south, anywhere on the globe."""
    return sketches(st.tuples(st.floats(-180, 180), st.floats(-25, 25)), st.floats(0.01, most))


def around(polygon: Any, count: int, seed: int) -> np.ndarray:
    """Random points in and around a polygon, and some close to its outline."""
    rng = np.random.default_rng(seed)
    west, south, east, north = polygon.bounds
    size = np.array([east - west, north - south])
    spread = np.array([west, south]) + size * rng.uniform(-0.2, 1.2, (count, 2))
    edges = np.concatenate([np.stack([r[:-1], r[1:]], axis=1) for r in map(shapely.get_coordinates, rings_of(polygon))])
    chosen = edges[rng.integers(0, len(edges), count)]
    near = chosen[:, 0] + rng.uniform(0, 1, (count, 1)) * (chosen[:, 1] - chosen[:, 0])
    return np.vstack([spread, near + size * rng.normal(0, 0.003, near.shape)])


def rings_of(polygon: Any) -> list[Any]:
    return [polygon.exterior, *polygon.interiors]


def clear_of(polygon: Any, points: np.ndarray, tolerance: float) -> np.ndarray:
    """Points that are not on the outline, where rounding decides."""
    shapely.prepare(polygon)
    return shapely.distance(polygon.boundary, shapely.points(points)) > tolerance
