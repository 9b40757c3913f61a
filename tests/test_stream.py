"""Results as they come: in the order of the plan, a bounded number of tasks ahead, whoever does them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask
import pandas as pd
import pytest

import nunatak
from nunatak import Outcome, Status, TaskFailedError
from nunatak.cluster.workers import ClusterWorkers, InlineWorkers, ThreadWorkers, open_workers
from nunatak.pipeline.errors import InputError
from nunatak.pipeline.outcome import count_statuses
from nunatak.pipeline.stream import Workers, stream


class Recorder:
    """Does tasks when their results are asked for, counts how many are in flight, and can lose some."""

    def __init__(self, slots: int = 2, lost: tuple[int, ...] = ()) -> None:
        self.slots = slots
        self.lost = lost
        self.shared: list[Any] = []
        self.futures: list[Future[Any]] = []
        self.beams: list[str] = []

    def share(self, value: Any) -> Any:
        self.shared.append(value)
        return value

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        number = len(self.futures)
        future: Future[Any] = Future()
        self.futures.append(future)
        self.beams.append(arguments[2])
        if number in self.lost:
            future.set_exception(ConnectionError("the worker is gone"))
        else:
            future.set_result(function(*arguments))
        return future


def checked(plan: nunatak.Plan, workers: Workers, on_error: Any = "raise") -> list[tuple[pd.DataFrame, Outcome]]:
    """Stream a plan and make sure that the results are in its order and complete."""
    results = list(stream(plan, workers, on_error))
    assert [(o.granule, o.beam) for _, o in results] == [(task.granule, task.beam) for task in plan.tasks]
    assert [len(table) for table, _ in results] == [outcome.rows for _, outcome in results]
    assert sum(count_statuses(outcome for _, outcome in results).values()) == len(plan)
    return results


@pytest.fixture(scope="module")
def plan(granule_folder: Path) -> nunatak.Plan:
    return nunatak.plan("atl06", granule_folder)


def test_every_task_comes_once_and_in_the_order_of_the_plan(plan: nunatak.Plan) -> None:
    workers = Recorder()
    results = checked(plan, workers)
    assert len(workers.futures) == len(plan) == 12
    assert count_statuses(outcome for _, outcome in results) == {"ok": 5, "empty": 0, "absent": 7, "failed": 0}
    assert workers.shared == [plan.request]  # the request goes out once


@pytest.mark.parametrize("slots", [1, 2, 100])
def test_tasks_in_flight_are_bounded(plan: nunatak.Plan, slots: int) -> None:
    workers = Recorder(slots)
    ahead = []
    for done, _ in enumerate(stream(plan, workers)):
        ahead.append(len(workers.futures) - done)
    assert max(ahead) == min(4 * slots, len(plan))
    assert max(ahead) <= 4 * slots


def test_nothing_starts_before_it_is_asked_for(plan: nunatak.Plan) -> None:
    workers = Recorder()
    results = stream(plan, workers)
    assert workers.futures == []
    next(results)
    assert len(workers.futures) == 8


def test_a_plan_without_tasks(plan: nunatak.Plan) -> None:
    assert list(stream(nunatak.plan("atl06", []), Recorder())) == []


@pytest.fixture
def with_a_hole(granule_folder: Path, tmp_path: Path) -> nunatak.Plan:
    """A plan whose first granule is no HDF5 file any more."""
    for path in granule_folder.glob("ATL03_*.h5"):
        shutil.copy(path, tmp_path)
    made = nunatak.plan("atl06", tmp_path)
    min(tmp_path.glob("*.h5")).write_text("photons")
    return made


def test_collecting_goes_on_after_a_failure(with_a_hole: nunatak.Plan) -> None:
    results = checked(with_a_hole, Recorder(), "collect")
    assert [outcome.kind for _, outcome in results] == ["not_hdf5"] * 6 + [""] * 6
    assert all(table.dtypes.equals(results[-1][0].dtypes) for table, _ in results)


def test_raising_stops_at_the_first_failure(with_a_hole: nunatak.Plan) -> None:
    workers = Recorder(slots=1)
    results = stream(with_a_hole, workers)
    with pytest.raises(TaskFailedError, match=r"gt1l failed \(not_hdf5\)"):
        next(results)
    assert len(workers.futures) == 4
    with pytest.raises(StopIteration):
        next(results)


@pytest.mark.parametrize("leave", ["raise", "close"])
def test_what_waits_is_cancelled_when_nobody_wants_it(with_a_hole: nunatak.Plan, leave: str) -> None:
    class Idle(Recorder):
        def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
            if not self.futures:
                return super().submit(function, *arguments)
            self.futures.append(Future())
            return self.futures[-1]

    workers = Idle(slots=1)
    results = stream(with_a_hole, workers, "raise" if leave == "raise" else "collect")
    if leave == "raise":
        with pytest.raises(TaskFailedError):
            next(results)
    else:
        next(results)
        results.close()  # type: ignore[attr-defined]
    assert len(workers.futures) == 4
    assert all(future.cancelled() for future in workers.futures[1:])


def test_a_lost_worker_is_an_outcome(plan: nunatak.Plan) -> None:
    results = checked(plan, Recorder(lost=(1, 11)), "collect")
    lost = [outcome for _, outcome in results if outcome.failed]
    assert [(outcome.status, outcome.kind) for outcome in lost] == [(Status.FAILED, "worker_lost")] * 2
    assert "ConnectionError: the worker is gone" in lost[0].message
    assert lost[0].beam == "gt1r"
    assert all(table.dtypes.equals(results[0][0].dtypes) for table, _ in results)


def test_a_lost_worker_is_felt(plan: nunatak.Plan) -> None:
    with pytest.raises(TaskFailedError, match=r"gt1r failed \(worker_lost\)"):
        list(stream(plan, Recorder(lost=(1,))))


# -- who does the tasks -----------------------------------------------------------------------------------------------


def test_the_same_bits_from_this_thread_and_from_several(plan: nunatak.Plan) -> None:
    alone = checked(plan, InlineWorkers())
    with ThreadPoolExecutor(4) as pool:
        together = checked(plan, ThreadWorkers(pool, 4))
    for (one, first), (other, second) in zip(alone, together, strict=True):
        assert first == second
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_inline_workers_put_exceptions_into_their_future() -> None:
    future = InlineWorkers().submit(divmod, 1, 0)
    assert isinstance(future.exception(), ZeroDivisionError)
    assert InlineWorkers().submit(divmod, 7, 2).result() == (3, 1)


def test_open_workers_by_name() -> None:
    with open_workers("sync") as workers:
        assert isinstance(workers, InlineWorkers)
    with open_workers("threads", 3) as workers:
        assert isinstance(workers, ThreadWorkers)
        assert workers.slots == 3
        assert workers.submit(divmod, 7, 2).result() == (3, 1)
    with open_workers() as workers:
        assert workers.slots >= 1


@pytest.mark.parametrize("scheduler", ["thread", "", "localhost:8786", "process"])
def test_a_scheduler_of_no_such_name(scheduler: str) -> None:
    with (
        pytest.raises(InputError, match=f"scheduler '{scheduler}': sync, threads, processes, or an address"),
        open_workers(scheduler),
    ):
        pass


@pytest.mark.parametrize("scheduler", ["nowhere://x:1", "tcp://"])
def test_an_address_that_is_none(scheduler: str) -> None:
    with pytest.raises(InputError, match=f"scheduler {scheduler}: no Dask scheduler answers"), open_workers(scheduler):
        pass


def test_a_client_of_ours_is_not_the_one_that_dask_takes(cluster: Any) -> None:
    from distributed import default_client

    before = dask.config.get("scheduler", None)
    with open_workers(cluster.scheduler_address), pytest.raises(ValueError, match="No client"):
        default_client()
    assert dask.config.get("scheduler", None) == before


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Dask cluster without a worker, in this process."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="inproc") as made:
        yield made


def test_a_cluster_does_the_same(plan: nunatak.Plan, cluster: Any) -> None:
    cluster.scale(1)
    with open_workers(cluster.scheduler_address) as workers:
        assert isinstance(workers, ClusterWorkers)
        there = checked(plan, workers)
    for (one, first), (other, second) in zip(checked(plan, InlineWorkers()), there, strict=True):
        assert first == second
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_cluster_without_workers_does_not_keep_us_waiting(plan: nunatak.Plan, cluster: Any) -> None:
    from distributed import Client

    with Client(cluster) as client:
        workers = ClusterWorkers(client, patience=0.2)
        assert workers.slots == 1
        with pytest.raises(InputError, match=r"it had no worker for 0\.2 s"):
            list(stream(plan, workers))


class Gone:
    """A Dask client whose scheduler is gone."""

    def nthreads(self) -> dict[str, int]:
        raise RuntimeError("ConnectionPool is closed")

    def submit(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("Client is closed")


def test_a_cluster_that_is_gone_is_an_outcome_of_every_task(plan: nunatak.Plan) -> None:
    workers = ClusterWorkers(Gone())
    workers.share = lambda value: value  # type: ignore[method-assign]
    results = checked(plan, workers, "collect")
    assert {outcome.kind for _, outcome in results} == {"worker_lost"}
    assert "Client is closed" in results[0][1].message


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run(plan: nunatak.Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, since a client that lost its scheduler tells about it in many ways."""
    code = f"""
import subprocess, sys
import nunatak
from nunatak.cluster import workers
from nunatak.pipeline.stream import stream
from distributed import LocalCluster

if __name__ == "__main__":
    workers._ANSWER = "0.5s"
    plan = nunatak.plan("atl06", {str(Path(plan.granules[0].address).parent)!r})
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        with workers.open_workers(cluster.scheduler_address) as done_by:
            kinds = []
            for _, outcome in stream(plan, done_by, "collect"):
                kinds.append(outcome.kind)
                if len(kinds) == 1:
                    cluster.close()
            print(len(kinds), sorted(set(kinds[8:])))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == "12 ['worker_lost']\n", ended.stderr


class Unwelcome:
    """What a worker can't unpack, as if nunatak were not installed there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, ()


def _refuse() -> None:
    raise ModuleNotFoundError("No module named 'nunatak'")


@pytest.mark.slow
def test_workers_without_nunatak_are_told_at_once() -> None:
    with open_workers("processes", 1) as workers, pytest.raises(InputError, match="nunatak must be installed there"):
        workers.share(Unwelcome())
