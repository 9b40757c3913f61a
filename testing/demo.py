"""The main job from end to end on granules whose truth is known: ``python -m nunatak.testing.demo FOLDER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ..cluster.workers import ClusterWorkers, open_client
from ..pipeline.beam import Beam
from ..pipeline.granule import GROUND_TRACK
from ..pipeline.outcome import Outcome, summary
from ..pipeline.photons import read_photons
from ..pipeline.plan import Plan
from ..pipeline.planning import make_plan
from ..pipeline.reading.granule_file import GranuleFile
from ..pipeline.stream import stream
from ..pipeline.task import run_task
from ..pipeline.writers.geoparquet import GeoParquetWriter
from ..pipeline.writers.metadata import describe_run
from ..views.profile import plot_profile
from .granules import SimulatedGranule, simulate

if TYPE_CHECKING:
    import geopandas as gpd

_FAILED_FIT = 0x1 | 0x2
_SHOWN_BEAM = "gt2l"


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, compute on a local Dask cluster, compare with the truth, write a file and a picture."""
    parser = argparse.ArgumentParser(prog="python -m nunatak.testing.demo", description=__doc__)
    parser.add_argument("folder", nargs="?", default="demo", type=Path, help="where everything goes (default: demo)")
    parser.add_argument("--granules", type=int, default=3)
    parser.add_argument("--km", type=float, default=20.0)
    args = parser.parse_args(argv)
    granules = _simulated(args.folder / "granules", args.granules, args.km)
    plan = make_plan("atl06", args.folder / "granules")
    _warmed(plan)
    frame, outcomes = _computed(plan, args.folder / "heights.parquet")
    print(summary(outcomes, len(plan.granules)))
    print(f"{len(frame):,} rows written to {args.folder / 'heights.parquet'}")
    print(_compared(frame, granules))
    picture = args.folder / "profile.png"
    _pictured(plan, frame, granules[0], picture)
    print(f"profile of {granules[0].path.name} {_SHOWN_BEAM}: {picture}")
    return 3 if any(outcome.failed for outcome in outcomes) else 0


def _simulated(folder: Path, count: int, kilometres: float) -> list[SimulatedGranule]:
    started = perf_counter()
    granules = simulate(folder, count, kilometres=kilometres, seed=2018, gaps=((4000.0, 4700.0),), absent={2: ["gt3r"]})
    photons = sum(sum(granule.photons.values()) for granule in granules)
    print(f"{count} granules with {photons:,} photons simulated in {perf_counter() - started:.1f} s: {folder}")
    return granules


def _warmed(plan: Plan) -> None:
    """Compile the kernels, or read them from numba's cache, before workers ask for them side by side."""
    started = perf_counter()
    run_task(*next(plan.tasks), plan.request)
    print(f"kernels ready in {perf_counter() - started:.1f} s (compiled once on a machine, then read from disk)")


def _computed(plan: Plan, output: Path) -> tuple[gpd.GeoDataFrame, list[Outcome]]:
    """Compute on a local Dask cluster, and write what comes as it comes."""
    import pandas as pd

    schema = plan.request.schema()
    frames, outcomes = [schema.meta()], []
    started = perf_counter()
    with open_client("processes") as client, GeoParquetWriter(output, schema.meta()) as writer:
        ready = perf_counter()
        for table, outcome in stream(plan, ClusterWorkers(client), "collect"):
            outcomes.append(outcome)
            frames.append(schema.frame(table))
            writer.write(frames[-1])
        writer.annotate(describe_run(plan, outcomes))
    done = perf_counter()
    print(f"local Dask cluster up in {ready - started:.1f} s, {len(plan)} tasks done in {done - ready:.1f} s")
    return pd.concat([frame for frame in frames if len(frame)]), outcomes


def _compared(frame: gpd.GeoDataFrame, granules: Sequence[SimulatedGranule]) -> str:
    """Compare every height with the ground that was simulated, by kind of terrain."""
    import pandas as pd

    errors = []
    for granule in granules:
        terrain, name = granule.truth.terrain, granule.truth.scene.name()
        rows = frame[(frame["rgt"] == name.rgt) & (frame["cycle"] == name.cycle) & (frame["pflags"] & _FAILED_FIT == 0)]
        for beam in granule.truth.scene.beams:
            x = rows.loc[rows["gt"] == GROUND_TRACK[beam], "x_atc"].to_numpy()
            h = rows.loc[rows["gt"] == GROUND_TRACK[beam], "h_mean"].to_numpy()
            kinds = [terrain.stretches[i] for i in terrain.kind(x)]
            errors.append(pd.DataFrame({"terrain": kinds, "error": 100 * (h - granule.truth.height(beam, x))}))
    by_terrain = pd.concat(errors).groupby("terrain")["error"]
    table = pd.DataFrame(
        {
            "rows": by_terrain.size(),
            "mean, cm": by_terrain.mean(),
            "median, cm": by_terrain.median(),
            "68 % within, cm": by_terrain.apply(lambda error: error.abs().quantile(0.68)),
        }
    )
    return f"height error against the truth (crevasses narrower than an extent are bridged):\n{table.round(2)}"


def _pictured(plan: Plan, frame: gpd.GeoDataFrame, granule: SimulatedGranule, picture: Path) -> None:
    planned = next(g for g in plan.granules if Path(g.address).name == granule.path.name)
    rows = frame[(frame["rgt"] == planned.name.rgt) & (frame["cycle"] == planned.name.cycle)]
    with GranuleFile(planned.address) as file:
        photons = read_photons(Beam(planned.name, _SHOWN_BEAM, file), plan.request.parameters)
    figure = plot_profile(
        rows,
        _SHOWN_BEAM,
        photons=photons,
        truth=lambda x: granule.truth.height(_SHOWN_BEAM, x),
        title=f"{planned.name}, beam {_SHOWN_BEAM} (simulated)",
    )
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
