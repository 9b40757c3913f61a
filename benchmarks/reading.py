"""How fast photons come from a warm local file: nunatak's readers against h5py, on one core.

Writes a strong beam's photon fields in the layout of release 006 (10,000-photon chunks) and 007 (100,000), with and
without shuffle, reads them alternately with both, compares every value, and prints MB/s of values and the ratio.

    python benchmarks/reading.py [--photons 10000000] [--rounds 5] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import os
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import numpy as np
import numpy.typing as npt

from nunatak.pipeline.reading.granule_file import GranuleFile, Want

Arrays = dict[str, npt.NDArray[np.generic]]

GROUP = "gt1l/heights"
PHOTONS_PER_PULSE = 1.7
FIELDS = (
    "h_ph",
    "lat_ph",
    "lon_ph",
    "delta_time",
    "dist_ph_along",
    "dist_ph_across",
    "signal_conf_ph",
    "quality_ph",
)


def photons(n: int, seed: int = 7) -> Arrays:
    """Make a beam whose fields deflate about as those of a real strong beam do."""
    rng = np.random.default_rng(seed)
    pulse = np.cumsum(rng.random(n) < 1 / PHOTONS_PER_PULSE)
    along = pulse * 0.7 + rng.normal(0, 0.1, n)
    signal = rng.random(n) < 0.7
    ground = 1500 + 40 * np.sin(along / 3000) + 3 * np.sin(along / 170)
    h_ph = np.where(signal, ground + rng.normal(0, 0.15, n), ground + rng.uniform(-60, 60, n))
    signal_conf_ph = np.full((n, 5), -1, "i1")
    signal_conf_ph[:, 0] = signal_conf_ph[:, 3] = np.where(signal, 4, rng.integers(0, 3, n))
    signal_conf_ph[:, 4] = np.where(signal, 3 + (rng.random(n) < 0.1), 0)
    return {
        "h_ph": h_ph.astype("f4"),
        "lat_ph": 68.9 + along / 111_000 + rng.normal(0, 1e-7, n),
        "lon_ph": -48.5 - along / 400_000 + rng.normal(0, 1e-7, n),
        "delta_time": 27_540_000.0 + pulse * 1e-4 + rng.integers(0, 2, n) * 1e-7,
        "dist_ph_along": ((along + 0.3 * rng.random(n)) % 20).astype("f4"),
        "dist_ph_across": (3200 + rng.normal(0, 0.02, n)).astype("f4"),
        "signal_conf_ph": signal_conf_ph,
        "quality_ph": (rng.integers(1, 4, n) * (rng.random(n) < 0.01)).astype("i1"),
    }


def write(path: Path, fields: Arrays, chunk: int, *, shuffle: bool) -> None:
    with h5py.File(path, "w") as file:
        for name, values in fields.items():
            chunks = (min(chunk, len(values)), *values.shape[1:])
            file.create_dataset(
                f"{GROUP}/{name}", data=values, chunks=chunks, compression="gzip", compression_opts=6, shuffle=shuffle
            )


def with_h5py(path: Path) -> Arrays:
    # A cache that holds the largest chunk, or h5py inflates it once for every call.
    with h5py.File(path, "r", rdcc_nbytes=8 << 20) as file:
        group = file[GROUP]
        # Whole rows and then one column: asking h5py for the column alone takes it several times as long.
        return {
            name: np.ascontiguousarray(group[name][:][:, 3]) if name == "signal_conf_ph" else group[name][:]
            for name in FIELDS
        }


def wants() -> dict[str, Want]:
    return {name: Want(f"{GROUP}/{name}", column=3 if name == "signal_conf_ph" else None) for name in FIELDS}


def with_nunatak(path: Path) -> Arrays:
    with GranuleFile(str(path)) as granule:
        return granule.read(wants())


def measured(read: Callable[[Path], Arrays], path: Path) -> tuple[float, dict[str, bytes]]:
    """Return the CPU seconds of a read and a digest of each array.

    The arrays are gone before the other reader's turn: who got memory that was never touched before would pay for it.
    """
    start = time.process_time()
    arrays = read(path)
    spent = time.process_time() - start
    return spent, {name: hashlib.blake2b(values).digest() for name, values in arrays.items()}


def compare(path: Path, values_mb: float, rounds: int) -> None:
    """Alternate the two readers, compare what they read, and print the medians of the rounds."""
    measured(with_nunatak, path)  # compiled kernels and a warm file
    ours, theirs = [], []
    for _ in range(rounds):
        spent, expected = measured(with_h5py, path)
        theirs.append(spent)
        spent, found = measured(with_nunatak, path)
        ours.append(spent)
        if found != expected:
            raise SystemExit(f"{path.name}: what nunatak reads differs from what h5py reads")
    with GranuleFile(str(path)) as granule:
        granule.read(wants())
    ratios = sorted(t / o for t, o in zip(theirs, ours, strict=True))
    print(
        f"{path.stem:<12} h5py {values_mb / median(theirs):5.0f} MB/s   nunatak {values_mb / median(ours):5.0f} MB/s   "
        f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})   "
        f"{granule.requests} requests, {granule.bytes_read / 1e6:.1f} of {path.stat().st_size / 1e6:.1f} MB"
    )


def opening(path: Path, rounds: int) -> None:
    """Print what a task pays before the first photon: opening, the eight headers, their chunk trees."""
    rows = [(0, 1)]
    few = {name: Want(want.path, rows=rows, column=want.column) for name, want in wants().items()}
    opened, read = [], []
    for _ in range(10 * rounds):
        start = time.perf_counter()
        with GranuleFile(str(path)) as granule:
            opened.append(time.perf_counter() - start)
            granule.read(few)
        read.append(time.perf_counter() - start)
    print(f"{path.stem:<12} opening {1e3 * min(opened):.2f} ms, with one row of eight fields {1e3 * min(read):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photons", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="also print where nunatak spends its time")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    fields = photons(options.photons)
    values_mb = sum(values.nbytes for values in fields.values()) / 1e6
    print(f"{options.photons:,} photons, {values_mb:.0f} MB of values, Python {sys.version.split()[0]}, one core")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for release, chunk in (("006", 10_000), ("007", 100_000)):
            for shuffle in (True, False):
                paths.append(Path(folder) / f"{release}{'-shuffle' if shuffle else ''}.h5")
                write(paths[-1], fields, chunk, shuffle=shuffle)
        fields.clear()
        for path in paths:
            compare(path, values_mb, options.rounds)
        for path in paths:
            opening(path, options.rounds)
        if options.profile:
            profiler = cProfile.Profile()
            profiler.runcall(with_nunatak, paths[0])
            pstats.Stats(profiler).sort_stats("tottime").print_stats(15)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
