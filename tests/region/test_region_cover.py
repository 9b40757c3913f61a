"""Covers for catalogs: whatever a region contains is in its cover, however the edges are read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from region_outlines import PLANES, Sketch, around, degree_sketches, from_plane, polar_sketches, sketches, to_plane

from nunatak.pipeline.errors import RegionError
from nunatak.pipeline.region import Region, RegionMask

SEEDS = st.integers(0, 2**32 - 1)


def great_circles(piece: Any, plane: str) -> Any:
    """The piece as one who takes edges for great circles has it, in a plane around its middle."""
    lam, phi = np.radians(shapely.get_coordinates(piece.exterior)).T
    vectors = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    longest = np.linalg.norm(np.diff(vectors, axis=0), axis=1).max()
    part = np.linspace(0, 1, 10 + int(longest / 0.0015), endpoint=False)[:, None, None]
    x, y, z = (vectors[:-1] + part * (vectors[1:] - vectors[:-1])).transpose(2, 1, 0).reshape(3, -1)
    return shapely.Polygon(to_plane(plane, np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))))


def in_cover(cover: list[Any], lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether positions lie in the cover, read as lines of degrees and as great circles."""
    straight, round_ = np.zeros(len(lon), bool), np.zeros(len(lon), bool)
    turned = (lon + 180) % 360 - 180
    for piece in cover:
        straight |= shapely.intersects_xy(piece, turned, lat) | shapely.intersects_xy(piece, np.abs(turned), lat)
        west, south, east, north = piece.bounds
        plane = f"+proj=stere +lat_0={(south + north) / 2} +lon_0={(west + east) / 2} +k=1 +R=1 +no_defs"
        # what lies on a border between two pieces is in both
        near = great_circles(piece, plane).buffer(1e-6)
        shapely.prepare(near)
        round_ |= shapely.contains_xy(near, to_plane(plane, lon, lat))
    return straight, round_


def check(region: Any, lon: np.ndarray, lat: np.ndarray, max_vertices: int = 300, max_parts: int = 10) -> list[Any]:
    cover = region.cover(max_vertices, max_parts)
    assert 1 <= len(cover) <= max_parts
    for piece in cover:
        assert piece.is_valid
        assert piece.exterior.is_ccw
        assert len(piece.interiors) == 0
        assert len(piece.exterior.coords) <= max_vertices + 1
        west, south, east, north = piece.bounds
        assert west >= -180
        assert west < east <= 180
        assert east - west < 180
        assert south >= -90
        assert south < north <= 90
        corners = shapely.get_coordinates(piece)[:-1]
        assert (corners == np.round(corners, 6)).all()
        # CMR refuses vertices that coincide, as all at a pole do
        assert len(np.unique(corners, axis=0)) == len(corners)
        assert (corners[:, 1] == 90).sum() <= 1
        assert (corners[:, 1] == -90).sum() <= 1
    inside = region.contains(lon, lat)
    straight, round_ = in_cover(cover, lon[inside], lat[inside])
    assert round_.all()
    # a part touches its pole in one vertex; lines of degrees leave out the last 0.001 degrees there
    assert straight[np.abs(lat[inside]) < 89.999].all()
    return cover


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(PLANES)), polar_sketches(), SEEDS, st.sampled_from([32, 60, 300]))
def test_polar_regions_are_covered(name: str, sketch: Sketch, seed: int, vertices: int) -> None:
    region = Region.of(sketch.geojson(lambda points: from_plane(PLANES[name], points)), proj=name)
    lon, lat = from_plane(PLANES[name], around(sketch.polygon(), 300, seed)).T
    check(region, lon, lat, vertices)


@settings(max_examples=40, deadline=None)
@given(degree_sketches(60), SEEDS, st.sampled_from([32, 60, 300]))
def test_regions_in_degrees_are_covered(sketch: Sketch, seed: int, vertices: int) -> None:
    west, south, east, north = sketch.polygon().bounds
    assume(west >= -180 and east <= 360 and south >= -90 and north <= 90)
    region = Region.of(sketch.geojson(lambda points: points), proj="plate_carree")
    lon, lat = around(sketch.polygon(), 300, seed).T
    check(region, lon, lat, vertices)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(PLANES)), sketches(st.just((0, 0)), st.floats(0.2, 1.8)), SEEDS)
