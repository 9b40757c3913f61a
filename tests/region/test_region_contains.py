"""What lies in a region, against shapely in planes that pyproj made, and against SlideRule's own loop."""

from __future__ import annotations

import math
import subprocess
import sys

import geopandas as gpd
import h5py
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from region_outlines import (
    PLANES,
    Sketch,
    around,
    clear_of,
    degree_sketches,
    from_plane,
    polar_sketches,
    sketches,
)

from nunatak.kernels.polygon import index_edges, points_inside
from nunatak.pipeline.errors import RegionError
from nunatak.pipeline.region import Region
from nunatak.pipeline.region.projection import project, unproject

SEEDS = st.integers(0, 2**32 - 1)


def pnpoly(x: float, y: float, ring_x: list[float], ring_y: list[float]) -> bool:
    """SlideRule's test, edge by edge in the order of the ring."""
    inside = False
    j = len(ring_x) - 1
    for i in range(len(ring_x)):
        if (ring_y[i] > y) != (ring_y[j] > y):
            crossing = (ring_x[j] - ring_x[i]) * (y - ring_y[i]) / (ring_y[j] - ring_y[i]) + ring_x[i]
            inside ^= x < crossing
        j = i
    return inside


def coord2point(projection: str, lon: float, lat: float) -> tuple[float, float]:
    lam, phi = math.radians(lon), math.radians(lat)
    if projection == "plate_carree":
        return 6367.5 * lam, 6367.5 * phi
    side = 1 if projection == "north_polar" else -1
    r = side * 2 * math.tan(side * math.pi / 4 - phi / 2)
    return r * math.cos(side * lam), r * math.sin(side * lam)


# the kernel ----------------------------------------------------------------------------------------------------

GRID = st.tuples(st.integers(0, 8), st.integers(0, 8))


@settings(deadline=None)
@given(st.lists(GRID, min_size=3, max_size=30), st.lists(GRID, min_size=1, max_size=30))
def test_even_odd_rule_is_that_of_the_plain_loop(
    vertices: list[tuple[int, int]], points: list[tuple[int, int]]
) -> None:
    # any scribble, level edges, rays through vertices; x is off the grid, so that no point lies on an edge
    x, y = np.array(vertices, float).T
    px, py = np.array(points, float).T
    px = px + 1 / math.pi - 1
    expected = [pnpoly(a, b, x.tolist(), y.tolist()) for a, b in zip(px, py, strict=True)]
    assert points_inside(px, py, index_edges(x, y, [0, len(x)])).tolist() == expected


@settings(deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=2, max_size=2), SEEDS)
def test_neighbours_share_no_point_and_leave_none_out(ends: list[float], seed: int) -> None:
    south, north = (ends[0], 0.0), (ends[1], 1.0)
    west = index_edges(*np.array([(0, 0), south, north, (0, 1)]).T, [0, 4])
    east = index_edges(*np.array([north, south, (1, 0), (1, 1)]).T, [0, 4])
    part = np.random.default_rng(seed).uniform(0.01, 0.99, 500)
    x, y = np.outer(1 - part, south).T + np.outer(part, north).T
    assert (points_inside(x, y, west) != points_inside(x, y, east)).all()


def test_100_000_vertices_as_shapely_has_them() -> None:
    rng = np.random.default_rng(5)
    angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    radius = 1 + 0.3 * np.sin(40 * angle) + rng.uniform(0, 1e-4, angle.size)
    ring = np.column_stack([-45 + radius * np.cos(angle), 60 + radius * np.sin(angle)])
    region = Region.of(ring)
    polygon = shapely.Polygon(ring)
    shapely.prepare(polygon)
    points = around(polygon, 5000, 1)
    shapely.prepare(polygon)
    assert len(region.vertices) == 100_000
    assert (region.contains(*points.T) == shapely.contains_xy(polygon, points)).all()


