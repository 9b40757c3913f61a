"""Every form in which HDF5 keeps numbers: right to the last bit, or an error that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_forms import create, read_one, same

from nunatak.pipeline.errors import CorruptError, LayoutError, UnsupportedError
from nunatak.pipeline.reading.granule_file import GranuleFile, Want
from nunatak.pipeline.reading.inflate import fletcher32

Build = Callable[[Callable[[h5py.File], object]], Path]
RNG = np.random.default_rng(20)

FILTERS = [
    (),
    ("deflate",),
    ("shuffle",),
    ("shuffle", "deflate"),
    ("deflate", "shuffle"),
    ("deflate", "deflate"),
    ("shuffle", "deflate", "deflate"),
    ("fletcher32",),
    ("shuffle", "deflate", "fletcher32"),
    ("fletcher32", "shuffle", "deflate"),
    ("shuffle", "shuffle", "deflate"),
]
NUMBERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


def numbers(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Any bits at all, NaNs with payload among them."""
    kind = np.dtype(dtype)
    return RNG.integers(0, 256, (int(np.prod(shape)), kind.itemsize), np.uint8).view(kind).reshape(shape)


@pytest.mark.parametrize("filters", FILTERS, ids="-".join)
@pytest.mark.parametrize("dtype", ["i1", "u2", "f4", "f8", ">f4", ">i8"])
def test_filters_in_any_order_and_number(build: Build, filters: tuple[str, ...], dtype: str) -> None:
    values = numbers(dtype, (103, 5))
    path = build(lambda file: create(file, "gt1l/x", values, chunks=(10, 5), filters=filters))
    same(read_one(path, "gt1l/x"), values)
    same(read_one(path, "gt1l/x", rows=[(7, 33), (101, 103)], column=3), np.r_[values[7:33, 3], values[101:, 3]])


@pytest.mark.parametrize("dtype", [*NUMBERS, *(">" + name for name in NUMBERS)])
@pytest.mark.parametrize("layout", ["compact", "contiguous", "chunked", "scalar", "scalar compact"])
def test_types_and_layouts(build: Build, dtype: str, layout: str) -> None:
    values = numbers(dtype, () if "scalar" in layout else (37,))
    chunks = (8,) if layout == "chunked" else None
    path = build(lambda file: create(file, "x", values, chunks=chunks, compact="compact" in layout))
    same(read_one(path, "x"), values)
    with GranuleFile(str(path)) as granule:
        info = granule.describe("x")
    assert (info.shape, info.dtype, info.chunks) == (values.shape, values.dtype.str, chunks)
    assert info.layout == layout.removeprefix("scalar ").replace("scalar", "contiguous")


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((7,), (10,)),  # a chunk longer than the array
        ((0,), (10,)),
        ((1,), (1,)),
        ((1000,), (2,)),  # a B-tree of several levels
        ((700, 3), (5, 1)),
        ((20, 5), (6, 2)),  # columns cut across
        ((9, 4, 6), (4, 3, 4)),
        ((3, 0), (2, 1)),
    ],
)
@pytest.mark.parametrize("filters", [(), ("shuffle", "deflate")], ids="-".join)
def test_chunk_grids(build: Build, shape: tuple[int, ...], chunks: tuple[int, ...], filters: tuple[str, ...]) -> None:
    values = numbers("i4", shape)
    maxshape = tuple(None for _ in shape)  # or HDF5 refuses chunks longer than the array
    path = build(lambda file: create(file, "x", values, chunks=chunks, filters=filters, maxshape=maxshape))
    same(read_one(path, "x"), values)
    if len(shape) == 2 and shape[1]:
        for column in range(shape[1]):
            same(read_one(path, "x", column=column), values[:, column])


