"""The output file: GeoParquet 1.1 that others can read, that says what it holds, whole or not there at all."""

from __future__ import annotations

import errno
import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely

import nunatak
from nunatak.cluster.workers import open_workers
from nunatak.pipeline.errors import InputError, OutputError
from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.products import product_named
from nunatak.pipeline.stream import stream
from nunatak.pipeline.writers.geoparquet import GeoParquetWriter
from nunatak.pipeline.writers.metadata import describe_run

SCHEMA = product_named("atl06").schema.without("extent_id")


def frame(rows: int, *, west: float = -49.0, south: float = 69.0, valid: bool = True) -> gpd.GeoDataFrame:
    """Make rows of the schema, in a box of one by two degrees."""
    random = np.random.default_rng(rows)
    columns: dict[str, Any] = {column.name: np.zeros(rows, column.dtype) for column in SCHEMA.columns}
    columns["h_mean"] = random.normal(1500, 1, rows)
    columns["longitude"] = west + random.random(rows) if valid else np.full(rows, np.nan)
    columns["latitude"] = south + 2 * random.random(rows) if valid else np.full(rows, np.nan)
    columns["time"] = np.datetime64("2019-12-20", "ns") + np.arange(rows)
    return SCHEMA.frame(SCHEMA.table(columns))


def write(path: Path, *frames: gpd.GeoDataFrame, record: dict[str, Any] | None = None) -> None:
    with GeoParquetWriter(path, SCHEMA.meta()) as writer:
        for part in frames:
            writer.write(part)
        writer.annotate(record or {})


def metadata(path: Path, key: str) -> Any:
    """Read a JSON record of a file's metadata, and refuse what JSON does not know, such as NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(pq.read_metadata(path).metadata[key.encode()], parse_constant=refuse)


def checked_geo(path: Path) -> dict[str, Any]:
    """Make sure that a file is GeoParquet 1.1 by the letter of its specification; give its geometry column's record."""
    geo = metadata(path, "geo")
    assert geo["version"] == "1.1.0"
    assert geo["primary_column"] == "geometry"
    column: dict[str, Any] = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB"
    assert set(column["geometry_types"]) <= {"Point"}
    assert pyproj.CRS.from_json_dict(column["crs"]) == pyproj.CRS("EPSG:7912")
    assert column["covering"]["bbox"] == {key: ["bbox", key] for key in ("xmin", "ymin", "xmax", "ymax")}
    if "bbox" in column:
        assert len(column["bbox"]) == 4
        assert all(math.isfinite(value) for value in column["bbox"])
    schema = pq.read_schema(path)
    assert schema.field("geometry").type == pa.binary()
    assert pa.types.is_struct(schema.field("bbox").type)
    # once for the file, and without bounds in the Arrow schema, where dask looks for it
    assert path.read_bytes().count(b'"primary_column"') == 1
    assert b"geo" in schema.metadata
    return column


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    parts = [frame(30), frame(1), frame(200)]
    write(tmp_path / "x.parquet", *parts)
    back = gpd.read_parquet(tmp_path / "x.parquet")
    wanted = gpd.GeoDataFrame(pd.concat(parts))
    pd.testing.assert_frame_equal(back, wanted)
    assert back.crs == "EPSG:7912"
    assert back.index.name == "time"
    assert str(back.index.dtype) == "datetime64[ns]"


