"""The plan of a read: which chunks hold the wanted rows, and in which few byte ranges to fetch them.

h5coro reads a dataset by walking its chunk B-tree and reading chunk after chunk. Here the same tree is walked for the
addresses alone, so that the ranges of all wanted datasets can be merged before the first is fetched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import CorruptError, TruncatedError
from .messages import UNDEFINED, Dataset
from .rows import Ints, Rows

ReadMetadata = Callable[[int, int], memoryview]

#: Ranges nearer than this are fetched as one: a gap costs less than another request.
GAP = 256 * 1024
#: A merged range ends here, which bounds the memory of a read beside its output.
LONGEST_FETCH = 8 * 1024 * 1024
#: Values without chunks are fetched in blocks of about this many bytes.
BLOCK = 1024 * 1024
#: A chunk larger than this in memory is not read (HDF5 itself stops at 4 GiB).
LARGEST_CHUNK = 1 << 30

_NODE_HEADER = 24  # signature, type, level, entries, two siblings
_DEEPEST = 16  # 64 entries in a node: 16 levels are more chunks than bytes in any file


class ChunkTable(NamedTuple):
    """Chunks of a dataset, one per row: where they are stored and which elements they hold.

    Attributes
    ----------
    address, stored
        int64, bytes: the place in the file.
    mask
        uint32: bit i is set if filter i was left out for this chunk.
    offset
        int64, (chunks, dimensions): the chunk's first element.
    """

    address: Ints
    stored: Ints
    mask: npt.NDArray[np.uint32]
    offset: Ints


def chunk_table(dataset: Dataset, rows: Rows, column: int | None, read: ReadMetadata, file_size: int) -> ChunkTable:
    """List the chunks that hold wanted elements; chunks that were never written are not in the table.

    Parameters
    ----------
    column
        If not None, only chunks that hold this column.
    read
        Gives metadata: (address, size) -> bytes.
    file_size
        Bytes of the file: no chunk may lie outside.

    Raises
    ------
    CorruptError, TruncatedError
        The B-tree or an address in it makes no sense.
    """
    first, stop = rows.spans(block_rows(dataset))
    if dataset.address is None or not len(first) or 0 in dataset.shape:
        return _table([])
    if dataset.chunks is None:
        table = _blocks(dataset, dataset.address, first, stop, file_size)
    else:
        table = _table(list(_leaves(dataset, dataset.chunks, (first, stop), read)))
        if column is not None:
            left = table.offset[:, 1]
            here = (left <= column) & (column < left + dataset.chunks[1])
            table = ChunkTable(table.address[here], table.stored[here], table.mask[here], table.offset[here])
        _check(table, dataset, dataset.chunks)
    _check_inside(table, file_size)
    return table


def expected_chunks(dataset: Dataset, rows: Rows, column: int | None) -> int:
    """Return how many chunks hold wanted elements, if all were written."""
    first, stop = rows.spans(block_rows(dataset))
    along = int((stop - first).sum())
    if dataset.chunks is None or column is not None:
        return along
    across = zip(dataset.shape[1:], dataset.chunks[1:], strict=True)
    return along * math.prod(-(-length // chunk) for length, chunk in across)


def stored_bytes(dataset: Dataset, read: ReadMetadata) -> int:
    """Return how many bytes of the file a dataset's values take."""
    if dataset.address is None or dataset.chunks is None:
        return dataset.size
    spans = Rows(None, dataset.shape[0]).spans(dataset.chunks[0])
    return sum(int(table.stored.sum()) for table in _leaves(dataset, dataset.chunks, spans, read))


