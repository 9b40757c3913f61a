"""Plans: from named granules, an index, CMR or a file, with estimates that are checked against what was read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import dask
import geopandas as gpd
import h5py
import pandas as pd
import pytest
import shapely

import nunatak
from nunatak.cli import main
from nunatak.pipeline.catalog.cmr import CmrCatalog
from nunatak.pipeline.catalog.patience import Patience
from nunatak.pipeline.catalog.query import Found
from nunatak.pipeline.catalog.update import update_index
from nunatak.pipeline.estimate import shares_inside, task_bounds
from nunatak.pipeline.granule import BEAMS, GranuleName
from nunatak.pipeline.parameter_forms import ParameterNotice
from nunatak.pipeline.plan import Plan
from nunatak.pipeline.planning import plan_granules
from nunatak.pipeline.products.product import Effort
from nunatak.pipeline.region import Region
from nunatak.pipeline.task import Request
from nunatak.testing import simulate
from nunatak.testing.cmr_documents import umm_document
from nunatak.testing.cmr_server import CmrServer

NAME = GranuleName.parse("ATL03_20190101000000_00010103_006_02.h5")
BOX = (-49.2, 69.0, -48.0, 69.25)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three granules of 12 km on neighbouring tracks, indexed; the second has no gt1r."""
    folder = tmp_path_factory.mktemp("indexed")
    simulate(folder, 3, kilometres=12, beams=("gt1l", "gt1r", "gt2l"), absent={2: ["gt1r"]}, seed=8)
    update_index(folder)
    return folder


