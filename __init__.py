"""nunatak: ICESat-2 photons to heights, as a Dask pipeline on your own cluster.

>>> import nunatak
>>> heights = nunatak.atl06("folder/of/granules", poly="glacier.geojson")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from .pipeline.errors import InputError as InputError
    from .pipeline.errors import NunatakError as NunatakError
    from .pipeline.errors import OutputError as OutputError
    from .pipeline.errors import ReadError as ReadError
    from .pipeline.outcome import Outcome as Outcome
    from .pipeline.outcome import Status as Status
    from .pipeline.outcome import TaskFailedError as TaskFailedError
    from .pipeline.parameters import Parameters as Parameters
    from .pipeline.plan import Plan as Plan
    from .pipeline.region import Region as Region
    from .pipeline.region import RegionMask as RegionMask
    from .pipeline.requests import atl03 as atl03
    from .pipeline.requests import atl03v as atl03v
    from .pipeline.requests import atl06 as atl06
    from .pipeline.requests import atl08 as atl08
    from .pipeline.requests import merge_extents as merge_extents
    from .pipeline.requests import plan as plan

__version__ = "0.1.0"

# Imported when they are first used, so that `import nunatak` and the command line do not wait for dask and numba.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "pipeline.errors": ["InputError", "NunatakError", "OutputError", "ReadError"],
        "pipeline.outcome": ["Outcome", "Status", "TaskFailedError"],
        "pipeline.parameters": ["Parameters"],
        "pipeline.plan": ["Plan"],
        "pipeline.region": ["Region", "RegionMask"],
        "pipeline.requests": ["atl03", "atl03v", "atl06", "atl08", "merge_extents", "plan"],
    },
)
