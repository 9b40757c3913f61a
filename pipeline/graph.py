"""A plan as a dask graph: a lazy dask-geopandas frame and the outcomes of the same tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dask.base import tokenize
from dask.dataframe.dask_expr import new_collection
from dask.dataframe.dask_expr.io.io import FromGraph
from dask.task_spec import DataNode, List, Task, TaskRef

from .errors import InputError
from .outcome import Outcome, TaskFailedError, outcome_table
from .products.schema import CRS
from .task import Request, run_task

if TYPE_CHECKING:
    import dask.dataframe
    import dask_geopandas
    import geopandas as gpd
    import pandas as pd

    from .plan import OnError, Plan


@dataclass(frozen=True, slots=True)
class LazyResult:
    """A plan's rows and outcomes, not yet computed.

    Computed together (``dask.compute(both.frame, both.outcomes)``) every task runs once.

    Attributes
    ----------
    frame
        dask-geopandas frame, one partition a task, in the order of the plan.
    outcomes
        dask frame of one partition: one row a task, in the same order.
    """

    frame: dask_geopandas.GeoDataFrame
    outcomes: dask.dataframe.DataFrame


class _PlanFrame(FromGraph):  # type: ignore[misc]
    """A frame over ready tasks, named by the plan: dask's own would hash every task of the graph once more."""

    @cached_property
    def _name(self) -> str:
        return str(self.operand("name_prefix"))

    def _layer(self) -> dict[Any, Any]:
        layer: dict[Any, Any] = self.operand("layer")
        return layer


def lazy_result(plan: Plan, on_error: OnError) -> LazyResult:
    """Make the graph of a plan.

    The tasks' results are shared nodes; the frame's partitions and the table of outcomes are both made of them. The
    request (parameters and region) is one node that all tasks refer to.

    Raises
    ------
    InputError
        When `on_error` is neither ``"raise"`` nor ``"collect"``, or the plan holds no task.
    """
    import dask_geopandas  # noqa: F401 - tells dask of frames with geometry

    if on_error not in {"raise", "collect"}:
        raise InputError(f"on_error={on_error!r}: either 'raise' or 'collect'")
    tasks = list(plan.tasks)
    if not tasks:
        raise InputError("the plan holds no task: no granule was found for the request")
    token = tokenize(plan.request, tasks)
    request = TaskRef(f"request-{token}")
    work = f"{plan.request.product}-{token}"
    layer: dict[Any, Any] = {request.key: DataNode(request.key, plan.request)}
    for i, task in enumerate(tasks):
        layer[work, i] = Task((work, i), run_task, *task, request)
    frame = _frame(f"frame-{on_error}-{token}", work, len(tasks), layer, plan.request, on_error)
    frame.spatial_partitions = _spatial_partitions(plan)
    return LazyResult(
        frame,
        _outcomes(f"outcome-{token}", work, len(tasks), layer),
    )


def _spatial_partitions(plan: Plan) -> gpd.GeoSeries | None:
    """Give a box for each partition that certainly holds its rows; None where the plan does not know all of them."""
    import geopandas as gpd
    import numpy as np
    import shapely

    bounds = [beam.bounds for granule in plan.granules for beam in granule.beams]
    if None in bounds:
        return None
    return gpd.GeoSeries(shapely.box(*np.array(bounds).T), crs=CRS)


def _frame(
    name: str, work: str, count: int, layer: dict[Any, Any], request: Request, on_error: OnError
) -> dask_geopandas.GeoDataFrame:
    shared = TaskRef(next(iter(layer)))
    keys = [(name, i) for i in range(count)]
    parts = {key: Task(key, _partition, TaskRef((work, key[1])), shared, on_error) for key in keys}
    meta = request.schema().meta()
    return new_collection(_PlanFrame({**layer, **parts}, meta, (None,) * (count + 1), keys, name))


def _outcomes(name: str, work: str, count: int, layer: dict[Any, Any]) -> dask.dataframe.DataFrame:
    # one small node a task, so that the rows need not travel to where the outcomes are gathered
    keys = [(name, i) for i in range(count)]
    ends = {key: Task(key, _outcome, TaskRef((work, key[1]))) for key in keys}
    table = (f"table-{name}", 0)
    nodes = {**layer, **ends, table: Task(table, outcome_table, List(*(TaskRef(key) for key in keys)))}
    return new_collection(_PlanFrame(nodes, outcome_table([]), (None, None), [table], table[0]))


def _partition(result: tuple[pd.DataFrame, Outcome], request: Request, on_error: OnError) -> gpd.GeoDataFrame:
    table, outcome = result
    if outcome.failed and on_error == "raise":
        raise TaskFailedError(outcome)
    return request.schema().frame(table)


def _outcome(result: tuple[pd.DataFrame, Outcome]) -> Outcome:
    return result[1]
