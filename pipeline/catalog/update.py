"""Making the index of a folder, and bringing it up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, NunatakError, ResourceError
from ..granule import GranuleName
from .index_file import INDEX_NAME, make_table, read_table, table_root, write_table
from .indexing import Record, read_record


@dataclass(frozen=True, slots=True)
class Update:
    """What was done to an index.

    Attributes
    ----------
    path
        The index.
    granules
        How many it holds now.
    read, unchanged, removed
        How many of them were read, were known and had not changed, and are gone from the folder.
    not_granules
        HDF5 files that are not named as a granule is.
    unreadable
        Granules that could not be read, with the reason; they are not in the index.
    """

    path: Path
    granules: int
    read: int
    unchanged: int
    removed: int
    not_granules: tuple[Path, ...] = ()
    unreadable: tuple[tuple[Path, str], ...] = ()


def update_index(
    folder: str | Path, output: str | Path | None = None, progress: Callable[[int, int], None] | None = None
) -> Update:
    """Index the granules of a folder and its subfolders, reading only what is new or has changed.

    Parameters
    ----------
    folder
        Where the granules are.
    output
        The index; by default ``nunatak-index.parquet`` in the folder. It is written whole or not at all.
    progress
        Is told, before each file that is read, how many were read and how many there are to read.

    Raises
    ------
    InputError
        When the folder is none.
    OutputError
        When the index can't be written.
    CatalogError
        When there is a file in the index's place that is no index of this version.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise ResourceError(f"{folder}: there is no such folder; an index is made of a folder of granules")
    path = (Path(output).expanduser() if output else root / INDEX_NAME).absolute()
    granules, strangers = _files(root)
    known = _known(path, root)
    stale = [file for file in granules if file not in known or known[file] != _state(file)]
    records: list[Record] = []
    unreadable: list[tuple[Path, str]] = []
    for number, file in enumerate(stale):
        if progress:
            progress(number, len(stale))
        try:
            records.append(read_record(file))
        except (NunatakError, OSError) as error:
            unreadable.append((file, _reason(error, file)))
    unchanged = set(granules) - set(stale)
    if records or unchanged != set(known) or not path.exists():
        _write(path, root, unchanged, records)
    return Update(
        path=path,
        granules=len(unchanged) + len(records),
        read=len(records),
        unchanged=len(unchanged),
        removed=len(set(known) - set(granules)),
        not_granules=tuple(strangers),
        unreadable=tuple(unreadable),
    )


def _files(root: Path) -> tuple[list[Path], list[Path]]:
    """Find HDF5 files below a folder: those that are named as granules are, and the others."""
    granules: list[Path] = []
    strangers: list[Path] = []
    for folder, _, files in os.walk(root):
        for file in files:
            if file.lower().endswith((".h5", ".hdf5")):
                (strangers if GranuleName.find(file) is None else granules).append(Path(folder, file))
    return sorted(granules), sorted(strangers)


def _state(file: Path) -> tuple[int, int] | None:
    """Size and time of the last change; None for a file that can't be asked, such as a broken link."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _known(path: Path, root: Path) -> dict[Path, tuple[int, int]]:
    """Files that the index has, with their states; none when it describes another folder."""
    if not path.exists():
        return {}
    table = read_table(path)
    if table_root(table, path) != root:
        raise InputError(f"{path} is the index of another folder, {table_root(table, path)}; give another --output")
    columns = (table[name].to_pylist() for name in ("path", "size", "mtime_ns"))
    return {root / part: (size, mtime) for part, size, mtime in zip(*columns, strict=True)}


def _write(path: Path, root: Path, unchanged: set[Path], records: list[Record]) -> None:
    import pyarrow as pa

    table = make_table(records, root)
    if unchanged:
        old = read_table(path)
        stay = [root / part in unchanged for part in old["path"].to_pylist()]
        table = pa.concat_tables([old.filter(pa.array(stay)).replace_schema_metadata(None), table])
    write_table(table, path, root)


def _reason(error: Exception, file: Path) -> str:
    """Say what is wrong without the address, which the summary says already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).removeprefix(f"{file}: ").removeprefix(f"{file}, ")