def test_regions_around_a_pole_in_plate_carree_are_covered(name: str, sketch: Sketch, seed: int) -> None:
    ring = sketch.geojson(lambda points: from_plane(PLANES[name], points))["coordinates"][0]
    directions = np.sort([lon for lon, _ in ring[:-1]])
    assume(np.diff(directions, append=directions[0] + 360).max() < 179)
    region = Region.of(ring, proj="plate_carree")
    lon, lat = from_plane(PLANES[name], around(sketch.polygon(), 300, seed)).T
    check(region, lon, lat)


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(st.floats(-180, 170), st.floats(-90, 80)),
    st.tuples(st.floats(0.01, 359), st.floats(0.01, 170)),
    SEEDS,
)
def test_boxes_of_any_size_are_covered(corner: tuple[float, float], size: tuple[float, float], seed: int) -> None:
    west, south = corner
    east, north = west + size[0], min(90.0, south + size[1])
    region = Region.of((west, south, min(east, 360.0), north))
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(west, east, 500), rng.uniform(south, north, 500)
    lon[:50], lat[50:100], lat[100:150] = west, south, np.nextafter(north, south)
    check(region, lon, lat)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.sampled_from([(4, 32), (10, 300)]), SEEDS)
def test_many_parts_are_covered_by_few(count: int, allowed: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    west, south = rng.uniform(-180, 180, count), rng.uniform(-85, 85, count) * rng.uniform(0.1, 1)
    size = 10 ** rng.uniform(-2, 0.5, count)
    boxes = [shapely.box(x, y, x + s, y + s) for x, y, s in zip(west, south, size, strict=True)]
    region = Region.of(shapely.GeometryCollection(boxes), proj="plate_carree")
    lon, lat = (np.repeat(a, 20) + rng.uniform(0, 1, count * 20) * np.repeat(size, 20) for a in (west, south))
    check(region, lon, lat, *reversed(allowed))


def test_the_globe_and_its_caps() -> None:
    rng = np.random.default_rng(9)
    lon, lat = rng.uniform(-180, 180, 5000), np.degrees(np.arcsin(rng.uniform(-1, 1, 5000)))
    assert len(check(Region.of((-180, -90, 180, 90)), lon, lat)) == 4
    for box in [(-180, 60, 180, 90), (-180, -90, 180, -60), (-180, -20, 180, 20), (-180, -90, 180, 89)]:
        assert len(check(Region.of(box), lon, lat)) == 4
    check(Region.of([(0, 80), (90, 80), (45, 90)]), rng.uniform(0, 90, 2000), rng.uniform(80, 90, 2000))


def test_a_cover_is_not_much_wider_than_its_region(shared) -> None:
    for name in ("grandmesa", "dicksonfjord", "polygon"):
        region = Region.of(shared / "data" / "regions" / f"{name}.geojson")
        (piece,) = region.cover()
        outline = shapely.Polygon(region.vertices)
        assert piece.covers(outline)
        assert piece.area < 1.06 * outline.area
        assert len(piece.exterior.coords) < 20


def test_across_the_antimeridian_there_are_two_pieces() -> None:
    east, west = sorted(Region.of((170, -10, -170, 10)).cover(), key=lambda piece: -piece.bounds[0])
    assert east.bounds == pytest.approx((170, -10, 180, 10), abs=0.3)
    assert west.bounds == pytest.approx((-180, -10, -170, 10), abs=0.3)
    assert east.bounds[2] == 180
    assert west.bounds[0] == -180


def test_100_000_vertices_are_covered_by_300() -> None:
    rng = np.random.default_rng(10)
    angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    radius = 0.05 * (1 + 0.3 * np.sin(60 * angle) + rng.uniform(0, 1e-4, angle.size))
    ring = 0.1 + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    region = Region.of(from_plane(PLANES["south_polar"], ring))
    lon, lat = from_plane(PLANES["south_polar"], around(shapely.Polygon(ring), 2000, 1)).T
    assert len(region.vertices) == 100_000
    assert region.proj == "south_polar"
    check(region, lon, lat)


def test_a_mask_is_covered_with_the_corners_of_its_cells() -> None:
    triangle = {"type": "Polygon", "coordinates": [[[0, 60], [4, 60], [0, 64], [0, 60]]]}
    mask = RegionMask.of({"geojson": json.dumps(triangle), "cellsize": 0.5})
    lon, lat = np.random.default_rng(2).uniform((-0.1, 59.9), (4.1, 64.1), (20_000, 2)).T
    assert (mask.contains(lon, lat) & ~mask.region.contains(lon, lat)).any()
    check(mask, lon, lat)
    assert mask.bounds == [(0, 60, 4, 64)]


def test_too_few_vertices_are_refused() -> None:
    region = Region.of((0, 0, 1, 1))
    for allowed in [(31, 10), (300, 3)]:
        with pytest.raises(ValueError, match="at least 32 vertices and 4 parts"):
            region.cover(*allowed)
    assert issubclass(RegionError, ValueError)
