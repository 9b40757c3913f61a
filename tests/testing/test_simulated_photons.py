"""What a simulated granule holds: rates, scatter, labels, bookkeeping, and where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj
import pytest

from nunatak.testing.granules import SimulatedGranule, simulate
from nunatak.testing.photons import WINDOW

_LIGHT = 299792458.0
_GAP = (1500.0, 2300.0)
_BLANK = (3000.0, 3400.0)


def _make(folder: Path, **scene: Any) -> SimulatedGranule:
    options = {"kilometres": 6.0, "terrain": "flat", "seed": 11, "with_atl08": False, **scene}
    (granule,) = simulate(folder, **options)
    return granule


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    folder = tmp_path_factory.mktemp("gappy")
    return _make(folder, terrain="rough", gaps=(_GAP,), blanks=(_BLANK,), with_atl08=True, day=True)


def _heights(granule: SimulatedGranule, beam: str) -> tuple[dict[str, Any], dict[str, Any], np.ndarray]:
    """Photon fields, segment fields and each photon's segment row."""
    with h5py.File(granule.path) as file:
        photons = {name: dataset[...] for name, dataset in file[f"{beam}/heights"].items()}
        segments = {name: dataset[...] for name, dataset in file[f"{beam}/geolocation"].items()}
    return photons, segments, np.repeat(np.arange(segments["segment_ph_cnt"].size), segments["segment_ph_cnt"])


def test_segments_add_up(gappy: SimulatedGranule) -> None:
    for beam in ("gt1l", "gt2r"):
        photons, segments, row = _heights(gappy, beam)
        count, begin = segments["segment_ph_cnt"], segments["ph_index_beg"]
        assert count.sum() == photons["h_ph"].size == gappy.photons[beam]
        first = np.cumsum(count) - count + 1
        np.testing.assert_array_equal(begin, np.where(count > 0, first, 0))
        # A photon's place within its segment, but for the tilt of the beam, which moves high and low ones.
        along = photons["dist_ph_along"]
        assert -0.3 < along.min() < 0.7
        assert (along < segments["segment_length"][row] + 0.3).all()
        assert (np.diff(segments["segment_dist_x"][row] + along) < 0).any()
        reference = segments["reference_photon_index"]
        assert ((reference >= 1) & (reference <= count))[count > 0].all()
        assert (reference[count == 0] == 0).all()
        at = (begin + reference - 1)[count > 0] - 1
        np.testing.assert_array_equal(segments["reference_photon_lat"][count > 0], photons["lat_ph"][at])
        np.testing.assert_array_equal(segments["delta_time"][count > 0], photons["delta_time"][at])


def test_gaps_have_no_segments_and_blanks_no_photons(gappy: SimulatedGranule) -> None:
    _, segments, _ = _heights(gappy, "gt1r")
    ids, x = segments["segment_id"], segments["segment_dist_x"]
    from_start = x - x[0]
    assert (np.diff(ids) > 1).sum() == 1
    jump = int(np.flatnonzero(np.diff(ids) > 1)[0])
    missing = ids[jump + 1] - ids[jump] - 1
    assert missing == pytest.approx((_GAP[1] - _GAP[0]) / 20.015, abs=1)
    # The ids go on as if nothing were missing: the distance between neighbours of the gap is that of its segments.
    assert (x[jump + 1] - x[jump]) / (missing + 1) == pytest.approx(20.015, abs=0.01)
    empty = segments["segment_ph_cnt"] == 0
    inside = (from_start + 10 >= _BLANK[0]) & (from_start + 10 < _BLANK[1])
    np.testing.assert_array_equal(empty, inside)


