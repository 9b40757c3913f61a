"""How fast the local catalog answers, and how fast it is made.

    python benchmarks/index.py [--granules 1000 10000] [--rounds 40]

Queries: records of whole ATL03 granules (a fourteenth of a revolution, 2,900 km, six beams, positions every 20 m
before they are simplified) on computed reference ground tracks. A region of 20 to 200 km around a point of one of them
and half of the time are asked for. Where a granule has to be looked into, its positions are computed in place of a
file that is read. Indexing: simulated granules of 20 km, read for the first time and then found unchanged.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from nunatak.pipeline.catalog import local
from nunatak.pipeline.catalog.index_file import INDEX_NAME, make_table, open_index, write_table
from nunatak.pipeline.catalog.indexing import Record
from nunatak.pipeline.catalog.local import LocalCatalog
from nunatak.pipeline.catalog.query import Query
from nunatak.pipeline.catalog.tracks import simplify
from nunatak.pipeline.catalog.update import update_index
from nunatak.pipeline.granule import BEAMS, GranuleName
from nunatak.pipeline.orbits import TRACKS, ground_track, node_longitude
from nunatak.pipeline.region import Region
from nunatak.testing.granules import simulate

START = datetime(2020, 1, 1, tzinfo=UTC)
SPACING = timedelta(minutes=9)
KM_ACROSS = (-3.3, -3.2, -0.05, 0.05, 3.2, 3.3)


def name_of(number: int) -> GranuleName:
    return GranuleName(START + number * SPACING, "ATL03", 1 + number * 31 % TRACKS, 6, 1 + number % 14, "006", "01")


@cache
def leg(region: int, beam: str) -> tuple[Any, Any]:
    """Positions of a granule of RGT 1; longitudes go on beyond 180."""
    lon, lat = ground_track(1, 0.02)
    part = slice((region - 1) * len(lon) // 14, region * len(lon) // 14)
    lon, lat = np.unwrap(lon[part], period=360), lat[part]
    random = np.random.default_rng(region)
    km = KM_ACROSS[BEAMS.index(beam)] + random.normal(0, 0.003, len(lon))
    return lon + km / 111.2 / np.cos(np.radians(lat)), lat + random.uniform(-5e-5, 5e-5, len(lat))


def positions(name: GranuleName, beam: str) -> tuple[Any, Any]:
    lon, lat = leg(name.region, beam)
    return (lon + node_longitude(name.rgt) - node_longitude(1) + 180) % 360 - 180, lat


@cache
def simplified(region: int, beam: str) -> list[Any]:
    """Simplify a track of RGT 1: all others have its shape."""
    lon, lat = leg(region, beam)
    middle = np.array([lon.mean(), 0.0])
    return [part + middle for part in simplify(lon - middle[0], lat)]


def turned(part: Any, degrees: float) -> list[Any]:
    """Shift a part in longitude, and divide it at the antimeridian."""
    moved = np.column_stack([(part[:, 0] + degrees + 180) % 360 - 180, part[:, 1]])
    return np.split(moved, np.flatnonzero(np.abs(np.diff(moved[:, 0])) > 180) + 1)


def record_of(number: int, folder: Path) -> Record:
    name = name_of(number)
    path = folder / str(name)
    path.touch()
    begin = np.datetime64(name.time.replace(tzinfo=None), "ns")
    shift = node_longitude(name.rgt) - node_longitude(1)
    tracks = {
        beam: [piece for part in simplified(name.region, beam) for piece in turned(part, shift)] for beam in BEAMS
    }
    return Record(name, path, 0, 0, begin, begin + np.timedelta64(480, "s"), tracks=tracks)


def regions(count: int, rounds: int) -> Iterator[Region]:
    """Twelve-cornered regions around points of granules."""
    random = np.random.default_rng(0)
    for _ in range(rounds):
        name = name_of(int(random.integers(count // 4, 3 * count // 4)))
        lon, lat = (float(values[len(values) // 2]) for values in positions(name, "gt2l"))
        angle = np.arange(12) * np.pi / 6
        radius = random.uniform(0.1, 1.0) * random.uniform(0.7, 1.0, 12)
        x = lon + radius * np.cos(angle) / np.cos(np.radians(lat))
        y = lat + radius * np.sin(angle)
        yield Region.of(list(zip(((x + 180) % 360 - 180).tolist(), y.tolist(), strict=True)))


def queries(count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        records = [record_of(number, folder) for number in range(count)]
        write_table(make_table(records, folder), folder / INDEX_NAME, folder)
        vertices = sum(len(part) for record in records for parts in record.tracks.values() for part in parts)
        size = (folder / INDEX_NAME).stat().st_size
        begin = time.perf_counter()
        open_index(folder)
        loaded = time.perf_counter() - begin
        print(
            f"{count:,} granules: {size / 1e6:.1f} MB, {vertices / count:.0f} vertices a granule, "
            f"loaded in {loaded:.2f} s"
        )
        ask(LocalCatalog(folder), count, rounds)


def ask(catalog: LocalCatalog, count: int, rounds: int) -> None:
    opened: list[str] = []

    def read_positions(path: Path, product: str, beam: str) -> tuple[Any, Any]:  # noqa: ARG001
        opened.append(path.name)
        return positions(GranuleName.parse(path.name), beam)

    local.read_positions = read_positions
    t0, t1 = START + count // 4 * SPACING, START + 3 * count // 4 * SPACING
    catalog.find(Query(area=Region.of((0, 0, 1, 1))))  # compiles
    took: list[float] = []
    found = 0
    for region in regions(count, rounds):
        begin = time.perf_counter()
        found += len(catalog.find(Query(area=region, t0=t0, t1=t1)))
        took.append(1000 * (time.perf_counter() - begin))
    print(
        f"  region and time: median {median(took):.1f} ms, longest {max(took):.1f} ms; {found / rounds:.1f} granules "
        f"found, {len(opened)} beams of {len(set(opened))} granules looked into in {rounds} queries"
    )


def indexing(granules: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        simulate(folder, granules=granules, kilometres=20, terrain="flat", with_atl08=False)
        update_index(folder)
        Path(folder, INDEX_NAME).unlink()
        begin = time.perf_counter()
        update_index(folder)
        first = time.perf_counter() - begin
        begin = time.perf_counter()
        update_index(folder)
        again = time.perf_counter() - begin
    each = 1000 * first / granules
    print(f"indexing {granules} granules of 20 km: {each:.0f} ms each; unchanged: {1000 * again:.0f} ms in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--granules", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()
    for count in args.granules:
        queries(count, args.rounds)
    indexing(10)


if __name__ == "__main__":
    main()
