"""How fast photons become heights: the kernels against a plain twin, alternately on one core, with equal results.

    python benchmarks/kernels.py [--photons 10_000_000] [--rounds 3] [--profile]

The beam is simulated in memory (seeded): a strong beam over sloping, rough ice, 50-250 photons per 20 m segment, of
which a third is background. Figures are million photons of the beam per second, selection included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import plain_twin
from numpy.typing import NDArray

from nunatak.kernels.background import background_rate
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.fit import Fits, fit_extents
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import Selection, select_photons, value_table

CASES = {
    "len 40, res 20, cnf 0 and above": (40.0, 20.0, 0),
    "len 40, res 20, cnf 2 and above": (40.0, 20.0, 2),
    "len 20, res 100, cnf 0 and above": (20.0, 100.0, 0),
    "len 20, res 100, cnf 2 and above": (20.0, 100.0, 2),
    "len 100, res 10, cnf 0 and above": (100.0, 10.0, 0),
    "len 100, res 10, cnf 2 and above": (100.0, 10.0, 2),
}


class Beam(NamedTuple):
    """One beam's arrays, named and typed as in an ATL03 granule."""

    segment_ph_cnt: NDArray[np.int32]
    segment_id: NDArray[np.int32]
    segment_dist_x: NDArray[np.float64]
    segment_time: NDArray[np.float64]
    velocity_sc: NDArray[np.float32]
    dist_ph_along: NDArray[np.float32]
    dist_ph_across: NDArray[np.float32]
    h_ph: NDArray[np.float32]
    signal_conf_ph: NDArray[np.int8]
    quality_ph: NDArray[np.int8]
    lat_ph: NDArray[np.float64]
    lon_ph: NDArray[np.float64]
    delta_time: NDArray[np.float64]
    bckgrd_time: NDArray[np.float64]
    bckgrd_rate: NDArray[np.float32]