def test_a_comb_of_long_edges() -> None:
    # every edge passes every band: the index must not grow with their product
    teeth = 5000
    x = np.repeat(np.arange(teeth), 2) / teeth
    y = np.tile([0.0, 1.0, 1.0, 0.0], teeth // 2)
    ring = np.vstack([np.column_stack([x, y]), [(1.5, 0), (1.5, -1), (0, -1)]])
    edges = index_edges(*ring.T, [0, len(ring)])
    assert len(edges.members) < 20 * len(ring)
    polygon = shapely.Polygon(ring)
    points = around(polygon, 2000, 2)
    points = points[clear_of(polygon, points, 1e-12)]
    assert (points_inside(*points.T, edges) == shapely.contains_xy(polygon, points)).all()


def test_what_is_no_position_is_outside() -> None:
    for box in [(-180, -90, 180, 90), (0, 0, 1, 1)]:
        nowhere = Region.of(box).contains([np.nan, 0, 1.8e308, np.inf, 0.5], [0.5, np.nan, 1.8e308, 0, 0.5])
        assert nowhere.tolist() == [False, False, False, False, True]
    polar = Region.of([(0, 80), (120, 80), (240, 80)])
    assert not polar.contains([np.nan, 0, 1.8e308, np.inf], [85, np.nan, 1.8e308, 85]).any()
    assert polar.contains([], []).shape == (0,)


# SlideRule's planes --------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.sampled_from(["north_polar", "south_polar", "plate_carree"]), st.floats(-180, 180), st.floats(-89.9, 89.9))
def test_projections_are_sliderules_and_can_be_undone(name: str, lon: float, lat: float) -> None:
    x, y = project(name, [lon], [lat])
    assert (x[0], y[0]) == pytest.approx(coord2point(name, lon, lat), rel=1e-13, abs=1e-13)
    back = unproject(name, x, y)
    assert back[1][0] == pytest.approx(lat, abs=1e-9)
    assert math.cos(math.radians(back[0][0] - lon)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", ["grandmesa", "dicksonfjord", "polygon"])
def test_regions_of_the_fixture_as_sliderule_has_them(shared, name: str) -> None:
    region = Region.of(shared / "data" / "regions" / f"{name}.geojson")
    assert region.proj == ("north_polar" if name == "dicksonfjord" else "plate_carree")
    frame = gpd.read_file(shared / "data" / "regions" / f"{name}.geojson")
    ring = [coord2point(region.proj, *position) for position in frame.geometry.iloc[0].exterior.coords]
    lon, lat = around(frame.geometry.iloc[0], 500, 3).T
    points = [coord2point(region.proj, *position) for position in zip(lon, lat, strict=True)]
    expected = [pnpoly(x, y, *map(list, zip(*ring, strict=True))) for x, y in points]
    assert region.contains(lon, lat).tolist() == expected
    assert 100 < sum(expected) < 900


def test_reference_photons_of_real_beams(shared) -> None:
    beams = 0
    for path in sorted((shared / "data" / "granules").glob("ATL03_*.h5")):
        with h5py.File(path) as granule:
            for beam in (key for key in granule if key.startswith("gt") and "geolocation" in granule[key]):
                lat, lon = (granule[f"{beam}/geolocation/reference_photon_{axis}"][:] for axis in ("lat", "lon"))
                # a quadrangle whose slanted sides cut the track twice
                south, north = np.quantile(lat, (0.3, 0.7))
                west, east = lon.min() - 0.1, lon.max() + 0.1
                tilt = (north - south) / 10
                region = Region.of([(west, south), (east, south + tilt), (east, north + tilt), (west, north)])
                ring_x, ring_y = (axis.tolist() for axis in project(region.proj, *region.vertices.T))
                x, y = project(region.proj, lon, lat)
                inside = region.contains(lon, lat)
                some = np.unique(np.linspace(0, len(lon) - 1, 2000).astype(int))
                assert inside[some].tolist() == [pnpoly(x[i], y[i], ring_x, ring_y) for i in some]
                assert 0.2 < inside.mean() < 0.6
                beams += 1
    assert beams == 7


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(PLANES)), polar_sketches(), SEEDS)
def test_polar_regions(name: str, sketch: Sketch, seed: int) -> None:
    polygon = sketch.polygon()
    region = Region.of(sketch.geojson(lambda points: from_plane(PLANES[name], points)), proj=name)
    points = around(polygon, 200, seed)
    points = points[clear_of(polygon, points, 1e-10)]
    lon, lat = from_plane(PLANES[name], points).T
    assert region.proj == name
    assert (region.contains(lon, lat) == shapely.contains_xy(polygon, points)).all()
    # longitudes of another turn are the same meridians
    assert (region.contains(lon % 360, lat) == region.contains(lon, lat)).all()


