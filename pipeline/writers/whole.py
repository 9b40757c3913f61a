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

    What the disk refuses is felt for all that happens in the context; where more than writing happens in it, there
    are `beside` and `writing`.

    Raises
    ------
    OutputError
        When the disk is full or fails.
    """
    with writing(path), beside(path) as unfinished:
        yield unfinished


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Offer a path beside a file, which becomes the file when all went well, and vanishes when it did not."""
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        with writing(path):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of what the disk refuses which file it was for.

    Raises
    ------
    OutputError
        When the disk is full or fails.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error}; no file was written") from error


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
