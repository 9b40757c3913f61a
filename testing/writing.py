"""Granules as HDF5 files in the forms of releases 006 and 007."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..pipeline.errors import MissingExtraError
from .layout import Field, Group, field_dtype

Columns: TypeAlias = dict[str, NDArray[Any]]

#: Rows of a chunk in photon-rate groups, by release; all other groups have 10,000.
PHOTON_CHUNK: Final = {"006": 10_000, "007": 100_000}
_CHUNK: Final = 10_000
_SCALAR_CHUNK: Final = 16
_PHOTON_GROUPS: Final = ("heights", "signal_photons")

#: Pages of release 007; a small granule gets smaller ones, since a file holds whole pages only.
PAGE: Final = 8 * 2**20
_SMALLEST_PAGE: Final = 256 * 2**10
_LEVEL: Final = 6


def page_size(photons: int) -> int:
    """Bytes of a page for a granule of so many photons: 8 MiB, or less where that would be mostly padding.

    Examples
    --------
    >>> page_size(20_000_000), page_size(100_000)
    (8388608, 262144)
    """
    return int(min(PAGE, max(_SMALLEST_PAGE, 2 ** round(np.log2(max(photons, 1) * 2)))))


class GranuleWriter:
    """Writes the groups of one granule, chunk by chunk, with the filters of the real files.

    Floats are deflated, integers shuffled and deflated, scalars of ``ancillary_data`` and ``quality_assessment``
    lie as they are. Release 006 is an HDF5 file as the library makes it by default (superblock 0, metadata between
    the data); release 007 keeps metadata and data in pages of their own (superblock 2).

    Parameters
    ----------
    path
        File to write.
    release
        ``006`` or ``007``.
    page
        Bytes of a page of release 007.
    """

    def __init__(self, path: Path, release: str, page: int) -> None:
        h5py = import_h5py()
        paged: dict[str, Any] = {"fs_strategy": "page", "fs_page_size": page} if release == "007" else {}
        self.release = release
        # "earliest" because h5coro reads superblocks 0 and 2 only.
        self.file: Any = h5py.File(path, "w", libver=("earliest", "v110"), **paged)
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        self.file.close()

    def attributes(self, group: str, values: dict[str, str | float]) -> None:
        """Set attributes of a group, made where it is missing: text as fixed strings, as in real files."""
        target = self.file.require_group(group)
        for name, value in values.items():
            target.attrs[name] = np.bytes_(value) if isinstance(value, str) else value

    def group(self, path: str, fields: Group, columns: Columns) -> None:
        """Write the datasets of a group; every field has its column, of equal lengths."""
        for field in fields:
            values = np.ascontiguousarray(columns[field.name]).astype(field_dtype(field, self.release))
            self._dataset(path, field, values)

    def _dataset(self, path: str, field: Field, values: NDArray[Any]) -> None:
        top = path.split("/", maxsplit=1)[0]
        scalar = not top.startswith("gt")
        chunk = _SCALAR_CHUNK if scalar else _CHUNK
        if path.endswith(_PHOTON_GROUPS):
            chunk = PHOTON_CHUNK[self.release]
        form: dict[str, Any] = {}
        if top not in {"ancillary_data", "quality_assessment"}:
            form = {"chunks": (chunk, *values.shape[1:]), "maxshape": (None, *values.shape[1:])}
            if not scalar:
                form |= {"compression": _LEVEL, "shuffle": values.dtype.kind != "f"}
        dataset = self.file.create_dataset(
            f"{path}/{field.name}", values.shape, values.dtype, fillvalue=field.fill or None, **form
        )
        for name in ("units", "long_name", "source"):
            dataset.attrs[name] = np.bytes_(getattr(field, name))
        if field.fill is not None:
            dataset.attrs["_FillValue"] = values.dtype.type(field.fill)
        if scalar:
            dataset[...] = values
        else:
            self._chunks(dataset, values, field.fill or 0)

    def _chunks(self, dataset: Any, values: NDArray[Any], fill: float) -> None:
        """Deflate the chunks in threads and put them into the file as they are: faster than through HDF5."""
        import deflate

        shuffle = dataset.shuffle

        def packed_chunk(start: int) -> bytes:
            chunk = values[start : start + dataset.chunks[0]]
            if len(chunk) < dataset.chunks[0]:
                part, chunk = chunk, np.full(dataset.chunks, fill, values.dtype)
                chunk[: len(part)] = part
            if shuffle and chunk.itemsize > 1:
                chunk = np.ascontiguousarray(chunk.view(np.uint8).reshape(-1, chunk.itemsize).T)
            return bytes(deflate.zlib_compress(np.ascontiguousarray(chunk), _LEVEL))

        starts = range(0, len(values), dataset.chunks[0])
        for start, packed in zip(starts, self._threads.map(packed_chunk, starts), strict=True):
            dataset.id.write_direct_chunk((start, *(0,) * (values.ndim - 1)), packed)


def import_h5py() -> Any:
    """Import h5py, which only the simulator needs.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("simulating granules needs h5py: pip install 'nunatak[simulate]'") from error
    return h5py
