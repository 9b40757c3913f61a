"""Forests: vegetation metrics against the truth of a simulated one, and what becomes of ATL08 granules and scores."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import dask
import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
from photon_table import EVERYTHING, paired, photon_table, same_photons

import nunatak
from nunatak.cli import main
from nunatak.testing import SimulatedGranule, Truth, simulate

CANOPY = {"srt": "land", "len": 100, "res": 100}
BEAM = {10: "gt1l", 20: "gt1r"}


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    folder = tmp_path_factory.mktemp("forest")
    return simulate(folder, terrain="canopy", kilometres=3, beams=tuple(BEAM.values()), seed=6)[0]


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    """A forest in release 007, by day."""
    folder = tmp_path_factory.mktemp("newest")
    return simulate(folder, terrain="canopy", kilometres=2, beams=("gt1r",), seed=9, release="007", day=True)[0]


@pytest.fixture
def pair(forest: SimulatedGranule, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of both granules of the forest, to be changed."""
    assert forest.atl08_path is not None
    return Path(shutil.copy(forest.path, tmp_path)), Path(shutil.copy(forest.atl08_path, tmp_path))


def outcomes_of(product: str, path: Path, request: dict[str, Any], **more: Any) -> pd.DataFrame:
    """Run a request and give the outcomes of the beams that are there."""
    plan = nunatak.plan(product, path, request, **more)
    outcomes = plan.lazy(on_error="collect").outcomes.compute(scheduler="sync")
    return outcomes[outcomes["status"] != "absent"]


# --- the truth -------------------------------------------------------------------------------------------------------


def test_ground_and_canopy_are_those_of_the_forest(forest: SimulatedGranule) -> None:
    """Of each extent: its ground is the true one, its canopy reaches to the tops of its trees and not above them.

    A third of the photons come from the ground, a fifth from the uppermost tenth of a crown, which is 7 m long: the
    highest of some dozens of photons are near the highest tree, the lowest near the ground.
    """
    truth = Truth.load(forest.path)
    rows = nunatak.atl08(forest.path, CANOPY).compute(scheduler="sync")
    assert len(rows) >= 58
    around = np.arange(-50.0, 50.0, 0.5)
    for gt, beam in rows.groupby("gt"):
        x = beam["x_atc"].to_numpy()[:, None] + around
        ground, canopy = (of(BEAM[gt], x.ravel()).reshape(x.shape) for of in (truth.height, truth.canopy))
        # photons are dispersed by the slope of the ground, and the track is longer than what was hit of it
        apart = beam["h_te_median"] - np.median(ground, axis=1)
        assert np.abs(apart).median() < 0.2
        assert np.abs(apart).max() < np.ptp(ground, axis=1).max() / 2
        top = canopy.max(axis=1)
        assert (beam["h_max_canopy"] < top + 1.0).all()
        assert np.median(top - beam["h_max_canopy"]) < 2.0
        assert (top - beam["h_canopy"] < 0.5 * top).all()
        assert (beam["h_min_canopy"] < 0.25 * top).all()
        # of canopy photons (45 of 65) heights are 0.9 Beta(2, 1.5) of the crown, of tops (20 of 65) 0.9 and above it
        expected = (45 * 0.9 * 4 / 7 + 20 * (0.9 + 0.1 * 4 / 7)) / 65
        grown = canopy.min(axis=1) > 5
        share = (beam["h_mean_canopy"] / canopy.mean(axis=1))[grown]
        assert grown.sum() >= 5
        assert np.abs(share - expected).median() < 0.05
        assert np.abs(beam["veg_ph_count"] / beam["ph_count"] - 0.65)[grown].max() < 0.12


