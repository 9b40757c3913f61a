"""How fast photons become vegetation metrics: the kernels against a plain twin, alternately on one core.

    python benchmarks/phoreal.py [--photons 10_000_000] [--rounds 3]

The beam is that of benchmarks/kernels.py with a forest on it: of the photons that ATL08 classes, three in ten are
ground and four vegetation of up to about 30 m, in stands with clearings. Figures are million photons of the beam per
second, of the matching of classes alone, of the metrics alone, and of the whole way from confidences to metrics.
For comparison: SlideRule's PhoREAL is known to do 7.7 on one core, without reading; it is not run here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import plain_phoreal
import plain_twin
from numpy.typing import NDArray

from kernels import Beam, simulate_beam
from nunatak.kernels.classification import match_classes, take_rows
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.phoreal import Vegetation, vegetation
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import select_photons, value_table

CASES = {
    "len 100, res 100, median": (100.0, 100.0, "median", 1.0),
    "len 100, res 100, mean": (100.0, 100.0, "mean", 1.0),
    "len 50, res 25, binsize 0.5, median": (50.0, 25.0, "median", 0.5),
    "len 20, res 20, mean": (20.0, 20.0, "mean", 1.0),
}


class Signal(NamedTuple):
    """ATL08's signal photons, named as there."""

    ph_segment_id: NDArray[np.int32]
    classed_pc_indx: NDArray[np.int32]
    classed_pc_flag: NDArray[np.int8]
    ph_h: NDArray[np.float32]


def plant(beam: Beam, seed: int = 8) -> tuple[Beam, Signal]:
    """Give the beam with trees, and what ATL08 says of its photons."""
    rng = np.random.default_rng(seed)
    total = len(beam.h_ph)
    segment = np.repeat(np.arange(len(beam.segment_id)), beam.segment_ph_cnt)
    number = np.arange(total) - (np.cumsum(beam.segment_ph_cnt) - beam.segment_ph_cnt)[segment] + 1
    signal = beam.signal_conf_ph >= 3
    wood = signal & (rng.random(total) < 0.55) & (np.sin(segment / 40) > -0.6)
    relief = np.where(wood, rng.gamma(4.0, 3.0, total).clip(0.5, 45), rng.normal(0, 0.1, total)).astype(np.float32)
    flag = np.select([wood & (relief > 15), wood, signal], [3, 2, 1], 0).astype(np.int8)
    classed = signal | (rng.random(total) < 0.1)
    height = np.where(wood, beam.h_ph + relief, beam.h_ph).astype(np.float32)
    rows = np.flatnonzero(classed)
    land = Signal(beam.segment_id[segment[rows]], number[rows].astype(np.int32), flag[rows], relief[rows])
    return beam._replace(h_ph=height), land


class Ours(NamedTuple):
    """What a run of the kernels gives, and the seconds of its steps."""

    seconds: NDArray[np.float64]
    extents: Extents
    table: Vegetation


def run_kernels(beam: Beam, land: Signal, length: float, step: float, geoloc: str, binsize: float) -> Ours:
    """From photons to metrics as the pipeline does it; seconds of matching, extents, metrics."""
    marks = [time.perf_counter()]
    matches = match_classes(beam.segment_id, beam.segment_ph_cnt, *land[:3])
    relief = take_rows(land.ph_h, matches.row, 0.0)
    marks.append(time.perf_counter())
    keep = value_table([1, 2, 3])[matches.atl08_class]
    selection = select_photons(
        beam.segment_ph_cnt, beam.signal_conf_ph, beam.quality_ph, value_table(range(5)), value_table([0]),
        keep)  # fmt: skip
    pieces = split_at_gaps(beam.segment_id, find_runs(np.ones(len(beam.segment_id), bool), beam.segment_ph_cnt))
    extents = form_extents(
        selection, pieces, beam.dist_ph_along, beam.segment_dist_x, beam.segment_id,
        length=length, step=step, min_spread=min(20.0, length / 2))  # fmt: skip
    marks.append(time.perf_counter())
    table = vegetation(
        extents, beam.h_ph, relief, matches.atl08_class, beam.lat_ph, beam.lon_ph, beam.delta_time,
        beam.segment_dist_x, beam.dist_ph_along, binsize=binsize, geoloc=geoloc)  # fmt: skip
    marks.append(time.perf_counter())
    return Ours(np.diff(marks), extents, table)


