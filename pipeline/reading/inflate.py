"""From the stored bytes of a chunk to its place in an output array.

Deflate is undone by libdeflate (docs/decisions/0002-inflating.md), shuffle by a kernel that writes into the output.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import deflate
import numpy as np
import numpy.typing as npt

from ...kernels.unshuffle import unshuffle
from ..errors import CorruptError, LayoutError
from .chunks import ChunkTable, block_rows, expected_chunks
from .messages import DEFLATE, SHUFFLE, Dataset, Filter
from .rows import Rows

Stored = bytes | bytearray | memoryview
Undo = Callable[[Stored], Stored]

#: Chunks that were never written are filled in, up to this many bytes: a damaged shape must not fill the memory.
LARGEST_FILL = 1 << 30


class Target:
    """One wanted dataset: its output array, and how a chunk gets there.

    Parameters
    ----------
    dataset
        What is read.
    ranges
        Row ranges, (first, last + 1), put one after the other; None for all rows.
    column
        Of a 2-D dataset only this column; None for whole rows.
    dtype
        The type of the output; None for the stored one, in this machine's byte order.

    Attributes
    ----------
    rows
        Which rows are wanted.
    table
        The chunks that hold them, there from `allocate` on.

    Raises
    ------
    UnsupportedError, LayoutError
        The values can't be read, or are not what was asked for.
    """

    def __init__(
        self,
        dataset: Dataset,
        ranges: Sequence[tuple[int, int]] | None = None,
        column: int | None = None,
        dtype: str | None = None,
    ) -> None:
        self.dataset = dataset
        self.column = column
        self.dtype = _output_dtype(dataset.dtype, dtype)
        if not dataset.shape and (ranges is not None or column is not None):
            raise LayoutError("rows or a column of a scalar were asked for")
        if column is not None and not (len(dataset.shape) == 2 and 0 <= column < dataset.shape[1]):
            raise LayoutError(f"column {column} was asked for, the dataset has shape {dataset.shape}")
        length = dataset.shape[0] if dataset.shape else 1
        self.rows = Rows(ranges, length)
        self.block_rows = block_rows(dataset)
        self.inner = dataset.shape[1:] if column is None else ()
        self._stages = _Stages(dataset)
        # Whole rows in one chunk, of the stored type: elements are as near each other in the chunk as in the output.
        whole_rows = column is None and (dataset.chunks is None or dataset.chunks[1:] == dataset.shape[1:])
        self._is_direct = whole_rows and self.dtype == dataset.dtype

    def allocate(self, table: ChunkTable) -> None:
        """Make the output array for the chunks of `table`; filled, where some were never written."""
        missing = expected_chunks(self.dataset, self.rows, self.column) - len(table.address)
        chunk_elements = math.prod(self.dataset.chunks or (self.block_rows, *self.dataset.shape[1:]))
        if missing * chunk_elements * self.dtype.itemsize > LARGEST_FILL:
            raise CorruptError(f"of {self.dataset.shape} values {missing:,} chunks were never written")
        self.table = table
        self.pieces = self.rows.pieces(self.block_rows, np.unique(table.offset[:, 0] // self.block_rows))
        self.array = np.empty((self.rows.count, *self.inner), self.dtype)
        if missing:
            self.array.fill(_fill_value(self.dataset))
        # Views without shape, made once: chunks are many.
        self._flat = self.array.reshape(-1)
        self._bits = self._flat.view(f"u{self.dtype.itemsize}")
        self._row_elements = math.prod(self.inner)

    def put(self, stored: Stored, mask: int, offset: Sequence[int]) -> None:
        """Undo the filters of one chunk and copy its wanted rows into the array.

        Parameters
        ----------
        stored
            The chunk's bytes in the file.
        mask
            Bit i is set if filter i was left out for this chunk.
        offset
            The chunk's first element in the dataset.

        Raises
        ------
        CorruptError
        """
        raw, shuffled = self._stages.undo(stored, mask)
        pieces = self.pieces[offset[0] // self.block_rows]
        if not self._is_direct:
            self._put_block(raw, shuffled, pieces, offset)
        elif shuffled:
            planes, step = np.frombuffer(raw, np.uint8), self._row_elements
            for first, stop, at in pieces:
                unshuffle(planes, first * step, self._bits[at * step : (at + stop - first) * step])
        else:
            values, step = np.frombuffer(raw, self.dtype), self._row_elements
            for first, stop, at in pieces:
                self._flat[at * step : (at + stop - first) * step] = values[first * step : stop * step]

    def _put_block(
        self, raw: Stored, shuffled: bool, pieces: list[tuple[int, int, int]], offset: Sequence[int]
    ) -> None:
        """Copy by rows and columns: chunks that are cut across, single columns, other types."""
        dataset = self.dataset
        if shuffled:
            bits = np.empty(len(raw) // dataset.dtype.itemsize, f"u{dataset.dtype.itemsize}")
            unshuffle(np.frombuffer(raw, np.uint8), 0, bits)
            values = bits.view(dataset.dtype)
        else:
            values = np.frombuffer(raw, dataset.dtype)
        block = values.reshape(-1, *(dataset.chunks or dataset.shape)[1:])
        if self.column is not None:
            block = block[:, self.column - offset[1]]
        # A chunk at the edge is stored whole; what lies outside the dataset is left.
        ends = [min(start + n, length) for start, n, length in zip(offset[1:], block.shape[1:], self.inner)]  # noqa: B905
        inside = tuple(slice(end - start) for start, end in zip(offset[1:], ends))  # noqa: B905
        there = tuple(slice(start, end) for start, end in zip(offset[1:], ends))  # noqa: B905
        for first, stop, at in pieces:
            self.array[(slice(at, at + stop - first), *there)] = block[(slice(first, stop), *inside)]

    def result(self) -> npt.NDArray[Any]:
        """Return the array, in the shape that was asked for."""
        return self.array if self.dataset.shape else self.array.reshape(())


def _output_dtype(stored: np.dtype[Any], wanted: str | None) -> np.dtype[Any]:
    if wanted is None:
        return stored.newbyteorder("=")
    dtype = np.dtype(wanted)
    if not np.can_cast(stored, dtype, "safe"):
        raise LayoutError(f"values are stored as {stored}, which does not fit into {dtype} without loss")
    return dtype


def _fill_value(dataset: Dataset) -> Any:
    if len(dataset.fill) != dataset.dtype.itemsize:
        return 0
    return np.frombuffer(dataset.fill, dataset.dtype)[0]


class _Stages:
    """The filters of a dataset, in the order in which they are undone."""

    def __init__(self, dataset: Dataset) -> None:
        itemsize = dataset.dtype.itemsize
        self.raw_bytes = math.prod(dataset.chunks) * itemsize if dataset.chunks else None
        filters = list(enumerate(dataset.filters))
        # The shuffle that was applied first, before all others, is left to the kernel.
        first = filters[0][1] if filters else None
        self.ends_shuffled = first is not None and first.number == SHUFFLE and first.values[:1] == (itemsize,)
        if self.ends_shuffled:
            del filters[0]
        self.ends_shuffled &= itemsize > 1  # a shuffle of single bytes changes nothing
        self.undoers: list[tuple[int, Undo]] = []
        raw_bytes = self.raw_bytes
        for i, stage in filters:
            self.undoers.insert(0, (i, _undoer(stage, raw_bytes, itemsize)))
            if stage.number != SHUFFLE:
                raw_bytes = None  # what the next filter got had another size

    def undo(self, stored: Stored, mask: int) -> tuple[Stored, bool]:
        """Return the chunk's values as bytes, and whether they are still shuffled."""
        for i, undo in self.undoers:
            if not mask >> i & 1:
                stored = undo(stored)
        if self.raw_bytes is not None and len(stored) != self.raw_bytes:
            raise CorruptError(f"a chunk holds {len(stored):,} bytes of values instead of {self.raw_bytes:,}")
        return stored, self.ends_shuffled and not mask & 1


