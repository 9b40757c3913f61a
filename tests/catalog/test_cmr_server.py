"""The local CMR, seen by clients that nobody here wrote."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import earthaccess
import pytest
import requests
import shapely

from nunatak.pipeline.granule import GranuleName
from nunatak.testing.cmr_documents import umm_document
from nunatak.testing.cmr_server import CmrServer, Fault


def granules(count: int) -> list[GranuleName]:
    start = datetime(2019, 1, 1, tzinfo=UTC)
    return [
        GranuleName(start + timedelta(hours=i), "ATL03", 1 + i % 1387, 2, 1 + i % 14, "006", "01") for i in range(count)
    ]


def ask(server: CmrServer, query: str, **how: Any) -> requests.Response:
    return requests.get(f"{server.url}granules.umm_json?{query}", timeout=5, **how)


def test_earthaccess_pages_through_it() -> None:
    stock = granules(2300)
    with CmrServer(umm_document(name, pictures=0) for name in stock) as server:
        search = earthaccess.DataGranules().mode(server.url).short_name("ATL03").version("006")
        assert search.hits() == 2300
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of earthaccess, about its own sizes
            found = search.get(5000)
    assert [one["umm"]["GranuleUR"] for one in found] == [str(name) for name in stock]
    assert found[0].data_links(access="direct")[0].startswith("s3://nsidc-cumulus-prod-protected/ATLAS/ATL03/006/")


def test_filters_are_those_of_their_names() -> None:
    stock = granules(50)
    document = umm_document(stock[0], outline=list(shapely.box(0, 0, 1, 1).exterior.coords))
    with CmrServer([document, *stock[1:]]) as server:
        asked = {
            "short_name=ATL08": 0,
            "provider=NSIDC_ECS": 0,
            "version=006": 50,
            "temporal[]=2019-01-01T10:00:00Z,2019-01-01T12:00:00Z": 3,
            "temporal[]=,2019-01-01T00:00:00Z": 1,
            "producer_granule_id[]=*03_006_0?.h5": 4,
            "polygon=5,5,6,5,6,6,5,5": 49,  # without an outline a granule may be anywhere
            "polygon=0,0,1,0,1,1,0,0": 50,
        }
        hits = {query: int(ask(server, query).headers["CMR-Hits"]) for query in asked}
    assert hits == asked


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("rgt=5", r"Parameter \[rgt\] was not recognized"),
        ("page_size=2001", "page_size must be a number between 0 and 2000"),
        ("polygon=0,0,1,1,1,0,0,0", "clockwise"),
        ("polygon=0,0,1,0,1,1", "does not equal"),
        ("polygon=0,0,0,0,1,0,1,1,0,0", "duplicate"),
    ],
)
def test_refuses_what_cmr_refuses(query: str, says: str) -> None:
    with CmrServer(granules(1)) as server:
        answer = ask(server, query)
    assert answer.status_code == 400
    with pytest.raises(RuntimeError, match=says):
        raise RuntimeError(answer.json()["errors"][0])


def test_faults_by_number() -> None:
    faults = {
        1: Fault(status=429, retry_after="7"),
        2: Fault(lost=1),
        3: Fault(hits=5),
        4: Fault(reset=True),
        5: Fault(cut=True),
    }
    with CmrServer(granules(3), faults=faults) as server:
        first, second, third = (ask(server, "page_size=2") for _ in range(3))
        with pytest.raises(requests.ConnectionError):
            ask(server, "page_size=2")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask(server, "page_size=2")
        last = ask(server, "page_size=2")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert (len(second.json()["items"]), second.headers["CMR-Hits"]) == (1, "3")
    assert (third.headers["CMR-Hits"], third.json()["hits"]) == ("8", 8)
    assert len(last.json()["items"]) == 2
    assert [request.parameters for request in server.requests] == [{"page_size": ["2"]}] * 6


def test_leaving_does_not_wait_for_slow_answers() -> None:
    with CmrServer(granules(1), always=Fault(delay=60)) as server, pytest.raises(requests.Timeout):
        requests.get(f"{server.url}granules.umm_json", timeout=0.1)
    assert len(server.requests) == 1