def run_plain(beam: Beam, land: Signal, length: float, step: float, geoloc: str, binsize: float) -> Any:
    """From photons to metrics by the plain twin; seconds of the same steps."""
    marks = [time.perf_counter()]
    classes, rows = plain_phoreal.match(beam.segment_id, beam.segment_ph_cnt, *land[:3])
    relief = np.where(rows >= 0, land.ph_h[np.maximum(rows, 0)], np.float32(0))
    marks.append(time.perf_counter())
    passes = plain_twin.select(beam.signal_conf_ph, beam.quality_ph, value_table(range(5)), value_table([0]))
    passes[~np.isin(classes, [1, 2, 3])] = 0
    member, member_x, bounds, starts = plain_twin.form_extents(
        beam.segment_ph_cnt, beam.segment_dist_x, beam.dist_ph_along, passes, length, step, 10,
        min(20.0, length / 2))  # fmt: skip
    marks.append(time.perf_counter())
    values, counts = plain_phoreal.measure(
        member, member_x, bounds, starts, length, beam.h_ph, relief, classes, beam.lat_ph, beam.lon_ph,
        beam.delta_time, binsize, geoloc == "mean")  # fmt: skip
    marks.append(time.perf_counter())
    return np.diff(marks), values, counts


def check_equal(ours: Ours, plain: Any) -> None:
    """Refuse to compare the speed of different results."""
    _, values, counts = plain
    table = ours.table
    for column, other in zip((table.ph_count, table.gnd_ph_count, table.veg_ph_count), counts.T, strict=False):
        np.testing.assert_array_equal(column, other)
    np.testing.assert_array_equal(table.num_bins, counts[:, 4])
    # which of two pulses is nearer to a mean may hang on its rounding
    assert np.count_nonzero(table.nearest != counts[:, 3]) <= 1e-4 * len(counts)
    heights = (
        table.h_te_median, table.h_max_canopy, table.h_min_canopy, table.h_mean_canopy, table.canopy_openness,
        table.h_canopy,
    )  # fmt: skip
    for column, other in zip(heights, values[:, :6].T, strict=True):
        np.testing.assert_allclose(column, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(table.canopy_h_metrics, values[:, 10:].astype(np.float32))
    for column, other in zip((table.latitude, table.longitude), values[:, 6:8].T, strict=True):
        np.testing.assert_allclose(column, other, atol=1e-9, rtol=0)
    np.testing.assert_allclose(table.x_atc, values[:, 9], atol=1e-4, rtol=0)


def measure(beam: Beam, land: Signal, rounds: int) -> None:
    """Print speed and ratio of every case."""
    photons = len(beam.h_ph)
    print(f"{photons / 1e6:.1f} M photons, {len(land.ph_h) / 1e6:.1f} M of them in ATL08, best of {rounds} rounds")
    print(f"{'million photons a second, ours (ratio to plain)':38s} matching     metrics      whole way")
    for name, case in CASES.items():
        best: dict[Callable[..., Any], Any] = {run: np.full(4, np.inf) for run in (run_kernels, run_plain)}
        for _ in range(rounds):
            results = {run: run(beam, land, *case) for run in best}
            for run, result in results.items():
                best[run] = np.minimum(best[run], [*result[0], result[0].sum()])
        ours, plain = results[run_kernels], results[run_plain]
        check_equal(ours, plain)
        columns = [
            f"{photons / best[run_kernels][k] / 1e6:6.1f} ({best[run_plain][k] / best[run_kernels][k]:3.1f})"
            for k in (0, 2, 3)
        ]
        kept = ours.table.ph_count.mean()
        print(f"{name:48s} {'  '.join(columns)}   {len(ours.table.extent)} rows, {kept:.0f} photons each")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photons", type=int, default=10_000_000, help="photons of the simulated beam")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best of each counts")
    options = parser.parse_args()
    small = plant(simulate_beam(20_000))
    run_kernels(*small, 100.0, 100.0, "mean", 1.0)
    run_plain(*small, 100.0, 100.0, "mean", 1.0)
    measure(*plant(simulate_beam(options.photons)), options.rounds)


if __name__ == "__main__":
    main()