def test_each_frame_is_a_row_group_and_those_without_rows_are_none(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", frame(30), frame(0), frame(7))
    described = pq.read_metadata(tmp_path / "x.parquet")
    assert [described.row_group(i).num_rows for i in range(described.num_row_groups)] == [30, 7]


def test_the_geo_record_holds_for_all_row_groups(tmp_path: Path) -> None:
    parts = [frame(30, west=-49), frame(30, west=10, south=-80), frame(30, west=100, south=0)]
    write(tmp_path / "x.parquet", *parts)
    column = checked_geo(tmp_path / "x.parquet")
    assert column["geometry_types"] == ["Point"]
    assert column["bbox"] == pytest.approx(pd.concat(parts).total_bounds.tolist(), abs=0)


def test_the_covering_boxes_are_those_of_the_points(tmp_path: Path) -> None:
    part = frame(30)
    write(tmp_path / "x.parquet", part)
    table = pq.read_table(tmp_path / "x.parquet")
    boxes = pd.DataFrame(table["bbox"].to_pylist())
    points = shapely.from_wkb(table["geometry"].to_numpy())
    np.testing.assert_array_equal(boxes["xmin"], shapely.get_x(points))
    np.testing.assert_array_equal(boxes["ymax"], shapely.get_y(points))
    inside = gpd.read_parquet(tmp_path / "x.parquet", bbox=(-49, 69, -48.5, 71))
    assert len(inside) == (part["longitude"] <= -48.5).sum()


@pytest.mark.parametrize("parts", [[], [0], [0, 0]])
def test_a_file_without_rows(tmp_path: Path, parts: list[int]) -> None:
    write(tmp_path / "x.parquet", *(frame(rows) for rows in parts))
    column = checked_geo(tmp_path / "x.parquet")
    assert "bbox" not in column
    assert column["geometry_types"] == []
    back = gpd.read_parquet(tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(back, SCHEMA.meta())


def test_rows_without_positions_do_not_spoil_the_bounds(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", frame(5, valid=False))
    assert "bbox" not in checked_geo(tmp_path / "a.parquet")
    good = frame(5)
    write(tmp_path / "b.parquet", frame(5, valid=False), good)
    assert checked_geo(tmp_path / "b.parquet")["bbox"] == good.total_bounds.tolist()
    assert len(gpd.read_parquet(tmp_path / "b.parquet")) == 10


@pytest.mark.filterwarnings("ignore:The inplace keyword:pandas.errors.Pandas4Warning")  # dask's own
def test_dask_geopandas_and_pandas_read_it(tmp_path: Path) -> None:
    import dask_geopandas

    part = frame(20)
    write(tmp_path / "x.parquet", part)
    lazy = dask_geopandas.read_parquet(tmp_path / "x.parquet")
    assert len(lazy) == 20
    assert lazy.crs == "EPSG:7912"
    plain = pd.read_parquet(tmp_path / "x.parquet", columns=["h_mean"])
    np.testing.assert_array_equal(plain["h_mean"], part["h_mean"])


def test_the_record(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", frame(2), record={"product": "atl06", "parameters": {"cnf": [4]}})
    assert metadata(tmp_path / "x.parquet", "nunatak") == {"product": "atl06", "parameters": {"cnf": [4]}}


def test_a_record_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "x.parquet", record={"value": math.nan})
    assert list(tmp_path.iterdir()) == []


# -- whole or not at all ----------------------------------------------------------------------------------------------


def test_the_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with GeoParquetWriter(path, SCHEMA.meta()) as writer:
        writer.write(frame(5))
        assert not path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.parquet"]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write(path, frame(5))
    write(path, frame(9))
    assert len(gpd.read_parquet(path)) == 9


FULL = OSError(errno.ENOSPC, "No space left on device")


def failing(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Let one method of the writer of files (not of geopandas' in memory) find the disk full."""

    class Failing(pq.ParquetWriter):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            if method == "__init__":  # the file is there before its first bytes fail
                raise FULL

    def fail(*_: Any, **__: Any) -> None:
        raise FULL

    if method != "__init__":
        setattr(Failing, method, fail)
    monkeypatch.setattr(pq, "ParquetWriter", Failing)


@pytest.mark.parametrize("method", ["__init__", "write_table", "close"])
def test_a_full_disk_is_an_output_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    failing(monkeypatch, method)
    with pytest.raises(OutputError, match=r"x\.parquet: can't be written: .*No space left on device") as caught:
        write(tmp_path / "x.parquet", frame(5))
    assert caught.value.kind == "output"
    assert list(tmp_path.iterdir()) == []


def stumble(path: Path, error: Exception) -> None:
    """Write a few rows and then meet another error."""
    with GeoParquetWriter(path, SCHEMA.meta()) as writer:
        writer.write(frame(5))
        raise error


# an OSError from elsewhere, as a lost cluster gives one, is not the disk's
@pytest.mark.parametrize("error", [KeyError("something"), ConnectionError("the cluster is gone"), TimeoutError("x")])
@pytest.mark.parametrize("before", [None, b"older heights"])
def test_an_error_leaves_nothing_behind_and_what_was_there_before(
    tmp_path: Path, error: Exception, before: bytes | None
) -> None:
    path = tmp_path / "x.parquet"
    if before:
        path.write_bytes(before)
    with pytest.raises(type(error)):
        stumble(path, error)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == ([before] if before else [])


def test_a_full_disk_does_not_hide_the_error_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "close")
    with pytest.raises(KeyError, match="something else"):
        stumble(tmp_path / "x.parquet", KeyError("something else"))
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, said in (
        (tmp_path, f"a folder; the output is one file, such as {tmp_path}"),
        (tmp_path / "gone" / "x.parquet", f"the folder {tmp_path / 'gone'} does not exist"),
        (tmp_path / "file" / "x.parquet", "does not exist"),
        (Path("/dev/null"), "not a file, and nothing that a file may replace"),
    ):
        with pytest.raises(InputError, match=said):
            GeoParquetWriter(path, SCHEMA.meta())


# -- what a run writes ------------------------------------------------------------------------------------------------


def run(plan: nunatak.Plan, path: Path, scheduler: str) -> None:
    schema, outcomes = plan.request.schema(), []
    with open_workers(scheduler, 3) as workers, GeoParquetWriter(path, schema.meta()) as writer:
        for table, outcome in stream(plan, workers):
            outcomes.append(outcome)
            writer.write(schema.frame(table))
        writer.annotate(describe_run(plan, outcomes))


def test_the_same_bytes_again_and_from_threads(granule_folder: Path, tmp_path: Path) -> None:
    plan = nunatak.plan("atl06", granule_folder, cnf=2)
    for name, scheduler in (("once", "sync"), ("again", "sync"), ("threads", "threads")):
        run(plan, tmp_path / name, scheduler)
    once = (tmp_path / "once").read_bytes()
    assert (tmp_path / "again").read_bytes() == once
    assert (tmp_path / "threads").read_bytes() == once


def test_a_run_says_of_itself_how_it_can_be_repeated(granule_folder: Path, tmp_path: Path) -> None:
    poly = [(-60, 60), (-40, 60), (-40, 80), (-60, 80)]
    plan = nunatak.plan("atl06", granule_folder, cnf="high", len=80, poly=poly, beams=["gt1l", "gt1r"])
    run(plan, tmp_path / "x.parquet", "sync")
    record = metadata(tmp_path / "x.parquet", "nunatak")
    assert (record["product"], record["algorithm_version"]) == ("atl06", product_named("atl06").version)
    assert Parameters.of(record["parameters"]) == plan.request.parameters
    assert {"nunatak", "h5coro", "numba", "numpy"} <= set(record["versions"])
    assert record["versions"]["nunatak"] == nunatak.__version__
    assert {column["name"]: column["units"] for column in record["columns"]}["h_mean"] == "m"
    assert [column["name"] for column in record["columns"]] == list(plan.request.schema().names)
    assert [granule["name"] for granule in record["granules"]] == sorted(
        p.name for p in granule_folder.glob("ATL03*.h5")
    )
    assert [granule["size"] for granule in record["granules"]] == [
        path.stat().st_size for path in sorted(granule_folder.glob("ATL03*.h5"))
    ]
    assert record["outcome_counts"] == {"ok": 3, "empty": 0, "absent": 1, "failed": 0}
    assert [(o["beam"], o["status"]) for o in record["outcomes"]] == [
        ("gt1l", "ok"), ("gt1r", "ok"), ("gt1l", "ok"), ("gt1r", "absent")
    ]  # fmt: skip
    heights = gpd.read_parquet(tmp_path / "x.parquet")
    assert sum(o.get("rows", 0) for o in record["outcomes"]) == len(heights) > 0
    again = nunatak.atl06(granule_folder, record["parameters"]).compute(scheduler="sync")
    pd.testing.assert_frame_equal(gpd.GeoDataFrame(again), heights)
