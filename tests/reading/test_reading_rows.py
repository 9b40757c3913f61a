"""Any shape, chunks, filters, ranges and column against h5py; the planner's parts against slow twins."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_forms import SUPERBLOCKS, create, read_one, same
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.kernels.unshuffle import unshuffle
from nunatak.pipeline.reading.chunks import ChunkTable, merge
from nunatak.pipeline.reading.rows import Rows

RANGE = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(sorted)


@st.composite
def reads(draw: st.DrawFn) -> dict[str, object]:
    dimensions = draw(st.integers(1, 3))
    shape = (draw(st.integers(0, 400)), *(draw(st.integers(1, 6)) for _ in range(dimensions - 1)))
    filters = draw(
        st.sampled_from(
            [(), ("deflate",), ("shuffle", "deflate"), ("deflate", "deflate"), ("shuffle", "deflate", "fletcher32")]
        )
    )
    chunks = tuple(draw(st.integers(1, max(2, 2 * n))) for n in shape)
    if not filters and draw(st.booleans()):
        chunks = None
    ranges = draw(st.none() | st.lists(RANGE, max_size=5))
    if ranges is not None:
        ranges = [(min(first, shape[0]), min(stop, shape[0])) for first, stop in ranges]
    column = draw(st.none() | st.integers(0, shape[1] - 1)) if dimensions == 2 else None
    return {
        "superblock": draw(st.sampled_from(sorted(SUPERBLOCKS))),
        "dtype": draw(st.sampled_from(["i1", "i2", "u4", "f4", "f8", ">f4", ">i2"])),
        "shape": shape,
        "chunks": chunks,
        "filters": filters,
        "written": draw(st.sampled_from(["all", "rows", "nothing"])),
        "ranges": ranges,
        "column": column,
    }


@settings(max_examples=150, deadline=None)
@given(reads())
def test_any_read_agrees_with_h5py(read: dict) -> None:
    shape, ranges, column = read["shape"], read["ranges"], read["column"]
    values = np.random.default_rng(1).integers(-100, 100, shape).astype(read["dtype"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.h5"
        with h5py.File(path, "w", libver=SUPERBLOCKS[read["superblock"]]) as file:
            maxshape = None if read["chunks"] is None else tuple(None for _ in shape)
            if read["written"] == "all":
                create(file, "x", values, chunks=read["chunks"], filters=read["filters"], maxshape=maxshape)
            else:
                compression = "gzip" if read["filters"] else None
                dataset = file.create_dataset(
                    "x", shape, read["dtype"], chunks=read["chunks"], compression=compression, fillvalue=7,
                    maxshape=maxshape,
                )  # fmt: skip
                if read["written"] == "rows":
                    dataset[shape[0] // 3 : shape[0] // 2] = 3
        with h5py.File(path) as file:
            whole = file["x"][...]
        expected = whole if column is None else whole[:, column]
        if ranges is not None:
            expected = np.concatenate([expected[:0], *(expected[first:stop] for first, stop in ranges)])
        same(read_one(path, "x", rows=ranges, column=column), expected)


@given(st.lists(RANGE, max_size=6), st.integers(1, 90))
def test_pieces_put_every_wanted_row_where_it_belongs(ranges: list[list[int]], chunk_rows: int) -> None:
    rows = Rows([(first, stop) for first, stop in ranges], length=400)
    out = np.full(rows.count, -1)
    for number, pieces in rows.pieces(chunk_rows, np.arange(400)).items():
        chunk = np.arange(number * chunk_rows, (number + 1) * chunk_rows)
        for first, stop, at in pieces:
            assert (out[at : at + stop - first] == -1).all()
            out[at : at + stop - first] = chunk[first:stop]
    assert out.tolist() == [row for first, stop in ranges for row in range(first, stop)]


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 300)), max_size=12), max_size=4),
    st.integers(0, 400),
    st.integers(1, 1500),
)
def test_merged_ranges_hold_every_chunk_once_and_little_else(
    places: list[list[tuple[int, int]]], gap: int, longest: int
) -> None:
    tables = []
    for places_of_one in places:
        address, stored = np.array(places_of_one or np.empty((0, 2)), np.int64).T
        tables.append(ChunkTable(address, stored, np.zeros(len(address), np.uint32), np.arange(len(address))[:, None]))
    fetches = merge(tables, gap, longest)
    found = sorted((c.table, c.offset[0], c.start, c.stop) for fetch in fetches for c in fetch.chunks)
    wanted = [(t, i, a, a + n) for t, one in enumerate(places) for i, (a, n) in enumerate(one)]
    assert found == sorted(wanted)
    for fetch in fetches:
        reached = fetch.start
        for chunk in fetch.chunks:
            assert fetch.start <= chunk.start <= reached + gap
            reached = max(reached, chunk.stop)
        assert reached == fetch.stop
        assert fetch.stop - fetch.start <= max(longest, *(c.stop - c.start for c in fetch.chunks))


@pytest.mark.parametrize("width", [2, 4, 8])
@given(st.data())
def test_unshuffle_is_a_transposition_of_bytes(width: int, data: st.DataObject) -> None:
    content = np.frombuffer(data.draw(st.binary(max_size=200)), np.uint8)
    numbers = len(content) // width
    planes = content[: numbers * width]
    first = data.draw(st.integers(0, numbers))
    out = np.zeros(data.draw(st.integers(0, numbers - first)), f"u{width}")
    unshuffle(planes, first, out)
    twin = [bytes(planes[byte * numbers + i] for byte in range(width)) for i in range(first, first + len(out))]
    assert out.tobytes() == b"".join(twin)
