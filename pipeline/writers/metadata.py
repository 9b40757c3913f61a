"""What a result says of itself: parameters, granules, versions, units, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from ..outcome import Outcome, count_statuses
from ..products import product_named

if TYPE_CHECKING:
    from ..plan import Plan

# The packages whose release may show in the numbers.
_VERSIONS_OF: Final = ("nunatak", "h5coro", "numba", "numpy", "shapely")
# Wall time differs from run to run; a file's bytes should not.
_LEFT_OUT: Final = ("read_seconds", "compute_seconds")


def describe_run(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Describe a run's result, so that its numbers can be traced and the request be repeated.

    Returns
    -------
    dict
        product, algorithm_version, parameters, versions, columns (name, dtype, units, meaning, source), granules
        (address and size), outcomes (one record a task) and their counts. It holds no time of day: the same request
        over the same granules gives the same description.
    """
    product = product_named(plan.request.product)
    return {
        "product": product.name,
        "algorithm_version": product.version,
        "parameters": plan.request.parameters.model_dump(mode="json", exclude_none=True),
        "versions": {name: version(name) for name in _VERSIONS_OF},
        "columns": plan.request.schema().describe(),
        "granules": [{"name": str(g.name), "address": g.address, "size": g.size} for g in plan.granules],
        "outcome_counts": count_statuses(outcomes),
        "outcomes": [_record(outcome) for outcome in outcomes],
    }


def _record(outcome: Outcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if name not in _LEFT_OUT and value not in ("", ())}
