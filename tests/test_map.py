"""The map: where points and outlines come to lie, the colours' limits, the labels, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from matplotlib.figure import Figure

import nunatak
from nunatak.pipeline.errors import InputError, MissingExtraError, RegionError
from nunatak.pipeline.products import PRODUCTS, product_named
from nunatak.views import plot_map


@pytest.fixture(scope="module")
def heights(granule_folder: Path) -> gpd.GeoDataFrame:
    return nunatak.atl06(granule_folder, cnf=2).compute(scheduler="sync")


def rows(lon: list[float], lat: list[float], values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"longitude": lon, "latitude": lat, "h_mean": values})


def points(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].collections[0].get_offsets())


def drawn_outline(figure: Figure) -> np.ndarray:
    return next(np.asarray(line.get_xydata()) for line in figure.axes[0].lines if line.get_color() == "#d7301f")


def edge_labels(figure: Figure) -> tuple[list[str], list[str]]:
    """The names of the graticule at the top and on the right."""
    figure.canvas.draw()
    top, right = figure.axes[0].child_axes
    return [t.get_text() for t in top.get_xticklabels()], [t.get_text() for t in right.get_yticklabels()]


def test_a_map_of_greenland(heights: gpd.GeoDataFrame, tmp_path: Path) -> None:
    figure = plot_map(heights, region=(-48.99, 69.19, -48.4, 69.21), title="a map")
    expected = heights.geometry.to_crs("EPSG:3413")
    np.testing.assert_allclose(points(figure), np.stack([expected.x, expected.y], axis=1) / 1000, atol=1e-6)
    mappable = figure.axes[0].collections[0]
    np.testing.assert_allclose(mappable.get_clim(), np.percentile(heights["h_mean"], [2, 98]))
    assert figure.axes[0].get_xlabel() == "x in EPSG:3413, km"
    assert figure.axes[1].get_ylabel() == "h_mean, m"
    top, right = edge_labels(figure)
    assert "49° W" in top or "48.8° W" in top, top
    assert right
    assert all(label.endswith("° N") for label in right), right
    figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_the_outline_is_that_of_the_region() -> None:
    """A parallel, straight in plate carree, is an arc around the pole of a polar plane; corners keep their places."""
    ring = drawn_outline(plot_map(rows([0.0], [75.0], [1.0]), region=[(-60, 65), (60, 65), (60, 66), (-60, 66)]))
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True)
    for lon, lat in [(-60, 65), (0, 65), (60, 65), (60, 66), (-60, 66)]:
        place = np.array(to_plane.transform(lon, lat)) / 1000
        assert np.hypot(*(ring - place).T).min() < 1.0, (lon, lat)


@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_nothing_is_torn_at_the_antimeridian(crs: str | None) -> None:
    lon = [179.8, 179.9, -179.9, -179.8]
    figure = plot_map(rows(lon, [-16.5] * 4, [1.0, 2.0, 3.0, 4.0]), region=(179.7, -16.6, -179.7, -16.4), crs=crs)
    x = points(figure)[:, 0]
    unit = 1.0 if crs else 111.19 * np.cos(np.radians(16.5))
    np.testing.assert_allclose(np.diff(x), np.array([0.1, 0.2, 0.1]) * unit, rtol=0.01)
    assert np.ptp(drawn_outline(figure)[:, 0]) == pytest.approx(0.6 * unit, rel=0.01)


def test_the_numbers_of_a_degree_axis_end_at_180() -> None:
    figure = plot_map(rows([179.8, -179.8], [0.0, 0.1], [1.0, 2.0]), crs="EPSG:4326")
    figure.canvas.draw()
    labels = [float(label.get_text()) for label in figure.axes[0].get_xticklabels()]
    assert min(labels) < -179
    assert max(labels) > 179
    assert np.abs(labels).max() <= 180


@pytest.mark.parametrize(
    ("lat", "label"),
    [
        ([69.0, 70.0], "x in EPSG:3413, km"),
        ([-69.0, -70.0], "x in EPSG:3031, km"),
        ([59.0, 70.0], "east of 10.0° E, km"),
        ([-80.0, 80.0], "east of 10.0° E, km"),
        ([1.0, 2.0], "east of 10.0° E, km"),
    ],
)
def test_the_plane_follows_from_the_latitude(lat: list[float], label: str) -> None:
    assert plot_map(rows([10.0, 10.0], lat, [1.0, 2.0])).axes[0].get_xlabel() == label.replace(".0°", "°")


def test_local_distances_are_kilometres() -> None:
    figure = plot_map(rows([10.0, 10.0, 10.5], [45.0, 45.5, 45.0], [1.0, 2.0, 3.0]))
    geod = pyproj.Geod(ellps="WGS84")
    (a, b, c) = points(figure)
    assert np.hypot(*(b - a)) == pytest.approx(geod.inv(10, 45, 10, 45.5)[2] / 1000, rel=1e-3)
    assert np.hypot(*(c - a)) == pytest.approx(geod.inv(10, 45, 10.5, 45)[2] / 1000, rel=1e-3)


def test_around_the_pole_all_meridians_are_drawn() -> None:
    lat = [-86.0, -84.0, -86.0, -86.0]
    top, right = edge_labels(plot_map(rows([0.0, 90.0, 180.0, -90.0], lat, [1.0, 2.0, 3.0, 4.0])))
    assert {"0°", "45° E", "45° W", "90° E"} <= {*top, *right}


def test_a_crs_in_metres_feet_or_none() -> None:
    frame = rows([10.0, 10.1], [45.0, 45.1], [1.0, 2.0])
    metres = points(plot_map(frame, crs="EPSG:32632"))
    feet = points(plot_map(frame, crs=pyproj.CRS("+proj=utm +zone=32 +ellps=WGS84 +units=us-ft +type=crs")))
    np.testing.assert_allclose(metres, feet, rtol=1e-9)
    with pytest.raises(InputError, match="crs 'EPSG:0' is no coordinate reference system"):
        plot_map(frame, crs="EPSG:0")
    with pytest.raises(InputError, match="1 of 2 rows have no place in crs"):
        plot_map(rows([0.0, 180.0], [0.0, 0.0], [1.0, 2.0]), crs="+proj=gnom +lat_0=0 +lon_0=0 +type=crs")


def test_the_geometry_counts_where_there_is_one(heights: gpd.GeoDataFrame) -> None:
    """After a merge, latitude carries a suffix; after to_crs, the geometry is in metres."""
    moved = heights.to_crs("EPSG:3031").drop(columns=["latitude", "longitude"])
    np.testing.assert_allclose(points(plot_map(moved)), points(plot_map(heights)), atol=1e-6)


def test_rows_without_a_value_are_counted() -> None:
    figure = plot_map(rows([0.0, 0.1, 0.2], [0.0, 0.0, 0.0], [1.0, np.nan, 2.0]), title="here")
    assert len(points(figure)) == 2
    assert figure.axes[0].get_title() == "here\n1 of 3 rows without a value left out"


def test_one_row_and_one_value_make_a_map() -> None:
    figure = plot_map(rows([0.0], [0.0], [5.0]))
    low, high = figure.axes[0].collections[0].get_clim()
    assert low < 5.0 < high
    left, right = figure.axes[0].get_xlim()
    assert left < 0 < right


def test_units_are_the_same_in_every_product() -> None:
    """The colour bar takes them from any product that has the column."""
    units: dict[str, set[str]] = {}
    for name in PRODUCTS:
        for column in product_named(name).schema.columns:
            units.setdefault(column.name, set()).add(column.units)
    assert {name for name, known in units.items() if len(known) > 1} == set()


def test_a_ratio_and_a_column_of_ones_own_have_no_units() -> None:
    frame = rows([0.0, 0.1], [0.0, 0.0], [1.0, 2.0]).assign(dh_fit_dx=[0.0, 1.0], mine=[1, 2])
    assert plot_map(frame, "dh_fit_dx").axes[1].get_ylabel() == "dh_fit_dx"
    assert plot_map(frame, "mine").axes[1].get_ylabel() == "mine"


def test_what_is_refused(heights: gpd.GeoDataFrame, granule_folder: Path) -> None:
    with pytest.raises(InputError, match="no column 'h_maen'; did you mean 'h_mean'"):
        plot_map(heights, "h_maen")
    with pytest.raises(InputError, match="lazy frame"):
        plot_map(nunatak.atl06(granule_folder))
    with pytest.raises(InputError, match="none of 0 rows"):
        plot_map(heights[:0])
    with pytest.raises(InputError, match=r"'name' holds .*coloured by numbers"):
        plot_map(heights.assign(name="a"), "name")
    with pytest.raises(InputError, match=r"percentiles \(98, 2\)"):
        plot_map(heights, percentiles=(98, 2))
    with pytest.raises(RegionError):
        plot_map(heights, region=[(0, 0), (1, 1)])
    with pytest.raises(InputError, match="no column 'longitude'"):
        plot_map(pd.DataFrame({"h_mean": [1.0]}))


def test_matplotlib_is_missing(heights: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'nunatak\[plot\]'"):
        plot_map(heights)