def many(count: int) -> list[Found]:
    """Granules as an index gives them."""
    track = {beam: shapely.linestrings([(-49 + 0.03 * i, 69), (-50 + 0.03 * i, 75)]) for i, beam in enumerate(BEAMS)}
    return [
        Found(
            replace(NAME, rgt=i % 1387 + 1, cycle=i // 1387 + 1),
            {
                "https": f"https://data.nsidc.earthdatacloud.nasa.gov/ATLAS/ATL03/006/granule-{i}.h5",
                "s3": f"s3://x/{i}",
            },
            3_000_000_000 + i,
            None,
            track,
        )
        for i in range(count)
    ]


class TestFromAnIndex:
    def test_the_same_rows_as_with_paths_given_by_hand(self, indexed: Path) -> None:
        by_hand = nunatak.atl06(sorted(indexed.glob("ATL03*.h5")), poly=BOX, cnf=2).compute(scheduler="sync")
        searched = nunatak.atl06(catalog=indexed, poly=BOX, cnf=2).compute(scheduler="sync")
        assert len(by_hand) > 500
        pd.testing.assert_frame_equal(by_hand, searched)

    def test_the_same_rows_over_real_granules(self, shared: Path, tmp_path: Path) -> None:
        folder = tmp_path / "granules"
        shutil.copytree(shared / "data" / "granules", folder)
        folder.chmod(0o755)
        update_index(folder)
        area = box = (-107.0, 41.0, -106.0, 42.0)
        path = folder / "ATL03_20220401221822_01501506_006_02.h5"
        with pytest.raises(nunatak.InputError, match="2 files of one granule"):
            nunatak.plan("atl06", catalog=folder, poly=area)
        plan = nunatak.plan("atl06", catalog=folder, prefer=[path], poly=box, srt=0)
        assert [str(granule.name) for granule in plan.granules] == [path.name]
        by_hand = nunatak.atl06(path, poly=box, srt=0).compute(scheduler="sync")
        assert len(by_hand) == 40
        pd.testing.assert_frame_equal(plan.lazy().frame.compute(scheduler="sync"), by_hand)

    def test_absent_beams_are_not_planned(self, indexed: Path) -> None:
        plan = nunatak.plan("atl06", catalog=indexed, poly=BOX)
        assert [[beam.beam for beam in granule.beams] for granule in plan.granules] == [
            ["gt1l", "gt1r", "gt2l"],
            ["gt1l", "gt2l"],
            ["gt1l", "gt1r", "gt2l"],
        ]

    def test_spatial_partitions_hold_their_rows(self, indexed: Path) -> None:
        frame = nunatak.atl06(catalog=indexed, poly=BOX, cnf=2)
        assert frame.spatial_partitions is not None
        for number, box in enumerate(frame.spatial_partitions):
            rows = frame.partitions[number].compute(scheduler="sync")
            assert len(rows)
            assert rows.geometry.within(box).all()
        west = frame.cx[-49.2:-48.8, :]  # type: ignore[misc]
        assert west.npartitions < frame.npartitions
        whole = frame.compute(scheduler="sync")
        assert len(west.compute(scheduler="sync")) == len(whole.cx[-49.2:-48.8, :])

    def test_search_parameters_narrow(self, indexed: Path) -> None:
        whole = nunatak.plan("atl06", catalog=indexed, region=3)
        rgts = [granule.name.rgt for granule in whole.granules]
        assert len(rgts) == 3
        assert len(nunatak.plan("atl06", catalog=indexed, rgt=rgts[0]).granules) == 1
        assert len(nunatak.plan("atl06", catalog=indexed, rgt=rgts[1:]).granules) == 2
        later = nunatak.plan("atl06", catalog=indexed, t0=whole.granules[1].name.time)
        assert [granule.name.rgt for granule in later.granules] == rgts[1:]

    def test_they_change_no_task(self, indexed: Path) -> None:
        narrow = nunatak.plan("atl06", catalog=indexed, poly=BOX, t0="2019-01-01", cnf=2)
        wide = nunatak.plan("atl06", catalog=indexed, poly=BOX, cnf=2)
        assert narrow.request == wide.request
        assert narrow.granules == wide.granules
        assert narrow.origin["search"] == {"t0": "2019-01-01T00:00:00Z"}


class TestEstimate:
    def test_photons_and_bytes_beside_what_was_read(self, indexed: Path) -> None:
        """Within a third over the plan, and a factor of two for each task."""
        plan = nunatak.plan("atl06", catalog=indexed, poly=BOX)
        both = plan.lazy()
        _, outcomes = dask.compute(both.frame, both.outcomes, scheduler="sync")
        table = plan.table()
        assert outcomes["photons"].sum() == pytest.approx(table["photons"].sum(), rel=1 / 3)
        assert outcomes["bytes_read"].sum() == pytest.approx(table["bytes_read"].sum(), rel=1 / 3)
        for column in ("photons", "bytes_read"):
            assert (outcomes[column] / table[column]).between(0.5, 2).all()

    @pytest.mark.parametrize(
        ("product", "parameters"),
        [("atl03", {}), ("atl03v", {}), ("atl08", {"srt": 0}), ("atl06", {"yapc": {"score": 50}})],
    )
    def test_of_other_products(self, indexed: Path, product: str, parameters: dict[str, object]) -> None:
        plan = nunatak.plan(product, catalog=indexed, poly=BOX, **parameters)
        both = plan.lazy()
        _, outcomes = dask.compute(both.frame, both.outcomes, scheduler="sync")
        assert set(outcomes["status"]) <= {"ok", "empty"}
        assert outcomes["bytes_read"].sum() == pytest.approx(plan.table()["bytes_read"].sum(), rel=1 / 2)

    def test_in_words(self, indexed: Path) -> None:
        said = str(nunatak.plan("atl06", catalog=indexed, poly=BOX).estimate())
        assert "3 granules, 8 tasks" in said
        assert "photons in the region" in said
        assert "of memory for a task" in said

    def test_unknown_sizes_are_said(self) -> None:
        unknown = [replace(granule, size=None, tracks=None) for granule in many(2)]
        plan = Plan(Request("atl06", nunatak.Parameters()), plan_granules(unknown, nunatak.Parameters(), Effort()))
        assert "2 granules are of unknown size" in str(plan.estimate())

    def test_share_of_a_track(self) -> None:
        line = shapely.linestrings([(0, 60), (0, 70)])
        half, none = Region.of((-1, 60, 1, 65)), Region.of((10, 60, 11, 65))
        assert shares_inside([line], None) == [1.0]
        assert shares_inside([line], half)[0] == pytest.approx(0.5, abs=0.05)
        assert 0 < shares_inside([line], none)[0] < 0.05
        assert shares_inside([None, line], half)[0] == 1.0
        outline = shapely.box(-2, 60, 2, 70)
        assert shares_inside([outline], half)[0] == pytest.approx(0.25, abs=0.05)

    def test_bounds(self) -> None:
        line = shapely.linestrings([(0, 60), (0, 70)])
        assert task_bounds([None], None) == [None]
        (west, south, east, north) = task_bounds([line], Region.of((-1, 64, 1, 65)))[0] or ()
        assert west < 0 < east
        assert south == pytest.approx(63.99)
        assert north == pytest.approx(65.01)
        assert task_bounds([shapely.linestrings([(0, 80), (0, 89.9)])], None)[0] == pytest.approx(
            (-180, 79.99, 180, 89.91)
        )


class TestFile:
    def test_ten_thousand_granules(self, tmp_path: Path) -> None:
        parameters = nunatak.Parameters.of(poly=(-60, 62, -30, 69.9), cnf=2)
        plan = Plan(
            Request("atl06", parameters), plan_granules(many(10_000), parameters, Effort()), ("x (ATL06)",), {"a": [1]}
        )
        assert len(plan) == 60_000
        plan.save(tmp_path / "plan")
        assert (tmp_path / "plan").stat().st_size < 5e6
        assert Plan.load(tmp_path / "plan") == plan

    def test_it_runs_without_the_catalog(self, indexed: Path, tmp_path: Path) -> None:
        plan = nunatak.plan("atl06", catalog=indexed, poly=BOX, cnf=2, keep_id=True)
        plan.save(tmp_path / "plan")
        again = Plan.load(tmp_path / "plan")
        assert again == plan
        pd.testing.assert_frame_equal(
            again.lazy().frame.compute(scheduler="sync"), plan.lazy().frame.compute(scheduler="sync")
        )

    def test_the_table_has_a_row_a_task(self, indexed: Path) -> None:
        plan = nunatak.plan("atl06", catalog=indexed, poly=BOX)
        table = plan.table()
        named = table[["address", "granule", "beam"]].itertuples(index=False)
        assert [tuple(row) for row in named] == [(task.address, task.granule, task.beam) for task in plan.tasks]
        assert (table[["photons", "bytes_read", "memory", "seconds"]] > 0).all().all()
        assert table[["west", "south", "east", "north"]].notna().all().all()

    @pytest.mark.parametrize("content", [b"", b"PAR1 nothing", None])
    def test_no_plan_in_the_file(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "plan"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(nunatak.InputError, match="plan"):
            Plan.load(path)

    def test_another_parquet_is_no_plan(self, tmp_path: Path) -> None:
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other")
        with pytest.raises(nunatak.InputError, match="not a plan"):
            Plan.load(tmp_path / "other")


class TestFromCmr:
    def test_granules_with_companions_become_tasks(self) -> None:
        outline = [(-49.5, 69.0), (-48.0, 69.0), (-48.2, 74.0), (-50.0, 74.0)]
        names = [replace(NAME, cycle=cycle) for cycle in (1, 2, 3)]
        documents = [umm_document(name, outline=outline, size=2_000_000_000) for name in names]
        with CmrServer(documents) as server:
            catalog = CmrCatalog(server.url, patience=Patience(tries=1, timeout=10))
            plan = nunatak.plan("atl06", catalog=catalog, poly=BOX, t0="2018-10-01", beams=["gt1l", "gt2r"])
        assert [granule.name for granule in plan.granules] == names
        assert len(plan) == 6
        assert all(task.address.startswith("s3://") for task in plan.tasks)
        assert set(plan.granules[0].addresses) == {"s3", "https"}
        assert 0 < plan.estimate().photons < 3 * 2e9 / 34 / 3
        assert plan.origin["search"]["t0"] == "2018-10-01T00:00:00Z"
        frame = plan.lazy().frame
        assert frame.spatial_partitions.total_bounds[1] == pytest.approx(68.99)

    def test_nothing_found(self) -> None:
        with CmrServer([]) as server:
            plan = nunatak.plan("atl06", catalog=CmrCatalog(server.url), poly=BOX)
        assert len(plan) == 0
        with pytest.raises(nunatak.InputError, match="no granule was found"):
            plan.lazy()


class TestErrors:
    def test_the_whole_archive_is_not_meant(self) -> None:
        with pytest.raises(nunatak.InputError, match="whole archive"):
            nunatak.plan("atl06", cnf=4)

    def test_named_and_searched(self, indexed: Path) -> None:
        with pytest.raises(nunatak.InputError, match="both given"):
            nunatak.plan("atl06", indexed, catalog=indexed)

    def test_no_such_catalog(self) -> None:
        with pytest.raises(nunatak.InputError, match="'nowhere'"):
            nunatak.plan("atl06", catalog="nowhere", rgt=1)

    def test_a_folder_without_an_index(self, tmp_path: Path) -> None:
        with pytest.raises(nunatak.InputError, match="nunatak index"):
            nunatak.plan("atl06", catalog=tmp_path, rgt=1)

    def test_a_search_where_granules_are_named(self, indexed: Path) -> None:
        with pytest.warns(ParameterNotice, match="cycle, t0"):
            nunatak.plan("atl06", indexed, t0="2019-01-01", cycle=3)

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"rgt": 1388}, "rgt"),
            ({"cycle": "first"}, "cycle"),
            ({"t0": "yesterday"}, "t0"),
            ({"t0": "2020-01-01", "t1": "2019-01-01"}, "later than"),
            ({"release": "six"}, "release"),
            ({"region": 15}, "region"),
        ],
    )
    def test_wrong_values(self, value: dict[str, object], message: str) -> None:
        with pytest.raises(nunatak.InputError, match=message):
            nunatak.plan("atl06", **value)