def test_photons_come_at_the_rates_that_were_asked_for(tmp_path: Path) -> None:
    granule = _make(tmp_path, signal=5.0, background=2.0e6, tep=0.05, sc_orient=0)
    for beam, signal, rate, echo in (("gt1l", 5.0, 2e6, 0.05), ("gt1r", 1.25, 5e5, 0.0), ("gt3l", 5.0, 2e6, 0.0)):
        photons, segments, row = _heights(granule, beam)
        shots = segments["segment_length"].sum() / 0.71
        x = segments["segment_dist_x"][row] + photons["dist_ph_along"]
        away = np.abs(photons["h_ph"] - granule.truth.height(beam, x))
        echoes = photons["quality_ph"] == 3
        noise = ~echoes & (away > 1.0)
        expected_noise = shots * rate * (WINDOW - 2.0) * 2 / _LIGHT
        surface = away.size - echoes.sum() - noise.sum() - shots * rate * 2.0 * 2 / _LIGHT
        assert surface == pytest.approx(shots * signal, rel=5 / np.sqrt(shots * signal))
        # The background drifts by up to a tenth along the track.
        assert noise.sum() == pytest.approx(expected_noise, rel=0.1 + 5 / np.sqrt(expected_noise))
        assert echoes.sum() == pytest.approx(shots * echo, abs=5 * np.sqrt(shots * echo))
        assert (photons["signal_conf_ph"][echoes] == -2).all()
        assert not (photons["signal_conf_ph"][~echoes] == -2).any()


def test_background_rate_is_that_of_the_photons_in_the_file(tmp_path: Path) -> None:
    granule = _make(tmp_path, background=4.0e6, signal=0.0, tep=0.0, beams=("gt1r",))
    with h5py.File(granule.path) as file:
        rows = {name: dataset[...] for name, dataset in file["gt1r/bckgrd_atlas"].items()}
        times = file["gt1r/heights/delta_time"][:]
        segments = file["gt1r/geolocation/delta_time"][:]
    np.testing.assert_allclose(np.diff(rows["delta_time"]), 0.005, atol=1e-6)
    assert rows["delta_time"][0] < segments[0] - 0.4
    assert rows["delta_time"][-1] > segments[-1] + 0.4
    seen = rows["bckgrd_counts_reduced"] / (50 * rows["bckgrd_int_height_reduced"] * 2 / _LIGHT)
    np.testing.assert_allclose(rows["bckgrd_rate"], seen, rtol=1e-6)
    inside = (rows["delta_time"] >= times[0]) & (rows["delta_time"] < times[-1])
    shots = np.rint((times[-1] - times[0]) * 1e4) + 1
    in_file = times.size / (shots * WINDOW * 2 / _LIGHT)
    # Both are counts of one Poisson process: they agree within its noise.
    assert in_file == pytest.approx(rows["bckgrd_rate"][inside].mean(), rel=5 / np.sqrt(times.size))
    drawn = np.histogram(times, np.append(rows["delta_time"][inside], times[-1]))[0]
    assert (rows["bckgrd_counts_reduced"][inside][:-1] >= drawn[:-1]).all()


@pytest.mark.parametrize(("terrain", "slope"), [("flat", 0.0), ("slope", 1.0), ("slope", -3.0)])
def test_heights_are_unbiased_and_scatter_as_the_pulse_and_the_slope_do(
    tmp_path: Path, terrain: str, slope: float
) -> None:
    granule = _make(tmp_path, terrain=terrain, slope=slope, kilometres=20, beams=("gt2l", "gt2r"))
    for beam in ("gt2l", "gt2r"):
        photons, segments, row = _heights(granule, beam)
        x = segments["segment_dist_x"][row] + photons["dist_ph_along"].astype(float)
        error = photons["h_ph"] - granule.truth.height(beam, x)
        error = error[(photons["quality_ph"] == 0) & (np.abs(error) < 3)]
        spread = np.hypot(0.10193, 4.25 * np.tan(np.radians(slope)))
        assert abs(error.mean()) < 5 * spread / np.sqrt(error.size) + 1e-4
        assert np.median(np.abs(error)) * 1.4826 == pytest.approx(spread, rel=0.03)
        np.testing.assert_allclose(granule.truth.spread(beam, x[:5]), spread, rtol=1e-3)


