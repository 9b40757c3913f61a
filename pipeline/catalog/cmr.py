"""NASA's Common Metadata Repository as a catalog, asked without a login."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import CatalogError
from .cmr_request import Parameters, check, numbers_meet, parameters, polygons
from .query import Found, Query
from .supersede import resolve
from .umm import read_granules

if TYPE_CHECKING:
    import requests

    from .patience import Patience, PatientClient

#: CMR in production.
CMR: Final = "https://cmr.earthdata.nasa.gov/search/"
#: The provider of NSIDC's granules in the cloud.
PROVIDER: Final = "NSIDC_CPRD"


@dataclass(frozen=True, slots=True)
class CmrCatalog:
    """Granules as CMR knows them.

    CMR's outline of a granule is wider than its beams, so that some granules that are found hold nothing in
    the area. Nothing is capped: every page is read, and what was received is counted against what CMR promised.

    Parameters
    ----------
    url
        Search root of the CMR.
    provider
        Whose granules; ``NSIDC_CPRD`` has them in the cloud.
    patience
        Time-outs and repeated tries; None for those of `nunatak.pipeline.catalog.patience.Patience`.

    Examples
    --------
    >>> from nunatak.pipeline.catalog.cmr import CmrCatalog
    >>> from nunatak.pipeline.catalog.query import Query
    >>> from nunatak.pipeline.granule import GranuleName
    >>> from nunatak.testing.cmr_server import CmrServer
    >>> name = GranuleName.parse("ATL03_20181017222812_02950102_006_02.h5")
    >>> with CmrServer([name]) as server:
    ...     found = CmrCatalog(server.url).find(Query(rgt=(295,)))
    >>> print(found[0].addresses["s3"])
    s3://nsidc-cumulus-prod-protected/ATLAS/ATL03/006/2018/10/17/ATL03_20181017222812_02950102_006_02.h5
    """

    url: str = CMR
    provider: str = PROVIDER
    patience: Patience | None = None

    def find(self, query: Query) -> list[Found]:
        """Give every granule that meets the query, sorted by name, each acquisition once, all of one release.

        Companions are searched with the same filters in the release that was found; one that CMR does not have
        is absent from `Found.companions`.

        Raises
        ------
        InputError
            When the query holds a value that no granule can have.
        CatalogError
            When CMR can't be reached, refuses the request, or gives less or other than it promised.

        Warns
        -----
        CatalogNotice
            When an older release has acquisitions that the newest one lacks
            (`nunatak.pipeline.catalog.supersede`).
        """
        from .patience import Patience, PatientClient

        check(query)
        rings = polygons(query)
        with PatientClient(self.patience or Patience()) as client:
            found = resolve(self._sweep(client, query, rings), query.release)
            for companion in query.companions if found else ():
                beside = _beside(query, companion, release=found[0].name.release)
                found = _paired(found, resolve(self._sweep(client, beside, rings), beside.release), companion)
        return found

    def describe(self) -> dict[str, Any]:
        """Say what was searched, for the plan's record."""
        from .patience import place

        return {"catalog": "cmr", "url": place(self.url), "provider": self.provider}

    def _sweep(self, client: PatientClient, query: Query, rings: Sequence[str]) -> list[Found]:
        """Collect what CMR has of one product."""
        address = f"{self.url.rstrip('/')}/granules.umm_json"
        found = read_granules(_documents(client, address, parameters(query, self.provider, rings)))
        for one in found:
            if one.name.product != query.product or query.release not in {None, one.name.release}:
                asked = f"{query.product} of {f'release {query.release}' if query.release else 'any release'}"
                raise CatalogError(f"{one.name}: CMR gave it where {asked} was asked for")
        return [one for one in found if numbers_meet(one.name, query)]


def _documents(client: PatientClient, address: str, asked: Parameters) -> list[Mapping[str, Any]]:
    """Read all pages; done when there are as many different granules as the first page promised."""
    documents: dict[object, Mapping[str, Any]] = {}
    headers: dict[str, str] = {}
    promised, page = -1, 0
    while len(documents) != promised:
        response = client.ask(address, asked, headers)
        page += 1
        hits, items = _page(response)
        before, promised = len(documents), hits if page == 1 else promised
        documents |= {_identity(item, (page, i)): item for i, item in enumerate(items)}
        if hits != promised:
            raise CatalogError(
                f"CMR promised {promised} granules on page 1 and {hits} on page {page}: granules were added or "
                "removed during the search; search again"
            )
        after = response.headers.get("CMR-Search-After")
        complete = len(documents) == promised
        if len(documents) > promised or (not complete and (len(documents) == before or after is None)):
            raise CatalogError(
                f"CMR promised {promised} granules and gave {len(documents)} on {page} pages: part of its answer "
                "is missing or repeated; search again"
            )
        headers["CMR-Search-After"] = after or ""
    return list(documents.values())


def _page(response: requests.Response) -> tuple[int, list[Mapping[str, Any]]]:
    """Take the number of granules that is promised and the granules of this page."""
    try:
        hits, items = int(response.headers["CMR-Hits"]), response.json()["items"]
    except (LookupError, TypeError, ValueError) as error:
        raise CatalogError(
            f"{response.url.partition('?')[0]}: not an answer of CMR, which has a header CMR-Hits and a JSON body "
            f"with items ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(items, list):
        raise CatalogError(f"{response.url.partition('?')[0]}: items is {items!r:.80}; CMR gives a list")
    return hits, items


def _identity(document: Any, place: object) -> object:
    """Tell one document from another; one without an id counts for itself (and is named when it is read)."""
    meta = document.get("meta") if isinstance(document, Mapping) else None
    return meta.get("concept-id", place) if isinstance(meta, Mapping) else place


def _beside(query: Query, companion: str, release: str) -> Query:
    """Ask for another product in the same way."""
    pattern = query.name_pattern and query.name_pattern.replace(query.product, companion)
    return replace(query, product=companion, release=release, name_pattern=pattern, companions=())


def _paired(found: list[Found], companions: list[Found], product: str) -> list[Found]:
    """Put to each granule the companion of the same acquisition."""
    at = {companion.name.acquisition: companion for companion in companions}
    return [_with(one, at.get(one.name.acquisition), product) for one in found]


def _with(one: Found, companion: Found | None, product: str) -> Found:
    if companion is None:
        return one
    notes = one.notes
    if companion.name.revision != one.name.revision:
        notes = (*notes, f"{product} beside it is revision {companion.name.revision}, not {one.name.revision}")
    return replace(one, companions={**one.companions, product: companion}, notes=notes)
