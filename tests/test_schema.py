"""The column table of each product: what it drives fits together, with and without rows."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.products import PRODUCTS, product_named
from nunatak.pipeline.products.schema import CRS, INDEX, LIST, Column, Schema
from nunatak.pipeline.task import Request

# SlideRule's atl06rec (with extent_id kept), as its columns come out of golden/: name -> dtype here
ATL06 = {
    "extent_id": "uint64",
    "segment_id": "uint32",
    "n_fit_photons": "int32",
    "pflags": "uint16",
    "rgt": "uint16",
    "cycle": "uint8",
    "region": "uint8",
    "spot": "uint8",
    "gt": "uint8",
    "x_atc": "float64",
    "y_atc": "float32",
    "latitude": "float64",
    "longitude": "float64",
    "h_mean": "float64",
    "dh_fit_dx": "float32",
    "h_sigma": "float32",
    "rms_misfit": "float32",
    "w_surface_window_final": "float32",
}

products = pytest.mark.parametrize("name", list(PRODUCTS))


def arrays(schema: Schema, rows: int) -> dict[str, np.ndarray]:
    """Make columns of other types than the schema's, as kernels may give them."""
    random = np.random.default_rng(1)
    made: dict[str, np.ndarray] = {}
    for column in schema.columns:
        if column.dtype == LIST:
            made[column.name] = random.uniform(0, 30, (rows, 3))
            continue
        kind = np.dtype(column.dtype).kind
        made[column.name] = random.integers(0, 100, rows) if kind in "uiM" else random.uniform(-80, 80, rows)
    return made


def test_atl06_has_the_columns_of_sliderule() -> None:
    schema = product_named("atl06").schema
    assert {c.name: c.dtype for c in schema.columns if c.name != INDEX} == ATL06
    aliases = {column.alias: column.name for column in schema.columns if column.alias}
    assert aliases == {"lat": "latitude", "lon": "longitude"}


@products
def test_every_column_says_what_it_is(name: str) -> None:
    schema = product_named(name).schema
    assert len(set(schema.names)) == len(schema.names)
    assert INDEX in schema.names
    for column in schema.columns:
        assert column.dtype == LIST or np.dtype(column.dtype)
        assert column.units, column
        assert column.meaning, column
        assert column.source, column
    described = schema.describe()
    assert [record["name"] for record in described] == list(schema.names)
    assert all("" not in record.values() for record in described)


@products
def test_honoured_parameters_exist(name: str) -> None:
    product = product_named(name)
    assert product.name == name
    assert product.honours <= set(Parameters.model_fields)
    assert product.version >= 1


@products
@pytest.mark.parametrize("keep_id", [False, True])
def test_empties_meta_and_filled_tables_have_the_same_form(name: str, keep_id: bool) -> None:
    schema = Request(name, Parameters(), keep_id).schema()
    assert ("extent_id" in schema.names) is keep_id
    empty, filled = schema.empty(), schema.table(arrays(schema, 5))
    wanted = [c.name for c in schema.columns if c.name != INDEX]
    for table in (empty, filled, schema.meta(), schema.frame(filled)):
        assert list(table.columns)[: len(wanted)] == wanted
        dtypes = {n: str(table[n].dtype).replace("object", LIST) for n in wanted}
        assert dtypes == {c.name: c.dtype for c in schema.columns if c.name != INDEX}
        assert table.index.name == INDEX
        assert str(table.index.dtype) == "datetime64[ns]"
    assert len(empty) == len(schema.meta()) == 0
    pd.testing.assert_frame_equal(pd.concat([empty, filled]), filled)


def test_frames_are_points_in_itrf2014() -> None:
    schema = product_named("atl06").schema
    table = schema.table(arrays(schema, 4))
    frame = schema.frame(table)
    assert isinstance(frame, gpd.GeoDataFrame)
    assert str(frame.crs) == str(schema.meta().crs) == CRS == "EPSG:7912"
    assert frame.geometry.x.tolist() == table["longitude"].tolist()
    assert frame.geometry.y.tolist() == table["latitude"].tolist()
    assert "geometry" not in table.columns


def test_a_missing_array_is_an_error() -> None:
    schema = product_named("atl06").schema
    given = arrays(schema, 2)
    del given["h_mean"]
    with pytest.raises(KeyError, match="h_mean"):
        schema.table(given)


def test_columns_can_be_left_out() -> None:
    schema = Schema((Column("time", "datetime64[ns]", "ns", "when", "x"), Column("a", "int8", "1", "what", "y")))
    assert schema.without("a").names == ("time",)
    assert schema.without("b") == schema


def test_parquet_keeps_the_types() -> None:
    schema = product_named("atl06").schema
    frame = schema.frame(schema.table(arrays(schema, 3)))
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    pd.testing.assert_frame_equal(gpd.read_parquet(buffer), frame)