def test_every_row_is_in_order(forest: SimulatedGranule) -> None:
    rows = nunatak.atl08(forest.path, CANOPY, atl08_class=[0, 1, 2, 3, 4]).compute(scheduler="sync")
    assert (rows["gnd_ph_count"] + rows["veg_ph_count"] <= rows["ph_count"]).all()
    metrics = np.stack(rows["canopy_h_metrics"].to_numpy())
    assert metrics.shape[1] == 20
    assert (np.diff(metrics, axis=1) >= 0).all()
    np.testing.assert_array_equal(metrics[:, 18], metrics[:, 19])
    for low, high in (
        ("h_min_canopy", "h_mean_canopy"),
        ("h_mean_canopy", "h_max_canopy"),
        ("h_canopy", "h_max_canopy"),
    ):
        assert (rows[low] <= rows[high]).all()
    assert (metrics[:, 18] <= rows["h_canopy"].to_numpy()).all()


def test_waveforms_add_up_to_the_share_of_vegetation(forest: SimulatedGranule) -> None:
    request = CANOPY | {"phoreal": {"send_waveform": True, "binsize": 0.5}, "atl08_class": [0, 1, 2, 3, 4]}
    rows = nunatak.atl08(forest.path, request).compute(scheduler="sync")
    shares = np.array([waveform.sum(dtype=float) for waveform in rows["waveform"]])
    np.testing.assert_allclose(shares, rows["veg_ph_count"] / rows["ph_count"], rtol=1e-5)
    np.testing.assert_array_equal([len(waveform) for waveform in rows["waveform"]], rows["num_bins"])
    spanned = (rows["h_max_canopy"].astype(float) - rows["h_min_canopy"].astype(float)) / 0.5
    np.testing.assert_array_equal(rows["num_bins"], np.maximum(np.ceil(spanned), 1))


def test_the_same_bits_from_this_thread_and_from_several(forest: SimulatedGranule) -> None:
    request = CANOPY | {"yapc": {}, "phoreal": {"send_waveform": True}, "atl08_fields": ["h_dif_ref", "n_seg_ph%"]}
    for product in ("atl03", "atl06", "atl08"):
        lazy = nunatak.plan(product, forest.path, request, keep_id=True).lazy().frame
        once, again = lazy.compute(scheduler="sync"), lazy.compute(scheduler="threads")
        pd.testing.assert_frame_equal(pd.DataFrame(once), pd.DataFrame(again))


def test_the_real_forest(shared: Path) -> None:
    """Nine extents of a real beam in Wyoming; ATL08's own canopy of the same land segments is of the same height."""
    folder = shared / "data" / "granules"
    atl03 = folder / "ATL03_20220401221822_01501506_006_02.h5"
    rows = nunatak.atl08(atl03, srt="land", cnf=0, len=100, res=100, beams="gt1r").compute(scheduler="sync")
    assert len(rows) == 8
    with h5py.File(folder / atl03.name.replace("ATL03", "ATL08")) as file:
        land = file["gt1r/land_segments"]
        begin, canopy = land["segment_id_beg"][:], land["canopy/h_canopy"][:]
        ground = land["terrain/h_te_median"][:]
    nearest = np.abs(begin[None, :] + 2 - rows["segment_id"].to_numpy(int)[:, None]).argmin(axis=1)
    known = (canopy[nearest] < 1e30) & (rows["veg_ph_count"] > 20)
    assert known.sum() >= 3
    assert np.abs(rows["h_canopy"] - canopy[nearest])[known].median() < 3
    assert np.abs(rows["h_te_median"] - ground[nearest])[known].median() < 3


# --- the ATL08 granule -----------------------------------------------------------------------------------------------


