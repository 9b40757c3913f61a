"""The command line: puts together the commands that the rooms offer.

What a command needs is imported when it runs, so that ``nunatak --help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from . import __version__
from .cluster import commands as making
from .pipeline import commands as looking
from .pipeline.catalog import commands as indexing
from .pipeline.errors import CatalogError, InputError, MissingExtraError, NunatakError, OutputError
from .testing import commands as simulating

OUTSIDE_FAILED = 1
WRONG_INPUT = 2
TASKS_FAILED = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; give 0, 1 if catalog or output failed, 2 for wrong input, 3 when tasks failed."""
    args = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code: int = args.run(args)
        sys.stdout.flush()
    except NunatakError as error:
        print(f"nunatak: {error}", file=sys.stderr)
        return _exit_code(error)
    except BrokenPipeError:
        # whoever read our output has had enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("nunatak: interrupted; nothing was written", file=sys.stderr)
        return 130
    return code


def _exit_code(error: NunatakError) -> int:
    if isinstance(error, InputError | MissingExtraError):
        return WRONG_INPUT
    return OUTSIDE_FAILED if isinstance(error, OutputError | CatalogError) else TASKS_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nunatak", description="ICESat-2 photons to heights, as a Dask pipeline on your own cluster."
    )
    parser.add_argument("--version", action="version", version=f"nunatak {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for room in (making, looking, indexing, simulating):
        room.add_parsers(subparsers)
    return parser


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Tell a notice in one line; a terminal has no use for the line of code that it came from."""
    kind = "notice" if issubclass(category, UserWarning) else category.__name__
    print(f"nunatak: {kind}: {message}", file=sys.stderr)