def block_rows(dataset: Dataset) -> int:
    """Return how many rows are fetched together: those of a chunk, or of a block of values without chunks."""
    if dataset.chunks is not None:
        return dataset.chunks[0]
    return max(1, BLOCK // max(1, _row_bytes(dataset)))


def _row_bytes(dataset: Dataset) -> int:
    return math.prod(dataset.shape[1:]) * dataset.dtype.itemsize


def _table(parts: list[ChunkTable]) -> ChunkTable:
    if not parts:
        nothing = np.empty(0, np.int64)
        return ChunkTable(nothing, nothing, np.empty(0, np.uint32), np.empty((0, 1), np.int64))
    if len(parts) == 1:
        return parts[0]
    return ChunkTable(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def _blocks(dataset: Dataset, address: int, first: Ints, stop: Ints, file_size: int) -> ChunkTable:
    """Cut contiguous or compact values into blocks of rows, as if they were chunks."""
    rows, row_bytes = block_rows(dataset), _row_bytes(dataset)
    needed = math.prod(dataset.shape) * dataset.dtype.itemsize
    if dataset.size < needed:
        raise CorruptError(f"{dataset.size} bytes are stored where {dataset.shape} values need {needed}")
    if address + needed > file_size:
        raise _outside(address, file_size)
    numbers = np.concatenate([np.arange(*span) for span in zip(first, stop, strict=True)])
    begin = numbers * rows
    end = np.minimum(begin + rows, dataset.shape[0] if dataset.shape else 1)
    offset = np.zeros((len(numbers), max(1, len(dataset.shape))), np.int64)
    offset[:, 0] = begin
    return ChunkTable(address + begin * row_bytes, (end - begin) * row_bytes, np.zeros(len(numbers), np.uint32), offset)


def _leaves(
    dataset: Dataset, chunks: tuple[int, ...], spans: tuple[Ints, Ints], read: ReadMetadata
) -> Iterator[ChunkTable]:
    """Walk the version 1 B-tree of chunks and give the wanted entries of each leaf.

    A node's keys are the offsets of its children's first chunks in row-major order, and one more that ends the last:
    a child holds rows from its own key's up to the next key's. HDF5 File Format Specification, III.A.1.
    """
    entry = np.dtype([("stored", "<u4"), ("mask", "<u4"), ("offset", "<u8", (len(chunks) + 1,)), ("child", "<u8")])
    key_size = entry.itemsize - 8
    begins = np.append(spans[0], np.iinfo(np.int64).max)
    seen: set[int] = set()
    todo = [(dataset.address or 0, -1)]
    while todo:
        address, expected_level = todo.pop()
        if address in seen:
            raise CorruptError("the B-tree of the chunks leads in circles")
        seen.add(address)
        level, count = _node_head(bytes(read(address, _NODE_HEADER)), expected_level)
        # The last key has no child: read it as an entry whose child is not looked at.
        content = bytes(read(address + _NODE_HEADER, count * entry.itemsize + key_size)) + bytes(8)
        node = np.frombuffer(content, entry, count + 1)
        offset = node["offset"].astype(np.int64)
        if (offset[:-1, -1] != 0).any() or (offset[:-1, :-1] % chunks != 0).any():
            raise CorruptError("the B-tree of the chunks names an offset that no chunk has")
        first = offset[:, 0] // chunks[0]
        last = first[:-1] if level == 0 else first[1:]
        # The first span that ends behind the child's first row: does it begin before the child's last?
        wanted = begins[np.searchsorted(spans[1], first[:-1], side="right")] <= last
        node = node[:-1][wanted]
        if level:
            todo += [(int(child), level - 1) for child in node["child"][::-1]]
        else:
            yield ChunkTable(
                node["child"].astype(np.int64),
                node["stored"].astype(np.int64),
                node["mask"],
                offset[:-1, :-1][wanted],
            )


def _node_head(head: bytes, expected_level: int) -> tuple[int, int]:
    """Check a node's header; return its level and the number of its entries."""
    if head[:5] != b"TREE\x01":
        raise CorruptError(f"a node of the B-tree of the chunks begins with {head[:5]!r}")
    level, count = head[5], int.from_bytes(head[6:8], "little")
    if level > _DEEPEST or expected_level not in {-1, level}:
        raise CorruptError(f"a node of the B-tree of the chunks has level {level} where {expected_level} is due")
    return level, count


def _check(table: ChunkTable, dataset: Dataset, chunks: tuple[int, ...]) -> None:
    """Refuse chunks that are there twice, outside the dataset, or larger than their values could be."""
    raw = math.prod(chunks) * dataset.dtype.itemsize
    if raw > LARGEST_CHUNK:
        raise CorruptError(f"chunks of {raw:,} bytes; HDF5 writers stay far below {LARGEST_CHUNK:,}")
    if (table.offset >= dataset.shape).any():
        raise CorruptError("the B-tree of the chunks names a chunk outside the dataset")
    if len(np.unique(table.offset, axis=0)) < len(table.offset):
        raise CorruptError("the B-tree of the chunks names a chunk twice")
    # Deflate never adds more than a few bytes in a thousand, a checksum four.
    if (table.stored > 2 * raw + 4096).any():
        raise CorruptError(f"a chunk of {table.stored.max():,} stored bytes for {raw:,} bytes of values")


def _check_inside(table: ChunkTable, file_size: int) -> None:
    if (table.address < 0).any():
        raise CorruptError(f"the B-tree of the chunks names a chunk at the undefined address {UNDEFINED:#x}")
    beyond = table.address > file_size - table.stored
    if beyond.any():
        raise _outside(int(table.address[beyond][0]), file_size)


def _outside(address: int, file_size: int) -> TruncatedError:
    return TruncatedError(f"values at byte {address:,} lie outside the file, which has {file_size:,} bytes")


class StoredChunk(NamedTuple):
    """One chunk of a fetch: whose it is, where in the file, which filters were left out, its first element."""

    table: int
    start: int
    stop: int
    mask: int
    offset: list[int]


@dataclass(slots=True)
class Fetch:
    """One byte range of the file to fetch, and the chunks in it in the order of their addresses."""

    start: int
    stop: int
    chunks: list[StoredChunk] = field(default_factory=list)


def merge(tables: Sequence[ChunkTable], gap: int = GAP, longest: int = LONGEST_FETCH) -> list[Fetch]:
    """Merge the byte ranges of all chunks into few fetches, in the order of the file.

    A fetch is longer than `longest` only where a single chunk is.

    Examples
    --------
    >>> import numpy as np
    >>> def at(*address):
    ...     n = len(address)
    ...     return ChunkTable(np.array(address), np.full(n, 100), np.zeros(n, "u4"), np.zeros((n, 1), int))
    >>> for fetch in merge([at(1000, 5000), at(1150)], gap=64):
    ...     print(fetch.start, fetch.stop, [chunk.table for chunk in fetch.chunks])
    1000 1250 [0, 1]
    5000 5100 [0]
    """
    chunks = [
        StoredChunk(number, start, start + stored, mask, offset)
        for number, table in enumerate(tables)
        for start, stored, mask, offset in zip(*(column.tolist() for column in table), strict=True)
    ]
    chunks.sort(key=attrgetter("start"))
    fetches: list[Fetch] = []
    for chunk in chunks:
        now = fetches[-1] if fetches else None
        if now is None or chunk.start - now.stop > gap or max(chunk.stop, now.stop) - now.start > longest:
            now = Fetch(chunk.start, chunk.stop)
            fetches.append(now)
        now.stop = max(now.stop, chunk.stop)
        now.chunks.append(chunk)
    return fetches
