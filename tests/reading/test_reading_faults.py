"""Whatever is wrong with a file is a typed error that says where, at once, and never a wrong value."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_forms import SUPERBLOCKS, create, read_one, same

from nunatak.pipeline.errors import (
    AccessError,
    CorruptError,
    InputOutputError,
    NotFoundError,
    NotHDF5Error,
    ReadError,
    TruncatedError,
    UnsupportedError,
)
from nunatak.pipeline.reading import headers
from nunatak.pipeline.reading.drivers import FileDriver
from nunatak.pipeline.reading.granule_file import GranuleFile, Want

Build = Callable[[Callable[[h5py.File], object]], Path]
VALUES = {
    "gt1l/heights/h_ph": np.linspace(-3, 70, 300, dtype="f4"),
    "gt1l/heights/signal_conf_ph": np.arange(500, dtype="i1").reshape(100, 5),
    "gt1l/bckgrd/rate": np.arange(12, dtype="f8"),
    "orbit_info/rgt": np.array([7], "i2"),
    "scalar": np.array(4, "i8"),
}


def small_beam(file: h5py.File) -> None:
    create(file, "gt1l/heights/h_ph", VALUES["gt1l/heights/h_ph"], chunks=(100,), filters=("shuffle", "deflate"))
    conf = VALUES["gt1l/heights/signal_conf_ph"]
    create(file, "gt1l/heights/signal_conf_ph", conf, chunks=(40, 5), filters=("deflate",))
    for name in ("gt1l/bckgrd/rate", "orbit_info/rgt", "scalar"):
        file[name] = VALUES[name]
    file.attrs["short_name"] = "ATL03"
    for i in range(12):
        file["gt1l"].attrs[f"more_{i}"] = i


def read_everything(path: Path) -> None:
    """Use every method; whatever comes back must be right."""
    with GranuleFile(str(path)) as granule:
        arrays = granule.read({name: Want(name) for name in VALUES})
        for name, values in VALUES.items():
            same(arrays[name], values)
            granule.describe(name)
        assert granule.attribute("/", "short_name") == "ATL03"
        assert int(granule.attribute("gt1l", "more_11")) == 11  # type: ignore[arg-type]
        assert granule.beams == ("gt1l",)


USES: list[Callable[[GranuleFile], object]] = [
    *(lambda granule, name=name: granule.read({name: Want(name)}) for name in VALUES),
    lambda granule: granule.describe("gt1l/heights/h_ph"),
    lambda granule: (granule.beams, granule.groups(), granule.groups("gt1l"), granule.datasets("gt1l/heights")),
    lambda granule: granule.attribute("gt1l", "more_11"),
]


def used(path: Path, use: Callable[[GranuleFile], object]) -> None:
    with GranuleFile(str(path)) as granule:
        use(granule)


def failure(action: Callable[[], object]) -> ReadError | None:
    """Return the typed error that an action ends in, if it does; any other ends the test."""
    try:
        action()
    except ReadError as error:
        return error
    return None


# -- no file, no HDF5 -------------------------------------------------------------------------------------------------


def opened(path: Path) -> None:
    with GranuleFile(str(path)):
        pass


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("nothing.h5", "no/folder.h5", "nul\0.h5"):
        with pytest.raises(NotFoundError) as caught:
            opened(tmp_path / name)
        assert caught.value.address == str(tmp_path / name)
    (tmp_path / "file").write_text("text")
    with pytest.raises(NotFoundError):
        opened(tmp_path / "file" / "granule.h5")


def test_a_folder_and_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(NotHDF5Error, match="folder"):
        opened(tmp_path)
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    with pytest.raises(NotHDF5Error, match="no regular file"):
        opened(tmp_path / "pipe")


@pytest.mark.parametrize(("code", "kind"), [(13, AccessError), (1, AccessError), (5, InputOutputError)])
def test_what_the_operating_system_refuses(
    build: Build, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[ReadError]
) -> None:
    path = build(small_beam)

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(kind) as caught:
            opened(path)
    assert caught.value.address == str(path)
    with GranuleFile(str(path)) as granule:
        monkeypatch.setattr(os, "pread", refuse)
        with pytest.raises(kind) as caught:
            granule.read({"x": Want("gt1l/heights/h_ph")})
    assert caught.value.dataset == "gt1l/heights/h_ph"
    assert caught.value.beam == "gt1l"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89HDF", b"A text about photons.\n" * 1000, bytes(5000), b"CDF\x01" + bytes(100)],
    ids=["empty", "four bytes", "text", "zeros", "netCDF 3"],
)
def test_no_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "granule.h5"
    path.write_bytes(content)
    with pytest.raises(NotHDF5Error, match="does not begin as HDF5"):
        opened(path)


# -- cut short --------------------------------------------------------------------------------------------------------


def test_a_file_cut_at_any_byte(build: Build) -> None:
    path = build(small_beam)
    content = path.read_bytes()
    read_everything(path)
    cut = path.with_name("cut.h5")
    step = max(1, len(content) // 400)
    for length in [*range(100), *range(100, len(content), step), len(content) - 1]:
        cut.write_bytes(content[:length])
        with pytest.raises((TruncatedError, NotHDF5Error)) as caught:
            read_everything(cut)
        assert caught.value.address == str(cut)
        assert length < 8 or isinstance(caught.value, TruncatedError)


def test_a_cut_file_that_claims_to_be_whole(build: Build) -> None:
    """The superblock's end of file made to fit, so that each address has to be checked on its own."""
    path = build(small_beam)
    content = bytearray(path.read_bytes())
    end_at = 40 if content[8] == 0 else 28
    cut = path.with_name("cut.h5")
    errors = 0
    for length in range(100, len(content), max(1, len(content) // 300)):
        content[end_at : end_at + 8] = struct.pack("<Q", length)
        cut.write_bytes(content[:length])
        error = failure(lambda: read_everything(cut))
        if error is not None:  # the last bytes of a file may be of no use
            assert isinstance(error, TruncatedError | CorruptError)
            assert error.address == str(cut)
            errors += 1
    assert errors > 200


def test_a_driver_that_gives_too_little(build: Build) -> None:
    path = build(small_beam)

    class Short(FileDriver):
        def read(self, offset: int, length: int) -> bytes:
            return super().read(offset, length)[:-1]

    with pytest.raises(TruncatedError, match="bytes came where"), GranuleFile(str(path), Short(str(path))):
        pass


def test_a_file_that_shrinks_while_it_is_read(build: Build) -> None:
    path = build(lambda file: create(file, "x", np.arange(100_000), chunks=(1000,)))
    with GranuleFile(str(path)) as granule:
        granule.describe("x")
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(TruncatedError, match="ends at byte"):
            granule.read({"x": Want("x")})


# -- damaged ----------------------------------------------------------------------------------------------------------


def test_any_flipped_byte_ends_in_a_typed_error_or_not_at_all(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5's older headers have no checksums, so a flipped byte may change a value; it may never do worse."""
    monkeypatch.setattr(headers, "STEPS", 20_000)  # no walk of this file needs a tenth of it
    path = build(small_beam)
    content = path.read_bytes()
    damaged = path.with_name("damaged.h5")
    rng = np.random.default_rng(3)
    errors = 0
    for position in [*range(8, 400, 3), *rng.integers(400, len(content), 300).tolist()]:
        changed = bytearray(content)
        changed[position] ^= int(rng.integers(1, 256))
        damaged.write_bytes(changed)
        for use in USES:
            error = failure(lambda use=use: used(damaged, use))
            assert error is None or error.address == str(damaged)
            errors += error is not None
    assert errors > 200


def test_a_flipped_byte_in_a_deflated_chunk_is_never_a_value(build: Build) -> None:
    values = np.random.default_rng(5).normal(size=3000).astype("f4")
    path = build(lambda file: create(file, "gt3r/x", values, chunks=(1000,), filters=("shuffle", "deflate")))
    with h5py.File(path) as file:
        info = file["gt3r/x"].id.get_chunk_info(1)
    content = path.read_bytes()
    for position in range(info.byte_offset, info.byte_offset + info.size, 41):
        changed = bytearray(content)
        changed[position] ^= 0x10
        path.write_bytes(changed)
        same(read_one(path, "gt3r/x", rows=[(0, 1000), (2000, 3000)]), np.delete(values, slice(1000, 2000)))
        with pytest.raises(CorruptError, match="does not inflate") as caught:
            read_one(path, "gt3r/x")
        assert (caught.value.beam, caught.value.dataset) == ("gt3r", "gt3r/x")


def test_a_chunk_of_another_size(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        import zlib

        dataset = create(file, "x", np.zeros(100, "f4"), chunks=(50,), filters=("deflate",))
        dataset.id.write_direct_chunk((50,), zlib.compress(bytes(4 * 49)))
        plain = create(file, "plain", np.zeros(100, "f4"), chunks=(50,), filters=("deflate",))
        plain.id.write_direct_chunk((0,), bytes(4 * 51), 1)

    path = build(fill)
    with pytest.raises(CorruptError, match="196 bytes of values instead of 200"):
        read_one(path, "x")
    with pytest.raises(CorruptError, match="204 bytes of values instead of 200"):
        read_one(path, "plain")


# -- a B-tree that leads astray ---------------------------------------------------------------------------------------


def leaf(build: Build) -> tuple[Path, bytearray, int]:
    """Return a file with four 1-D chunks, its content and the address of the one node of its B-tree."""
    path = build(lambda file: create(file, "gt1l/x", np.arange(40, dtype="f4"), chunks=(10,), filters=("deflate",)))
    content = bytearray(path.read_bytes())
    return path, content, content.index(b"TREE\x01\x00\x04\x00")


# In a node: header (24), then per chunk stored size, filter mask, offset, element offset (24) and its address (8).
ASTRAY: dict[str, tuple[int, bytes, type[ReadError], str]] = {
    "address beyond the file": (24 + 24, struct.pack("<Q", 1 << 40), TruncatedError, "outside the file"),
    "undefined address": (24 + 24, b"\xff" * 8, CorruptError, "undefined address"),
    "huge address": (24 + 24, struct.pack("<Q", (1 << 63) - 1), TruncatedError, "outside the file"),
    "size beyond reason": (24, struct.pack("<I", 1 << 30), CorruptError, "stored bytes for"),
    "no size": (24, bytes(4), CorruptError, "does not inflate"),
    "offset between chunks": (24 + 8, struct.pack("<Q", 3), CorruptError, "an offset that no chunk has"),
    "chunk outside": (24 + 3 * 32 + 8, struct.pack("<Q", 40), CorruptError, "outside|twice"),
    "chunk twice": (24 + 32 + 8, struct.pack("<Q", 0), CorruptError, "twice"),
    "offset inside an element": (24 + 16, struct.pack("<Q", 2), CorruptError, "an offset that no chunk has"),
    "no node": (0, b"TRUE", CorruptError, "begins with"),
    "a node of a group": (4, b"\x00", CorruptError, "begins with"),
    "level": (5, b"\xff", CorruptError, "level 255"),
    "more entries than the file": (6, b"\xff\xff", TruncatedError, "outside the file"),
}


@pytest.mark.parametrize("fault", ASTRAY)
def test_a_b_tree_that_leads_astray(build: Build, fault: str) -> None:
    path, content, node = leaf(build)
    at, replacement, kind, message = ASTRAY[fault]
    content[node + at : node + at + len(replacement)] = replacement
    path.write_bytes(content)
    if fault == "chunk outside":  # the tree may list more than the dataset holds; then a chunk is missing here
        same(read_one(path, "gt1l/x")[30:], np.zeros(10, "f4"))
        return
    with pytest.raises(kind, match=message) as caught:
        read_one(path, "gt1l/x")
    assert caught.value.dataset == "gt1l/x"


def test_a_b_tree_in_circles(build: Build) -> None:
    path = build(lambda file: create(file, "x", np.arange(400), chunks=(1,)))
    content = bytearray(path.read_bytes())
    root = next(at for at in range(len(content)) if content[at : at + 6] == b"TREE\x01\x01")
    first, second = root + 24 + 24, root + 24 + 32 + 24
    content[second : second + 8] = content[first : first + 8]
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="circles"):
        read_one(path, "x")
    content[second : second + 8] = struct.pack("<Q", root)
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=r"circles"):
        read_one(path, "x")


def test_a_group_in_circles(tmp_path: Path) -> None:
    """A B-tree of names whose right neighbour is itself: h5coro's walk never ends."""
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w", libver=SUPERBLOCKS[0]) as file:
        file["x"] = 1
    content = bytearray(path.read_bytes())
    node = content.index(b"TREE\x00\x00")
    content[node + 16 : node + 24] = struct.pack("<Q", node)
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="circles"):
        opened(path)


def test_a_header_that_continues_in_itself(tmp_path: Path) -> None:
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w", libver=SUPERBLOCKS[0]) as file:
        for i in range(30):
            file.attrs[f"a{i}"] = i
    content = bytearray(path.read_bytes())
    root = struct.unpack_from("<Q", content, 64)[0]
    at = content.index(struct.pack("<HH", 0x10, 16), root)
    size = struct.unpack_from("<Q", content, at + 16)[0]
    content[at + 8 : at + 24] = struct.pack("<QQ", root + 16, size)
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=r"circles|no sense"):
        opened(path)


