"""nunatak: ICESat-2 photons to heights, as a Dask pipeline on your own cluster.

>>> import nunatak
>>> heights = nunatak.atl06("folder/of/granules", poly="glacier.geojson")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .pipeline.errors import InputError, NunatakError, ReadError
    from .pipeline.outcome import Outcome, Status, TaskFailedError
    from .pipeline.parameters import Parameters
    from .pipeline.plan import Plan
    from .pipeline.plan import make_plan as plan
    from .pipeline.region import Region, RegionMask
    from .pipeline.requests import atl06

__version__ = "0.1.0"

# Where the public names live. They are imported when they are first used, so that `import nunatak` and the command
# line do not wait for dask and numba.
_HOMES: Final = {
    "InputError": ".pipeline.errors",
    "NunatakError": ".pipeline.errors",
    "Outcome": ".pipeline.outcome",
    "Parameters": ".pipeline.parameters",
    "Plan": ".pipeline.plan",
    "ReadError": ".pipeline.errors",
    "Region": ".pipeline.region",
    "RegionMask": ".pipeline.region",
    "Status": ".pipeline.outcome",
    "TaskFailedError": ".pipeline.outcome",
    "atl06": ".pipeline.requests",
    "plan": ".pipeline.plan:make_plan",
}

__all__ = [
    "InputError",
    "NunatakError",
    "Outcome",
    "Parameters",
    "Plan",
    "ReadError",
    "Region",
    "RegionMask",
    "Status",
    "TaskFailedError",
    "__version__",
    "atl06",
    "plan",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module, __name__), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
