"""The local catalog finds exactly the granules that touch a region: 1,000 of them, checked by brute force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.pipeline.catalog import local
from nunatak.pipeline.catalog.index_file import INDEX_NAME, make_table, open_index, write_table
from nunatak.pipeline.catalog.indexing import Record
from nunatak.pipeline.catalog.local import LocalCatalog
from nunatak.pipeline.catalog.query import Query
from nunatak.pipeline.catalog.tracks import GAP, REACH, TOLERANCE, simplify
from nunatak.pipeline.granule import BEAMS, GranuleName
from nunatak.pipeline.orbits import ground_track
from nunatak.pipeline.region import Region, RegionMask

START = datetime(2020, 1, 1, tzinfo=UTC)
KILOMETRE = 1 / 111.2  # degrees of latitude
ACROSS = dict(zip(BEAMS, (-3.3, -3.2, -0.05, 0.05, 3.2, 3.3), strict=True))  # km
#: Places around which granules lie: a plain one, one across the antimeridian, one beyond 70 degrees, where regions are
#: straight in a polar plane, and one near the turning point.
SITES = {"plain": (-108.0, 39.0), "antimeridian": (180.0, -60.0), "polar": (-50.0, 78.0), "top": (30.0, 87.5)}
GRANULES = 1000


@dataclass(frozen=True)
class World:
    folder: Path
    names: list[GranuleName]


@lru_cache(maxsize=1)
def shape() -> tuple[Any, Any]:
    return ground_track(1, 0.02)


@cache
def beams(number: int) -> dict[str, tuple[Any, Any]]:
    """Full-resolution positions of a granule: about 30 km, every 20 m, with jitter, gaps and missing beams."""
    random = np.random.default_rng(number)
    site = list(SITES.values())[number % len(SITES)]
    lon, lat = shape()
    passes = np.flatnonzero(np.diff(np.sign(lat - site[1])) != 0)
    middle = int(random.choice(passes)) + int(random.normal(0, 1000))
    near = np.arange(max(middle - 750, 0), middle + 750)
    spread = 40 * KILOMETRE / np.cos(np.radians(site[1]))
    shift = site[0] - lon[middle] + random.uniform(-spread, spread)
    east = np.gradient(np.unwrap(lon[near], period=360)) * np.cos(np.radians(lat[near]))
    north = np.gradient(lat[near])
    length = np.hypot(east, north)
    found = {}
    for beam in BEAMS:
        if random.random() < 0.1:
            continue
        jitter = random.uniform(-0.5, 0.5, len(near)) * 2  # segments
        aside = (ACROSS[beam] + random.normal(0, 0.004, len(near))) * KILOMETRE
        y = lat[near] + north * jitter - east / length * aside
        x = lon[near] + shift + (east * jitter + north / length * aside) / np.cos(np.radians(lat[near]))
        kept = np.ones(len(near), bool)
        for _ in range(random.integers(0, 8)):
            at = random.integers(0, len(near))
            kept[at : at + int(random.exponential(60))] = False
        kept &= random.random(len(near)) > 0.02
        found[beam] = ((x[kept] + 180) % 360 - 180, y[kept])
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    records, names = [], []
    for number in range(GRANULES):
        time = START + timedelta(hours=number)
        name = GranuleName(time, "ATL03", 1 + number % 1387, 6, 1 + number % 14, "006", "01")
        path = folder / str(name)
        path.touch()
        begin = np.datetime64(time.replace(tzinfo=None), "ns")
        records.append(
            Record(
                name=name,
                path=path,
                size=0,
                mtime_ns=path.stat().st_mtime_ns,
                t0=begin,
                t1=begin + np.timedelta64(9, "s"),
                tracks={beam: simplify(*positions) for beam, positions in beams(number).items()},
            )
        )
        names.append(name)
    write_table(make_table(records, folder), folder / INDEX_NAME, folder)
    return World(folder, names)


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for the granules' files, and says which were opened."""
    opened: list[str] = []

    def read_positions(path: Path, product: str, beam: str) -> tuple[Any, Any]:
        name = GranuleName.parse(path.name)
        opened.append(path.name)
        return beams(round((name.time - START).total_seconds() / 3600))[beam]

    monkeypatch.setattr(local, "read_positions", read_positions)
    return opened


