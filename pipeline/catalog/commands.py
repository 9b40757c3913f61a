"""The command ``nunatak index``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .update import Update

#: Exit code when granules could not be read and are missing from the index.
UNREADABLE = 3


def add_parsers(subparsers: Any) -> None:
    """Add ``index`` to the commands of the command line."""
    parser = subparsers.add_parser(
        "index",
        help="index a folder of granules, for searches without a network",
        description=(
            "Read each granule below a folder once and write where and when it has data to one GeoParquet file, by "
            "which `--catalog FOLDER` finds granules. Run again, it reads only what is new or has changed."
        ),
    )
    parser.add_argument("folder", metavar="FOLDER", help="where the granules are; subfolders belong to it")
    parser.add_argument("--output", metavar="FILE", help="the index (nunatak-index.parquet in FOLDER)")
    parser.set_defaults(run=run_index)


def run_index(args: argparse.Namespace) -> int:
    """Index a folder, say what was done, and give the exit code: 3 when granules could not be read."""
    from .update import update_index

    update = update_index(args.folder, args.output, progress=_progress if sys.stderr.isatty() else None)
    print(summary(update))
    for path in update.not_granules:
        print(f"left out: {path}: not named as a granule is", file=sys.stderr)
    for path, reason in update.unreadable:
        print(f"could not be read: {path}: {reason}", file=sys.stderr)
    return UNREADABLE if update.unreadable else 0


def summary(update: Update) -> str:
    """Say in one line what was done to an index."""
    left_out = len(update.not_granules) + len(update.unreadable)
    return (
        f"{update.granules} granules in {update.path}: {update.read} read, {update.unchanged} unchanged, "
        f"{update.removed} removed, {left_out} files left out"
    )


def _progress(done: int, total: int) -> None:
    end = "\n" if done + 1 == total else ""
    print(f"\rreading granule {done + 1} of {total}", end=end, file=sys.stderr, flush=True)
