"""The commands that look before anything runs: `nunatak info` and `nunatak plan`; and what all requests are made of."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .products import PRODUCTS

if TYPE_CHECKING:
    from .plan import Plan

# Arguments that are parameters of the search as well: a value here stands before one in --parms.
_SEARCHED = {
    "poly": ("FILE", "region: GeoJSON, shapefile or GeoPackage in any CRS, or GeoJSON text"),
    "t0": ("TIME", "from this time on, UTC, such as 2019-07-01 or 2019-07-01T00:00:00Z"),
    "t1": ("TIME", "up to this time"),
    "rgt": ("N", "reference ground track; several with commas"),
    "cycle": ("N", "91-day cycle; several with commas"),
    "release": ("NNN", "release, such as 006; the newest that is found if left out"),
}


def add_parsers(subparsers: Any) -> None:
    """Add ``info`` and ``plan``."""
    title = "what is in a granule: identity, beams, and every dataset on request"
    parser = subparsers.add_parser("info", help=title, description=title)
    parser.add_argument("file", metavar="FILE", help="a granule of any ICESat-2 product")
    parser.add_argument("--fields", action="store_true", help="list every dataset: type, shape, chunks, filters, bytes")
    parser.set_defaults(run=_info)

    title = "what a request would do: granules, tasks, bytes, memory; printed, or saved to be run later"
    parser = subparsers.add_parser("plan", help=title, description=title)
    parser.add_argument("product", choices=sorted(PRODUCTS), help="the product that is planned")
    add_request_arguments(parser)
    parser.add_argument("--save", metavar="FILE", help="save the plan; --plan FILE runs it without a catalog")
    parser.add_argument("--tasks", action="store_true", help="print every task")
    parser.set_defaults(run=_plan)


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which granules and which parameters a request is about."""
    parser.add_argument(
        "resources",
        nargs="*",
        metavar="RESOURCE",
        help="a granule, or a folder of granules; without any a catalog is asked",
    )
    parser.add_argument("--parms", metavar="FILE.json|JSON", help="parameters by their SlideRule names")
    for name, (metavar, text) in _SEARCHED.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=text)
    parser.add_argument(
        "--catalog",
        metavar="cmr|FOLDER",
        help="where granules are searched for: NASA's CMR (default), or an indexed folder",
    )
    parser.add_argument(
        "--prefer",
        metavar="PATH",
        action="append",
        default=[],
        help="of several files of one granule, the one that counts",
    )
    parser.add_argument("--keep-id", action="store_true", help="keep the column extent_id")


def plan_of(args: argparse.Namespace) -> Plan:
    """Make the plan that the arguments ask for."""
    from .planning import make_plan

    searched: dict[str, Any] = {name: getattr(args, name) for name in _SEARCHED if getattr(args, name) is not None}
    for name in ("rgt", "cycle"):
        if name in searched:
            searched[name] = searched[name].split(",")
    return make_plan(
        args.product,
        args.resources or None,
        args.parms,
        catalog=args.catalog,
        prefer=args.prefer,
        keep_id=args.keep_id,
        **searched,
    )


def _info(args: argparse.Namespace) -> int:
    from .errors import InputError, ReadError
    from .info import describe

    try:
        print(describe(args.file, fields=args.fields))
    except ReadError as error:
        raise InputError(str(error)) from error
    return 0


def _plan(args: argparse.Namespace) -> int:
    from .writers.whole import checked_output

    if args.save is not None:
        checked_output(args.save)
    plan = plan_of(args)
    if args.tasks:
        print(plan.table().to_string(index=False))
    for line in plan.notices:
        print(line)
    print(plan.estimate())
    if args.save is not None:
        plan.save(args.save)
        print(f"saved: {args.save}")
    return 0
