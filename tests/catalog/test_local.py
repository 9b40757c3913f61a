"""Indexing files and finding them again: simulated granules, real ones, and files with something wrong."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nunatak.pipeline.catalog import local
from nunatak.pipeline.catalog import update as updating
from nunatak.pipeline.catalog.commands import add_parsers
from nunatak.pipeline.catalog.index_file import INDEX_NAME, open_index
from nunatak.pipeline.catalog.indexing import read_positions, read_record
from nunatak.pipeline.catalog.local import LocalCatalog
from nunatak.pipeline.catalog.query import Query
from nunatak.pipeline.catalog.supersede import CatalogNotice
from nunatak.pipeline.catalog.update import update_index
from nunatak.pipeline.errors import CatalogError, InputError, OutputError, ResourceError
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.region import Region
from nunatak.testing.granules import simulate

h5py = pytest.importorskip("h5py")

GRANULES = 20


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    for number in range(4):
        # ascending and descending over one place, some beams absent
        simulate(
            folder / f"part{number}",
            granules=GRANULES // 4,
            kilometres=3,
            terrain="flat",
            signal=1.0,
            blanks=((500.0, 900.0),),
            start=(-49.0 + 0.02 * number, 69.2),
            rgt=100 + number,
            ascending=number % 2 == 0,
            absent={2: ["gt2r"]},
            seed=number,
        )
    update_index(folder)
    return folder


def files(folder: Path, product: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*.h5") if product in path.name)


def reference_photons(path: Path) -> dict[str, tuple[Any, Any]]:
    with h5py.File(path) as file:
        found = {}
        for beam in (name for name in file if name.startswith("gt")):
            geolocation = file[beam]["geolocation"]
            filled = geolocation["segment_ph_cnt"][:] > 0
            found[beam] = (
                geolocation["reference_photon_lon"][:][filled],
                geolocation["reference_photon_lat"][:][filled],
            )
        return found


def test_simulated_granules_from_end_to_end(simulated: Path) -> None:
    positions = {path: reference_photons(path) for path in files(simulated, "ATL03")}
    assert len(positions) == GRANULES
    catalog = LocalCatalog(simulated)
    lon, lat = next(iter(next(iter(positions.values())).values()))
    random = np.random.default_rng(3)
    sizes = set()
    for size in (0.002, 0.01, 0.05, 0.2):
        for _ in range(10):
            where = random.integers(len(lon))
            west, south = lon[where] + random.normal(0, 3 * size), lat[where] + random.normal(0, size)
            area = Region.of((west, south, west + 2 * size, south + size))
            expected = {
                str(path)
                for path, beams in positions.items()
                if any(area.contains(*beam).any() for beam in beams.values())
            }
            assert {one.addresses["file"] for one in catalog.find(Query(area=area))} == expected
            sizes.add(len(expected))
    assert len(sizes) > 3


def test_what_is_found_says_what_it_is(simulated: Path) -> None:
    for one in LocalCatalog(simulated).find(Query(companions=("ATL08", "ATL06"))):
        path = Path(one.addresses["file"])
        assert one.name == GranuleName.parse(path.name)
        assert one.size == path.stat().st_size
        assert one.tracks is not None
        assert set(one.tracks) == set(reference_photons(path))
        assert one.outline is not None
        assert not one.outline.is_empty
        companion = one.companions["ATL08"]
        assert companion.name == one.name.companion("ATL08")
        assert Path(companion.addresses["file"]).parent == path.parent
        assert set(one.companions) == {"ATL08"}


def test_a_record_is_that_of_slideRules_indexer(simulated: Path) -> None:
    path = files(simulated, "ATL03")[0]
    record, positions = read_record(path), reference_photons(path)
    with h5py.File(path) as file:
        start, end = (file[f"ancillary_data/{name}_delta_time"][0] for name in ("start", "end"))
    sdp = np.datetime64("2018-01-01T00:00:00", "ns")
    for time, seconds in ((record.t0, start), (record.t1, end)):
        assert abs((time - sdp) / np.timedelta64(1, "s") - seconds) < 1e-6
    assert record.first == tuple(values[0] for values in positions["gt3r"])
    assert record.last == tuple(values[-1] for values in positions["gt1l"])
    for beam, (lon, lat) in positions.items():
        np.testing.assert_array_equal(read_positions(path, "ATL03", beam), (lon, lat))


# queries by name and time --------------------------------------------------------------------------------------------


def test_filters_by_what_names_say(simulated: Path) -> None:
    catalog = LocalCatalog(simulated)
    names = [GranuleName.parse(path.name) for path in files(simulated, "ATL03")]
    rgts = sorted({name.rgt for name in names})
    for query, meets in [
        (Query(rgt=tuple(rgts[:2])), lambda name: name.rgt in rgts[:2]),
        (Query(cycle=(names[0].cycle,)), lambda name: name.cycle == names[0].cycle),
        (Query(region=(names[0].region,)), lambda name: name.region == names[0].region),
        (Query(release="006"), lambda _: True),
        (Query(name_pattern=f"ATL03_*_{rgts[0]:04d}????_*"), lambda name: name.rgt == rgts[0]),
        (Query(rgt=(1387,)), lambda _: False),
    ]:
        assert [one.name for one in catalog.find(query)] == sorted(name for name in names if meets(name))
    with pytest.warns(CatalogNotice, match="005 was asked for"):
        assert catalog.find(Query(release="005")) == []
    assert len(catalog.find(Query(product="ATL08"))) == GRANULES


def test_time_spans_meet_at_both_ends(simulated: Path) -> None:
    index = open_index(simulated)
    row = next(row for row, name in enumerate(index.names) if name.product == "ATL03")
    start, end = (
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(t[row]) // 1000) for t in (index.t0, index.t1)
    )
    microsecond = timedelta(microseconds=1)

    def found(**span: datetime) -> bool:
        return index.names[row] in {one.name for one in LocalCatalog(simulated).find(Query(**span))}  # type: ignore[arg-type]

    assert found(t0=start, t1=end)
    assert found(t0=end)
    assert found(t1=start + microsecond)
    assert not found(t0=end + 2 * microsecond)
    assert not found(t1=start - 2 * microsecond)
    assert found(t0=end.replace(tzinfo=None))  # UTC where no zone is given


# real granules -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "granules"
    shutil.copytree(shared / "data" / "granules", folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    done = update_index(folder)
    assert (done.granules, done.unreadable, done.not_granules) == (11, (), ())
    return folder


def test_real_granules_with_their_oddities(real: Path) -> None:
    catalog = LocalCatalog(real, prefer=[real])
    products = {product: catalog.find(Query(product=product)) for product in ("ATL03", "ATL06", "ATL08", "ATL13")}
    assert {product: len(found) for product, found in products.items()} == {
        "ATL03": 2,
        "ATL06": 3,
        "ATL08": 3,
        "ATL13": 1,
    }
    weak = products["ATL03"][1]  # no ancillary_data, one beam
    assert weak.tracks is not None
    assert list(weak.tracks) == ["gt1r"]
    (lakes,) = products["ATL13"]  # orbit_info lists four tracks, the name says the first
    assert lakes.tracks is not None
    assert len(lakes.tracks) == 6
    assert lakes.notes == ()
    (forest,) = catalog.find(Query(area=Region.of((-107, 41, -106, 42)), companions=("ATL08",)))
    assert forest.name.rgt == 150
    assert Path(forest.companions["ATL08"].addresses["file"]).parent == real
    assert len(catalog.find(Query(product="ATL06", area=Region.of((-35, 66, -34, 67)), cycle=(5, 13)))) == 2


def test_two_files_of_one_granule_are_refused_unless_told_which(real: Path) -> None:
    query = Query(area=Region.of((-107, 41, -106, 42)), companions=("ATL08",))
    with pytest.raises(ResourceError, match=r"2 files of one granule") as refused:
        LocalCatalog(real).find(query)
    name = "ATL03_20220401221822_01501506_006_02.h5"
    copies = [real / name, real / "double_deflate" / name]
    assert all(str(path) in str(refused.value) for path in copies)
    # a question that does not meet them is answered
    assert len(LocalCatalog(real).find(Query(area=Region.of((-46, 70, -45, 71))))) == 1
    for prefer, chosen in [
        (copies[0], copies[0]),
        (copies[1], copies[1]),
        (real, copies[0]),
        (copies[1].parent, copies[1]),
    ]:
        (one,) = LocalCatalog(real, prefer=[prefer]).find(query)
        assert one.addresses["file"] == str(chosen)
        assert Path(one.companions["ATL08"].addresses["file"]).parent == chosen.parent


def test_a_granule_of_unknown_place_is_found_with_a_note(real: Path) -> None:
    found = LocalCatalog(real, prefer=[real]).find(Query(product="ATL08", area=Region.of((0, 0, 1, 1))))
    (one,) = found  # its land_segments have no latitude
    assert one.tracks is None
    assert "knows no positions" in one.notes[-1]


# revisions, releases and odd files -----------------------------------------------------------------------------------


def copy_as(source: Path, target: Path) -> Path:
    target.parent.mkdir(exist_ok=True, parents=True)
    shutil.copyfile(source, target)
    return target


def test_revisions_and_releases(simulated: Path, tmp_path: Path) -> None:
    first, second, third = files(simulated, "ATL03")[:3]
    newer = copy_as(first, tmp_path / first.name.replace("_006_01", "_006_02"))
    copy_as(first, tmp_path / first.name)
    copy_as(first, tmp_path / "again" / first.name)  # a copy of what is superseded does not matter
    copy_as(second, tmp_path / second.name.replace("_006_", "_007_"))
    copy_as(third, tmp_path / third.name)
    update_index(tmp_path)
    with pytest.warns(CatalogNotice, match="2 of 3 acquisitions"):
        found = LocalCatalog(tmp_path).find(Query())
    assert [one.name.release for one in found] == ["007"]
    found = LocalCatalog(tmp_path).find(Query(release="006"))
    assert {one.addresses["file"] for one in found} == {str(newer), str(tmp_path / third.name)}
    assert any("supersedes revision 01" in note for one in found for note in one.notes)


def test_companions_of_another_release_are_not_used(simulated: Path, tmp_path: Path) -> None:
    atl03, atl08 = files(simulated, "ATL03")[0], files(simulated, "ATL08")[0]
    copy_as(atl03, tmp_path / atl03.name)
    copy_as(atl08, tmp_path / atl08.name.replace("_006_", "_005_"))
    update_index(tmp_path)
    (one,) = LocalCatalog(tmp_path).find(Query(companions=("ATL08",)))
    assert one.companions == {}
    assert one.notes == ("its ATL08 is there in release 005 only, and is not used",)


def test_a_name_that_contradicts_orbit_info_counts_and_is_noted(simulated: Path, tmp_path: Path) -> None:
    path = copy_as(files(simulated, "ATL03")[0], tmp_path / files(simulated, "ATL03")[0].name)
    name = GranuleName.parse(path.name)
    with h5py.File(path, "r+") as file:
        file["orbit_info/rgt"][:] = 7
    update_index(tmp_path)
    (one,) = LocalCatalog(tmp_path).find(Query(rgt=(name.rgt,)))
    assert one.notes == (f"orbit_info says rgt 7, its name says {name.rgt}",)


def test_a_beam_without_photons_is_there_and_touches_nothing(tmp_path: Path) -> None:
    simulate(tmp_path, kilometres=1, terrain="flat", beams=("gt1l", "gt2l"), hollow=("gt2l",), with_atl08=False)
    simulate(
        tmp_path / "blank",
        kilometres=1,
        terrain="flat",
        beams=("gt1l",),
        blanks=((0.0, 2000.0),),
        rgt=9,
        with_atl08=False,
    )
    update_index(tmp_path)
    catalog = LocalCatalog(tmp_path)
    full, blank = sorted(catalog.find(Query()), key=lambda one: one.name.rgt, reverse=True)
    assert full.tracks is not None
    assert blank.tracks is not None
    assert {beam: track.is_empty for beam, track in full.tracks.items()} == {"gt1l": False, "gt2l": True}
    assert blank.tracks["gt1l"].is_empty
    assert [one.name for one in catalog.find(Query(area=Region.of((-180, -90, 180, 90))))] == [full.name]


# updates -------------------------------------------------------------------------------------------------------------


def test_an_index_is_brought_up_to_date(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = files(simulated, "ATL03")[:4]
    paths = [copy_as(source, tmp_path / source.name) for source in sources[:3]]
    read: list[Path] = []
    monkeypatch.setattr(updating, "read_record", lambda path: read.append(path) or read_record(path))
    first = update_index(tmp_path)
    assert (first.granules, first.read, first.unchanged, first.removed) == (3, 3, 0, 0)
    before = (tmp_path / INDEX_NAME).read_bytes()
    read.clear()
    assert update_index(tmp_path).read == 0
    assert read == []
    assert (tmp_path / INDEX_NAME).read_bytes() == before
    paths[0].unlink()
    os.utime(paths[1], ns=(1, 1))
    added = copy_as(sources[3], tmp_path / "below" / sources[3].name)
    done = update_index(tmp_path)
    assert (done.granules, done.read, done.unchanged, done.removed) == (3, 2, 1, 1)
    assert set(read) == {paths[1], added}
    assert {one.addresses["file"] for one in LocalCatalog(tmp_path).find(Query())} == {*map(str, paths[1:]), str(added)}
    fresh = tmp_path.parent / f"{tmp_path.name}.parquet"
    update_index(tmp_path, fresh)
    assert open_index(fresh).names == open_index(tmp_path).names


def test_files_that_are_no_granules_are_named(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = files(simulated, "ATL03")[0]
    good = copy_as(source, tmp_path / f"processed_{source.name}")
    short = copy_as(source, tmp_path / source.name.replace("_01.h5", "_02.h5"))
    short.write_bytes(short.read_bytes()[:5000])
    text = tmp_path / source.name.replace("_01.h5", "_03.h5")
    text.write_text("no HDF5")
    empty = tmp_path / source.name.replace("_01.h5", "_04.h5")
    h5py.File(empty, "w").close()
    gone = tmp_path / source.name.replace("_01.h5", "_05.h5")
    gone.symlink_to(tmp_path / "nowhere")
    stranger = tmp_path / "notes.h5"
    stranger.write_text("notes")
    (tmp_path / "readme.txt").write_text("not asked about")
    assert run("index", str(tmp_path)) == 3
    out, err = capsys.readouterr()
    assert f"1 granules in {tmp_path / INDEX_NAME}: 1 read, 0 unchanged, 0 removed, 5 files left out" in out
    for path in (short, text, empty, gone, stranger):
        assert err.count(str(path)) == 1
    assert "readme" not in err
    (one,) = LocalCatalog(tmp_path).find(Query())
    assert one.addresses["file"] == str(good)
    for path in (short, text, empty, gone):
        path.unlink()
    assert run("index", str(tmp_path)) == 0
    assert "1 unchanged" in capsys.readouterr().out


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    args = parser.parse_args(arguments)
    return int(args.run(args))


def test_an_index_is_written_whole_or_not_at_all(
    simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    source = files(simulated, "ATL03")[0]
    copy_as(source, tmp_path / source.name)
    update_index(tmp_path)
    before = (tmp_path / INDEX_NAME).read_bytes()
    os.utime(tmp_path / source.name, ns=(1, 1))

    def full_disk(table: Any, path: Path, **options: Any) -> None:
        path.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        update_index(tmp_path)
    assert (tmp_path / INDEX_NAME).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, INDEX_NAME])


def test_an_index_moves_with_its_folder(simulated: Path, tmp_path: Path) -> None:
    source = files(simulated, "ATL03")[0]
    copy_as(source, tmp_path / "here" / source.name)
    update_index(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    (one,) = LocalCatalog(tmp_path / "there").find(Query())
    assert one.addresses["file"] == str(tmp_path / "there" / source.name)


def test_an_index_that_is_out_of_date_says_so(simulated: Path, tmp_path: Path) -> None:
    source = files(simulated, "ATL03")[0]
    path = copy_as(source, tmp_path / source.name)
    update_index(tmp_path)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(CatalogError, match=r"has changed.*nunatak index"):
        LocalCatalog(tmp_path).find(Query())
    path.unlink()
    with pytest.raises(CatalogError, match="not there any more"):
        LocalCatalog(tmp_path).find(Query())
    update_index(tmp_path)
    assert LocalCatalog(tmp_path).find(Query()) == []
    assert LocalCatalog(tmp_path).find(Query(area=Region.of((-180, -90, 180, 90)))) == []


def test_what_is_no_index_is_an_error(simulated: Path, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"no index here; `nunatak index"):
        LocalCatalog(tmp_path).find(Query())
    with pytest.raises(ResourceError, match="no such folder"):
        update_index(tmp_path / "nowhere")
    (tmp_path / INDEX_NAME).write_bytes(b"PAR1 not really PAR1")
    for ask in (lambda: LocalCatalog(tmp_path).find(Query()), lambda: update_index(tmp_path)):
        with pytest.raises(CatalogError, match="not an index"):
            ask()
    geopandas = pytest.importorskip("geopandas")
    geopandas.GeoDataFrame({"name": ["x"]}, geometry=geopandas.points_from_xy([0], [0]), crs=4326).to_parquet(
        tmp_path / INDEX_NAME
    )
    with pytest.raises(CatalogError, match="not an index of this version"):
        LocalCatalog(tmp_path).find(Query())
    with pytest.raises(InputError, match="index of another folder"):
        update_index(tmp_path, simulated / INDEX_NAME)


def test_an_index_is_a_geoparquet_file(simulated: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.read_parquet(simulated / INDEX_NAME)
    assert len(frame) == 2 * GRANULES
    assert frame.crs == "OGC:CRS84"
    assert set(frame.geometry.geom_type) == {"MultiLineString"}
    assert frame.loc[frame["product"] == "ATL03", "rgt"].min() == 39


def test_a_granule_that_grazes_a_border_and_is_gone_is_no_silent_miss(
    simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = files(simulated, "ATL03")[0]
    copy_as(source, tmp_path / source.name)
    update_index(tmp_path)
    lon, lat = reference_photons(source)["gt1l"]
    graze = Region.of((lon[40] - 1e-5, lat[40] - 1e-5, lon[40] + 1e-5, lat[40] + 1e-5))
    opened: list[str] = []
    monkeypatch.setattr(local, "read_positions", lambda *args: opened.append(args[2]) or read_positions(*args))
    assert len(LocalCatalog(tmp_path).find(Query(area=graze))) == 1
    assert opened == ["gt1l"]
    (tmp_path / source.name).write_bytes(b"x" * source.stat().st_size)
    with pytest.raises(CatalogError, match="grazes the region"):
        LocalCatalog(tmp_path).find(Query(area=graze))


def test_describe_names_the_index(simulated: Path) -> None:
    said = LocalCatalog(simulated).describe()
    assert said == {
        "catalog": "local",
        "index": str(simulated / INDEX_NAME),
        "folder": str(simulated),
        "granules": 2 * GRANULES,
    }


def test_many_threads_may_ask_one_catalog(simulated: Path) -> None:
    catalog, answers = LocalCatalog(simulated), []
    threads = [threading.Thread(target=lambda: answers.append(len(catalog.find(Query())))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [GRANULES] * 4


def test_the_command_imports_little(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import argparse, sys; from nunatak.pipeline.catalog.commands import add_parsers; "
        "add_parsers(argparse.ArgumentParser().add_subparsers()); "
        "print([name for name in ('pyarrow', 'shapely', 'numba', 'h5coro') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"
