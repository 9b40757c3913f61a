"""The commands that look at granules: `nunatak info`."""

from __future__ import annotations

import argparse
from typing import Any


def add_parsers(subparsers: Any) -> None:
    """Add ``info``."""
    title = "what is in a granule: identity, beams, and every dataset on request"
    parser = subparsers.add_parser("info", help=title, description=title)
    parser.add_argument("file", metavar="FILE", help="a granule of any ICESat-2 product")
    parser.add_argument("--fields", action="store_true", help="list every dataset: type, shape, chunks, filters, bytes")
    parser.set_defaults(run=_info)


def _info(args: argparse.Namespace) -> int:
    from .errors import InputError, ReadError
    from .info import describe

    try:
        print(describe(args.file, fields=args.fields))
    except ReadError as error:
        raise InputError(str(error)) from error
    return 0
