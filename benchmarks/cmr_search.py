"""How long a search takes beside the server's own time: 4,500 granules of CMR's form over three pages.

A local CMR runs in a process of its own. The same pages are asked for by a bare client, which reads the bytes and does
nothing with them, and by the catalog, alternately; what the catalog takes beyond the bare client is its own time.

    python benchmarks/cmr_search.py [--granules 4500] [--pictures 25] [--rounds 5]
"""

from __future__ import annotations

import argparse
import http.client
import math
import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from statistics import median
from urllib.parse import urlsplit

from nunatak.pipeline.catalog.cmr import CmrCatalog
from nunatak.pipeline.catalog.query import Query
from nunatak.pipeline.granule import GranuleName
from nunatak.testing.cmr_documents import umm_document
from nunatak.testing.cmr_server import CmrServer

QUERY = Query(t1=datetime(2026, 1, 1, tzinfo=UTC), release="006")


def granule(i: int) -> GranuleName:
    time = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(minutes=6 * i)
    return GranuleName(time, "ATL03", 1 + i // 14 % 1387, 2 + i // 19418, 1 + i % 14, "006", "01")


def outline(i: int) -> list[tuple[float, float]]:
    """Twenty degrees of latitude, six vertices, some of them across the antimeridian."""
    west = (i * 24.7) % 360 - 180
    shape = [(0.0, 59.5), (0.2, 59.5), (-3.5, 72.0), (-8.0, 79.9), (-8.5, 80.0), (-3.8, 72.0)]
    return [((west + lon + 180) % 360 - 180, lat) for lon, lat in shape]


def serve(channel: Connection, granules: int, pictures: int) -> None:
    documents = (umm_document(granule(i), outline=outline(i), pictures=pictures) for i in range(granules))
    with CmrServer(documents) as server:
        channel.send((server.url, sum(len(entry.text) for entry in server.entries)))
        while channel.recv():
            channel.send((len(server.requests), server.seconds))


def bare(url: str) -> float:
    """Seconds for the bytes of all pages."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    headers: dict[str, str] = {}
    received, promised = 0, 1
    began = time.perf_counter()
    while received < promised:
        connection.request("GET", f"{parts.path}granules.umm_json?page_size=2000", headers=headers)
        answer = connection.getresponse()
        answer.read()
        headers["CMR-Search-After"] = answer.headers["CMR-Search-After"] or ""
        promised, received = int(answer.headers["CMR-Hits"]), received + 2000
    connection.close()
    return time.perf_counter() - began


def search(url: str, granules: int) -> float:
    began = time.perf_counter()
    found = CmrCatalog(url).find(QUERY)
    seconds = time.perf_counter() - began
    assert len(found) == granules
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--granules", type=int, default=4500)
    options.add_argument("--pictures", type=int, default=25, help="browse pictures in each document")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    channel, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, asked.granules, asked.pictures), daemon=True
    )
    process.start()
    url, size = channel.recv()
    print(f"{asked.granules} granules, {size / asked.granules / 1e3:.1f} kB each, {size / 1e6:.0f} MB of JSON")
    print(f"first search, imports and all: {search(url, asked.granules):.2f} s")
    channel.send(True)
    before, _ = channel.recv()
    times = [(bare(url), search(url, asked.granules)) for _ in range(asked.rounds)]
    channel.send(True)
    after, _ = channel.recv()
    pages = math.ceil(asked.granules / 2000)
    assert after - before == 2 * pages * asked.rounds, "one request a page"
    print(f"{pages} requests each; median of {asked.rounds} alternating rounds:")
    print(f"  bytes alone      {median(plain for plain, _ in times):.2f} s")
    print(f"  search           {median(whole for _, whole in times):.2f} s")
    print(f"  beside the bytes {median(whole - plain for plain, whole in times):.2f} s")
    channel.send(False)
    process.join()


if __name__ == "__main__":
    main()
