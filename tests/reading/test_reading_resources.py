"""What a read costs: descriptors, threads, requests, memory."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_forms import create, same

from nunatak.pipeline.errors import ReadError
from nunatak.pipeline.reading.chunks import LONGEST_FETCH
from nunatak.pipeline.reading.drivers import FileDriver
from nunatak.pipeline.reading.granule_file import GranuleFile, Want

Build = Callable[[Callable[[h5py.File], object]], Path]


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc to count descriptors in")
    return len(list(folder.iterdir()))


def test_two_hundred_granules_leave_nothing_behind(build: Build, tmp_path: Path) -> None:
    path = build(lambda file: create(file, "x", np.arange(100), chunks=(10,), filters=("deflate",)))
    (tmp_path / "text.h5").write_text("text")
    gc.collect()
    before = descriptors(), threading.active_count()
    for _ in range(200):
        with GranuleFile(str(path)) as granule:
            granule.read({"x": Want("x")})
            with pytest.raises(ReadError):
                granule.read({"y": Want("y")})
        with pytest.raises(ReadError), GranuleFile(str(tmp_path / "text.h5")):
            pass
    assert (descriptors(), threading.active_count()) == before


def test_a_given_driver_stays_its_owner_s_to_close(build: Build) -> None:
    path = build(lambda file: create(file, "x", np.arange(100)))
    driver = FileDriver(str(path))
    for _ in range(2):
        with GranuleFile(str(path), driver) as granule:
            same(granule.read({"x": Want("x")})["x"], np.arange(100))
        del granule
        gc.collect()
    driver.close()
    driver.close()


def test_bytes_and_requests_are_those_of_the_driver(build: Build) -> None:
    path = build(lambda file: create(file, "x", np.arange(100_000), chunks=(1000,), filters=("deflate",)))
    asked: list[int] = []

    class Counting(FileDriver):
        def read(self, offset: int, length: int) -> bytes:
            asked.append(length)
            return super().read(offset, length)

    with GranuleFile(str(path), Counting(str(path))) as granule:
        granule.read({"x": Want("x")})
    assert (granule.requests, granule.bytes_read) == (len(asked), sum(asked))


def test_neighbouring_datasets_come_with_one_request(build: Build) -> None:
    names = [f"gt1l/heights/f{i}" for i in range(8)]

    def fill(file: h5py.File) -> None:
        for name in names:
            create(file, name, np.arange(20_000), chunks=(1000,), filters=("shuffle", "deflate"))

    with GranuleFile(str(build(fill))) as granule:
        for name in names:
            granule.describe(name)
        before = granule.requests
        granule.read({name: Want(name) for name in names})
        assert granule.requests - before == 1


@pytest.mark.parametrize(
    ("chunks", "filters"),
    [((10_000,), ("shuffle", "deflate")), ((100_000,), ("deflate",)), ((10_000,), ()), (None, ())],
)
def test_peak_memory_is_the_output_and_one_range(
    tmp_path: Path, chunks: tuple[int] | None, filters: tuple[str, ...]
) -> None:
    path = tmp_path / "large.h5"
    values = np.random.default_rng(2).integers(0, 1 << 20, 1_500_000) / 1024
    with h5py.File(path, "w") as file:
        create(file, "a", values, chunks=chunks, filters=filters)
        create(file, "b", values, chunks=chunks)
    wants = {"a": Want("a"), "b": Want("b", rows=[(0, 500_000), (1_000_000, 1_500_000)])}
    with GranuleFile(str(path)) as granule:
        granule.read(wants)  # kernels compiled, headers known
        gc.collect()
        tracemalloc.start()
        arrays = granule.read(wants)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    output = sum(array.nbytes for array in arrays.values())
    assert output == 20_000_000
    assert peak < 1.1 * output + LONGEST_FETCH


def test_one_column_takes_the_memory_of_one_column(tmp_path: Path) -> None:
    path = tmp_path / "conf.h5"
    values = np.random.default_rng(2).integers(-2, 5, (1_000_000, 5), dtype="i1")
    with h5py.File(path, "w") as file:
        create(file, "conf", values, chunks=(100_000, 5), filters=("shuffle", "deflate"))
    with GranuleFile(str(path)) as granule:
        granule.describe("conf")
        tracemalloc.start()
        column = granule.read({"conf": Want("conf", column=3)})["conf"]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    same(column, values[:, 3])
    assert column.base is None
    assert peak < column.nbytes + 2 * path.stat().st_size
