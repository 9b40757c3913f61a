"""An index as one GeoParquet file: a row for each granule, with the simplified tracks of its beams."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import CatalogError, ResourceError
from ..granule import BEAMS, GranuleName
from ..writers.whole import whole_file
from .indexing import Position, Record
from .tracks import GAP, TOLERANCE, Tracks

if TYPE_CHECKING:
    import pyarrow as pa

#: The name of an index inside the folder that it describes.
INDEX_NAME: Final = "nunatak-index.parquet"
#: Counted up when what a row holds, or the rules of simplification, change; an index of another version is made anew.
VERSION: Final = 1


@dataclass(frozen=True)
class Index:
    """An index that was read.

    Attributes
    ----------
    path
        The index.
    root
        The folder that it describes.
    names, paths, sizes, beams, photons, unlocated, notes
        One entry for each granule; what `Record` says of them.
    t0, t1
        int64 (G,), nanoseconds since 1970, UTC.
    tracks
        Of all granules.
    """

    path: Path
    root: Path
    names: list[GranuleName]
    paths: list[Path]
    sizes: list[int]
    beams: list[list[str]]
    photons: list[list[int | None]]
    unlocated: list[list[str]]
    notes: list[list[str]]
    t0: NDArray[np.int64]
    t1: NDArray[np.int64]
    tracks: Tracks

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """What names say, as arrays: product, release, rgt, cycle, region."""
        fields = ("product", "release", "rgt", "cycle", "region")
        return {name: np.array([getattr(granule, name) for granule in self.names]) for name in fields}

    @cached_property
    def acquisitions(self) -> dict[tuple[object, ...], list[int]]:
        """Rows by product and acquisition."""
        rows: dict[tuple[object, ...], list[int]] = {}
        for row, name in enumerate(self.names):
            rows.setdefault((name.product, *name.acquisition), []).append(row)
        return rows


def open_index(source: str | Path) -> Index:
    """Read the index of a folder, or an index by its own path; the same file is read once.

    Raises
    ------
    ResourceError
        When there is no index.
    CatalogError
        When it is none, or was written by another version of nunatak.
    """
    path = Path(source).expanduser()
    path = (path / INDEX_NAME if path.is_dir() else path).absolute()
    if not path.is_file():
        folder = path.parent if path.name == INDEX_NAME else path
        raise ResourceError(f"{path}: there is no index here; `nunatak index {folder}` makes one")
    status = path.stat()
    return _open(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _open(path: Path, mtime_ns: int, size: int) -> Index:  # noqa: ARG001 - what the cache goes by
    table = read_table(path)
    root = table_root(table, path)
    return Index(
        path=path,
        root=root,
        names=[GranuleName.parse(name) for name in table["name"].to_pylist()],
        paths=[root / part for part in table["path"].to_pylist()],
        sizes=table["size"].to_pylist(),
        beams=table["beams"].to_pylist(),
        photons=table["photons"].to_pylist(),
        unlocated=table["unlocated"].to_pylist(),
        notes=table["notes"].to_pylist(),
        t0=table["t0"].to_numpy().astype("datetime64[ns]").astype(np.int64),
        t1=table["t1"].to_numpy().astype("datetime64[ns]").astype(np.int64),
        tracks=_tracks(table),
    )


def read_table(path: Path) -> pa.Table:
    """Read an index as a table, one row for each granule.

    Raises
    ------
    CatalogError
        When the file is no index, or was written by another version of nunatak.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise CatalogError(
            f"{path}: not an index that can be read ({error}); make it anew with `nunatak index`"
        ) from error
    said = _said(table)
    if said.get("version") != VERSION:
        raise CatalogError(
            f"{path}: not an index of this version of nunatak ({VERSION}, not {said.get('version', 'any')}); "
            "remove it and make it anew with `nunatak index`"
        )
    return table


def _said(table: pa.Table) -> dict[str, Any]:
    said = (table.schema.metadata or {}).get(b"nunatak")
    return dict(json.loads(said)) if said else {}


def table_root(table: pa.Table, path: Path) -> Path:
    """Find the folder that an index describes; one that lies in its folder moves along with it."""
    return Path(os.path.normpath(path.parent / _said(table)["root"]))


