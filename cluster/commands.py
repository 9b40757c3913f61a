"""The commands that make a product: `nunatak atl06 ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline.commands import add_request_arguments, plan_of
from ..pipeline.products import PRODUCTS

if TYPE_CHECKING:
    import pandas as pd

    from ..pipeline.outcome import Outcome
    from ..pipeline.plan import Plan
    from ..pipeline.writers.geoparquet import GeoParquetWriter

_EPILOG = """\
A folder contributes the granules of the product that is read; its subfolders are not searched.
Exit codes: 0; 1 when the catalog did not answer or the output could not be written; 2 for wrong input;
3 when tasks failed.
"""


def add_parsers(subparsers: Any) -> None:
    """Add a command for each product."""
    for name, title in PRODUCTS.items():
        parser = subparsers.add_parser(
            name,
            help=title,
            description=title,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_request_arguments(parser)
        parser.add_argument("--plan", metavar="FILE", help="run a saved plan; it holds granules and parameters")
        parser.add_argument(
            "--output", metavar="FILE", help="GeoParquet file to write; without it a summary is printed"
        )
        parser.add_argument(
            "--scheduler",
            default="threads",
            metavar="ADDRESS|processes|threads|sync",
            help="where the tasks run (default: threads)",
        )
        parser.add_argument(
            "--on-error",
            choices=["raise", "collect"],
            default="raise",
            help="raise: the first failed task ends the run and nothing is written (default); "
            "collect: the rows of the others are written, and the failures told",
        )
        parser.set_defaults(run=run_product, product=name)


def run_product(args: argparse.Namespace) -> int:
    """Make a product: to a file, or to a summary on the terminal."""
    from ..pipeline.outcome import summary
    from ..pipeline.stream import stream
    from ..pipeline.summary import ColumnSummary
    from ..pipeline.writers.metadata import describe_run
    from .workers import open_workers

    plan = _planned(args)
    schema = plan.request.schema()
    for line in plan.notices:
        print(line, file=sys.stderr)
    outcomes: list[Outcome] = []
    columns = ColumnSummary(schema)
    with open_workers(args.scheduler) as workers, _writer(args.output, plan) as writer:
        for table, outcome in _watched(stream(plan, workers, args.on_error), len(plan)):
            outcomes.append(outcome)
            columns.add(table)
            if writer:
                writer.write(schema.frame(table))
        if writer:
            writer.annotate(describe_run(plan, outcomes))
    print(summary(outcomes, len(plan.granules)))
    print(columns)
    if args.output is not None:
        print(f"written: {args.output}")
    return 3 if any(outcome.failed for outcome in outcomes) else 0


def _planned(args: argparse.Namespace) -> Plan:
    """Make the plan, and sure that its output can be put where it is wanted: the granules may take long to list."""
    from ..pipeline.errors import InputError
    from ..pipeline.writers.whole import checked_output

    output = None if args.output is None else checked_output(args.output)
    plan = _loaded(args) if args.plan is not None else plan_of(args)
    files = [granule.addresses["file"] for granule in plan.granules if "file" in granule.addresses]
    if output and output.exists() and any(Path(file).exists() and output.samefile(file) for file in files):
        raise InputError(f"{output}: a granule of this request; the output would take its place")
    return plan


def _loaded(args: argparse.Namespace) -> Plan:
    """Load a saved plan, which holds all that the other arguments could say."""
    from ..pipeline.errors import InputError
    from ..pipeline.plan import Plan

    plan = Plan.load(args.plan)
    given = [
        name
        for name in ("resources", "parms", "poly", "t0", "t1", "rgt", "cycle", "release", "catalog")
        if getattr(args, name)
    ]
    if given:
        raise InputError(f"--plan {args.plan} holds granules and parameters; {', '.join(given)} can't be given with it")
    if plan.request.product != args.product:
        raise InputError(f"{args.plan}: a plan of {plan.request.product}, not of {args.product}")
    return plan


def _writer(output: str | None, plan: Plan) -> AbstractContextManager[GeoParquetWriter | None]:
    from ..pipeline.writers.geoparquet import GeoParquetWriter

    return nullcontext() if output is None else GeoParquetWriter(output, plan.request.schema().meta())


def _watched(results: Iterator[tuple[pd.DataFrame, Outcome]], total: int) -> Iterator[tuple[pd.DataFrame, Outcome]]:
    """Show progress on a terminal; a pipe stays quiet."""
    from tqdm import tqdm

    rows = failed = 0
    with tqdm(total=total, unit="task", disable=None, leave=False) as bar:
        for table, outcome in results:
            rows += len(table)
            failed += outcome.failed
            bar.set_postfix(rows=rows, failed=failed, refresh=False)
            bar.update()
            yield table, outcome
