"""One GeoParquet 1.1 file, written row group by row group, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from ..errors import InputError, OutputError

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa


class GeoParquetWriter:
    """Writes frames of one schema into one file, each as a row group; a context manager.

    The file stands under its name only once it is whole: it is written beside it and renamed. Its bytes depend on
    the frames and the metadata alone.

    Parameters
    ----------
    path
        The file; its folder must exist.
    meta
        A frame without rows, of the schema that all frames have.

    Raises
    ------
    InputError
        When the folder does not exist or can't be written.
    OutputError
        All methods, when the disk is full or fails.
    """

    def __init__(self, path: str | Path, meta: gpd.GeoDataFrame) -> None:
        self.path = checked_output(path)
        self._meta = meta
        self._part = self.path.with_name(f".{self.path.name}.{uuid4().hex}")
        self._geo: dict[str, Any] = {}
        self._writer: Any = None

    def __enter__(self) -> Self:
        import pyarrow.parquet as pq

        table, self._geo = _arrow(self._meta)
        with ExitStack() as unfinished, self._felt():
            unfinished.callback(self._part.unlink, missing_ok=True)
            self._writer = pq.ParquetWriter(self._part, table.schema, compression="zstd")
            unfinished.pop_all()
        return self

    def write(self, frame: gpd.GeoDataFrame) -> None:
        """Add the rows of a frame."""
        if len(frame):
            table, geo = _arrow(frame)
            with self._felt():
                self._writer.write_table(table.cast(self._writer.schema))
            self._widen(geo)

    def annotate(self, metadata: dict[str, Any]) -> None:
        """Add a record of what the file holds, under the key ``nunatak``."""
        self._writer.add_key_value_metadata({"nunatak": json.dumps(metadata, allow_nan=False)})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
            else:
                with suppress(OSError):  # the error that is on its way says more
                    self._writer.close()
        finally:
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        self._writer.add_key_value_metadata({"geo": json.dumps(self._geo, allow_nan=False)})
        with self._felt():
            self._writer.close()
            self._part.replace(self.path)

    @contextmanager
    def _felt(self) -> Iterator[None]:
        """Say of what the disk refuses which file it was for."""
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.path}: can't be written: {error}; no file was written") from error

    def _widen(self, geo: dict[str, Any]) -> None:
        """Take the bounds and geometry types of a row group into those of the file."""
        mine, other = (g["columns"][g["primary_column"]] for g in (self._geo, geo))
        boxes = [c["bbox"] for c in (mine, other) if "bbox" in c]
        if boxes:  # rows without positions have none
            mine["bbox"] = [
                *(min(box[i] for box in boxes) for i in (0, 1)),
                *(max(box[i] for box in boxes) for i in (2, 3)),
            ]
        mine["geometry_types"] = sorted({*mine["geometry_types"], *other["geometry_types"]})


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


def _arrow(frame: gpd.GeoDataFrame) -> tuple[pa.Table, dict[str, Any]]:
    """Let geopandas make the GeoParquet columns of a frame; give them, and its ``geo`` metadata by itself."""
    import pyarrow.parquet as pq

    buffer = BytesIO()
    frame.to_parquet(buffer, schema_version="1.1.0", write_covering_bbox=True, compression=None)
    buffer.seek(0)
    table = pq.read_table(buffer)
    metadata = dict(table.schema.metadata)
    geo: dict[str, Any] = json.loads(metadata.pop(b"geo"))
    return table.replace_schema_metadata(metadata), geo
