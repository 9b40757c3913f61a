"""The requests that people make in Python, each a few words long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .merging import merge_extents
from .parameters import Parameters
from .plan import OnError
from .planning import make_plan as plan
from .products import PRODUCTS

if TYPE_CHECKING:
    import dask_geopandas

    from .catalog.query import Catalog

__all__ = ["atl03", "atl03v", "atl06", "atl08", "merge_extents", "plan"]

_DOC = """{title}; as a lazy frame.

    Parameters
    ----------
    resources
        Paths of ATL03 granules, and of folders of them. None asks the catalog.
    parms, **parameters
        The request by its SlideRule names: `Parameters` lists them with their defaults, docs/{name}.md those that this
        product honours.
    catalog, prefer
        Where granules are searched for: see `nunatak.plan`.
    on_error
        ``"raise"``: a failed task raises `TaskFailedError` when the frame is computed. ``"collect"``: the rows of the
        others come; the outcomes are had by ``nunatak.plan(...).lazy(on_error="collect")``.
    keep_id
        Keep the column ``extent_id``, by which `merge_extents` joins the products of one request.

    Returns
    -------
    dask_geopandas.GeoDataFrame
        One partition for each beam of each granule, index ``time``, points in EPSG:7912 (degrees), heights in m above
        the WGS 84 ellipsoid; the columns of docs/{name}.md. Nothing is read before it is computed.

    Raises
    ------
    InputError
        A parameter or a resource that is not right.
    CatalogError
        A catalog whose answer would not be whole.

    Examples
    --------
    >>> import nunatak, tempfile
    >>> from nunatak.testing import simulate
    >>> folder = tempfile.mkdtemp()
    >>> granules = simulate(folder, kilometres=2, beams=["gt2l"], seed=1)
    >>> rows = nunatak.{name}(folder, beams="gt2l").compute()
    >>> str(rows.crs), rows.index.name
    ('EPSG:7912', 'time')
    """


class ProductRequest(Protocol):
    """How every product is asked for in Python."""

    def __call__(
        self,
        resources: str | Path | Iterable[str | Path] | None = None,
        parms: Parameters | Mapping[str, Any] | str | Path | None = None,
        *,
        catalog: Catalog | str | Path | None = None,
        prefer: Sequence[str | Path] = (),
        on_error: OnError = "raise",
        keep_id: bool = False,
        **parameters: Any,
    ) -> dask_geopandas.GeoDataFrame:
        """Give the product as a lazy frame."""
        ...


def _asking_for(name: str) -> ProductRequest:
    """Make the function that asks for a product."""

    def ask(
        resources: str | Path | Iterable[str | Path] | None = None,
        parms: Parameters | Mapping[str, Any] | str | Path | None = None,
        *,
        catalog: Catalog | str | Path | None = None,
        prefer: Sequence[str | Path] = (),
        on_error: OnError = "raise",
        keep_id: bool = False,
        **parameters: Any,
    ) -> dask_geopandas.GeoDataFrame:
        chosen = plan(name, resources, parms, catalog=catalog, prefer=prefer, keep_id=keep_id, **parameters)
        return chosen.lazy(on_error).frame

    title = PRODUCTS[name]
    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = _DOC.format(name=name, title=title[0].upper() + title[1:])
    return ask


atl03 = _asking_for("atl03")
atl03v = _asking_for("atl03v")
atl06 = _asking_for("atl06")
atl08 = _asking_for("atl08")
