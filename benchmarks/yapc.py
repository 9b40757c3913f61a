"""How fast photons get YAPC scores: the kernels against a plain twin, alternately on one core, with equal scores.

    python benchmarks/yapc.py [--photons 2_000_000] [--rounds 5]

Beams: *orderly*, simulated in memory (seeded), in the order of its pulses, a third background; *real*, gt1r of
ATL03_20220401221822_01501506_006_02 (forest, a weak beam, much background, photons up to 1.5 m out of order), repeated
one behind the other; and the orderly one with a window ten times as long, as if photons were ten times as dense. The
real granule is looked for in the folder that NUNATAK_SHARED names, or in `shared` beside the repository. Figures are
million photons per second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels import seconds_of, simulate_beam
from nunatak.kernels.yapc import yapc_scores

GRANULE = "data/granules/ATL03_20220401221822_01501506_006_02.h5"
plain = numba.njit(nogil=True, cache=True, error_model="numpy")


class Beam(NamedTuple):
    """What YAPC takes of a beam."""

    count: NDArray[np.int32]
    distance: NDArray[np.float64]
    along: NDArray[np.float32]
    height: NDArray[np.float32]


@plain
def score_version_3(count, distance, along, height, win_x, win_h, min_knn):  # noqa: C901 - plain loops on purpose
    """Walk from every photon in both directions, sort what is met."""
    photons = len(height)
    half_x, half_h = win_x / 2, win_h / 2
    place = np.empty(photons)
    k = 0
    for s in range(len(count)):
        for _ in range(count[s]):
            place[k] = distance[s] + along[k]
            k += 1
    near = np.empty(photons)
    weight = np.empty(photons)
    knn = np.empty(photons, np.int64)
    for k in range(photons):
        m = 0
        for direction in (-1, 1):
            j = k + direction
            while 0 <= j < photons:
                dx = (place[j] - place[k]) * direction
                if dx <= half_x:
                    apart = np.float64(abs(height[k] - height[j]))
                    if apart <= half_h:
                        near[m] = apart
                        m += 1
                if dx >= half_x + 1.0:
                    break
                j += direction
        near[:m].sort()
        knn[k] = int(max(np.sqrt(m), min_knn))
        weight[k] = 0.0
        for i in range(min(knn[k], m)):
            weight[k] += half_h - near[i]
    score = np.empty(photons, np.uint8)
    k = 0
    for s in range(len(count)):
        most = min_knn
        for i in range(k, k + count[s]):
            most = max(most, knn[i])
        for i in range(k, k + count[s]):
            score[i] = np.uint8(min(weight[i] / (half_h * most) * 255.0, 255.0))
        k += count[s]
    return score


@plain
def score_version_2(count, along, height, win_x, win_h, least):
    """Compare every photon with all of its own and the adjacent segments, as SlideRule does; win_h is given."""
    half_x, half_h = win_x / 2, win_h / 2
    score = np.zeros(len(height), np.uint8)
    begin, end, first = 0, 0, 0
    for s in range(len(count)):
        n = count[s]
        begin += count[s - 2] if s > 1 else 0
        end += count[s + 1] if s < len(count) - 1 else 0
        knn = min(int(max(1.0, (np.sqrt(n) + 0.5) / 2)), 25)
        if n > knn and n >= least and np.ptp(along[:n]) > 0 and 0 < np.ptp(height[:n]) <= 15000:
            best = np.empty(knn)
            for y in range(first, first + n):
                found = 0
                for x in range(begin, end):
                    if x == y or abs(along[x] - along[y]) > half_x:
                        continue
                    nearness = half_h - np.float64(abs(height[x] - height[y]))
                    if found < knn:
                        best[found] = nearness
                        found += 1
                    else:
                        worst = np.argmin(best)
                        best[worst] = max(best[worst], nearness)
                total = 0.0
                for i in range(found):
                    total += max(best[i], 0.0)
                score[y] = np.uint8(total / knn / half_h * 255.0)
        first += n
    return score


def orderly_beam(photons: int) -> Beam:
    made = simulate_beam(photons)
    return Beam(made.segment_ph_cnt, made.segment_dist_x, made.dist_ph_along, made.h_ph)


def real_beam(photons: int) -> Beam | None:
    """Repeat the real beam, each copy behind the one before; None where the granule is missing."""
    folder = Path(os.environ.get("NUNATAK_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / GRANULE).is_file():
        print(f"real beam skipped: {folder / GRANULE} is not there (NUNATAK_SHARED names another folder)")
        return None
    import h5py

    with h5py.File(folder / GRANULE) as file:
        place, photon = file["gt1r/geolocation"], file["gt1r/heights"]
        count = place["segment_ph_cnt"][:].astype(np.int32)
        distance, along, height = place["segment_dist_x"][:], photon["dist_ph_along"][:], photon["h_ph"][:]
    copies = max(photons // len(height), 1)
    shift = np.repeat(np.arange(copies), len(count)) * (distance[-1] - distance[0] + 20.0)
    return Beam(
        np.tile(count, copies), np.tile(distance, copies) + shift, np.tile(along, copies), np.tile(height, copies)
    )


def ours(version: int, beam: Beam, win_x: float) -> NDArray[np.uint8]:
    return yapc_scores(version, *beam, [[0, len(beam.count)]], win_x=win_x)


def twin(version: int, beam: Beam, win_x: float) -> NDArray[np.uint8]:
    if version == 3:
        return score_version_3(*beam, win_x, 6.0, 5)
    return score_version_2(beam.count, beam.along, beam.height, win_x, 6.0, 10)


def measure(name: str, version: int, beam: Beam, win_x: float, rounds: int) -> float:
    """Print speed and ratio; give the kernels' speed."""
    best = np.full(2, np.inf)
    for _ in range(rounds):
        ours_seconds, score = seconds_of(ours, version, beam, win_x)
        twin_seconds, expected = seconds_of(twin, version, beam, win_x)
        best = np.minimum(best, (ours_seconds, twin_seconds))
    np.testing.assert_array_equal(score, expected)
    speed = len(beam.height) / best / 1e6
    print(
        f"version {version}, {name:24s} {len(beam.height) / 1e6:4.1f} M photons: ours {speed[0]:6.2f}  "
        f"plain {speed[1]:6.3f} M photons/s  ratio {speed[0] / speed[1]:5.1f}"
    )
    return float(speed[0])