def test_arrays_that_grew_and_shrank(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        grown = create(file, "grown", numbers("f4", (25,)), chunks=(10,), maxshape=(None,))
        grown.resize((55,))
        grown[50:] = 4
        shrunk = create(file, "shrunk", numbers("f4", (95, 3)), chunks=(10, 2), maxshape=(None, None))
        shrunk.resize((33, 1))

    path = build(fill)
    with h5py.File(path) as file:
        for name in ("grown", "shrunk"):
            same(read_one(path, name), file[name][...])


def undefined_fill(plist: h5py.h5p.PropDCID) -> None:
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_fill_value(np.array(5, "f8"))


@pytest.mark.parametrize("fill_value", [None, -7.25, float("nan"), 3.4028234663852886e38])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8"])
@pytest.mark.parametrize("chunks", [None, (10, 2)])
def test_values_that_were_never_written(
    build: Build, fill_value: float | None, dtype: str, chunks: tuple[int, int] | None
) -> None:
    def fill(file: h5py.File) -> None:
        options = {} if fill_value is None else {"fillvalue": fill_value}
        file.create_dataset("none", (35, 3), dtype, chunks=chunks, **options)
        some = file.create_dataset("some", (35, 3), dtype, chunks=chunks, **options)
        some[12:14] = 1

    path = build(fill)
    with h5py.File(path) as file:
        for name in ("none", "some"):
            same(read_one(path, name), file[name][...])
            same(read_one(path, name, rows=[(5, 30), (0, 3)], column=2), np.r_[file[name][5:30, 2], file[name][:3, 2]])


def test_a_fill_value_that_is_never_written_counts_as_zero_like_in_h5py(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        undefined_fill(plist)
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((9,)), plist)

    path = build(fill)
    with h5py.File(path) as file:
        same(read_one(path, "x"), file["x"][...])


@pytest.mark.parametrize(
    "filters", [("shuffle", "deflate"), ("deflate", "deflate"), ("shuffle", "deflate", "fletcher32")]
)
def test_filters_left_out_for_single_chunks(build: Build, filters: tuple[str, ...]) -> None:
    """A writer may leave a filter out where it does not help; h5coro does not look."""
    values = numbers("f4", (40,))

    def fill(file: h5py.File) -> None:
        dataset = create(file, "x", values, chunks=(10,), filters=filters)
        everything = (1 << len(filters)) - 1
        dataset.id.write_direct_chunk((10,), values[10:20].tobytes(), everything)
        planes = np.ascontiguousarray(values[20:30].view("u1").reshape(10, 4).T).tobytes()
        if filters[0] == "shuffle":
            dataset.id.write_direct_chunk((20,), planes, everything & ~1)

    path = build(fill)
    same(read_one(path, "x"), values)


def test_every_column_of_two_ranges_in_one_chunk(build: Build) -> None:
    values = numbers("f8", (50, 4))
    path = build(lambda file: create(file, "x", values, chunks=(30, 4), filters=("shuffle", "deflate")))
    ranges = [(40, 45), (2, 3), (3, 3), (1, 31), (0, 50)]
    expected = np.concatenate([values[first:stop] for first, stop in ranges])
    same(read_one(path, "x", rows=ranges), expected)


def test_other_types_are_cast_where_nothing_is_lost(build: Build) -> None:
    values = numbers("i2", (40,))
    path = build(lambda file: create(file, "gt2r/x", values, chunks=(9,), filters=("shuffle", "deflate")))
    for dtype in ("i4", "f4", "f8"):
        same(read_one(path, "gt2r/x", dtype=dtype), values.astype(dtype))
    for dtype in ("i1", "u4", "f2"):
        with pytest.raises(LayoutError, match=rf"stored as int16.*{np.dtype(dtype)}") as caught:
            read_one(path, "gt2r/x", dtype=dtype)
        assert (caught.value.beam, caught.value.dataset) == ("gt2r", "gt2r/x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": [(0, 41)]}, "rows 0 to 41"),
        ({"rows": [(-1, 4)]}, "rows -1 to 4"),
        ({"rows": [(5, 3)]}, "rows 5 to 3"),
        ({"column": 0}, "column 0"),
    ],
)
def test_rows_and_columns_that_are_not_there(build: Build, options: dict[str, object], message: str) -> None:
    path = build(lambda file: create(file, "x", numbers("f4", (40,))))
    with pytest.raises(LayoutError, match=message):
        read_one(path, "x", **options)


def test_a_scalar_has_no_rows(build: Build) -> None:
    path = build(lambda file: create(file, "x", numbers("f4", ())))
    with pytest.raises(LayoutError, match="scalar"):
        read_one(path, "x", rows=[(0, 1)])


@pytest.mark.parametrize("size", [0, 1, 2, 7, 10_000])
def test_fletcher32_agrees_with_hdf5(tmp_path: Path, size: int) -> None:
    values = np.full(size or 1, 255, np.uint8) if size < 7 else numbers("u1", (size,))
    with h5py.File(tmp_path / "sum.h5", "w") as file:
        chunk = create(file, "x", values, chunks=values.shape, filters=("fletcher32",)).id.read_direct_chunk((0,))[1]
    assert fletcher32(chunk[:-4]) == int.from_bytes(chunk[-4:], "little")