def simulate_beam(photons: int, seed: int = 7) -> Beam:
    """Make a beam of about that many photons, in the order of their pulses."""
    rng = np.random.default_rng(seed)
    segments = max(photons // 150, 10)
    # the surface's brightness and the background change slowly along track
    level = 150 + 60 * np.sin(np.arange(segments) / 700) + rng.normal(0, 15, segments)
    count = np.clip(level, 50, 250).astype(np.int32)
    count[rng.random(segments) < 0.002] = 0
    total = int(count.sum())
    segment = np.repeat(np.arange(segments), count)
    distance = 1.2e7 + np.arange(segments) * 20.03
    pulse = rng.integers(0, 29, total).astype(np.int8)
    pulse = pulse[np.lexsort((pulse, segment))]
    along = (pulse * 0.7 + rng.normal(0, 0.2, total)).clip(0, 20).astype(np.float32)
    x = segment * 20.03 + along
    noise = rng.random(total) < 0.33
    surface = 1500 + 40 * np.sin(x / 3000) + 0.8 * np.sin(x / 45)
    height = np.where(noise, surface + rng.uniform(-60, 60, total), surface + rng.normal(0, 0.12, total))
    near = np.abs(height - surface)
    confidence = np.select([~noise, near < 2, near < 10], [4, 3, 1], 0).astype(np.int8)
    confidence[rng.random(total) < 0.02] = 2
    seconds = 1.4e8 + (segment * 29 + pulse) * 1e-4
    times = np.arange(seconds[0] - 1, seconds[-1] + 1, 0.02)
    return Beam(
        count,
        np.arange(500_000, 500_000 + segments, dtype=np.int32),
        distance,
        1.4e8 + np.arange(segments) * 29e-4,
        np.tile(np.array([6000, 3300, 1200], np.float32), (segments, 1)),
        along,
        rng.normal(3200, 5, total).astype(np.float32),
        height.astype(np.float32),
        confidence,
        (rng.random(total) < 0.01).astype(np.int8),
        60 + x * 9e-6,
        -40 - x * 1e-6,
        seconds,
        times,
        # 0.33 of 150 photons in 120 m at 29 pulses a segment
        (2.2e6 + 3e5 * np.sin(times)).astype(np.float32),
    )


class Ours(NamedTuple):
    """What a run of the kernels gives."""

    selection: Selection
    extents: Extents
    fits: Fits


def run_kernels(beam: Beam, length: float, step: float, lowest_confidence: int) -> Ours:
    """Photons to heights as the pipeline does it."""
    selection = select_photons(
        beam.segment_ph_cnt, beam.signal_conf_ph, beam.quality_ph,
        value_table(range(lowest_confidence, 5)), value_table([0]))  # fmt: skip
    everywhere = np.ones(len(beam.segment_id), bool)
    pieces = split_at_gaps(beam.segment_id, find_runs(everywhere, beam.segment_ph_cnt))
    extents = form_extents(
        selection, pieces, beam.dist_ph_along, beam.segment_dist_x, beam.segment_id,
        length=length, step=step, min_spread=min(20.0, length / 2))  # fmt: skip
    rate = background_rate(beam.segment_time[extents.segment], beam.bckgrd_time, beam.bckgrd_rate)
    fits = fit_extents(
        extents, beam.segment_dist_x, rate, beam.velocity_sc, beam.dist_ph_along, beam.h_ph,
        beam.lat_ph, beam.lon_ph, beam.delta_time,
        beam.dist_ph_across, min_spread=min(20.0, length / 2))  # fmt: skip
    return Ours(selection, extents, fits)


def run_plain(beam: Beam, length: float, step: float, lowest_confidence: int) -> Any:
    """Photons to heights by the plain twin."""
    passes = plain_twin.select(
        beam.signal_conf_ph, beam.quality_ph, value_table(range(lowest_confidence, 5)), value_table([0]))  # fmt: skip
    spread = min(20.0, length / 2)
    member, member_x, bounds, starts = plain_twin.form_extents(
        beam.segment_ph_cnt, beam.segment_dist_x, beam.dist_ph_along, passes, length, step, 10, spread)  # fmt: skip
    values, counts = plain_twin.fit(
        member, member_x, bounds, beam.h_ph, beam.lat_ph, beam.lon_ph, beam.delta_time, beam.dist_ph_across,
        beam.segment_time, beam.velocity_sc, beam.bckgrd_time, beam.bckgrd_rate,
        length, 10, spread, 5, 3.0, 5.0)  # fmt: skip
    return bounds, starts, values, counts


def check_equal(ours: Ours, plain: Any, length: float) -> None:
    """Refuse to compare the speed of different results."""
    bounds, starts, values, counts = plain
    fits, extents = ours.fits, ours.extents
    np.testing.assert_array_equal(extents.counter, bounds[:, 2])
    np.testing.assert_array_equal(extents.centre, starts + length / 2)
    np.testing.assert_array_equal(fits.n_fit_photons, counts[:, 0])
    np.testing.assert_array_equal(fits.pflags, counts[:, 1])
    np.testing.assert_allclose(fits.h_mean, values[:, 0], atol=1e-8, rtol=0)
    columns = (fits.dh_fit_dx, fits.h_sigma, fits.rms_misfit, fits.w_surface_window_final)
    for column, other in zip(columns, values[:, 1:5].T, strict=True):
        np.testing.assert_allclose(column, other, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(fits.latitude, values[:, 5], atol=1e-9, rtol=0)
    np.testing.assert_allclose(fits.longitude, values[:, 6], atol=1e-9, rtol=0)
    np.testing.assert_allclose(fits.y_atc, values[:, 8], atol=1e-6, rtol=1e-5)


def seconds_of(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Time one call."""
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


def measure(beam: Beam, rounds: int) -> None:
    """Print speed and ratio of every case."""
    photons = len(beam.h_ph)
    print(f"{photons / 1e6:.1f} M photons, {len(beam.segment_id)} segments, best of {rounds} alternating rounds")
    for name, case in CASES.items():
        timings = []
        for _ in range(rounds):
            ours_seconds, ours = seconds_of(run_kernels, beam, *case)
            plain_seconds, plain = seconds_of(run_plain, beam, *case)
            timings.append((ours_seconds, plain_seconds))
        check_equal(ours, plain, case[0])
        best_ours, best_plain = (min(column) for column in zip(*timings, strict=True))
        kept = np.mean(ours.extents.end - ours.extents.first)
        print(
            f"{name:34s} ours {photons / best_ours / 1e6:6.1f}  plain {photons / best_plain / 1e6:5.1f} "
            f"M photons/s  ratio {best_plain / best_ours:4.1f}   ({len(ours.fits.h_mean)} rows, "
            f"{kept:.0f} photons each)"
        )


def profile(beam: Beam, rounds: int) -> None:
    """Print where the time of a run goes."""
    for name, (length, step, lowest) in CASES.items():
        best = np.full(3, np.inf)
        for _ in range(rounds):
            marks = [time.perf_counter()]
            selection = select_photons(
                beam.segment_ph_cnt, beam.signal_conf_ph, beam.quality_ph,
                value_table(range(lowest, 5)), value_table([0]))  # fmt: skip
            marks.append(time.perf_counter())
            pieces = split_at_gaps(beam.segment_id, [[0, len(beam.segment_id)]])
            extents = form_extents(
                selection, pieces, beam.dist_ph_along, beam.segment_dist_x, beam.segment_id,
                length=length, step=step, min_spread=min(20.0, length / 2))  # fmt: skip
            marks.append(time.perf_counter())
            rate = background_rate(beam.segment_time[extents.segment], beam.bckgrd_time, beam.bckgrd_rate)
            fit_extents(
                extents, beam.segment_dist_x, rate, beam.velocity_sc, beam.dist_ph_along, beam.h_ph,
        beam.lat_ph, beam.lon_ph, beam.delta_time,
                beam.dist_ph_across, min_spread=min(20.0, length / 2))  # fmt: skip
            marks.append(time.perf_counter())
            best = np.minimum(best, np.diff(marks))
        print(f"{name:34s} selection {best[0]:.3f} s, extents {best[1]:.3f} s, fit {best[2]:.3f} s")


def measure_compilation() -> None:
    """Print what the first call costs in a fresh process, without and with a cache on disk."""
    code = (
        "import time, sys; sys.path.insert(0, sys.argv[1]); t = time.perf_counter(); import kernels as b;"
        "beam = b.simulate_beam(20_000); u = time.perf_counter(); b.run_kernels(beam, 40.0, 20.0, 0);"
        "print(f'{time.perf_counter() - u:.2f}')"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        here = str(Path(__file__).parent)
        command = [sys.executable, "-c", code, here]
        first, again = (
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
            for _ in range(2)
        )
    print(f"first call in a fresh process: {first} s compiling, {again} s from the cache")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photons", type=int, default=10_000_000, help="photons of the simulated beam")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best of each counts")
    parser.add_argument("--profile", action="store_true", help="say where our time goes, without the twin")
    options = parser.parse_args()
    beam = simulate_beam(options.photons)
    run_kernels(simulate_beam(20_000), 40.0, 20.0, 0)
    if options.profile:
        profile(beam, options.rounds)
        return
    run_plain(simulate_beam(20_000), 40.0, 20.0, 0)
    measure(beam, options.rounds)
    measure_compilation()


if __name__ == "__main__":
    main()