def _tracks(table: pa.Table) -> Tracks:
    import shapely

    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    parts, granule = shapely.get_parts(shapes, return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    beam = table["part_beams"].combine_chunks().values.to_numpy(zero_copy_only=False).astype(np.int8)
    ends = np.append(part[1:] != part[:-1], True)[: len(points)]
    # a part of one position is stored as a line there and back: one vertex of it will do
    lonely = np.zeros(len(points), dtype=np.bool_)
    lonely[1:] = ends[1:] & (part[1:] == part[:-1]) & (points[1:] == points[:-1]).all(axis=1)
    ends[:-1] |= lonely[1:]
    keep = ~lonely
    return Tracks(
        np.ascontiguousarray(points[keep, 0]),
        np.ascontiguousarray(points[keep, 1]),
        granule[part][keep].astype(np.int32),
        beam[part][keep],
        ends[keep],
    )


# writing -------------------------------------------------------------------------------------------------------------


def make_table(records: Sequence[Record], root: Path) -> pa.Table:
    """Put records into a table as it is stored; ``root`` is the folder that their paths are relative to."""
    import pyarrow as pa
    import shapely

    beams = [sorted({*record.tracks, *record.unlocated}) for record in records]
    shapes = shapely.to_wkb([_shape(record) for record in records])
    columns: dict[str, tuple[Any, list[Any]]] = {
        "name": (pa.string(), [str(record.name) for record in records]),
        "path": (pa.string(), [record.path.relative_to(root).as_posix() for record in records]),
        "size": (pa.int64(), [record.size for record in records]),
        "mtime_ns": (pa.int64(), [record.mtime_ns for record in records]),
        "product": (pa.string(), [record.name.product for record in records]),
        "rgt": (pa.int16(), [record.name.rgt for record in records]),
        "cycle": (pa.int16(), [record.name.cycle for record in records]),
        "region": (pa.int8(), [record.name.region for record in records]),
        "release": (pa.string(), [record.name.release for record in records]),
        "revision": (pa.string(), [record.name.revision for record in records]),
        "t0": (pa.timestamp("ns", "UTC"), [int(record.t0.astype(np.int64)) for record in records]),
        "t1": (pa.timestamp("ns", "UTC"), [int(record.t1.astype(np.int64)) for record in records]),
        "lon0": (pa.float64(), [_coordinate(record.first, 0) for record in records]),
        "lat0": (pa.float64(), [_coordinate(record.first, 1) for record in records]),
        "lon1": (pa.float64(), [_coordinate(record.last, 0) for record in records]),
        "lat1": (pa.float64(), [_coordinate(record.last, 1) for record in records]),
        "beams": (pa.list_(pa.string()), beams),
        "photons": (
            pa.list_(pa.int64()),
            [[record.photons.get(beam) for beam in there] for record, there in zip(records, beams, strict=True)],
        ),
        "unlocated": (pa.list_(pa.string()), [list(record.unlocated) for record in records]),
        "notes": (pa.list_(pa.string()), [list(record.notes) for record in records]),
        "part_beams": (
            pa.list_(pa.int8()),
            [[BEAMS.index(beam) for beam, parts in record.tracks.items() for _ in parts] for record in records],
        ),
        "geometry": (pa.binary(), list(shapes)),
    }
    return pa.table({name: pa.array(values, kind) for name, (kind, values) in columns.items()})


def _shape(record: Record) -> Any:
    import shapely

    parts = [part if len(part) > 1 else part.repeat(2, axis=0) for parts in record.tracks.values() for part in parts]
    return shapely.MultiLineString(parts)


def _coordinate(position: Position | None, which: int) -> float | None:
    return None if position is None else position[which]


def write_table(table: pa.Table, path: Path, root: Path) -> None:
    """Write an index whole or not at all, its rows sorted by path."""
    import pyarrow.parquet as pq

    said = {
        "version": VERSION,
        "root": os.path.relpath(root, path.parent),
        "tolerance_m": TOLERANCE,
        "gap_m": GAP,
    }
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["MultiLineString"]}},
    }
    table = (
        table.sort_by("path")
        .combine_chunks()
        .replace_schema_metadata({"nunatak": json.dumps(said), "geo": json.dumps(geo)})
    )
    with whole_file(path) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")