def _undoer(stage: Filter, raw_bytes: int | None, itemsize: int) -> Undo:
    """Return what undoes one filter; `raw_bytes` is the size of what it was given, where that is known."""
    if stage.number == DEFLATE:
        return _inflate if raw_bytes is None else partial(_inflate_exactly, raw_bytes=raw_bytes)
    if stage.number == SHUFFLE:
        return partial(_unshuffle_bytes, width=stage.values[0] if stage.values else itemsize)
    return _without_checksum


def _inflate_exactly(stored: Stored, raw_bytes: int) -> Stored:
    try:
        inflated: bytearray = deflate.zlib_decompress(stored, raw_bytes)
    except (deflate.DeflateError, ValueError, MemoryError) as fault:
        raise CorruptError(f"a chunk of {len(stored):,} bytes does not inflate to {raw_bytes:,}: {fault}") from fault
    return inflated


def _inflate(stored: Stored) -> Stored:
    """Inflate to whatever size it was: libdeflate must be told."""
    try:
        return zlib.decompress(stored)
    except (zlib.error, MemoryError) as fault:
        raise CorruptError(f"a chunk of {len(stored):,} bytes does not inflate: {fault}") from fault


def _unshuffle_bytes(stored: Stored, width: int) -> bytes:
    """Undo a shuffle that is not the last stage; bytes that fill no whole number stay at the end as they are."""
    if width < 2:
        return bytes(stored)
    numbers = len(stored) // width
    planes = np.frombuffer(stored, np.uint8, numbers * width).reshape(width, numbers)
    return planes.T.tobytes() + bytes(stored[numbers * width :])


def _without_checksum(stored: Stored) -> Stored:
    """Compare the Fletcher-32 checksum at the end of a chunk, and cut it off."""
    content, given = stored[:-4], int.from_bytes(stored[-4:], "little")
    if len(stored) < 4 or fletcher32(content) != given:
        raise CorruptError("the checksum of a chunk is wrong")
    return content


def fletcher32(content: Stored) -> int:
    """Return HDF5's Fletcher-32 checksum: two sums modulo 65,535 over big-endian 16-bit words.

    Examples
    --------
    >>> hex(fletcher32(bytes([1, 2, 3, 4])))
    '0x5080406'
    """
    words = np.frombuffer(bytes(content) + bytes(len(content) % 2), ">u2")
    low = high = 0
    for start in range(0, len(words), 1 << 20):  # parts, so that 64 bits hold the sums
        part = words[start : start + (1 << 20)].astype(np.int64)
        high += low * len(part) + int((part * np.arange(len(part), 0, -1)).sum())
        low += int(part.sum())
    # HDF5 folds carries in, which never gives 0 for a sum that is not 0.
    low, high = ((total - 1) % 65535 + 1 if total else 0 for total in (low, high))
    return high << 16 | low