def outlines(site: tuple[float, float], random: np.random.Generator) -> list[Any]:
    """Regions around a place: of all sizes from 60 m to 60 km, slivers, notched and with a hole."""

    def at(x: float, y: float) -> tuple[float, float]:
        lat = site[1] + y * KILOMETRE
        lon = site[0] + x * KILOMETRE / np.cos(np.radians(lat))
        return float((lon + 180) % 360 - 180), float(lat)

    found: list[Any] = []
    for size in (0.06, 0.3, 2.0, 10.0, 60.0):
        x, y = random.uniform(-15, 15, 2)
        found.extend(
            [
                [at(x, y), at(x + size, y), at(x + size, y + size), at(x, y + size)],
                [at(x, y), at(x + size, y + 0.1 * size), at(x + 0.1 * size, y + size)],
            ]
        )
    x, y = random.uniform(-15, 0, 2)
    found.append([at(x - 20, y), at(x + 20, y), at(x + 20, y + 0.05), at(x - 20, y + 0.05)])
    found.append([at(x, y), at(x + 20, y), at(x + 20, y + 20), at(x + 10, y + 0.2), at(x, y + 20)])
    ring = [at(x, y), at(x + 20, y), at(x + 20, y + 20), at(x, y + 20)]
    hole = [at(x + 0.2, y + 0.2), at(x + 0.2, y + 19.8), at(x + 19.8, y + 19.8), at(x + 19.8, y + 0.2)]
    found.append({"type": "Polygon", "coordinates": [[*ring, ring[0]], [*hole, hole[0]]]})
    return found


def brute_force(world: World, site: str, area: Any) -> set[GranuleName]:
    """All positions, asked one by one; regions are too small for the granules of other sites."""
    numbers = range(list(SITES).index(site), GRANULES, len(SITES))
    return {
        world.names[number]
        for number in numbers
        if area.contains(*np.concatenate([np.stack(beam) for beam in beams(number).values()], axis=1)).any()
    }


def areas() -> list[tuple[str, Any]]:
    random = np.random.default_rng(7)
    plain = [(site, Region.of(outline)) for site, place in SITES.items() for outline in outlines(place, random)]
    bent = [
        (site, Region.of(outline, proj=proj))
        for site, proj in (("polar", "plate_carree"), ("antimeridian", "south_polar"))
        for outline in outlines(SITES[site], random)
    ]
    masks = [
        (site, RegionMask.of({"geojson": Region.of(outline).to_geojson(), "cellsize": cellsize}))
        for site in ("plain", "antimeridian")
        for outline in outlines(SITES[site], random)[4:8]
        for cellsize in (0.0005, 0.01)
    ]
    return [*plain, *bent, *masks]


def test_exactly_the_granules_that_touch(world: World, looked_into: list[str]) -> None:
    catalog = LocalCatalog(world.folder)
    regions = areas()
    assert {area.proj for _, area in regions if isinstance(area, Region)} == {
        "plate_carree",
        "north_polar",
        "south_polar",
    }
    found = 0
    for site, area in regions:
        names = brute_force(world, site, area)
        assert {one.name for one in catalog.find(Query(area=area))} == names, area
        found += len(names)
    assert found > 1000
    # slivers, squares of 60 m and borders that are grazed: some have to be looked into
    assert looked_into


def test_few_granules_are_looked_into(world: World, looked_into: list[str]) -> None:
    catalog, found = LocalCatalog(world.folder), 0
    random = np.random.default_rng(11)
    for place in SITES.values():
        for _ in range(3):
            found += sum(len(catalog.find(Query(area=Region.of(outline)))) for outline in outlines(place, random)[6:10])
    assert found > 1000
    assert len(set(looked_into)) < 0.05 * found


def test_wide_regions_are_decided_by_tracks_alone(world: World, looked_into: list[str]) -> None:
    catalog = LocalCatalog(world.folder)
    everything = {one.name for one in catalog.find(Query())}
    assert everything == set(world.names)
    assert {one.name for one in catalog.find(Query(area=Region.of((-180, -90, 180, 90))))} == everything
    cap = [(lon, 60.0) for lon in range(-180, 180, 20)]
    north = {one.name for one in catalog.find(Query(area=Region.of(cap)))}
    assert north == {name for number, name in enumerate(world.names) if number % 4 >= 2}
    assert looked_into == []


def test_times_and_regions_together(world: World, looked_into: list[str]) -> None:
    area = Region.of([(179.5, -60.3), (-179.5, -60.3), (-179.5, -59.7), (179.5, -59.7)])
    touching = brute_force(world, "antimeridian", area)
    t0, t1 = START + timedelta(hours=100, seconds=9), START + timedelta(hours=600)
    found = LocalCatalog(world.folder).find(Query(area=area, t0=t0, t1=t1))
    # a granule that ends as the span begins belongs to it, as does one that begins as it ends
    assert {one.name for one in found} == {name for name in touching if START + timedelta(hours=100) <= name.time <= t1}
    assert [one.name for one in found] == sorted(one.name for one in found)


