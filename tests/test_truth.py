"""Heights of simulated granules against the ground that was simulated, and tracks with gaps and in pieces."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from shapely.geometry import box

import nunatak
from nunatak.pipeline.granule import GROUND_TRACK
from nunatak.testing import SimulatedGranule, simulate

BEAM = "gt2l"
GOOD = 0x1 | 0x2


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    """Twelve kilometres of flat ice seen by a strong and a weak beam."""
    folder = tmp_path_factory.mktemp("track")
    return simulate(folder, kilometres=12, terrain="flat", beams=(BEAM, "gt2r"), seed=5, with_atl08=False)[0]


def heights(granule: SimulatedGranule, **parameters: object) -> pd.DataFrame:
    frame = nunatak.atl06(granule.path, keep_id=True, **parameters).compute(scheduler="sync")
    return pd.DataFrame(frame.drop(columns="geometry"))


def errors(granule: SimulatedGranule, rows: pd.DataFrame, beam: str) -> tuple[NDArray[np.float64], pd.DataFrame]:
    mine = rows[(rows["gt"] == GROUND_TRACK[beam]) & (rows["pflags"] & GOOD == 0)]
    return mine["h_mean"].to_numpy() - granule.truth.height(beam, mine["x_atc"].to_numpy()), mine


@pytest.mark.parametrize("terrain", ["flat", "slope"])
def test_heights_of_night_ice(tmp_path: Path, terrain: str) -> None:
    """Mean error below 1 cm; h_sigma within 20 % of the scatter, taken from extents that share no photon."""
    granule = simulate(tmp_path, kilometres=30, terrain=terrain, slope=1.0, seed=11, with_atl08=False)[0]
    rows = heights(granule, cnf=2, res=40)
    for beam in granule.truth.scene.beams:
        error, mine = errors(granule, rows, beam)
        assert len(error) > 700
        assert abs(error.mean()) < 0.01
        expected = np.sqrt(np.mean(mine["h_sigma"].to_numpy(np.float64) ** 2))
        assert error.std() == pytest.approx(expected, rel=0.20)


def test_slope_is_found(tmp_path: Path) -> None:
    granule = simulate(tmp_path, kilometres=5, terrain="slope", slope=1.0, seed=3, beams=(BEAM,), with_atl08=False)[0]
    rows = heights(granule, cnf=4)
    # an extent's slope scatters by about 1e-3 here, the mean of 125 independent ones by 1e-4
    assert rows["dh_fit_dx"].mean() == pytest.approx(np.tan(np.radians(1.0)), abs=4e-4)


def test_times_lie_on_the_line_through_delta_time(track: SimulatedGranule) -> None:
    """Shots come at a steady rate, so the time at an extent's centre follows from its distance, within 1 us."""
    rows = heights(track, cnf=4).query(f"gt == {GROUND_TRACK[BEAM]}")
    with h5py.File(track.path) as file:
        heights_, places = file[BEAM]["heights"], file[BEAM]["geolocation"]
        x = np.repeat(places["segment_dist_x"][:], places["segment_ph_cnt"][:]) + heights_["dist_ph_along"][:]
        t = heights_["delta_time"][:]
    near = np.stack([np.searchsorted(np.maximum.accumulate(x), rows["x_atc"].to_numpy() + d) for d in (-20.0, 20.0)])
    checked = 0
    for (a, b), (moment, row) in zip(near.T, rows.iterrows(), strict=True):
        if row["n_fit_photons"] != b - a or row["pflags"]:
            continue  # some photon of the extent is not in the fit: the line is another
        line = np.polynomial.Polynomial.fit(x[a:b] - row["x_atc"], t[a:b] - t[a], 1)
        ns = 1_514_764_800_000_000_000 + round(t[a] * 1e9) + round(line(0.0) * 1e9)
        assert abs(moment.value - ns) <= 1000
        checked += 1
    assert checked > 100


def test_a_gap_ends_the_grid_and_a_new_one_starts(tmp_path: Path) -> None:
    """Each side of a missing stretch gives what it gives alone: nothing is fitted across it (differences, 8)."""
    gap = (3000.0, 5000.0)
    granule = simulate(tmp_path, kilometres=8, terrain="slope", beams=(BEAM,), seed=9, gaps=(gap,), with_atl08=False)[0]
    with h5py.File(granule.path) as file:
        places = file[BEAM]["geolocation"]
        ids, latitude = places["segment_id"][:], places["reference_photon_lat"][:]
    (jump,) = np.flatnonzero(np.diff(ids) > 1)
    assert ids[jump + 1] - ids[jump] == pytest.approx(100, abs=2)
    rows = heights(granule, cnf=4)
    middle = (latitude[jump] + latitude[jump + 1]) / 2
    alone = [heights(granule, cnf=4, poly=area) for area in (box(-60, 60, -40, middle), box(-60, middle, -40, 69.9))]
    pd.testing.assert_frame_equal(rows.drop(columns="extent_id"), pd.concat(alone).drop(columns="extent_id"))
    assert len(rows) == pytest.approx(6000 / 20, abs=6)
    assert rows["extent_id"].is_unique
    assert not rows["segment_id"].between(ids[jump] + 2, ids[jump + 1] - 1).any()
    error, good = errors(granule, rows, BEAM)
    assert len(good) == len(rows)
    assert np.abs(error).max() < 0.2


def test_a_track_that_leaves_the_polygon_and_returns(track: SimulatedGranule) -> None:
    """Every run inside counts (differences, 9), each as if it were asked for alone."""
    with h5py.File(track.path) as file:
        latitude = file[BEAM]["geolocation"]["reference_photon_lat"][:]
    edges = np.quantile(latitude, [0.1, 0.3, 0.6, 0.8])
    south, north = box(-60, edges[0], -40, edges[1]), box(-60, edges[2], -40, edges[3])
    apart = [heights(track, cnf=4, poly=part) for part in (south, north)]
    both = heights(track, cnf=4, poly=south | north)
    assert all(len(part) > 100 for part in apart)
    assert len(both) == sum(len(part) for part in apart)
    assert both["extent_id"].is_unique
    by_beam = [part[part["gt"] == gt] for gt in sorted(both["gt"].unique()) for part in apart]
    expected = pd.concat(by_beam).drop(columns="extent_id")  # only the counter goes on from run to run
    pd.testing.assert_frame_equal(both.drop(columns="extent_id"), expected)


def test_whole_segments_by_their_reference_photon(track: SimulatedGranule) -> None:
    with h5py.File(track.path) as file:
        places = file[BEAM]["geolocation"]
        latitude, ids = places["reference_photon_lat"][:], places["segment_id"][:]
    inside = (latitude > latitude[100]) & (latitude < latitude[200])
    area = box(-60, latitude[100] + 1e-9, -40, latitude[200] - 1e-9)
    rows = heights(track, cnf=4, poly=area, beams=[BEAM])
    assert rows["segment_id"].min() >= ids[inside].min()
    assert rows["segment_id"].max() <= ids[inside].max() + 1
    assert len(rows) >= inside.sum() - 2


def test_nothing_in_the_region_is_empty_and_no_error(track: SimulatedGranule) -> None:
    import dask

    both = nunatak.plan("atl06", track.path, poly=box(10, 10, 11, 11)).lazy()
    frame, outcomes = dask.compute(both.frame, both.outcomes, scheduler="sync")
    assert len(frame) == 0
    assert outcomes["status"].value_counts().to_dict() == {"empty": 2, "absent": 4}