def measure_compilation() -> None:
    """Print what the first call costs in a fresh process, without and with a cache on disk."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import time, yapc; beam = yapc.orderly_beam(20_000);"
        "t = time.perf_counter(); yapc.ours({0}, beam, 15.0); print(f'{{time.perf_counter() - t:.2f}}')"
    )
    for version in (2, 3):
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            command = [sys.executable, "-c", code.format(version), str(Path(__file__).parent)]
            first, again = (
                subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
                for _ in range(2)
            )
        print(f"version {version}, first call in a fresh process: {first} s compiling, {again} s from the cache")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photons", type=int, default=2_000_000, help="photons of a beam; a tenth where it is dense")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds; the best of each counts")
    options = parser.parse_args()
    beams = {"orderly": orderly_beam(options.photons), "real, repeated": real_beam(options.photons)}
    small = orderly_beam(20_000)
    for version in (2, 3):
        ours(version, small, 15.0)
        twin(version, small, 15.0)
    for version in (3, 2):
        speeds = [
            measure(name, version, beam, 15.0, options.rounds) for name, beam in beams.items() if beam is not None
        ]
        if len(speeds) > 1:
            print(f"version {version}: the real beam at {speeds[1] / speeds[0]:.2f} of the orderly one's speed")
    measure("orderly, window 150 m", 3, orderly_beam(options.photons // 10), 150.0, 1)
    measure_compilation()


if __name__ == "__main__":
    main()