@pytest.mark.parametrize(("terrain", "slope"), [("flat", 0.0), ("slope", 1.0)])
def test_lines_through_40_m_hit_the_truth(tmp_path: Path, terrain: str, slope: float) -> None:
    """The plainest fit there is (numpy's) stands for ATL06's: the simulator alone leaves less than 1 cm."""
    granule = _make(tmp_path, terrain=terrain, slope=slope, kilometres=12, beams=("gt1r",))
    photons, segments, row = _heights(granule, "gt1r")
    good = (photons["signal_conf_ph"][:, 3] == 4) & (photons["quality_ph"] == 0)
    x = (segments["segment_dist_x"][row] + photons["dist_ph_along"])[good]
    h = photons["h_ph"][good].astype(float)
    errors, sigmas = [], []
    for middle in np.arange(x[0] + 20, x[-1] - 20, 40.0):
        near = np.abs(x - middle) < 20
        fit, covariance = np.polyfit(x[near] - middle, h[near], 1, cov="unscaled")
        misfit = np.sqrt(np.mean((np.polyval(fit, x[near] - middle) - h[near]) ** 2))
        errors.append(fit[1] - granule.truth.height("gt1r", np.array([middle]))[0])
        sigmas.append(misfit * np.sqrt(covariance[1, 1]))
    assert abs(np.mean(errors)) < 0.01 / 4
    assert np.std(errors) == pytest.approx(np.mean(sigmas), rel=0.2)


def test_confidence_follows_surface_light_and_type(tmp_path: Path) -> None:
    night = _heights(_make(tmp_path / "a", beams=("gt1r",)), "gt1r")[0]["signal_conf_ph"]
    bright = _heights(_make(tmp_path / "b", beams=("gt1r",), background=8e6, signal=1.0), "gt1r")[0]["signal_conf_ph"]
    sea = _heights(_make(tmp_path / "c", beams=("gt1r",), terrain="water"), "gt1r")[0]["signal_conf_ph"]
    assert set(np.unique(night)) <= {-2, -1, 0, 1, 2, 3, 4}
    assert (night[:, 3] == 4).mean() > 0.95
    assert (night[:, [1, 2, 4]] < 0).all()
    assert not (bright[:, 3] == 4).any()
    assert (bright[:, 3] == 0).mean() > 0.5
    assert (sea[:, [0, 2, 3]] < 0).all()
    assert (sea[:, 1] >= 2).mean() > 0.9


def test_weights_tell_surface_from_background(gappy: SimulatedGranule) -> None:
    photons, segments, row = _heights(gappy, "gt1r")
    x = segments["segment_dist_x"][row] + photons["dist_ph_along"]
    away = np.abs(photons["h_ph"] - gappy.truth.height("gt1r", x))
    assert np.median(photons["weight_ph"][away < 0.3]) > 5 * np.median(photons["weight_ph"][away > 10])


