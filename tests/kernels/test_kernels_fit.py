"""The fit against the slow twin, SlideRule's own test vectors, and what must hold of every row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from beams import beams, fit, make_beam, requests, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twin import Beam, Request, extents_of, fit_of

from nunatak.kernels.fit import Fits
from nunatak.kernels.quantiles import signal_quartiles, surely_narrow, working_space
from nunatak.kernels.selection import select_photons, value_table
from nunatak.kernels.steps import straight_line

ATLAS_EPOCH = 1_514_764_800


def assert_same_fits(beam: Beam, request: Request, fits: Fits) -> int:
    """Compare all rows with the twin's; give how many were left out since their decisions hang on rounding."""
    twins = [e for e in extents_of(beam, request, np.ones(len(beam.count), bool)) if e.photons]
    assert len(fits.h_mean) == len(twins)
    left_out = 0
    for i, twin in enumerate(twins):
        row = fit_of(beam, request, twin)
        if not row.factor * row.n < 1e9:
            assert not fits.determined[i]
            if row.n == 1:
                assert np.isnan(fits.h_mean[i])
                assert fits.w_surface_window_final[i] == np.float32(row.window)
                assert fits.pflags[i] == row.pflags
            left_out += 1
            continue
        same = (fits.n_fit_photons[i], fits.pflags[i]) == (row.n, row.pflags)
        if not same and row.near < 1e-9:
            left_out += 1
            continue
        assert same, (i, fits.n_fit_photons[i], fits.pflags[i], row)
        loose = 1 + row.factor
        assert fits.h_mean[i] == pytest.approx(row.h_mean, abs=1e-9 * loose, rel=0)
        assert fits.latitude[i] == pytest.approx(row.latitude, abs=1e-11 * loose, rel=0)
        assert (fits.longitude[i] - row.longitude + 180) % 360 - 180 == pytest.approx(0, abs=1e-10 * loose)
        for name in ("dh_fit_dx", "h_sigma", "rms_misfit", "y_atc"):
            assert getattr(fits, name)[i] == pytest.approx(getattr(row, name), rel=1e-5, abs=1e-6 * loose), name
        assert fits.w_surface_window_final[i] == pytest.approx(row.window, rel=1e-5, abs=1e-6)
    return left_out


@settings(max_examples=150, deadline=None)
@given(beams(), requests())
def test_fits_are_the_twins(beam: Beam, request: Request) -> None:
    assert_same_fits(beam, request, run(beam, request).fits)


@pytest.mark.parametrize("photons", [40, 150, 500])
@pytest.mark.parametrize("rough", [0.05, 1.0, 8.0])
def test_many_fits_are_the_twins(photons: int, rough: float) -> None:
    """Extents of 80 to 1,000 photons: all ways of finding the quartiles."""
    beam = make_beam(photons, segments=60, photons=photons, rough=rough, noise=0.4)
    request = Request(maxi=10)
    fits = run(beam, request).fits
    assert len(fits.h_mean) > 50
    assert assert_same_fits(beam, request, fits) <= 1


@pytest.mark.parametrize(("h", "height", "slope"), [((2, 4, 6, 8), 0.0, 2.0), ((4, 5, 6, 7), 3.0, 1.0)])
def test_sliderules_vectors(h: tuple[float, ...], height: float, slope: float) -> None:
    """SlideRule, UT_Atl06Dispatch: x = 1, 2, 3, 4."""
    x, z = np.zeros(16), np.zeros(16)
    x[:4], z[:4] = (1, 2, 3, 4), h
    _, _, found_height, found_slope = straight_line(x, z, 4, np.empty((4, 16)))
    assert found_height == pytest.approx(height, abs=1e-7)
    assert found_slope == pytest.approx(slope, abs=1e-7)


