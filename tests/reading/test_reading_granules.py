"""The real granules: every numeric dataset to the last bit, every name, every attribute."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_forms import same

from nunatak.pipeline.errors import UnsupportedError
from nunatak.pipeline.reading.granule_file import BEAMS, GranuleFile, Want


@pytest.fixture(scope="module")
def granules(shared: Path) -> list[Path]:
    paths = sorted((shared / "data" / "granules").rglob("*.h5"))
    assert len(paths) >= 11
    return paths


def names(file: h5py.File, kind: type) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, kind) else None)
    return found


def test_every_numeric_dataset_is_right_to_the_last_bit(granules: list[Path]) -> None:
    checked = 0
    for path in granules:
        with h5py.File(path) as file, GranuleFile(str(path)) as granule:
            numeric = [name for name in names(file, h5py.Dataset) if file[name].dtype.kind in "iuf"]
            arrays = granule.read({name: Want(name) for name in numeric})
            for name in numeric:
                same(arrays[name], file[name][...])
                info, twin = granule.describe(name), file[name]
                assert (info.shape, info.dtype, info.chunks) == (twin.shape, twin.dtype.str, twin.chunks)
                assert info.storage == twin.id.get_storage_size()
                assert info.problem == ""
            checked += len(numeric)
    assert checked > 2000


def test_random_rows_and_columns_are_right_to_the_last_bit(granules: list[Path]) -> None:
    rng = np.random.default_rng(11)
    for path in granules:
        wants, expected = {}, {}
        with h5py.File(path) as file:
            for name in names(file, h5py.Dataset):
                dataset = file[name]
                if dataset.dtype.kind not in "iuf" or not dataset.shape:
                    continue
                ranges = [tuple(sorted(rng.integers(0, len(dataset) + 1, 2).tolist())) for _ in range(3)]
                column = int(rng.integers(dataset.shape[1])) if dataset.ndim == 2 else None
                whole = dataset[...] if column is None else dataset[...][:, column]
                wants[name] = Want(name, rows=ranges, column=column)
                expected[name] = np.concatenate([whole[first:stop] for first, stop in ranges])
        with GranuleFile(str(path)) as granule:
            arrays = granule.read(wants)
        for name, values in expected.items():
            same(arrays[name], values)


def test_what_is_no_number_is_refused(granules: list[Path]) -> None:
    refused = 0
    for path in granules:
        with h5py.File(path) as file, GranuleFile(str(path)) as granule:
            for name in names(file, h5py.Dataset):
                if file[name].dtype.kind not in "iuf":
                    with pytest.raises(UnsupportedError, match="string"):
                        granule.read({name: Want(name)})
                    refused += 1
    assert refused > 10


def test_groups_and_datasets_are_those_of_h5py(granules: list[Path]) -> None:
    """Also where a name was deleted and its link still lies in the heap, as in one of the files."""
    for path in granules:
        with h5py.File(path) as file, GranuleFile(str(path)) as granule:
            assert granule.beams == tuple(beam for beam in BEAMS if beam in file)
            for name in ["/", *names(file, h5py.Group)]:
                groups = sorted(child for child, item in file[name].items() if isinstance(item, h5py.Group))
                assert granule.groups(name) == tuple(groups)
                assert granule.datasets(name) == tuple(sorted(set(file[name]) - set(groups)))


def test_root_attributes_are_those_of_h5py(granules: list[Path]) -> None:
    checked = 0
    for path in granules:
        with h5py.File(path) as file, GranuleFile(str(path)) as granule:
            for name, value in file.attrs.items():
                if name == "Processing Parameters" and "ATL13" not in path.name:
                    with pytest.raises(UnsupportedError, match="64 KiB"):
                        granule.attribute("/", name)
                    continue
                found, expected = granule.attribute("/", name), np.asarray(value)
                if isinstance(found, str):
                    text = expected.item() if expected.size == 1 else ""
                    assert found == (text.decode() if isinstance(text, bytes) else text)
                else:
                    same(found, expected)
                checked += 1
    assert checked > 300


def test_one_field_costs_few_requests_and_bytes(shared: Path) -> None:
    """A region's photons come without the rest of the file."""
    path = shared / "data" / "granules" / "ATL03_20181115123456_07850103_006_02.h5"
    fields = ("h_ph", "lat_ph", "lon_ph", "delta_time")
    with GranuleFile(str(path)) as granule:
        granule.read({field: Want(f"gt1l/heights/{field}", rows=[(20_000, 30_000)]) for field in fields})
        assert granule.requests < 20
        assert granule.bytes_read < path.stat().st_size / 10
