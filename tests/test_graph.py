"""A plan as a dask graph: what it holds, what it gives, and that the bits are the same however it is run."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import dask
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import nunatak
from nunatak.pipeline import graph
from nunatak.pipeline.estimate import Content, cost_of
from nunatak.pipeline.granule import BEAMS, GranuleName
from nunatak.pipeline.outcome import Outcome, TaskFailedError
from nunatak.pipeline.plan import Plan, PlannedBeam, PlannedGranule
from nunatak.pipeline.products.product import Effort
from nunatak.pipeline.region import Region
from nunatak.pipeline.task import Request, run_task
from nunatak.testing import simulate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three granules of three beams; the second lacks one."""
    folder = tmp_path_factory.mktemp("granules")
    beams = ("gt1l", "gt2r", "gt3l")
    simulate(folder, 3, kilometres=3, beams=beams, seed=4, absent={2: ["gt2r"]}, with_atl08=False)
    return folder


@pytest.fixture(scope="module")
def spoilt(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same granules, one of which is cut short."""
    copy = tmp_path_factory.mktemp("spoilt")
    for number, path in enumerate(sorted(folder.glob("*.h5"))):
        content = path.read_bytes()
        (copy / path.name).write_bytes(content[: len(content) // 2] if number == 2 else content)
    return copy


Result = tuple[pd.DataFrame, Outcome]


def plan_of(granules: int) -> Plan:
    """A plan over granules that are not there, for what needs no reading."""
    name = GranuleName.parse("ATL03_20181017222812_02950102_006_02.h5")
    beams = tuple(PlannedBeam(beam, cost_of(Content(1e6, 21.0), 1.0, Effort())) for beam in BEAMS)
    many = tuple(
        PlannedGranule(other, {"file": f"/archive/ATLAS/ATL03/006/2018/10/17/{other}"}, beams)
        for i in range(granules)
        for other in [replace(name, rgt=i % 1387 + 1, cycle=i // 1387 + 1)]
    )
    return Plan(Request("atl06", nunatak.Parameters()), many)


def same(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame) -> bool:
    """Equal to the last bit, NaN included."""
    pd.testing.assert_frame_equal(a.drop(columns="geometry"), b.drop(columns="geometry"), check_exact=True)
    columns = [c for c in a.columns if c != "geometry"]
    return all(a[c].to_numpy().tobytes() == b[c].to_numpy().tobytes() for c in columns) and a.geometry.equals(
        b.geometry
    )


@pytest.fixture(scope="module")
def reference(folder: Path) -> gpd.GeoDataFrame:
    return nunatak.atl06(folder, cnf=2, keep_id=True).compute(scheduler="sync")


class TestSameBits:
    @pytest.mark.parametrize("scheduler", ["sync", "threads"])
    def test_in_this_process(self, folder: Path, reference: gpd.GeoDataFrame, scheduler: str) -> None:
        assert len(reference) > 800
        assert same(nunatak.atl06(folder, cnf=2, keep_id=True).compute(scheduler=scheduler), reference)

    @pytest.mark.slow
    @pytest.mark.parametrize("workers", [1, 4])
    def test_on_a_cluster_of_processes(self, folder: Path, reference: gpd.GeoDataFrame, workers: int) -> None:
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            assert same(nunatak.atl06(folder, cnf=2, keep_id=True).compute(), reference)

    def test_in_any_order_of_the_granules(self, folder: Path, reference: gpd.GeoDataFrame) -> None:
        paths = sorted(folder.glob("ATL03*.h5"))
        for order in (paths, paths[::-1], [paths[1], paths[2], paths[0]]):
            assert same(nunatak.atl06(order, cnf=2, keep_id=True).compute(scheduler="sync"), reference)


class TestFrame:
    def test_meta_is_what_comes(self, folder: Path, reference: gpd.GeoDataFrame) -> None:
        frame = nunatak.atl06(folder, cnf=2, keep_id=True)
        pd.testing.assert_series_equal(frame.dtypes, reference.dtypes)
        assert frame.crs == reference.crs == "EPSG:7912"
        assert frame.index.name == reference.index.name == "time"
        assert reference.index.dtype == "datetime64[ns]"
        parts = [frame.partitions[i].compute(scheduler="sync") for i in range(frame.npartitions)]
        empty = next(part for part in parts if len(part) == 0)
        for part in (*parts, empty):
            pd.testing.assert_series_equal(part.dtypes, frame.dtypes)
            assert part.index.dtype == "datetime64[ns]"

    def test_extent_id_is_kept_on_request(self, folder: Path) -> None:
        assert "extent_id" not in nunatak.atl06(folder).columns

    def test_further_dask_operations(self, folder: Path, reference: gpd.GeoDataFrame) -> None:
        frame = nunatak.atl06(folder, cnf=2)
        with dask.config.set(scheduler="sync"):
            means = frame.groupby("gt")["h_mean"].mean().compute().sort_index()
            high = frame[frame["h_mean"] > reference["h_mean"].median()].compute()
            polar = frame.to_crs("EPSG:3413").compute()
        pd.testing.assert_series_equal(means, reference.groupby("gt")["h_mean"].mean(), rtol=1e-12)
        assert len(high) == (reference["h_mean"] > reference["h_mean"].median()).sum()
        assert polar.crs == "EPSG:3413"

    def test_to_parquet_and_back(self, folder: Path, reference: gpd.GeoDataFrame, tmp_path: Path) -> None:
        with dask.config.set(scheduler="sync"):
            nunatak.atl06(folder, cnf=2, keep_id=True).to_parquet(tmp_path / "heights")
        back = gpd.read_parquet(tmp_path / "heights")
        assert same(back.sort_values("extent_id"), reference.sort_values("extent_id"))


class TestTogether:
    def test_every_task_runs_once_for_frame_and_outcomes(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ran: list[tuple[str, str]] = []

        def counted(address: str, granule: str, beam: str, atl08: str, request: Request) -> Result:
            ran.append((granule, beam))
            return run_task(address, granule, beam, atl08, request)

        monkeypatch.setattr(graph, "run_task", counted)
        plan = nunatak.plan("atl06", folder)
        both = plan.lazy()
        frame, outcomes = dask.compute(both.frame, both.outcomes, scheduler="sync")
        assert len(ran) == len(set(ran)) == len(plan) == len(outcomes) == 18
        assert outcomes["rows"].sum() == len(frame)
        assert outcomes["status"].value_counts().to_dict() == {"ok": 8, "absent": 10}
        assert [(o.granule, o.beam) for o in outcomes.itertuples()] == [(t.granule, t.beam) for t in plan.tasks]

    def test_a_failed_task_is_felt(self, spoilt: Path) -> None:
        with pytest.raises(TaskFailedError, match="truncated") as raised:
            nunatak.atl06(spoilt).compute(scheduler="sync")
        assert raised.value.outcome.granule == sorted(path.name for path in spoilt.glob("*.h5"))[2]
        assert raised.value.outcome.beam in BEAMS

    def test_collecting_gives_the_rest_and_the_ledger(self, spoilt: Path, folder: Path) -> None:
        both = nunatak.plan("atl06", spoilt).lazy(on_error="collect")
        frame, outcomes = dask.compute(both.frame, both.outcomes, scheduler="sync")
        assert set(outcomes["status"]) == {"ok", "absent", "failed"}
        failed = outcomes[outcomes["status"] == "failed"]
        assert set(failed["kind"]) == {"truncated"}
        assert failed["message"].str.contains(sorted(p.name for p in spoilt.glob("*.h5"))[2], regex=False).all()
        whole = nunatak.atl06(sorted(folder.glob("*.h5"))[:2]).compute(scheduler="sync")
        assert same(frame, whole)

    def test_a_wrong_choice_is_named(self, folder: Path) -> None:
        with pytest.raises(nunatak.InputError, match="'ignore'"):
            nunatak.atl06(folder, on_error="ignore")  # type: ignore[arg-type]


class TestGraph:
    def test_size_on_the_wire(self) -> None:
        """Under 1 kB a task, with a region of ten thousand vertices that is held once."""
        angle = np.linspace(0, 2 * np.pi, 10_001)
        ring = [(float(10 + np.cos(a)), float(50 + np.sin(a))) for a in angle]
        plan = plan_of(300)
        region = Region.of(ring)
        plan = replace(plan, request=Request("atl06", nunatak.Parameters.of(poly=region)))
        nodes = dict(plan.lazy().frame.optimize().__dask_graph__())
        size = len(pickle.dumps(nodes)) - len(pickle.dumps(region))
        assert size / len(plan) < 1000
        holders = [node for node in nodes.values() if len(pickle.dumps(node)) > 10_000]
        assert len(holders) == 1

    def test_nodes_are_tasks_and_partitions(self) -> None:
        plan = plan_of(5)
        nodes = dict(plan.lazy().frame.optimize().__dask_graph__())
        assert len(nodes) == 2 * len(plan) + 1

    def test_the_same_plan_has_the_same_keys(self) -> None:
        names = {plan_of(3).lazy().frame._name for _ in range(2)}
        other = replace(plan_of(3), request=Request("atl06", nunatak.Parameters.of(cnf=4))).lazy().frame._name
        assert len(names) == 1
        assert other not in names

    def test_an_empty_plan_is_an_error(self) -> None:
        with pytest.raises(nunatak.InputError, match="no task"):
            plan_of(0).lazy()