def test_a_wrong_checksum_is_noticed(build: Build) -> None:
    values = numbers("f4", (40,))
    path = build(lambda file: create(file, "gt1l/x", values, chunks=(10,), filters=("fletcher32",)))
    content = bytearray(path.read_bytes())
    content[content.index(values[10:20].tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="checksum"):
        read_one(path, "gt1l/x")


# -- forms that are not read ------------------------------------------------------------------------------------------


def typed(kind: h5py.h5t.TypeID) -> Callable[[h5py.File], object]:
    return lambda file: h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((4,)))


def twelve_bits() -> h5py.h5t.TypeID:
    kind = h5py.h5t.STD_I16LE.copy()
    kind.set_precision(12)
    return kind


def odd_bias() -> h5py.h5t.TypeID:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(100)
    return kind


def committed(file: h5py.File) -> None:
    file["kind"] = np.dtype("f4")
    file.create_dataset("x", (4,), file["kind"])


def external(file: h5py.File) -> None:
    file.create_dataset("x", (4,), "f4", external=[("values.bin", 0, 16)])


def compound(file: h5py.File) -> None:
    file["x"] = np.zeros(3, [("a", "f4"), ("b", "i2")])


UNREAD: dict[str, tuple[Callable[[h5py.File], object], str]] = {
    "string": (lambda file: file.create_dataset("x", data=np.array([b"abc", b"de"])), "string"),
    "variable string": (lambda file: file.create_dataset("x", data="text"), "variable-length string"),
    "ragged": (lambda file: file.create_dataset("x", (2,), h5py.vlen_dtype("f4")), "variable-length"),
    "boolean": (lambda file: file.create_dataset("x", data=np.array([True])), "enumeration"),
    "compound": (compound, "compound"),
    "complex": (lambda file: file.create_dataset("x", data=np.array([1j])), "compound"),
    "opaque": (lambda file: file.create_dataset("x", data=np.array([b"a"], "V4")), "opaque"),
    "reference": (lambda file: file.create_dataset("x", data=file.ref, dtype=h5py.ref_dtype), "reference"),
    "array": (lambda file: file.create_dataset("x", (2,), np.dtype(("f4", (3,)))), "array"),
    "long double": (typed(h5py.h5t.NATIVE_LDOUBLE), "not IEEE"),
    "12 bits": (typed(twelve_bits()), "12-bit"),
    "another bias": (typed(odd_bias()), "not IEEE"),
    "bit field": (typed(h5py.h5t.STD_B8LE), "bit field"),
    "committed type": (committed, "committed"),
    "external file": (external, "external"),
    "lzf": (lambda file: file.create_dataset("x", (40,), "f4", compression="lzf"), "lzf"),
    "scale-offset": (lambda file: file.create_dataset("x", (40,), "i4", scaleoffset=4), "scaleoffset"),
    "empty": (lambda file: file.create_dataset("x", data=h5py.Empty("f4")), "empty dataspace"),
}


@pytest.mark.parametrize("form", UNREAD)
def test_forms_that_are_not_read_are_named(build: Build, form: str) -> None:
    fill, message = UNREAD[form]
    path = build(fill)
    with GranuleFile(str(path)) as granule:
        assert message in granule.describe("x").problem
        with pytest.raises(UnsupportedError, match=message) as caught:
            granule.read({"x": Want("x")})
    assert caught.value.dataset == "x"
    assert caught.value.address == str(path)


def test_a_virtual_dataset_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "virtual.h5"
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        file["source"] = np.arange(4)
        layout = h5py.VirtualLayout((4,), "i8")
        layout[:] = h5py.VirtualSource(file["source"])
        file.create_virtual_dataset("x", layout)
    with pytest.raises(UnsupportedError, match=r"virtual|superblock"):
        read_one(path, "x")


@pytest.mark.parametrize("bound", ["v110", "latest"])
def test_newer_superblocks_are_not_read(tmp_path: Path, bound: str) -> None:
    path = tmp_path / "newer.h5"
    with h5py.File(path, "w", libver=(bound, bound)) as file:
        file["x"] = np.arange(4)
    with pytest.raises(UnsupportedError, match="superblock version 3"):
        read_one(path, "x")


def test_a_user_block_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "block.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = np.arange(4)
    with pytest.raises(UnsupportedError, match="user block"):
        read_one(path, "x")


def test_addresses_of_four_bytes_are_not_read(tmp_path: Path) -> None:
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plist.set_sizes(4, 4)
    path = tmp_path / "small.h5"
    h5py.h5f.create(str(path).encode(), fcpl=plist).close()
    with pytest.raises(UnsupportedError, match="8 bytes"):
        read_one(path, "x")
