"""What is no region is refused, and the message says what would be one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from nunatak.pipeline.errors import ParameterError, RegionError
from nunatak.pipeline.region import Region, RegionMask

SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]
BOWTIE = [(0, 0), (1, 1), (1, 0), (0, 1)]
POINT = {"type": "Point", "coordinates": [0, 0]}

REFUSED: dict[str, tuple[Any, str]] = {
    "self-crossing": (BOWTIE, r"self-intersection at \(0\.5, 0\.5\); mend it"),
    "self-crossing in a polar plane": ([(0, 80), (10, 81), (10, 80), (0, 81)], r"self-intersection at \(5, 80\.5\)"),
    "self-crossing shapely": (shapely.Polygon(BOWTIE), "shapely geometry is no outline"),
    "hole outside": (shapely.Polygon(SQUARE, [[(5, 5), (6, 5), (6, 6)]]), "hole lies outside shell"),
    "empty list": ([], "is empty"),
    "empty polygon": (shapely.Polygon(), "is empty"),
    "empty frame": (gpd.GeoSeries([], crs="EPSG:4326"), "GeoSeries is empty"),
    "no features": ({"type": "FeatureCollection", "features": []}, "GeoJSON is empty"),
    "empty text": ("[]", "is empty"),
    "point": (POINT, "holds a Point, which encloses no area"),
    "line beside a polygon": (
        shapely.GeometryCollection([shapely.Polygon(SQUARE), shapely.LineString(SQUARE)]),
        "holds a LineString",
    ),
    "two vertices": ([(0, 0), (1, 1)], "2 different vertices; an outline has at least 3"),
    "one vertex repeated": ([(0, 0)] * 5, "1 different vertices"),
    "vertices on one line": ([(0, 0), (1, 1), (2, 2)], "encloses nothing"),
    "there and back": ([(0, 0), (1, 1), (2, 3), (1, 1)], "no outline|encloses nothing"),
    "NaN": ([(0, 0), (1, float("nan")), (1, 1)], r"vertex 1 is \(1\.0, nan\)"),
    "infinite": ([(0, 0), (1, float("inf")), (1, 1)], "finite"),
    "latitude": ([(100, 0), (170, 95), (100, 10)], "vertex 1 has latitude 95, beyond 90; for coordinates that are no"),
    "swapped": ([(38.8, -108.3), (38.8, -107.7), (39.2, -108)], r"are these \(lat, lon\)\? The longitude comes first"),
    "longitude": ([(-190, 0), (-170, 5), (-170, -5)], "longitude -190; they go from -180 to 360"),
    "metres": ([(5e5, 4e6), (6e5, 4e6), (6e5, 5e6)], "say which CRS with crs="),
    "box upside down": ((0, 10, 5, 0), r"\(0, 10, 5, 0\) is empty; a box is \(west, south, east, north\)"),
    "box without width": ((5, 0, 5, 10), "is empty"),
    "box of latitudes": ((0, 10, 5, 95), "beyond 90"),
    "three numbers": ([1, 2, 3], "no list of positions"),
    "names": (["a", "b", "c"], "no list of positions"),
    "no latitude": ([{"lon": 1}, {"lon": 2}, {"lon": 3}], "has no 'lat'"),
    "unknown type": ({"type": "Circle"}, "has type 'Circle' where GeoJSON has"),
    "no type": ({"a": 1}, "has type None"),
    "no coordinates": ({"type": "Polygon"}, "a Polygon has no 'coordinates'"),
    "coordinates of text": (
        {"type": "Polygon", "coordinates": "here"},
        "coordinates of a Polygon is a str, not a list",
    ),
    "features of text": (
        {"type": "FeatureCollection", "features": 5},
        "features of a FeatureCollection is a int, not a list",
    ),
    "a feature that is none": ({"type": "FeatureCollection", "features": [7]}, "has type None"),
    "flat coordinates": ({"type": "Polygon", "coordinates": [[0, 0], [1, 1], [2, 0]]}, "no list of positions"),
    "broken text": ('{"type": ', "GeoJSON text is not valid JSON"),
    "number": (7, "can't be made of int; give a file"),
    "nothing": (None, "can't be made of NoneType"),
    "no such file": ("nowhere.geojson", "'nowhere.geojson' does not exist"),
    "no CRS": (gpd.GeoSeries([shapely.Polygon(SQUARE)]), r"has no CRS; say which with crs=, such as crs='EPSG:4326'"),
    "crs without a name": ({"type": "Polygon", "coordinates": [SQUARE], "crs": {"type": "link"}}, "names no CRS"),
    "unknown crs": (
        {"type": "Polygon", "coordinates": [SQUARE], "crs": {"properties": {"name": "EPSG:123456789"}}},
        "is not known",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    value, message = REFUSED[case]
    with pytest.raises(RegionError, match=message):
        Region.of(value)


def test_crs_that_contradict_each_other() -> None:
    frame = gpd.GeoSeries([shapely.Polygon(SQUARE)], crs="EPSG:4326")
    with pytest.raises(RegionError, match=r"is in WGS 84, and crs='EPSG:3413' was given"):
        Region.of(frame, crs="EPSG:3413")
    assert Region.of(frame, crs=4326) == Region.of(SQUARE)
    named = {"type": "Polygon", "coordinates": [SQUARE], "crs": {"properties": {"name": "EPSG:3031"}}}
    with pytest.raises(RegionError, match="says that its CRS is EPSG:3031"):
        Region.of(named, crs="EPSG:3413")


def test_a_crs_in_which_the_outline_lies_nowhere() -> None:
    with pytest.raises(RegionError, match="has no place on the globe in NSIDC EASE-Grid North; is that its CRS"):
        Region.of(shapely.box(1e8, 1e8, 2e8, 2e8), crs="EPSG:3408")


def test_files(tmp_path: Path) -> None:
    shapefile = tmp_path / "bare.shp"
    gpd.GeoDataFrame(geometry=[shapely.Polygon(SQUARE)], crs="EPSG:4326").to_file(shapefile)
    shapefile.with_suffix(".prj").unlink()
    with pytest.raises(RegionError, match=r"bare\.shp has no CRS \(a shapefile keeps it in a \.prj beside the \.shp\)"):
        Region.of(shapefile)
    assert Region.of(shapefile, crs="EPSG:4326") == Region.of(SQUARE)

    for name, message in {"a.kml": "'.kml'; regions are read from .geojson", "b": "ends in 'nothing'"}.items():
        (tmp_path / name).write_text("x")
        with pytest.raises(RegionError, match=message):
            Region.of(tmp_path / name)
    for name in ("c.shp", "d.gpkg", "e.zip", "f.geojson"):
        (tmp_path / name).write_bytes(b"no such thing\xff")
        with pytest.raises(RegionError, match=f"{name} (can't be read|is not valid JSON)"):
            Region.of(tmp_path / name)
    (tmp_path / "g.geojson").mkdir()
    with pytest.raises(RegionError, match="can't be read"):
        Region.of(tmp_path / "g.geojson")


@pytest.mark.parametrize("proj", [4, -1, "north polar", "NORTH_POLAR", "polar", True, None, 1.0])
def test_projections_that_are_none(proj: object) -> None:
    with pytest.raises(ParameterError, match=r"it can be 0 or 'north_polar', 1 or 'south_polar', 2 or 'plate_carree'"):
        Region.of(SQUARE, proj=proj)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (SQUARE, "a region mask is"),
        ({"geojson": POINT}, r"not \['geojson'\]"),
        ({"geojson": POINT, "cellsize": 1, "size": 2}, r"not \['cellsize', 'geojson', 'size'\]"),
        ({"geojson": POINT, "cellsize": 1}, "holds a Point"),
        ({"geojson": shapely.geometry.mapping(shapely.Polygon(SQUARE)), "cellsize": 0}, "cellsize is 0"),
        ({"geojson": shapely.geometry.mapping(shapely.Polygon(SQUARE)), "cellsize": "1"}, "cellsize is '1'"),
        ({"geojson": shapely.geometry.mapping(shapely.Polygon(SQUARE)), "cellsize": True}, "cellsize is True"),
        ({"geojson": shapely.geometry.mapping(shapely.Polygon(SQUARE)), "cellsize": float("nan")}, "cellsize is nan"),
        ({"geojson": shapely.geometry.mapping(shapely.Polygon(SQUARE)), "cellsize": 1.5}, "no room for a cell"),
    ],
)
def test_masks_that_are_none(value: Any, message: str) -> None:
    with pytest.raises(RegionError, match=message):
        RegionMask.of(value)