@settings(max_examples=60, deadline=None)
@given(degree_sketches(), SEEDS, st.booleans())
def test_regions_in_degrees_anywhere_around_the_globe(sketch: Sketch, seed: int, wrapped: bool) -> None:
    polygon = sketch.polygon()
    west, south, east, north = polygon.bounds
    assume(west >= -180 and east <= 360 and max(abs(south), abs(north)) <= 70)

    def longitudes(points: np.ndarray) -> np.ndarray:
        return np.column_stack([(points[:, 0] + 180) % 360 - 180, points[:, 1]]) if wrapped else points

    region = Region.of(sketch.geojson(longitudes))
    points = around(polygon, 200, seed)
    points = points[clear_of(polygon, points, 1e-9) & (np.abs(points[:, 1]) <= 90)]
    expected = shapely.contains_xy(polygon, points)
    for shift in (-360, 0, 360):
        expected |= shapely.contains_xy(polygon, points + np.array([shift, 0]))
    assert region.proj == "plate_carree"
    for turn in (0, -360, 360):
        assert (region.contains(points[:, 0] + turn, points[:, 1]) == expected).all()


# regions of another CRS ----------------------------------------------------------------------------------------

METRES = {
    "EPSG:3413": sketches(st.tuples(st.floats(-1.5e6, 1.5e6), st.floats(-1.5e6, 1.5e6)), st.floats(1e3, 1.5e6)),
    "EPSG:3031": sketches(st.tuples(st.floats(-2e6, 2e6), st.floats(-2e6, 2e6)), st.floats(1e3, 1.5e6)),
    "EPSG:32601": sketches(st.tuples(st.floats(3e5, 7e5), st.floats(2e6, 7e6)), st.floats(1e3, 2e5)),
    "EPSG:32719": sketches(st.tuples(st.floats(3e5, 7e5), st.floats(5e6, 9e6)), st.floats(1e3, 2e5)),
    "ESRI:102008": sketches(st.tuples(st.floats(-2e6, 2e6), st.floats(-1e6, 3e6)), st.floats(1e4, 5e5)),
}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(METRES)).flatmap(lambda crs: st.tuples(st.just(crs), METRES[crs])), SEEDS, st.booleans())
def test_edges_stay_where_another_crs_drew_them(drawn: tuple[str, Sketch], seed: int, plate_carree: bool) -> None:
    crs, sketch = drawn
    polygon = sketch.polygon()
    region = Region.of(gpd.GeoSeries([polygon], crs=crs), proj="plate_carree" if plate_carree else "auto")
    points = around(polygon, 200, seed)
    # 1 m is promised, on the ground; the scales of these projections are within a few per cent of true
    points = points[clear_of(polygon, points, 1.2)]
    back = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    lon, lat = back.transform(*points.T)
    assert (region.contains(lon, lat) == shapely.contains_xy(polygon, points)).all()


# the choice of the plane ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", range(4))
def test_the_start_of_a_ring_never_chooses_the_plane(start: int) -> None:
    ring = [(-30, 69), (-20, 69), (-20, 71), (-30, 69.5)]
    region = Region.of(ring[start:] + ring[:start])
    assert region.proj == "north_polar"
    assert region == Region.of(ring)


def test_choice_of_the_plane() -> None:
    def choice(*ring: tuple[float, float]) -> str:
        return Region.of(list(ring)).proj

    assert choice((0, 70), (10, 70), (5, 60)) == "plate_carree"
    assert choice((0, -60), (10, -60), (5, -70.01)) == "south_polar"
    # around the pole, none beyond 70
    assert choice((0, 60), (90, 60), (180, 60), (-90, 60)) == "north_polar"
    assert choice((0, -60), (90, -60), (180, -60), (-90, -60)) == "south_polar"
    # beyond 70 on both hemispheres
    assert choice((0, -80), (10, -80), (10, 80), (0, 80)) == "plate_carree"
    # a box is bounded by parallels, which only plate carree has straight
    assert Region.of((-60, 60, -20, 84)).proj == "plate_carree"
    assert Region.of((-60, 60, -20, 84)).contains([-40], [60.001]).all()
    with pytest.raises(RegionError, match="halves the globe"):
        choice((0, 10), (90, -10), (180, 10), (-90, -10))


def test_a_box_keeps_its_parallels_in_a_polar_plane() -> None:
    box, polar = Region.of((-60, 60, -20, 84)), Region.of((-60, 60, -20, 84), proj="north_polar")
    lon, lat = np.random.default_rng(4).uniform((-70, 55), (-10, 88), (20_000, 2)).T
    apart = box.contains(lon, lat) != polar.contains(lon, lat)
    metres = 111_200 * np.minimum(np.abs(lat - 60), np.abs(lat - 84))
    assert (metres[apart] < 1).all()


