"""One GeoParquet 1.1 file, written row group by row group, whole or not at all."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .whole import beside, checked_output, writing

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
        self._geo: dict[str, Any] = {}
        self._writer: Any = None
        self._file = ExitStack()

    def __enter__(self) -> Self:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table, self._geo = _arrow(self._meta)
        # dask looks for "geo" in the Arrow schema, which is written first: without bounds, and so right for all rows
        metadata = {**table.schema.metadata, "geo": json.dumps(self._geo)}
        schema = pa.schema([_typed(field) for field in table.schema], metadata)
        with self._file:
            unfinished = self._file.enter_context(beside(self.path))
            with writing(self.path):
                self._writer = pq.ParquetWriter(unfinished, schema, compression="zstd")
            self._file.push(self._finish)
            self._file = self._file.pop_all()
        return self

    def write(self, frame: gpd.GeoDataFrame) -> None:
        """Add the rows of a frame."""
        if len(frame):
            table, geo = _arrow(frame)
            with writing(self.path):
                self._writer.write_table(table.cast(self._writer.schema))
            self._widen(geo)

    def annotate(self, metadata: dict[str, Any]) -> None:
        """Add a record of what the file holds, under the key ``nunatak``."""
        self._writer.add_key_value_metadata({"nunatak": json.dumps(metadata, allow_nan=False)})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._file.__exit__(kind, error, trace)

    def _finish(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Close the file, which lies beside its name still."""
        if error is None:
            self._writer.add_key_value_metadata({"geo": json.dumps(self._geo, allow_nan=False)})
            with writing(self.path):
                self._writer.close()
        else:
            with suppress(OSError):  # the error that is on its way says more
                self._writer.close()

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


def _typed(field: pa.Field) -> pa.Field:
    """Type a column of lists, whose type does not show in a frame without rows."""
    import pyarrow as pa

    return field.with_type(pa.list_(pa.float32())) if pa.types.is_null(field.type) else field


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
