"""From a request to a plan: the granules that were named, or those that a catalog finds."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .ancillary import Probe, resolve_fields
from .catalog.query import Catalog, Found, Query
from .errors import InputError
from .estimate import content_of, cost_of, shares_inside, task_bounds
from .parameter_forms import ParameterNotice
from .parameters import SEARCH, Parameters
from .plan import Plan, PlannedBeam, PlannedGranule
from .products import product_named
from .products.product import Effort
from .resources import find_resources
from .task import Request


def make_plan(
    product: str,
    resources: str | Path | Iterable[str | Path] | None = None,
    parms: Parameters | Mapping[str, Any] | str | Path | None = None,
    *,
    catalog: Catalog | str | Path | None = None,
    prefer: Sequence[str | Path] = (),
    keep_id: bool = False,
    **keywords: Any,
) -> Plan:
    """Plan a product over granules that are named, or that a catalog finds.

    Parameters
    ----------
    product
        ``"atl06"``.
    resources
        Paths of granules and folders. None asks the catalog.
    parms, **keywords
        The parameters: see `Parameters.of`. `poly`, `region_mask`, `t0`, `t1`, `rgt`, `cycle`, `region`, `release`
        and `name_filter` say which granules a catalog is asked for.
    catalog
        ``"cmr"`` (NASA's, the default), a folder that ``nunatak index`` has indexed, or a `Catalog`.
    prefer
        Where a folder's index holds several files of one granule: the path, or the folder, of the one that counts.
    keep_id
        Keep the column ``extent_id``.

    Raises
    ------
    InputError
        A product, parameter, resource or catalog that is not right; the message says what would be.
    CatalogError
        When the catalog's answer would not be whole.

    Examples
    --------
    >>> import nunatak, tempfile
    >>> from nunatak.pipeline.catalog.update import update_index
    >>> from nunatak.testing import simulate
    >>> folder = tempfile.mkdtemp()
    >>> granules = simulate(folder, granules=2, kilometres=2, beams=["gt1l", "gt1r"], seed=1)
    >>> index = update_index(folder)
    >>> nunatak.plan("atl06", catalog=folder, poly=(-50, 69, -48, 70), cnf=4)
    <Plan atl06: 2 granules, 4 tasks>
    """
    chosen = product_named(product)
    parameters = Parameters.of(parms, **keywords)
    parameters.notice_unused(product, chosen.honours | SEARCH)
    parameters = parameters.assuming(chosen.assumes)
    if resources is not None:
        if catalog is not None:
            raise InputError("resources and a catalog are both given; granules are either named or searched for")
        _notice_search(parameters)
        named = find_resources(resources, chosen.reads)
        found, left_out = [granule.found() for granule in named.granules], named.left_out
        origin: dict[str, Any] = {"resources": "named"}
    else:
        asked = catalog_of(catalog, prefer)
        companions = ("ATL08",) if parameters.classes is not None else ()
        found, left_out = asked.find(query_of(parameters, chosen.reads, companions)), ()
        searched = parameters.model_dump(mode="json", include=set(SEARCH), exclude_defaults=True)
        origin = asked.describe() | {"search": searched}
    granules = plan_granules(found, parameters, chosen.effort(parameters))
    fields = resolve_fields(parameters, chosen.schema.names, _probes(granules))
    return Plan(Request(product, parameters.computing(), keep_id, fields), granules, left_out, origin)


def _probes(granules: Iterable[PlannedGranule]) -> Iterator[Probe]:
    """Give the granules that lie on disks of this machine, for what a plan has to look up in one of them."""
    for granule in granules:
        if "file" in granule.addresses:
            atl08 = granule.companions.get("ATL08", {}).get("file", "")
            yield Probe(granule.address, atl08, tuple(beam.beam for beam in granule.beams))


def plan_granules(found: Sequence[Found], parameters: Parameters, effort: Effort) -> tuple[PlannedGranule, ...]:
    """Plan the beams of granules that were found: what each will cost, and where its rows will lie.

    A beam that the catalog knows not to be in the granule is not planned.
    """
    area = parameters.region_mask or parameters.poly
    pairs = [
        (granule, beam)
        for granule in found
        for beam in parameters.selected_beams
        if granule.tracks is None or beam in granule.tracks
    ]
    shapes = [granule.outline if granule.tracks is None else granule.tracks[beam] for granule, beam in pairs]
    shares, bounds = shares_inside(shapes, area), task_bounds(shapes, area)
    beams: dict[int, list[PlannedBeam]] = {id(granule): [] for granule in found}
    for (granule, beam), share, box in zip(pairs, shares, bounds, strict=True):
        beams[id(granule)].append(PlannedBeam(beam, cost_of(content_of(granule, beam), share, effort), box))
    return tuple(
        PlannedGranule(
            granule.name,
            dict(granule.addresses),
            tuple(beams[id(granule)]),
            granule.size,
            {product: dict(other.addresses) for product, other in granule.companions.items()},
            granule.notes,
        )
        for granule in sorted(found, key=lambda granule: granule.name)
        if beams[id(granule)]
    )


def query_of(parameters: Parameters, product: str, companions: tuple[str, ...] = ()) -> Query:
    """Say what a request asks of a catalog.

    Raises
    ------
    InputError
        When it would be the whole archive.
    """
    area = parameters.region_mask or parameters.poly
    narrowed = [name for name in SEARCH if getattr(parameters, name)]
    if area is None and not narrowed:
        raise InputError(
            "a search without any limit would give the whole archive: name granules or a folder, or give a region "
            f"(poly) or one of {', '.join(sorted(SEARCH))}"
        )
    return Query(
        product=product,
        area=area,
        t0=parameters.t0,
        t1=parameters.t1,
        rgt=parameters.rgt,
        cycle=parameters.cycle,
        region=parameters.region,
        release=parameters.release,
        name_pattern=parameters.name_filter,
        companions=companions,
    )


def catalog_of(catalog: Catalog | str | Path | None, prefer: Sequence[str | Path] = ()) -> Catalog:
    """Give the catalog that is meant: CMR, or the index of a folder.

    Raises
    ------
    InputError
        When a text names neither.
    """
    if catalog is None or catalog == "cmr":
        from .catalog.cmr import CmrCatalog

        return CmrCatalog()
    if isinstance(catalog, str | Path):
        from .catalog.local import LocalCatalog

        if not Path(catalog).expanduser().exists():
            raise InputError(
                f"catalog {str(catalog)!r}: neither 'cmr' nor a folder with an index (nunatak index FOLDER)"
            )
        return LocalCatalog(Path(catalog).expanduser(), tuple(prefer))
    return catalog


def _notice_search(parameters: Parameters) -> None:
    """Say which parameters would narrow a search, where none is made."""
    without_effect = sorted(SEARCH & parameters.given)
    if without_effect:
        warnings.warn(
            f"the granules are named and nothing is searched for; without effect: {', '.join(without_effect)}",
            ParameterNotice,
            stacklevel=4,
        )