def test_the_rectangle_around_the_arctic() -> None:
    rectangle = shapely.box(-180, 60, 180, 90)
    assert Region.of(rectangle) == Region.of((-180, 60, 180, 90))
    inside = Region.of(rectangle).contains([0, 120, -180, 180, 360, 0], [60.1, 89, 75, 75, 75, 59.9])
    assert inside.tolist() == [True, True, True, True, True, False]
    with pytest.raises(RegionError, match="encloses nothing in the north_polar plane"):
        Region.of(rectangle, proj=0)


def test_antarctica_closed_along_the_antimeridian() -> None:
    coast = [(-180, -84.7), (-90, -72), (0, -70.5), (90, -66), (180, -84.7)]
    closed, plain = Region.of([*coast, (180, -90), (-180, -90)]), Region.of(coast[:-1])
    assert closed == plain
    assert closed.proj == "south_polar"
    lon, lat = np.random.default_rng(6).uniform((-180, -90), (180, -50), (5000, 2)).T
    expected = [pnpoly(*coord2point("south_polar", a, b), *map(list, project("south_polar", *np.transpose(coast))))
                for a, b in zip(lon, lat, strict=True)]  # fmt: skip
    assert closed.contains(lon, lat).tolist() == expected
    assert closed.contains([180, -180, 179.999], [-89, -89, -89]).all()
    around_the_pole = Region.of(coast, proj="plate_carree")
    assert around_the_pole.contains([180, -180, 0, 45], [-85, -85, -70.6, -68.3]).tolist() == [True, True, True, True]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(PLANES)), sketches(st.just((0, 0)), st.floats(0.2, 1.5)), SEEDS)
def test_a_ring_around_a_pole_in_plate_carree(name: str, sketch: Sketch, seed: int) -> None:
    side = 1 if name == "north_polar" else -1
    rings = [from_plane(PLANES[name], ring) for ring in (sketch.shell, sketch.hole) if ring is not None]

    # latitude of the outline at a longitude, straight in degrees between its vertices
    def inside_of(ring: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        order = np.argsort(ring[:, 0])
        return side * lat > side * np.interp(lon, ring[order, 0], ring[order, 1], period=360)

    steps = [np.diff(np.sort(ring[:, 0]), append=np.sort(ring[:, 0])[0] + 360) for ring in rings]
    assume(all(step.max() < 179 and step.min() > 1e-6 for step in steps))
    # the hole is a copy in the polar plane; in degrees their edges may meet
    try:
        region = Region.of(sketch.geojson(lambda points: from_plane(PLANES[name], points)), proj="plate_carree")
    except RegionError:
        assume(False)
    lon, lat = np.random.default_rng(seed).uniform((-180, -85), (180, 85), (400, 2)).T
    expected = inside_of(rings[0], lon, lat)
    for hole in rings[1:]:
        expected &= ~inside_of(hole, lon, lat)
    assert (region.contains(lon, lat) == expected).mean() > 0.999
    assert region.contains([0.0], [side * 89.9]).tolist() == [sketch.hole is None]


def test_the_plane_of_the_other_pole_is_refused() -> None:
    ring = [(0, -60), (90, -60), (180, -60), (-90, -60)]
    with pytest.raises(RegionError, match="goes around the other pole"):
        Region.of(ring, proj="north_polar")


def test_a_drawing_that_folds_in_the_plane_follows_the_even_odd_rule() -> None:
    # straight in degrees the tooth ends north of the edge below it; in the polar plane that edge bulges across it
    ring = [(-60, 72), (60, 72), (60, 80), (5, 80), (0, 72.5), (-5, 80), (-60, 80)]
    region = Region.of(ring)
    x, y = (axis.tolist() for axis in project("north_polar", *np.transpose(ring)))
    lon, lat = np.random.default_rng(8).uniform((-70, 70), (70, 85), (5000, 2)).T
    points = zip(*project("north_polar", lon, lat), strict=True)
    assert len(region.shells) > 1
    assert region.contains(lon, lat).tolist() == [pnpoly(a, b, x, y) for a, b in points]


def test_importing_regions_loads_nothing_heavy() -> None:
    heavy = "{'shapely', 'geopandas', 'numba', 'pandas', 'pyproj', 'pyogrio', 'dask'}"
    code = f"import sys, nunatak.pipeline.region; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
