"""The requests that people make in Python, each a few words long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .parameters import Parameters
from .plan import OnError
from .planning import make_plan as plan

if TYPE_CHECKING:
    import dask_geopandas

    from .catalog.query import Catalog

__all__ = ["atl06", "plan"]


def atl06(
    resources: str | Path | Iterable[str | Path] | None = None,
    parms: Parameters | Mapping[str, Any] | str | Path | None = None,
    *,
    catalog: Catalog | str | Path | None = None,
    prefer: Sequence[str | Path] = (),
    on_error: OnError = "raise",
    keep_id: bool = False,
    **parameters: Any,
) -> dask_geopandas.GeoDataFrame:
    """Heights by SlideRule's ATL06-SR, as a lazy frame.

    Parameters
    ----------
    resources
        Paths of ATL03 granules, and of folders of them. None asks the catalog.
    parms, **parameters
        The request by its SlideRule names: `Parameters` lists them with their defaults.
    catalog, prefer
        Where granules are searched for: see `nunatak.plan`.
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
    chosen = plan("atl06", resources, parms, catalog=catalog, prefer=prefer, keep_id=keep_id, **parameters)
    return chosen.lazy(on_error).frame
