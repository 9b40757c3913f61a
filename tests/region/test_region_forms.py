"""Every form of a region, and what makes two regions the same."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import dask.base
import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from region_outlines import PLANES, Sketch, degree_sketches, from_plane, polar_sketches

from nunatak.pipeline.errors import RegionError
from nunatak.pipeline.region import Region

RING = [(-108.3, 38.8), (-107.7, 38.9), (-107.8, 39.3), (-108.2, 39.1)]
HOLE = [(-108.1, 38.95), (-107.9, 38.95), (-107.9, 39.05)]
CLOSED = [*RING, RING[0]]


def frame(crs: str | None = "EPSG:4326") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": ["mesa"]}, geometry=[shapely.Polygon(RING)], crs=crs)


def feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": "mesa"}, "geometry": geometry}


GEOMETRY = {"type": "Polygon", "coordinates": [[list(position) for position in CLOSED]]}
FORMS = {
    "geometry": GEOMETRY,
    "feature": feature(GEOMETRY),
    "collection": {"type": "FeatureCollection", "features": [feature(GEOMETRY), feature(None)]},
    "geometry collection": {"type": "GeometryCollection", "geometries": [GEOMETRY]},
    "multipolygon": {"type": "MultiPolygon", "coordinates": [GEOMETRY["coordinates"], []]},
    "named crs": {**GEOMETRY, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}},
    "with heights": {"type": "Polygon", "coordinates": [[[*position, 3000.0] for position in CLOSED]]},
    "text": json.dumps(GEOMETRY),
    "list": RING,
    "closed list": CLOSED,
    "tuple": tuple(RING),
    "array": np.array(RING),
    "text of a list": json.dumps(RING),
    "sliderule": [{"lon": lon, "lat": lat} for lon, lat in CLOSED],
    "sliderule, long names": [{"longitude": lon, "latitude": lat} for lon, lat in RING],
    "clockwise": RING[::-1],
    "another start": RING[2:] + RING[:2],
    "repeated vertices": [RING[0], *RING, RING[-1], RING[-1], RING[0], RING[0]],
    "shapely": shapely.Polygon(RING),
    "shapely multipolygon": shapely.MultiPolygon([shapely.Polygon(RING)]),
    "shapely collection": shapely.GeometryCollection([shapely.Polygon(RING), shapely.Polygon()]),
    "frame": frame(),
    "series": frame().geometry,
    "frame without data": frame()[["geometry"]],
    "longitudes to 360": [(lon + 360, lat) for lon, lat in RING],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_region(form: str) -> None:
    region, reference = Region.of(FORMS[form]), Region.of(shapely.Polygon(RING))
    if form == "longitudes to 360":  # adding 360 rounds
        assert region.vertices == pytest.approx(reference.vertices, abs=1e-12)
    else:
        assert region == reference
        assert np.array_equal(region.vertices, reference.vertices)
    lon, lat = np.random.default_rng(1).uniform((-108.4, 38.7), (-107.6, 39.4), (1000, 2)).T
    assert (region.contains(lon, lat) == shapely.contains_xy(shapely.Polygon(RING), lon, lat)).all()


@pytest.mark.parametrize("suffix", [".geojson", ".json", ".shp", ".gpkg", ".zip"])
def test_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mesa{suffix}"
    if suffix == ".zip":
        frame().to_file(tmp_path / "mesa.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tmp_path.glob("mesa.*"):
                if part != path:
                    archive.write(part, part.name)
    elif suffix == ".json":
        path.write_text("\ufeff" + json.dumps(FORMS["sliderule"]), encoding="utf-8")
    else:
        frame().to_file(path)
    assert Region.of(path) == Region.of(str(path)) == Region.of(RING)


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".geojson"])
def test_files_in_another_crs(tmp_path: Path, suffix: str) -> None:
    drawn = gpd.GeoDataFrame(geometry=[shapely.box(-3e5, -2e6, 2e5, -1e6)], crs="EPSG:3413")
    path = tmp_path / f"box{suffix}"
    if suffix == ".geojson":
        named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3413"}}
        path.write_text(json.dumps({**json.loads(drawn.to_json()), "crs": named}))
    else:
        drawn.to_file(path)
    reference = Region.of(drawn)
    assert Region.of(path) == reference
    assert Region.of((-3e5, -2e6, 2e5, -1e6), crs="EPSG:3413") == reference
    assert Region.of(shapely.box(-3e5, -2e6, 2e5, -1e6), crs=pyproj.CRS(3413)) == reference
    assert reference.proj == "north_polar"


def test_a_geographic_crs_of_another_datum() -> None:
    region = Region.of(frame("EPSG:4267"))  # NAD27: some 50 m off in Colorado
    shift = np.abs(region.vertices - Region.of(RING).vertices)
    assert 1e-5 < shift.max() < 1e-2
    box = Region.of((-108, 38, -107, 39), crs="EPSG:4267")
    assert box.bounds[0] == pytest.approx((-108, 38, -107, 39), abs=1e-2)
    assert box.bounds[0] != pytest.approx((-108, 38, -107, 39), abs=1e-5)


def test_holes_and_several_parts() -> None:
    with_hole = Region.of({"type": "Polygon", "coordinates": [CLOSED, [*HOLE, HOLE[0]]]})
    assert with_hole == Region.of(shapely.Polygon(RING, [HOLE[::-1]]))
    assert with_hole.contains([-107.95, -108.15], [38.98, 38.98]).tolist() == [False, True]
    assert with_hole != Region.of(RING)
    island = shapely.MultiPolygon([shapely.Polygon(RING, [HOLE]), shapely.Polygon(HOLE).buffer(-0.01)])
    assert Region.of(island).contains([-107.92], [38.98]).all()


def test_features_that_overlap_are_united() -> None:
    west, east = shapely.box(0, 0, 2, 2), shapely.box(1, 0.5, 3, 3)
    united = Region.of(gpd.GeoSeries([west, east], crs="EPSG:4326"))
    assert united == Region.of(shapely.union(west, east))
    assert united.contains([1.5, 0.5, 2.5, 0.5], [1, 1, 1, 2.5]).tolist() == [True, True, True, False]
    # not one after the other: an even-odd rule over both would leave out what they share
    assert Region.of(shapely.MultiPolygon([west, west])) == Region.of(west)


def test_neighbours_of_a_frame_become_one() -> None:
    cells = [shapely.box(x, y, x + 1, y + 1) for x in range(3) for y in range(3)]
    assert Region.of(gpd.GeoSeries(cells, crs="EPSG:4326")).contains([1, 1.5], [1.5, 1]).all()


def test_one_outline_across_the_antimeridian_written_in_five_ways() -> None:
    box = Region.of((170, -10, -170, 10))
    ways = [
        [(170, -10), (190, -10), (190, 10), (170, 10)],
        [(170, -10), (-170, -10), (-170, 10), (170, 10)],
        [(-170, 10), (170, 10), (170, -10), (-170, -10)],
        shapely.box(170, -10, 190, 10),
    ]
    for way in ways:
        assert Region.of(way) == box
    cut = Region.of(shapely.MultiPolygon([shapely.box(170, -10, 180, 10), shapely.box(-180, -10, -170, 10)]))
    for region in (box, cut):
        lon = [171, 179.9, 180, -180, -179.9, -171, 181, 189, 169, 191, -169, 0]
        assert region.contains(lon, [0] * 12).tolist() == [True] * 8 + [False] * 4
        assert region.bounds == [(170, -10, 180, 10), (-180, -10, -170, 10)]


def test_parts_on_both_sides_of_the_antimeridian() -> None:
    fiji = Region.of(shapely.MultiPolygon([shapely.box(177, -19, 180, -17), shapely.box(-180, -17, -179, -16)]))
    assert fiji.bounds == [(177, -19, 180, -16), (-180, -19, -179, -16)]
    assert fiji.contains([178, -179.5, 178, -179.5], [-18, -16.5, -16.5, -18]).tolist() == [True, True, False, False]


def test_a_ring_of_regions_around_the_globe() -> None:
    boxes = shapely.MultiPolygon([shapely.box(lon, -5, lon + 130, 5) for lon in (-170, -50, 70)])
    region = Region.of(boxes)
    assert region.contains(np.arange(-180, 181), np.zeros(361)).all()
    assert region.bounds == [(-180, -5, 180, 5)]
    assert Region.of(region.to_geojson()) == region


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.tuples(st.sampled_from(sorted(PLANES)), polar_sketches()),
        st.tuples(st.just("plate_carree"), degree_sketches()),
    )
)
def test_winding_start_and_closing_never_matter_and_json_keeps_it_all(drawn: tuple[str, Sketch]) -> None:
    plane, sketch = drawn
    assume(plane != "plate_carree" or (np.abs(sketch.shell) <= (180, 70)).all())

    def to_lonlat(points: np.ndarray) -> np.ndarray:
        return points if plane == "plate_carree" else from_plane(PLANES[plane], points)

    region = Region.of(sketch.geojson(to_lonlat), proj=plane)
    plain = Region.of(Sketch(sketch.shell, sketch.hole).geojson(to_lonlat), proj=plane)
    assert region == plain
    assert hash(region) == hash(plain)
    assert dask.base.tokenize(region) == dask.base.tokenize(plain)
    assert Region.of(json.loads(json.dumps(region.to_geojson()))) == region
    assert Region.of(region) == region
    assert pickle.loads(pickle.dumps(region)) == region


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(PLANES)), polar_sketches(), st.integers(0, 1000))
def test_another_plane_leaves_a_region_where_it_was(name: str, sketch: Sketch, seed: int) -> None:
    region = Region.of(sketch.geojson(lambda points: from_plane(PLANES[name], points)), proj=name)
    moved = Region.of(region, proj="plate_carree")
    polygon = sketch.polygon()
    west, south, east, north = polygon.bounds
    points = np.random.default_rng(seed).uniform((west, south), (east, north), (300, 2))
    # two metres, in radii of the sphere
    points = points[shapely.distance(polygon.boundary, shapely.points(points)) > 2 / 6.371e6]
    lon, lat = from_plane(PLANES[name], points).T
    assert moved.proj == "plate_carree"
    assert (moved.contains(lon, lat) == region.contains(lon, lat)).all()


def test_regions_are_values() -> None:
    region = Region.of(RING)
    assert region != Region.of(RING, proj="north_polar")
    assert region != RING
    assert repr(region) == "Region(-108.3 38.8 to -107.7 39.3, 1 part, 4 vertices, plate_carree)"
    with pytest.raises(ValueError, match="read-only"):
        region.vertices[0, 0] = 0
    with pytest.raises(AttributeError):
        region.proj = "north_polar"  # type: ignore[misc]
    assert not pickle.loads(pickle.dumps(region)).vertices.flags.writeable


def test_a_pickle_holds_the_outline_only() -> None:
    angle = np.linspace(0, 2 * np.pi, 10_000, endpoint=False)
    region = Region.of(np.column_stack([np.cos(angle), np.sin(angle)]))
    fresh = len(pickle.dumps(region))
    region.contains([0.0], [0.0])
    assert len(pickle.dumps(region)) == fresh < 16 * 10_000 + 1000
    assert len(pickle.dumps(Region.of(RING))) < 600


def test_the_token_is_the_same_in_another_process() -> None:
    code = f"from nunatak.pipeline.region import Region; print(Region.of({RING}).token)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Region.of(RING).token


@given(st.sampled_from(sorted(PLANES)), polar_sketches(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_bounds_hold_the_region_and_touch_it(name: str, sketch: Sketch, seed: int) -> None:
    region = Region.of(sketch.geojson(lambda points: from_plane(PLANES[name], points)), proj=name)
    polygon = sketch.polygon()
    west, south, east, north = polygon.bounds
    points = np.random.default_rng(seed).uniform((west, south), (east, north), (300, 2))
    lon, lat = from_plane(PLANES[name], points).T
    inside = region.contains(lon, lat)
    held = [
        (lon >= w - 1e-9) & (lon <= e + 1e-9) & (lat >= s - 1e-9) & (lat <= n + 1e-9) for w, s, e, n in region.bounds
    ]
    assert np.any(held, axis=0)[inside].all()
    along = shapely.get_coordinates(shapely.segmentize(shapely.Polygon(sketch.shell), 1e-3))
    edge_lon, edge_lat = from_plane(PLANES[name], along).T
    pole = polygon.distance(shapely.Point(0, 0)) == 0 or shapely.Polygon(sketch.shell).contains(shapely.Point(0, 0))
    lowest, highest = region.bounds[0][1], region.bounds[0][3]
    assert lowest == pytest.approx(-90 if pole and name == "south_polar" else edge_lat.min(), abs=1e-2)
    assert highest == pytest.approx(90 if pole and name == "north_polar" else edge_lat.max(), abs=1e-2)
    if not pole and len(region.bounds) == 1:
        assert region.bounds[0][0] == pytest.approx(edge_lon.min(), abs=1e-6)
        assert region.bounds[0][2] == pytest.approx(edge_lon.max(), abs=1e-6)


def test_a_file_of_several_layers_is_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    frame().to_file(path, layer="mesa")
    frame().to_file(path, layer="other")
    with pytest.raises(RegionError, match=r"2 layers with geometry \(mesa, other\)"):
        Region.of(path)
