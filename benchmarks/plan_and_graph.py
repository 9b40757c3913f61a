"""Planning 10,000 granules x 6 beams, saving and loading the plan, making its graph; and how soon the help answers.

python benchmarks/plan_and_graph.py [--granules 10_000]
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import shapely

import nunatak
from nunatak.pipeline.catalog.query import Found
from nunatak.pipeline.granule import BEAMS, GranuleName
from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.plan import Plan
from nunatak.pipeline.planning import plan_granules
from nunatak.pipeline.products.product import Effort
from nunatak.pipeline.task import Request


def found(count: int) -> list[Found]:
    """Make granules as a catalog gives them, each with six simplified tracks of a dozen vertices."""
    random = np.random.default_rng(1)
    base = GranuleName.parse("ATL03_20190101000000_00010101_006_02.h5")
    granules = []
    for number in range(count):
        lat = np.linspace(60, 80, 12)
        lon = random.uniform(-75, -15) + 0.3 * (lat - 60)
        tracks = {beam: shapely.linestrings(lon + 0.03 * i, lat) for i, beam in enumerate(BEAMS)}
        name = GranuleName(base.time, "ATL03", number % 1387 + 1, number // 1387 + 1, 3, "006", "02")
        granules.append(
            Found(
                name, {"https": f"https://data.nsidc.earthdatacloud.nasa.gov/ATLAS/{name}"}, 3_000_000_000, None, tracks
            )
        )
    return granules


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--granules", type=lambda text: int(text.replace("_", "")), default=10_000)
    args = parser.parse_args()
    given = found(args.granules)
    parameters = Parameters.of(poly=(-60, 62, -30, 78), cnf=2)
    parameters.poly.contains([0.0], [0.0])  # type: ignore[union-attr] # compiled or loaded before the clock runs

    started = perf_counter()
    plan = Plan(Request("atl06", parameters), plan_granules(given, parameters, Effort()))
    said(f"planned {len(plan):,} tasks", started)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.parquet"
        started = perf_counter()
        plan.save(path)
        said(f"saved in {path.stat().st_size / 1e6:.2f} MB", started)
        started = perf_counter()
        assert nunatak.Plan.load(path) == plan
        said("loaded, and compared equal", started)
    started = perf_counter()
    frame = plan.lazy().frame
    said("lazy frame and outcomes", started)
    started = perf_counter()
    nodes = dict(frame.optimize().__dask_graph__())
    said(f"graph of {len(nodes):,} nodes", started)
    print(f"{len(pickle.dumps(nodes)) / len(plan):.0f} bytes a task, pickled")
    help_times = [timed_help() for _ in range(7)]
    print(f"nunatak --help: median {statistics.median(help_times):.2f} s of 7")


def said(what: str, started: float) -> None:
    """Print what took how long."""
    print(f"{what}: {perf_counter() - started:.2f} s")


def timed_help() -> float:
    """Run ``nunatak --help`` in a process of its own."""
    started = perf_counter()
    command = [sys.executable, "-c", "from nunatak.cli import main; main(['--help'])"]
    subprocess.run(command, capture_output=True, check=True)
    return perf_counter() - started


if __name__ == "__main__":
    main()