@settings(max_examples=100, deadline=None)
@given(beams(), requests())
def test_what_holds_of_every_row(beam: Beam, request: Request) -> None:
    selection, extents, fits = run(beam, request)
    members = (extents.end - extents.first)[fits.extent]
    assert (members > 0).all()
    assert (np.diff(fits.extent) > 0).all()
    assert (fits.n_fit_photons <= members).all()
    failed = (fits.pflags & ~np.uint16(4)) != 0
    assert (fits.rms_misfit[failed] == 0).all()
    assert (fits.h_sigma[failed] == 0).all()
    good = fits.determined & ~failed
    assert (fits.n_fit_photons[good] >= request.cnt).all()
    photons = selection.photon
    for e, row in enumerate(fits.extent):
        ids = extents.kept.photon[extents.first[row] : extents.end[row]]
        assert np.isin(ids, photons).all()
        times = beam.delta_time[ids]
        if good[e] and request.ats >= 5:
            # the height lies within what was measured, give or take the slope's reach over the length
            reach = abs(fits.dh_fit_dx[e]) * extents.length * 30 + 1
            assert beam.height[ids].min() - reach <= fits.h_mean[e] <= beam.height[ids].max() + reach
            late = fits.time[e] / 1e9 - ATLAS_EPOCH
            assert times.min() - 1 <= late <= times.max() + 1


@settings(max_examples=100, deadline=None)
@given(beams(), requests())
def test_no_window_is_wider_than_its_reasons(beam: Beam, request: Request) -> None:
    """W <= max(H_min_win, 6 sigma_expected, 6 sigma_r_max, 0.75 of the window before), pass by pass."""
    extents = run(beam, request).extents
    before = None
    for passes in range(1, min(request.maxi, 6) + 1):
        fits = fit(beam, Request(**{**vars(request), "maxi": passes}), extents)
        window = fits.w_surface_window_final
        if before is None:
            before = np.zeros(len(window), np.float32)
        expected = np.hypot(0.10192943572, 4.25 * fits.dh_fit_dx)
        least = max(request.H_min_win, 6 * request.sigma_r_max)
        bound = np.maximum(np.maximum(least, 6 * expected), 0.75 * before) * (1 + 1e-6)
        # a fit that had ended before this pass keeps its window; one that is not determined has no reasons
        ended = window == before if passes > 1 else np.zeros(len(window), bool)
        assert (ended | ~fits.determined | (window <= bound)).all()
        before = window


def test_time_is_that_of_the_line_to_a_microsecond() -> None:
    beam = make_beam(11, segments=200, photons=60)
    beam.delta_time += np.random.default_rng(3).uniform(0, 1e-4, len(beam.delta_time))
    # a window that no photon is outside of: the fit is over all of an extent's photons
    _, extents, fits = run(beam, Request(H_min_win=1000.0))
    assert len(fits.time) > 150
    before = np.cumsum(beam.count)
    for e, row in enumerate(fits.extent):
        ids = extents.kept.photon[extents.first[row] : extents.end[row]]
        assert fits.n_fit_photons[e] == len(ids)
        x = beam.distance[np.searchsorted(before, ids, "right")] - extents.centre[row] + beam.along[ids]
        seconds = np.polyfit(x, beam.delta_time[ids] - 1.3e8, 1)[1]
        nanoseconds = fits.time[e] - (ATLAS_EPOCH + 130_000_000) * 1_000_000_000
        assert abs(nanoseconds - seconds * 1e9) < 1000


@pytest.mark.parametrize("longitude", [179.9995, -179.9999, 150.0, -150.001])
def test_longitudes_cross_the_antimeridian(longitude: float) -> None:
    beam = make_beam(12, segments=60, photons=40, longitude=longitude, empty=0)
    plain = make_beam(12, segments=60, photons=40, longitude=0.0, empty=0)
    shifted = run(beam, Request()).fits.longitude
    expected = (run(plain, Request()).fits.longitude + longitude + 180) % 360 - 180
    assert ((shifted >= -180) & (shifted <= 180)).all()
    assert np.abs((shifted - expected + 180) % 360 - 180).max() < 1e-9


def test_one_photon_or_one_place_gives_nan_and_a_flag_never_an_exception() -> None:
    beam = make_beam(13, segments=1, photons=1, empty=0)
    alone = Beam(**vars(beam))
    alone.count = np.array([1], np.int32)
    request = Request(cnf=(-2, -1, 0, 1, 2, 3, 4), quality_ph=(0, 1), pass_invalid=True)
    for photons in (1, 4):
        for name in ("along", "height", "confidence", "quality", "latitude", "longitude", "delta_time", "across"):
            setattr(alone, name, np.repeat(getattr(beam, name)[:1], photons))
        alone.count = np.array([photons], np.int32)
        alone.along = np.full(photons, 16.0, np.float32)
        fits = run(alone, request).fits
        assert len(fits.h_mean) == 1
        assert np.isnan(fits.h_mean[0])
        assert np.isnan(fits.latitude[0])
        assert fits.w_surface_window_final[0] == 0
        assert fits.pflags[0] == 2
        assert not fits.determined[0]
        # the time is that of the first photon
        assert abs(fits.time[0] / 1e9 - ATLAS_EPOCH - alone.delta_time[0]) < 1e-6