def test_tracks_of_what_is_found(world: World, looked_into: list[str]) -> None:
    for one in LocalCatalog(world.folder).find(Query(t1=START + timedelta(hours=8))):
        positions = beams(world.names.index(one.name))
        assert one.tracks is not None
        assert set(one.tracks) == set(positions)
        for beam, track in one.tracks.items():
            assert_near(track, *positions[beam])
            if track.bounds[2] - track.bounds[0] > 180:  # no line leads around the globe
                assert max(abs(np.diff(part.coords, axis=0)[:, 0]).max() for part in track.geoms) < 10


# simplified tracks ---------------------------------------------------------------------------------------------------


def assert_near(track: Any, lon: Any, lat: Any) -> None:
    """Every position is near a line, in each position's own measure of degrees; vertices are positions."""
    kept = {tuple(point) for part in track.geoms for point in part.coords}
    assert kept <= set(zip(lon.tolist(), lat.tolist(), strict=True))
    nearest = np.full(len(lon), np.inf)
    shrink = np.cos(np.radians(lat))
    for part in track.geoms:
        corners = np.array(part.coords)
        for first, last in pairwise(corners):
            ex, ey = (last[0] - first[0]) * shrink, last[1] - first[1]
            x, y = (lon - first[0]) * shrink, lat - first[1]
            where = np.clip((x * ex + y * ey) / np.maximum(ex * ex + ey * ey, 1e-300), 0, 1)
            nearest = np.minimum(nearest, np.hypot(x - where * ex, y - where * ey))
    assert nearest.max() * 111_200 <= TOLERANCE


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 400),
    lat=st.floats(-87.9, 87.9),
    lon=st.floats(-180, 180),
    bend=st.floats(-1e-6, 1e-6),
    gap=st.floats(0, 0.05),
)
def test_simplified_tracks_keep_their_promises(
    seed: int, count: int, lat: float, lon: float, bend: float, gap: float
) -> None:
    random = np.random.default_rng(seed)
    step = np.arange(count)
    north = 0.00018 * step + random.normal(0, 3e-5, count)
    y = np.clip(lat + np.where(lat > 0, -north, north), -88, 88)
    x = lon + (0.00004 * step + bend * step**2 + random.normal(0, 3e-5, count)) / np.cos(np.radians(y))
    kept = random.random(count) >= gap
    kept[random.integers(0, count)] = True
    x, y = (x[kept] + 180) % 360 - 180, y[kept]
    parts = simplify(x, y)
    track = shapely.MultiLineString([part if len(part) > 1 else part.repeat(2, axis=0) for part in parts])
    assert_near(track, x, y)
    for part in parts:  # nowhere along a line is the next position farther than REACH
        for first, last in pairwise(part):
            for where in np.linspace(0, 1, 7):
                here = first + where * (last - first)
                away = np.hypot((x - here[0]) * np.cos(np.radians(here[1])), y - here[1])
                assert away.min() * 111_200 <= REACH


def test_a_gap_divides_a_track_and_a_lone_position_is_kept() -> None:
    lat = np.array([70.0, 70.001, 70.002, 70.1, 70.2, 70.201])
    parts = simplify(np.full(6, -45.0), lat)
    assert [part[:, 1].tolist() for part in parts] == [[70.0, 70.002], [70.1], [70.2, 70.201]]
    assert GAP < (70.1 - 70.002) * 111_200
    assert simplify(np.array([np.nan, 3.4e38]), np.array([3.4e38, 1.0])) == []


def test_tracks_come_back_from_the_file_to_the_last_bit(world: World) -> None:
    tracks = open_index(world.folder).tracks
    for number in range(0, GRANULES, 97):
        here = tracks.granule == number
        parts = [(BEAMS.index(beam), part) for beam, p in beams(number).items() for part in simplify(*p)]
        assert tracks.lon[here].tolist() == [x for _, part in parts for x in part[:, 0].tolist()]
        assert tracks.lat[here].tolist() == [y for _, part in parts for y in part[:, 1].tolist()]
        assert tracks.beam[here].tolist() == [beam for beam, part in parts for _ in part]
        assert int(tracks.ends[here].sum()) == len(parts)