# -- sizes that would fill the memory ---------------------------------------------------------------------------------


def test_a_shape_that_would_fill_the_memory(build: Build) -> None:
    path = build(lambda file: create(file, "gt1l/x", np.arange(40, dtype="f4"), chunks=(10,), maxshape=(None,)))
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<Q", 40), struct.pack("<Q", 40_000_000_000)))
    with pytest.raises(ReadError):
        read_one(path, "gt1l/x")


def test_values_cut_out_of_their_layout(build: Build) -> None:
    """A contiguous dataset whose stored size does not hold its shape."""
    path = build(lambda file: create(file, "x", np.arange(40, dtype="f4")))
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<Q", 160), struct.pack("<Q", 159)))
    with pytest.raises(CorruptError, match="159 bytes are stored"):
        read_one(path, "x")


def test_errors_survive_a_trip_to_another_process(build: Build) -> None:
    import pickle

    path = build(small_beam)
    with pytest.raises(UnsupportedError) as caught:
        read_one(build(lambda file: file.create_dataset("gt1l/x", data="text")), "gt1l/x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (UnsupportedError, str(caught.value))
    assert "beam gt1l, dataset gt1l/x" in str(again)
    assert str(path) in str(again)
    assert math.isfinite(len(str(again)))


@pytest.mark.parametrize("address", ["s3://bucket/ATL03.h5", "https://data.nsidc.earthdatacloud.nasa.gov/ATL03.h5"])
def test_servers_are_not_read_and_the_way_out_is_told(address: str) -> None:
    with (
        pytest.raises(UnsupportedError, match=r"earthaccess.download asks for an Earthdata login") as raised,
        GranuleFile(address),
    ):
        pass
    assert raised.value.address == address
