"""CMR: what is asked, what comes back, and what becomes of answers that are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import shapely

from nunatak.pipeline.catalog.cmr import CmrCatalog
from nunatak.pipeline.catalog.patience import Patience
from nunatak.pipeline.catalog.query import Query
from nunatak.pipeline.catalog.supersede import CatalogNotice
from nunatak.pipeline.errors import CatalogError, InputError
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.region import Region
from nunatak.testing.cmr_documents import umm_document
from nunatak.testing.cmr_server import CmrServer, Fault

QUICK = Patience(timeout=2.0, tries=3, pause=0.002, total=10.0)
START = datetime(2019, 1, 1, tzinfo=UTC)


def names(count: int, product: str = "ATL03", release: str = "006", revision: str = "01") -> list[GranuleName]:
    """Granules six minutes apart, each of another rgt and region."""
    return [
        GranuleName(
            time=START + timedelta(minutes=6 * i),
            product=product,
            rgt=1 + i // 14 % 1387,
            cycle=2 + i // (14 * 1387),
            region=1 + i % 14,
            release=release,
            revision=revision,
        )
        for i in range(count)
    ]


def find(server: CmrServer, query: Query | None = None, patience: Patience = QUICK) -> Any:
    return CmrCatalog(server.url, patience=patience).find(query or Query())


@pytest.fixture(scope="module")
def many() -> list[dict[str, Any]]:
    return [umm_document(name, pictures=0) for name in names(4500)]


@dataclass(frozen=True)
class Area:
    """An area whose cover is given."""

    parts: tuple[Any, ...]

    def cover(self, max_vertices: int = 0) -> list[Any]:
        assert max_vertices > 0
        return list(self.parts)


def area(*parts: Any) -> Any:
    return Area(parts)


# What is asked


def test_request_carries_what_the_guide_says() -> None:
    name = GranuleName.parse("ATL03_20181017222812_02950102_006_02.h5")
    clockwise = shapely.Polygon([(-108.3, 38.8), (-108.3, 39.2), (-107.7, 39.2), (-107.7, 38.8)])
    query = Query(
        area=area(clockwise),
        t0=datetime(2018, 10, 1, tzinfo=UTC),
        t1=datetime(2019, 12, 1, tzinfo=UTC),
        rgt=(295,),
        cycle=(1,),
        release="006",
    )
    ring = (
        "-108.300000,38.800000,-107.700000,38.800000,-107.700000,39.200000,-108.300000,39.200000,-108.300000,38.800000"
    )
    with CmrServer([name]) as server:
        found = find(server, query)
    assert [one.name for one in found] == [name]
    (request,) = server.requests
    assert request.method == "GET"
    assert dict(request.parameters) == {
        "provider": ["NSIDC_CPRD"],
        "sort_key[]": ["start_date", "producer_granule_id"],
        "page_size": ["2000"],
        "short_name": ["ATL03"],
        "version": ["006"],
        "temporal[]": ["2018-10-01T00:00:00Z,2019-12-01T00:00:00Z"],
        "polygon": [ring],
        "options[producer_granule_id][pattern]": ["true"],
        "producer_granule_id[]": ["*_029501??_*"],
    }
    assert "polygon=-108.300000,38.800000,-107.7" in request.query  # commas are sent as they are


def test_request_without_filters_spans_the_mission() -> None:
    with CmrServer([]) as server:
        find(server)
    (request,) = server.requests
    begin, end = request.parameters["temporal[]"][0].split(",")
    assert begin == "2018-01-01T00:00:00Z"
    assert abs(datetime.fromisoformat(end) - datetime.now(UTC)) < timedelta(minutes=1)
    assert not {"polygon", "version", "producer_granule_id[]"} & set(request.parameters)


def test_times_are_rounded_outwards_and_read_as_utc() -> None:
    query = Query(t0=datetime(2019, 1, 1, 0, 0, 0, 900_000), t1=datetime.fromisoformat("2019-01-01T02:00:00.1+01:00"))
    with CmrServer([]) as server:
        find(server, query)
    assert server.requests[0].parameters["temporal[]"] == ["2019-01-01T00:00:00Z,2019-01-01T01:00:01Z"]


@pytest.mark.parametrize(
    ("query", "patterns"),
    [
        (Query(rgt=(7, 295)), ["*_0007????_*", "*_0295????_*"]),
        (Query(cycle=(3,), region=(2, 12)), ["*_????0302_*", "*_????0312_*"]),
        (Query(name_pattern="ATL03_2018*_006_0?.h5"), ["ATL03_2018*_006_0?.h5"]),
        (Query(name_pattern="ATL03_2018*", rgt=(7,)), ["ATL03_2018*"]),
        (Query(rgt=tuple(range(1, 1388)), region=(5,)), ["*_??????05_*"]),
    ],
)
def test_name_filter(query: Query, patterns: list[str]) -> None:
    with CmrServer([]) as server:
        find(server, query)
    assert server.requests[0].parameters["producer_granule_id[]"] == patterns


def test_numbers_narrow_whatever_pattern_was_sent() -> None:
    stock = names(60)
    wanted = tuple(range(1, 1388, 2))  # too many for patterns
    with CmrServer(stock) as server:
        assert [one.name for one in find(server, Query(rgt=wanted, region=(5, 6)))] == [
            name for name in stock if name.rgt in wanted and name.region in {5, 6}
        ]
        by_pattern = find(server, Query(rgt=(2,), name_pattern="*05_006_01.h5"))
    assert [one.name for one in by_pattern] == [name for name in stock if name.rgt == 2 and name.region == 5]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Query(product="ATL3"), "product 'ATL3'"),
        (Query(companions=("ATL8&provider=X",)), "ATL8&provider=X"),
        (Query(release="6"), "three digits"),
        (Query(rgt=(1388,)), "rgt 1388: 1 to 1387"),
        (Query(region=(0,)), "region 0: 1 to 14"),
        (Query(name_pattern="*&provider=X"), "name_pattern"),
        (Query(t0=datetime(2020, 1, 2), t1=datetime(2020, 1, 1)), "later than t1"),
    ],
)
def test_impossible_queries_are_not_sent(wrong: Query, says: str) -> None:
    with CmrServer(names(3)) as server, pytest.raises(InputError, match=says):
        find(server, wrong)
    assert server.requests == []


def test_several_parts_are_alternatives_without_duplicates() -> None:
    boxes = [shapely.box(0, 70, 1, 71), shapely.box(10, 70, 11, 71), shapely.box(20, 70, 21, 71)]
    outlines = [boxes[0], boxes[2], shapely.box(0, 70, 11, 71), shapely.box(50, 0, 51, 1)]
    stock = names(4)
    documents = [
        umm_document(name, outline=list(shape.exterior.coords)) for name, shape in zip(stock, outlines, strict=True)
    ]
    with CmrServer(documents) as server:
        found = find(server, Query(area=area(*boxes)))
    assert [one.name for one in found] == stock[:3]
    assert found[2].outline.covers(shapely.Point(5, 70.5))
    assert server.requests[0].parameters["options[polygon][or]"] == ["true"]
    assert len(server.requests[0].parameters["polygon[]"]) == 3


def test_long_requests_are_posted() -> None:
    rings = [shapely.Point(10 * i, 70).buffer(1, quad_segs=16) for i in range(30)]
    document = umm_document(names(1)[0], outline=[(0.0, 70.0), (0.5, 70.0), (0.5, 70.5)])
    with CmrServer([document]) as server:
        found = find(server, Query(area=area(*rings)))
    assert len(found) == 1
    (request,) = server.requests
    assert request.method == "POST"
    assert len(request.query) > 6000
    assert len(request.parameters["polygon[]"]) == 30
    assert request.parameters["page_size"] == ["2000"]


def test_a_region_across_the_antimeridian() -> None:
    region = Region.of(shapely.box(178, -80, 182, -79))
    west = umm_document(names(2)[0], outline=[(-179.0, -79.5), (-178.5, -79.5), (-178.5, -79.2)])
    away = umm_document(names(2)[1], outline=[(0.0, -79.5), (1.0, -79.5), (1.0, -79.2)])
    with CmrServer([west, away]) as server:
        found = find(server, Query(area=region))
    assert [one.name for one in found] == names(1)
    assert len(server.requests) == 1


def test_vertices_that_coincide_once_rounded_are_sent_once() -> None:
    ring = shapely.Polygon([(0, 70), (1e-8, 70), (1, 70), (1, 71)])
    with CmrServer([]) as server:  # refuses duplicates, as CMR does
        assert find(server, Query(area=area(ring))) == []


# What comes back


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (2000, 1), (2001, 2), (4500, 3)])
def test_all_pages(count: int, requests: int, many: list[dict[str, Any]]) -> None:
    with CmrServer(many[:count]) as server:
        found = find(server)
    assert [one.name for one in found] == names(count)
    assert len(server.requests) == requests
    assert "cmr-search-after" not in server.requests[0].headers
    assert all(request.headers["cmr-search-after"] for request in server.requests[1:])


def test_found_has_addresses_size_and_outline() -> None:
    name = GranuleName.parse("ATL03_20200101000130_00820614_007_01.h5")
    ring = [(0.0, 70.0), (1.0, 70.0), (1.0, 71.0), (0.0, 71.0)]
    with CmrServer([umm_document(name, outline=ring, size=123_456_789)]) as server:
        (one,) = find(server)
    path = "nsidc-cumulus-prod-protected/ATLAS/ATL03/007/2020/01/01/ATL03_20200101000130_00820614_007_01.h5"
    assert one.addresses == {"https": f"https://data.nsidc.earthdatacloud.nasa.gov/{path}", "s3": f"s3://{path}"}
    assert one.size == 123_456_789
    assert one.outline.symmetric_difference(shapely.Polygon(ring)).area < 0.01
    assert one.companions == {}
    assert one.notes == ()


def test_services_are_no_addresses() -> None:
    document = umm_document(names(1)[0])
    links = document["umm"]["RelatedUrls"]
    service = {"URL": "https://opendap.earthdata.nasa.gov/ATL03/other.h5", "Type": "GET DATA"}
    document["umm"]["RelatedUrls"] = [service, *reversed(links)]
    with CmrServer([document]) as server:
        (one,) = find(server)
    assert one.addresses == {"https": links[0]["URL"], "s3": links[1]["URL"]}


def test_no_hits_are_an_empty_list() -> None:
    with CmrServer(names(3)) as server:
        assert find(server, Query(t1=datetime(2018, 6, 1))) == []
        assert find(server, Query(product="ATL06", companions=("ATL08",))) == []
    assert len(server.requests) == 2  # companions of nothing are not searched


def test_real_documents(shared: Path) -> None:
    documents = [
        item
        for product in ("atl03", "atl06", "atl08")
        for item in json.loads((shared / "data/cmr" / f"earthaccess_{product}_umm.json").read_text())["items"]
    ]
    catalogs = {}
    with CmrServer(documents) as server:
        catalog = CmrCatalog(server.url, provider="NSIDC_ECS", patience=QUICK)
        for product in ("ATL03", "ATL06", "ATL08"):
            (catalogs[product],) = catalog.find(Query(product=product, release="005"))
        (pair,) = catalog.find(Query(product="ATL06", companions=("ATL08",)))
    atl03 = catalogs["ATL03"]
    assert str(atl03.name) == "ATL03_20221012161617_03351705_005_01.h5"
    assert atl03.addresses == {
        "https": "https://n5eil01u.ecs.nsidc.org/DP5/ATLAS/ATL03.005/2022.10.12/ATL03_20221012161617_03351705_005_01.h5"
    }
    assert atl03.size == round(589.2875518799 * 2**20)
    assert atl03.outline is None
    assert str(pair.companions["ATL08"].name) == "ATL08_20190221121851_08410203_005_01.h5"


def test_duplicates_and_revisions() -> None:
    first, second, third = names(3)
    newer = replace(second, revision="02")
    twice = umm_document(third)
    twice["meta"] = {**twice["meta"], "concept-id": "G1-NSIDC_CPRD"}
    with CmrServer([first, second, newer, third, twice]) as server:
        found = find(server)
    assert [one.name for one in found] == [first, newer, third]
    assert [one.notes for one in found] == [(), ("supersedes revision 01",), ()]


def test_releases_are_not_mixed() -> None:
    old, new = names(10, release="006"), names(10, release="007")
    with CmrServer([*old, *new]) as server:
        assert [one.name for one in find(server)] == new
        assert [one.name for one in find(server, Query(release="006"))] == old
    with CmrServer([*old, *new[:7]]) as server:
        with pytest.warns(CatalogNotice, match=r"3 of 10 acquisitions .*3 in 006; .*release='006'") as said:
            found = find(server)
        assert [one.name for one in found] == new[:7]
        assert len(said) == 1
        assert Path(said[0].filename).name == Path(__file__).name  # points at the caller
        assert [one.name for one in find(server, Query(release="006"))] == old


def test_companions_in_the_same_sweep() -> None:
    stock = names(5)
    beside = [replace(name, product="ATL08") for name in stock]
    beside[1] = replace(beside[1], revision="02")
    other_release = replace(beside[2], release="007")
    documents = [*stock, beside[0], beside[1], other_release, beside[4], replace(beside[4], revision="02")]
    query = Query(companions=("ATL08",), t1=START + timedelta(hours=1), region=(1, 2, 3, 4, 5))
    with CmrServer(documents) as server:
        found = find(server, query)
    paired = {one.name: [str(each.name) for each in one.companions.values()] for one in found}
    assert paired == {
        stock[0]: [str(beside[0])],
        stock[1]: [str(beside[1])],
        stock[2]: [],
        stock[3]: [],
        stock[4]: [str(replace(beside[4], revision="02"))],
    }
    assert found[1].notes == ("ATL08 beside it is revision 02, not 01",)
    first, second = (dict(request.parameters) for request in server.requests)
    assert second == first | {"short_name": ["ATL08"], "version": ["006"]}


def test_companions_with_a_name_pattern() -> None:
    stock = names(5)
    with CmrServer([*stock, *(replace(name, product="ATL08") for name in stock)]) as server:
        found = find(server, Query(companions=("ATL08",), name_pattern="ATL03_*03_006_01.h5"))
    assert [one.name.region for one in found] == [3]
    assert found[0].companions["ATL08"].name == replace(found[0].name, product="ATL08")
    assert server.requests[1].parameters["producer_granule_id[]"] == ["ATL08_*03_006_01.h5"]


# What goes wrong


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=502, message=""),
        Fault(status=503, retry_after="0"),
        Fault(status=504),
        Fault(status=429, retry_after="0"),
        Fault(status=429, retry_after="soon"),
        Fault(status=408),
        Fault(reset=True),
        Fault(cut=True),
        Fault(timed_out=True, lost=3),
    ],
    ids=["500", "502", "503", "504", "429", "429-soon", "408", "reset", "cut", "timed-out"],
)
def test_passing_faults_are_survived(fault: Fault, many: list[dict[str, Any]]) -> None:
    with CmrServer(many[:2001], faults={1: fault, 3: fault}) as server:
        found = find(server)
    assert [one.name for one in found] == names(2001)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(status=503, message="Down for maintenance"), "status 503: Down for maintenance"),
        (Fault(status=429, message="Slow down"), "status 429: Slow down"),
        (Fault(reset=True), "connection failed"),
        (Fault(timed_out=True), "CMR-Timed-Out"),
    ],
)
def test_lasting_faults_end_in_a_typed_error(fault: Fault, says: str) -> None:
    with CmrServer(names(3), always=fault) as server, pytest.raises(CatalogError, match=says) as raised:
        find(server)
    assert len(server.requests) == QUICK.tries
    assert "given up after 3 of 3 tries" in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_refusals_are_not_repeated(status: int) -> None:
    fault = Fault(status=status, message="Parameter [nonsense] was not recognized.")
    with CmrServer(names(3), faults={1: fault}) as server, pytest.raises(CatalogError) as raised:
        find(server)
    assert f"status {status}: Parameter [nonsense] was not recognized." in str(raised.value)
    assert len(server.requests) == 1


def test_pauses_grow_and_a_server_may_ask_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("nunatak.pipeline.catalog.patience.sleep", pauses.append)
    faults = {i: Fault(status=503) for i in range(1, 7)} | {4: Fault(status=429, retry_after="40")}
    with CmrServer(names(3), faults=faults) as server:
        find(server, patience=Patience(tries=8, pause=1.0, longest_pause=10.0))
    assert pauses[3] == 40.0
    for pause, most in zip(pauses, [1, 2, 4, 40, 10, 10], strict=True):
        assert most / 2 <= pause <= most
    assert len({pause % 1 for pause in pauses}) > 3  # by chance, not in step


def test_a_date_to_retry_after_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("nunatak.pipeline.catalog.patience.sleep", pauses.append)
    later = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with CmrServer(names(3), faults={1: Fault(status=503, retry_after=later)}) as server:
        assert len(find(server, patience=Patience())) == 3
    assert 25 < pauses[0] <= 30


def test_waits_no_longer_than_its_patience() -> None:
    began = monotonic()
    lasting = Fault(status=429, retry_after="3600")
    with (
        CmrServer(names(3), always=lasting) as server,
        pytest.raises(CatalogError, match="asks to wait 3600 s"),
    ):
        find(server)
    assert monotonic() - began < 2
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Fault(delay=30), Fault(trickle=0.05)], ids=["silent", "trickling"])
def test_slow_servers_are_given_up(fault: Fault) -> None:
    patience = Patience(timeout=0.2, tries=3, pause=0.002, total=0.8)
    began = monotonic()
    with CmrServer(names(3), always=fault) as server, pytest.raises(CatalogError, match="no answer; given up after"):
        find(server, patience=patience)
    assert monotonic() - began < 3


def test_one_slow_answer_is_survived() -> None:
    with CmrServer(names(3), faults={1: Fault(delay=30)}) as server:
        assert len(find(server, patience=replace(QUICK, timeout=0.2))) == 3
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({2: Fault(lost=10)}, "promised 4500 granules and gave 4490 on 4 pages"),
        ({2: Fault(lost=2000)}, "promised 4500 granules and gave 2000 on 2 pages"),
        ({3: Fault(lost=1)}, "promised 4500 granules and gave 4499"),
        ({2: Fault(repeat=True)}, "promised 4500 granules and gave 2000 on 2 pages"),
        ({2: Fault(hits=1)}, "4500 granules on page 1 and 4501 on page 2"),
        ({1: Fault(hits=-4000), 2: Fault(hits=-4000)}, "promised 500 granules and gave 2000"),
        ({i: Fault(hits=7) for i in range(1, 9)}, "promised 4507 granules and gave 4500 on 4 pages"),
    ],
)
def test_pages_that_do_not_add_up(faults: dict[int, Fault], says: str, many: list[dict[str, Any]]) -> None:
    with CmrServer(many, faults=faults) as server, pytest.raises(CatalogError, match=says):
        find(server)


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"[]", b'{"items": 5}', b'{"items": [{"meta": 1}]}'])
def test_bodies_that_are_no_answer(body: bytes) -> None:
    with CmrServer(names(1), always=Fault(body=body)) as server, pytest.raises(CatalogError):
        find(server)


def _without(document: dict[str, Any], *path: str) -> None:
    for key in path[:-1]:
        document = document[key]
    del document[path[-1]]


def _broken() -> Iterator[tuple[str, Any]]:
    yield "no links", lambda document: _without(document, "umm", "RelatedUrls")
    yield "no umm", lambda document: _without(document, "umm")
    yield "no file", lambda document: document["umm"].update(RelatedUrls=document["umm"]["RelatedUrls"][2:])
    yield "link without type", lambda document: document["umm"]["RelatedUrls"][0].pop("Type")
    yield "links of text", lambda document: document["umm"].update(RelatedUrls=["https://a/b.h5"])
    yield "two files", lambda document: document["umm"]["RelatedUrls"][0].update(URL="https://a/other.h5")
    yield (
        "strange name",
        lambda document: [link.update(URL="https://a/b.h5") for link in document["umm"]["RelatedUrls"][:2]],
    )
    yield (
        "size",
        lambda document: document["umm"]["DataGranule"].update(ArchiveAndDistributionInformation=[{"Size": "big"}]),
    )
    yield (
        "ring",
        lambda document: document["umm"].update(
            SpatialExtent={
                "HorizontalSpatialDomain": {"Geometry": {"GPolygons": [{"Boundary": {"Points": [{"Longitude": 1}]}}]}}
            }
        ),
    )


@pytest.mark.parametrize("spoil", [pytest.param(spoil, id=name) for name, spoil in _broken()])
def test_documents_of_another_form_are_named(spoil: Any) -> None:
    good, bad = (umm_document(name) for name in names(2))
    label = bad["umm"]["GranuleUR"]
    spoil(bad)
    with CmrServer([good, bad]) as server, pytest.raises(CatalogError) as raised:
        find(server)
    assert label in str(raised.value) or bad["meta"]["concept-id"] in str(raised.value)


def test_granules_that_were_not_asked_for() -> None:
    stranger = umm_document(names(1)[0])
    stranger["umm"]["DataGranule"]["Identifiers"][0]["Identifier"] = "unnamed"  # found by any search
    with CmrServer([stranger]) as server:
        with pytest.raises(CatalogError, match="where ATL08 of any release was asked for"):
            find(server, Query(product="ATL08"))
        with pytest.raises(CatalogError, match="where ATL03 of release 007 was asked for"):
            find(server, Query(release="007"))


def test_nobody_there() -> None:
    with CmrServer([]) as server:
        pass
    with pytest.raises(CatalogError, match="given up after 3 of 3 tries"):
        find(server)
    with pytest.raises(CatalogError, match="can't be asked"):
        CmrCatalog("nowhere", patience=QUICK).find(Query())


# Logins


def test_no_login_is_sent_or_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("EARTHDATA_TOKEN", "secret-token")
    with CmrServer(names(1), faults={2: Fault(status=400)}) as server:
        find(server)
        with_login = server.url.replace("http://", "http://user:secret@")
        catalog = CmrCatalog(with_login, patience=QUICK)
        with pytest.raises(CatalogError) as raised:
            catalog.find(Query())
    assert "authorization" not in server.requests[0].headers
    assert "secret" not in str(raised.value)
    assert "secret" not in str(catalog.describe())
    assert catalog.describe()["provider"] == "NSIDC_CPRD"


def test_import_is_light() -> None:
    heavy = "{'earthaccess', 'requests', 'pandas', 'geopandas', 'dask', 'h5py'}"
    code = f"import nunatak.pipeline.catalog.cmr, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_is_said_without_a_reason() -> None:
    with warnings.catch_warnings(record=True) as said, CmrServer(names(3)) as server:
        warnings.simplefilter("always")
        find(server)
    assert [one for one in said if issubclass(one.category, UserWarning | FutureWarning)] == []
