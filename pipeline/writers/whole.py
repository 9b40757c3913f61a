"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from ..errors import InputError, OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Offer a path beside a file, which becomes the file when all went well, and vanishes when it did not.

    Raises
    ------
    OutputError
        When the disk is full or fails.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error}; no file was written") from error
    finally:
        unfinished.unlink(missing_ok=True)


def checked_output(path: str | Path) -> Path:
    """Make sure, before anything runs, that a file can be put where the user wants it.

    Raises
    ------
    InputError
        When its folder does not exist, can't be written, or something other than a file is in its place.
    """
    target = Path(path).expanduser().absolute()
    if target.is_dir():
        raise InputError(f"{target}: a folder; the output is one file, such as {target / 'heights.parquet'}")
    if target.exists() and not target.is_file():
        raise InputError(f"{target}: not a file, and nothing that a file may replace")
    if not target.parent.is_dir():
        raise InputError(f"{target}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{target}: the folder {target.parent} can't be written")
    return target