def test_without_atl08_only_what_needs_it_fails(pair: tuple[Path, Path]) -> None:
    """SlideRule fails any request where there is no ATL08; here it is asked for when it is needed."""
    atl03, atl08 = pair
    heights = nunatak.atl06(atl03, CANOPY).compute(scheduler="sync")
    with_it = nunatak.atl06(atl03, CANOPY, atl08_class="ground").compute(scheduler="sync")
    atl08.unlink()
    pd.testing.assert_frame_equal(heights, nunatak.atl06(atl03, CANOPY).compute(scheduler="sync"))
    assert not heights.equals(with_it)
    for product, request in (("atl08", {}), ("atl06", {"atl08_class": "ground"}), ("atl03", {"phoreal": {}})):
        failed = outcomes_of(product, atl03, CANOPY, **request)
        assert set(failed["status"]) == {"failed"}
        assert set(failed["kind"]) == {"missing_companion"}
        assert failed["message"].str.contains(f"the request needs {atl08.name} .*beside the granule").all()
    with pytest.raises(nunatak.TaskFailedError, match="missing_companion"):
        nunatak.atl08(atl03, CANOPY).compute(scheduler="sync")


def test_it_is_not_opened_where_it_is_not_needed(pair: tuple[Path, Path]) -> None:
    pair[1].write_bytes(b"no granule")
    assert (outcomes_of("atl06", pair[0], CANOPY)["status"] == "ok").all()
    assert (outcomes_of("atl08", pair[0], CANOPY)["kind"] == "not_hdf5").all()


def test_another_revision_is_taken_and_said(forest: SimulatedGranule, pair: tuple[Path, Path]) -> None:
    atl03, atl08 = pair
    other = atl08.rename(atl08.with_name(atl08.name.replace("_01.h5", "_03.h5")))
    outcomes = outcomes_of("atl08", atl03, CANOPY)
    assert (outcomes["status"] == "ok").all()
    assert outcomes["notes"].str.contains(f"ATL08 granule is {other.name}, not {atl08.name}").all()
    rows, expected = (nunatak.atl08(path, CANOPY).compute(scheduler="sync") for path in (atl03, forest.path))
    pd.testing.assert_frame_equal(rows, expected)
    assert (outcomes_of("atl08", forest.path, CANOPY)["notes"] == "").all()


def test_a_catalog_finds_it(forest: SimulatedGranule) -> None:
    from nunatak.pipeline.catalog.update import update_index

    update_index(forest.path.parent)
    plan = nunatak.plan("atl08", catalog=forest.path.parent, rgt=100, **CANOPY)
    assert {task.atl08 for task in plan.tasks} == {str(forest.atl08_path)}
    rows = plan.lazy().frame.compute(scheduler="sync")
    pd.testing.assert_frame_equal(rows, nunatak.atl08(forest.path, CANOPY).compute(scheduler="sync"))


# --- scores and releases ---------------------------------------------------------------------------------------------


def test_scores_that_the_file_does_not_hold_are_an_error(pair: tuple[Path, Path]) -> None:
    with h5py.File(pair[0], "a") as file:
        for beam in BEAM.values():
            del file[beam]["heights/weight_ph"]
    failed = outcomes_of("atl03", pair[0], CANOPY, yapc={"version": 0})
    assert set(failed["kind"]) == {"missing_dataset"}
    assert failed["message"].str.contains("no YAPC scores; ask for version 3").all()
    assert set(failed["dataset"]) == {f"{beam}/heights/weight_ph" for beam in BEAM.values()}
    assert (outcomes_of("atl03", pair[0], CANOPY, yapc={})["status"] == "ok").all()


def test_scores_beyond_what_a_release_holds_select_nothing_and_it_is_said(
    forest: SimulatedGranule, newest: SimulatedGranule
) -> None:
    for granule, version, status in ((forest, 0, "empty"), (newest, 0, "ok"), (newest, 3, "empty")):
        outcomes = outcomes_of("atl03", granule.path, CANOPY, yapc={"version": version, "score": 256})
        assert set(outcomes["status"]) == {status}
        said = outcomes["notes"].str.contains("yapc.score 256 selects nothing: scores of .* reach 255")
        assert (said == (status == "empty")).all()