def test_a_fit_without_background_or_with_nan_background_ends() -> None:
    beam = make_beam(14, photons=60)
    for rate in (0.0, np.nan, 1e12):
        beam.background_rate[:] = rate
        fits = run(beam, Request()).fits
        assert len(fits.h_mean) > 10


@settings(max_examples=400, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([2, 3, 10, 40, 64, 65, 66, 100, 128, 129, 300, 1000, 3000]),
    noise=st.sampled_from([0.0, 0.2, 0.9]),
    background=st.sampled_from([0.0, 0.1, 0.5, 0.95]),
    quantum=st.sampled_from([0.0, 0.0, 1e-7, 0.01]),
)
def test_quartiles_without_a_sort_are_those_of_a_sort(
    seed: int, n: int, noise: float, background: float, quantum: float
) -> None:
    rng = np.random.default_rng(seed)
    r = np.where(rng.random(n) < noise, rng.uniform(-30, 30, n), rng.normal(0, 0.3, n)) + rng.normal()
    if quantum:
        r = np.round(r / quantum) * quantum
    ordered = np.sort(r)
    z0, z1 = ordered[0], ordered[-1]
    assume(z1 > z0)
    rate = background * n / (z1 - z0)
    signal = n - background * n
    assume(signal > 1)
    up = np.flatnonzero(~(np.arange(n) + 1.5 < 0.25 * signal + (ordered - z0) * rate))
    down = np.flatnonzero(~(np.arange(n) - 0.5 > 0.75 * signal + (ordered - z0) * rate))
    i0 = up[0] if len(up) else n
    i1 = down[-1] if len(down) else -1
    arguments = (r, n, z0, z1, 0.25 * signal, 0.75 * signal, z0, rate)
    found = signal_quartiles(*arguments, working_space(n))
    if not found[3]:
        assert len(np.unique(r.astype(np.float32))) < n
    elif i0 <= i1:
        assert found[:2] == (i0, i1)
        assert found[2] == ordered[i1] - ordered[i0]
    else:
        assert found[1] < found[0]
    # what is told by counting alone is true
    if i1 < i0:
        i0, i1 = int((n / 2 - signal / 4) + 0.5) - 1, int((n / 2 + signal / 4) + 0.5)
    if i0 >= 0 and i1 < n:
        true = ordered[i1] - ordered[i0]
        for limit in (0.1, 0.5, 2.0, 20.0):
            if surely_narrow(r, n, z0, z1, signal, z0, rate, limit):
                assert true <= limit


def test_the_same_bits_twice_and_in_threads() -> None:
    beams_ = [make_beam(seed, segments=80, photons=120) for seed in range(4)]
    once = [run(beam, Request()).fits for beam in beams_]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda beam: run(beam, Request()).fits, beams_ * 3))
    for i, fits in enumerate(again):
        for name, values in zip(fits._fields, fits, strict=True):
            assert values.tobytes() == getattr(once[i % 4], name).tobytes(), name


def test_extents_without_photons_give_no_row() -> None:
    beam = make_beam(3)
    result = run(beam, Request(cnf=(4,), pass_invalid=True, quality_ph=(25,)))
    assert len(result.extents.first) > 10
    assert len(result.fits.h_mean) == 0


def test_wrong_lengths_are_named() -> None:
    beam = make_beam(3)
    chosen = select_photons(beam.count, beam.confidence, beam.quality, value_table([4]), value_table([0]))
    assert len(chosen.photon)
    extents = run(beam, Request()).extents
    beam.latitude = beam.latitude[:-1]
    with pytest.raises(ValueError, match="latitude has shape"):
        fit(beam, Request(), extents)
    beam.velocity = beam.velocity[:, :2]
    with pytest.raises(ValueError, match="spacecraft_velocity has shape"):
        fit(beam, Request(), extents)
