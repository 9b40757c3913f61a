"""The requests that people make in Python, each a few words long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .parameters import Parameters
from .plan import OnError
from .plan import make_plan as plan

if TYPE_CHECKING:
    import dask_geopandas


def atl06(
    resources: str | Path | Iterable[str | Path],
    parms: Parameters | Mapping[str, Any] | str | Path | None = None,
    *,
    on_error: OnError = "raise",
    keep_id: bool = False,
    **parameters: Any,
) -> dask_geopandas.GeoDataFrame:
    """Heights by SlideRule's ATL06-SR, as a lazy frame.

    Parameters
    ----------
    resources
        Paths of ATL03 granules, and of folders of them.
    parms, **parameters
        The request by its SlideRule names: `Parameters` lists them with their defaults.
    on_error
        ``"raise"``: a failed task raises `TaskFailedError` when the frame is computed. ``"collect"``: the rows of the
        others come; the outcomes are had by ``nunatak.plan(...).lazy(on_error="collect")``.
    keep_id
        Keep the column ``extent_id``.

    Returns
    -------
    dask_geopandas.GeoDataFrame
        One partition for each beam of each granule, index ``time``, points in EPSG:7912 (degrees), heights in m above
        the WGS 84 ellipsoid. Nothing is read before it is computed.

    Raises
    ------
    InputError
        A parameter or a resource that is not right.

    Examples
    --------
    >>> import nunatak, tempfile
    >>> from nunatak.testing import simulate
    >>> folder = tempfile.mkdtemp()
    >>> granules = simulate(folder, kilometres=2, beams=["gt2l"], seed=1)
    >>> heights = nunatak.atl06(folder, cnf="high").compute()
    >>> str(heights.crs), heights.index.name
    ('EPSG:7912', 'time')
    """
    return plan("atl06", resources, parms, keep_id=keep_id, **parameters).lazy(on_error).frame