def test_scores_of_release_007_have_16_bits(newest: SimulatedGranule) -> None:
    photons = photon_table(newest.path, newest.atl08_path)
    rows = nunatak.atl03(newest.path, EVERYTHING, yapc={"version": 0}).compute(scheduler="sync")
    assert rows["yapc_score"].dtype == photons["weight_ph"].dtype == "uint16"
    assert rows["yapc_score"].max() == 65535
    np.testing.assert_array_equal(rows["yapc_score"], paired(rows, photons)["weight_ph"])
    best = nunatak.atl03(newest.path, EVERYTHING, yapc={"version": 0, "score": 40000}).compute(scheduler="sync")
    same_photons(best, photons[photons["weight_ph"] >= 40000])


def test_qualities_of_release_007(newest: SimulatedGranule) -> None:
    photons = photon_table(newest.path)
    assert set(photons["quality_ph"]) == {0, 10}
    for wanted in ([10], [0, 10, 25], [0]):
        rows = nunatak.atl03(newest.path, {**EVERYTHING, "quality_ph": wanted}).compute(scheduler="sync")
        same_photons(rows, photons[photons["quality_ph"].isin(wanted)])
        assert set(rows["quality_ph"]) == set(wanted) & {0, 10}


def test_qualities_that_release_006_can_not_hold_match_nothing_and_it_is_said(forest: SimulatedGranule) -> None:
    outcomes = outcomes_of("atl03", forest.path, {**EVERYTHING, "quality_ph": [0, 10]})
    assert outcomes["notes"].str.contains("quality_ph 10 match nothing").all()


def test_vegetation_of_release_007(newest: SimulatedGranule) -> None:
    rows = nunatak.atl08(newest.path, CANOPY).compute(scheduler="sync")
    assert len(rows) == 20
    assert rows["h_canopy"].between(2, 30).all()


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The inplace keyword:pandas.errors.Pandas4Warning")  # dask's own
def test_lists_of_numbers_through_the_command_line(forest: SimulatedGranule, tmp_path: Path) -> None:
    """Columns of lists are written as such, and read back equal, by geopandas and by dask-geopandas."""
    import dask_geopandas

    output = tmp_path / "canopy.parquet"
    request = '{"srt": "land", "len": 100, "res": 100, "phoreal": {"send_waveform": true}}'
    assert main(["atl08", str(forest.path), "--parms", request, "--output", str(output)]) == 0
    expected = nunatak.atl08(forest.path, request).compute(scheduler="sync")
    for read in (gpd.read_parquet(output), dask_geopandas.read_parquet(output).compute(scheduler="sync")):
        assert len(read) == len(expected)
        assert read.crs == expected.crs
        for name in ("canopy_h_metrics", "waveform"):
            for ours, theirs in zip(read[name], expected[name], strict=True):
                np.testing.assert_array_equal(np.asarray(ours, np.float32), np.asarray(theirs, np.float32))
        for name in ("h_canopy", "h_te_median", "ph_count", "num_bins"):
            np.testing.assert_array_equal(read[name], expected[name])


def test_an_atl08_without_the_beam_leaves_all_photons_unclassified(tmp_path: Path) -> None:
    simulate(tmp_path, kilometres=2, terrain="water", beams=("gt1l",), seed=3)
    asked = {"srt": -1, "cnf": 2, "beams": "gt1l"}
    note = "its ATL08 granule has no photons of gt1l: all are unclassified"
    for product, parameters, rows in (
        ("atl08", asked, False),
        ("atl03", {**asked, "atl08_class": "unclassified"}, True),
        ("atl06", {**asked, "atl08_class": "ground"}, False),
    ):
        both = nunatak.plan(product, tmp_path, parameters).lazy()
        frame, outcomes = dask.compute(both.frame, both.outcomes, scheduler="sync")
        assert outcomes["status"].tolist() == ["ok" if rows else "empty"]
        assert note in outcomes["notes"].iloc[0]
        assert bool(len(frame)) is rows
        assert not rows or set(frame["atl08_class"]) == {4}