@pytest.mark.parametrize(
    ("start", "ascending"),
    [
        ((-49.0, 69.2), True),
        ((179.99, 70.0), False),
        ((-179.98, -71.0), True),
        ((12.0, 87.6), True),
        ((10.0, -0.02), True),
    ],
)
def test_track_lies_where_it_should(tmp_path: Path, start: tuple[float, float], ascending: bool) -> None:
    granule = _make(tmp_path, start=start, ascending=ascending, terrain="rough", kilometres=10, beams=("gt1l", "gt2r"))
    geod = pyproj.Geod(ellps="WGS84")
    for beam in ("gt1l", "gt2r"):
        photons, segments, row = _heights(granule, beam)
        lon, lat = photons["lon_ph"], photons["lat_ph"]
        assert (np.abs(lon) <= 180).all()
        # Distances over the ellipsoid are those that segment_dist_x and dist_ph_along promise, across segments too.
        x = segments["segment_dist_x"][row] + photons["dist_ph_along"].astype(float)
        a, b = np.arange(0, x.size - 400, 97), np.arange(400, x.size, 97)
        _, _, distance = geod.inv(lon[a], lat[a], lon[b], lat[b])
        off = (photons["dist_ph_across"][b] - photons["dist_ph_across"][a]).astype(float)
        np.testing.assert_allclose(distance, np.hypot(x[b] - x[a], off), rtol=2e-3, atol=0.02)
        assert (lat[-1] > lat[0]) == ascending
        speed = (x[-1] - x[0]) / (photons["delta_time"][-1] - photons["delta_time"][0])
        assert speed == pytest.approx(7100, rel=1e-3)
        assert np.linalg.norm(segments["velocity_sc"], axis=1) == pytest.approx(7100, rel=1e-3)
        assert (np.sign(segments["velocity_sc"][:, 1]) == (1 if ascending else -1)).all()
    # The left beam of pair 1 lies 3.32 km to the left of the right one of pair 2 (left is west, flying north).
    left, right = (_heights(granule, beam)[1] for beam in ("gt1l", "gt2r"))
    _, _, apart = geod.inv(
        left["reference_photon_lon"], left["reference_photon_lat"],
        right["reference_photon_lon"], right["reference_photon_lat"],
    )  # fmt: skip
    assert np.median(apart) == pytest.approx(3320, abs=2)


def test_atl08_classes_are_the_truth(tmp_path: Path) -> None:
    granule = _make(tmp_path, terrain="canopy", kilometres=4, beams=("gt1r",), with_atl08=True, day=True)
    assert granule.atl08_path
    photons, segments, row = _heights(granule, "gt1r")
    with h5py.File(granule.atl08_path) as file:
        listed = {name: dataset[...] for name, dataset in file["gt1r/signal_photons"].items()}
        land = {name: file[f"gt1r/land_segments/{name}"][...] for name in ("segment_id_beg", "segment_id_end")}
        canopy = file["gt1r/land_segments/canopy/h_canopy"][...]
        terrain = file["gt1r/land_segments/terrain/h_te_best_fit"][...]
        landcover = file["gt1r/land_segments/segment_landcover"][...]
    first = dict(
        zip(segments["segment_id"], np.cumsum(segments["segment_ph_cnt"]) - segments["segment_ph_cnt"], strict=True)
    )
    at = np.array([first[i] for i in listed["ph_segment_id"]]) + listed["classed_pc_indx"] - 1
    assert (np.diff(at) > 0).all()
    np.testing.assert_array_equal(listed["delta_time"], photons["delta_time"][at])
    x = (segments["segment_dist_x"][row] + photons["dist_ph_along"])[at]
    over = photons["h_ph"][at] - granule.truth.height("gt1r", x)
    kind = listed["classed_pc_flag"]
    assert set(np.unique(kind)) == {0, 1, 2, 3}
    assert np.abs(over[kind == 1]).max() < 2.0
    top = granule.truth.canopy("gt1r", x)
    tall = top > 8
    assert (over[tall & (kind == 3)] > 0.8 * top[tall & (kind == 3)] - 1.5).all()
    assert np.abs(listed["ph_h"] - over).max() < 0.2
    assert (land["segment_id_beg"] % 5 == 1).all()
    np.testing.assert_array_equal(land["segment_id_end"] - land["segment_id_beg"], 4)
    known = canopy < 1e30
    assert known.mean() > 0.5
    assert 8 < np.median(canopy[known]) < 30
    assert np.abs(terrain[terrain < 1e30] - 1500).max() < 60
    assert (landcover == 111).all()


def test_water_alone_has_no_land(tmp_path: Path) -> None:
    granule = _make(tmp_path, terrain="water", kilometres=1, with_atl08=True)
    assert granule.atl08_path
    with h5py.File(granule.atl08_path) as file:
        assert not [name for name in file if name.startswith("gt")]
