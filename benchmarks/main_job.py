"""The main job on one core, from a warm file to result arrays, beside what h5py needs to read the same fields.

    python benchmarks/main_job.py [--photons 10_000_000] [--rounds 5] [--folder DIR]

Simulates one strong beam in both layouts (once; the folder keeps it), then alternates, in one process and one thread:
reading with h5py, reading with nunatak, and the whole task. Every array is compared. Then the peak memory of the task,
in a process of its own, beside the bytes of the fields that it reads.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import h5py
import numpy as np

from nunatak.pipeline.beam import Beam
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.photons import BACKGROUND_FIELDS, PHOTON_FIELDS, SEGMENT_FIELDS, read_photons
from nunatak.pipeline.reading.granule_file import GranuleFile
from nunatak.pipeline.task import Request, run_task
from nunatak.testing import simulate

BEAM = "gt1l"  # strong when the spacecraft flies backward
FIELDS = {**SEGMENT_FIELDS, **PHOTON_FIELDS, **BACKGROUND_FIELDS}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photons", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "nunatak-main-job")
    parser.add_argument("--peak", metavar="FILE", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        print_peak(args.peak)
        return
    for release in ("006", "007"):
        measure(granule(args.folder, release, args.photons), release, args.rounds)


def granule(folder: Path, release: str, photons: int) -> Path:
    """Simulate a strong beam of about so many photons, or take it if it is there."""
    target = folder / f"{release}-{photons}"
    if not list(target.glob("ATL03*.h5")):
        # a strong beam by night over ice: about 9 photons a shot, a shot every 0.7 m
        kilometres = photons / 9_000
        simulate(
            target,
            kilometres=kilometres,
            terrain="rough",
            beams=(BEAM,),
            sc_orient=0,
            release=release,
            with_atl08=False,
        )
    return next(iter(target.glob("ATL03*.h5")))


def with_h5py(path: Path) -> dict[str, np.ndarray]:
    """Read the fields of the main job, the confidences of land ice alone."""
    with h5py.File(path) as file:
        columns = {name: file[BEAM][dataset] for name, (dataset, _) in FIELDS.items()}
        return {name: data[:, 3] if name == "confidence" else data[:] for name, data in columns.items()}


def with_nunatak(path: Path) -> dict[str, np.ndarray]:
    """Read the same as a task reads it."""
    with GranuleFile(str(path)) as file:
        photons = read_photons(Beam(GranuleName.parse(path.name), BEAM, file), Parameters())
    assert photons is not None
    return dict(photons.fields)


def whole_task(path: Path) -> int:
    """From the file to result arrays."""
    table, outcome = run_task(str(path), path.name, BEAM, "", Request("atl06", Parameters()))
    assert not outcome.failed, outcome.message
    return len(table)


def measure(path: Path, release: str, rounds: int) -> None:
    """Alternate the three, compare what they read, and print medians and ratios."""
    first, second = with_h5py(path), with_nunatak(path)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], name)
    read_bytes = sum(values.nbytes for values in first.values())
    photons = len(first["height"])
    del first, second
    rows = whole_task(path)
    seconds: dict[str, list[float]] = {"h5py": [], "nunatak reads": [], "whole task": []}
    for _ in range(rounds):
        for name, work in zip(seconds, (with_h5py, with_nunatak, whole_task), strict=True):
            started = perf_counter()
            work(path)
            seconds[name].append(perf_counter() - started)
    h5 = statistics.median(seconds["h5py"])
    print(
        f"release {release}: {photons:,} photons, {rows:,} rows, {read_bytes / 1e6:.0f} MB of fields, {rounds} rounds"
    )
    for name, times in seconds.items():
        each = statistics.median(times)
        print(f"  {name:14} {each:6.2f} s  {photons / each / 1e6:5.1f} M photons/s  {h5 / each:5.2f} x h5py")
    peak = subprocess.run([sys.executable, __file__, "--peak", str(path)], capture_output=True, text=True, check=True)
    print(f"  peak memory of the task: {int(peak.stdout) / read_bytes:.2f} x the bytes of its fields")


def print_peak(path: str) -> None:
    """Print by how many bytes the task raises the peak of this process (Linux), kernels and libraries being loaded."""
    with tempfile.TemporaryDirectory() as folder:
        whole_task(granule(Path(folder), "006", 20_000))
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    whole_task(Path(path))
    print(_status("VmHWM") - before)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])


if __name__ == "__main__":
    main()