class TestCommands:
    def test_plan_save_and_run(self, indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        region, saved, output = tmp_path / "r.geojson", tmp_path / "plan", tmp_path / "h.parquet"
        gpd.GeoSeries([shapely.box(*BOX)], crs=4326).to_file(region)
        search = ["--poly", str(region), "--catalog", str(indexed), "--parms", '{"cnf": 2}']
        assert main(["plan", "atl06", *search, "--tasks", "--save", str(saved)]) == 0
        printed = capsys.readouterr().out
        assert "3 granules, 8 tasks" in printed
        assert printed.count("ATL03_") == 8 * 2
        assert main(["atl06", "--plan", str(saved), "--output", str(output)]) == 0
        expected = nunatak.atl06(catalog=indexed, poly=BOX, cnf=2).compute(scheduler="sync")
        assert len(gpd.read_parquet(output)) == len(expected)

    def test_a_saved_plan_stands_alone(self, indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved = tmp_path / "plan"
        nunatak.plan("atl06", catalog=indexed, poly=BOX).save(saved)
        assert main(["atl06", "--plan", str(saved), "--rgt", "1"]) == 2
        assert "rgt can't be given with it" in capsys.readouterr().err

    def test_index_plan_run(self, indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = tmp_path / "granules"
        folder.mkdir()
        for path in indexed.glob("ATL*.h5"):
            shutil.copy(path, folder)
        assert main(["index", str(folder)]) == 0
        assert "6 granules" in capsys.readouterr().out
        rgts = ",".join(str(GranuleName.parse(path.name).rgt) for path in sorted(folder.glob("ATL03*"))[:2])
        assert main(["atl06", "--catalog", str(folder), "--rgt", rgts, "--t0", "2019-01-01"]) == 0
        assert "2 granules, 5 tasks: 5 ok" in capsys.readouterr().out


def test_real_positions_lie_within_their_bounds(indexed: Path) -> None:
    """The boxes of a plan come from simplified tracks; every reference photon lies in its own."""
    plan = nunatak.plan("atl06", catalog=indexed, poly=(-60, 60, -40, 69.9))
    for granule in plan.granules:
        with h5py.File(granule.address) as file:
            for beam in granule.beams:
                places = file[beam.beam]["geolocation"]
                assert beam.bounds
                west, south, east, north = beam.bounds
                assert (places["reference_photon_lon"][:] > west).all()
                assert (places["reference_photon_lon"][:] < east).all()
                assert (places["reference_photon_lat"][:] > south).all()
                assert (places["reference_photon_lat"][:] < north).all()
