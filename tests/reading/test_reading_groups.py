"""Names, descriptions and attributes of what is in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_forms import create, same

from nunatak.pipeline.errors import LayoutError, MissingDatasetError, UnsupportedError
from nunatak.pipeline.reading.granule_file import DatasetInfo, GranuleFile, Want

Build = Callable[[Callable[[h5py.File], object]], Path]


@pytest.mark.parametrize("count", [1, 8, 9, 60, 700])
def test_groups_of_any_size(build: Build, count: int) -> None:
    """Up to 8 links stand in a newer header, up to 45 in one node of a heap's index, then it has two levels."""

    def fill(file: h5py.File) -> None:
        for i in range(count):
            file[f"gt1l/heights/field_{i * 7919 % count:03d}"] = np.float32(i * 7919 % count)

    with GranuleFile(str(build(fill))) as granule:
        listed = granule.datasets("gt1l/heights")
        assert listed == tuple(f"field_{i:03d}" for i in range(count))
        last = f"gt1l/heights/{listed[-1]}"
        same(granule.read({"x": Want(last)})["x"], np.float32(count - 1))


def test_deleted_and_replaced_names(build: Build) -> None:
    """What was deleted still lies in the heap; what replaced it must be found."""

    def fill(file: h5py.File) -> None:
        for i in range(30):
            file[f"gt2l/f{i}"] = np.int32(i)
        for i in range(0, 20, 2):
            del file[f"gt2l/f{i}"]
        file["gt2l/f4"] = np.int32(400)

    with GranuleFile(str(build(fill))) as granule:
        kept = {f"f{i}" for i in range(30) if i % 2 or i >= 20 or i == 4}
        assert set(granule.datasets("gt2l")) == kept
        same(granule.read({"x": Want("gt2l/f4")})["x"], np.int32(400))
        assert not granule.exists("gt2l/f2")


def test_beams_in_their_order(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        for name in ("gt3r", "gt1r", "gt2l", "orbit_info", "gt4l"):
            file.create_group(name)
        file["gt1l"] = 5  # a dataset is no beam

    with GranuleFile(str(build(fill))) as granule:
        assert granule.beams == ("gt1r", "gt2l", "gt3r")


def test_paths_may_have_slashes_more_or_less(build: Build) -> None:
    with GranuleFile(str(build(lambda file: file.create_dataset("a/b/c", data=3)))) as granule:
        for path in ("a/b/c", "/a/b/c", "a//b/c/"):
            assert granule.exists(path)
        assert granule.groups() == ("a",)
        assert granule.groups("/a") == ("b",)


def test_missing_names_suggest_near_ones(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        for name in ("h_ph", "lat_ph", "lon_ph", "delta_time", "quality_ph", "ph_id_count", "ph_id_pulse",
                     "pce_mframe_cnt", "signal_conf_ph"):  # fmt: skip
            file[f"gt1l/heights/{name}"] = np.zeros(3)

    path = build(fill)
    with GranuleFile(str(path)) as granule:
        with pytest.raises(MissingDatasetError, match=r"gt1l/heights has no h_pf; near it are h_ph") as caught:
            granule.read({"x": Want("gt1l/heights/h_pf")})
        error = caught.value
        assert (error.address, error.beam, error.dataset) == (str(path), "gt1l", "gt1l/heights/h_pf")
        with pytest.raises(MissingDatasetError, match="the file has no gt1r; near it are gt1l") as caught:
            granule.read({"x": Want("gt1r/heights/h_ph")})
        assert caught.value.beam == "gt1r"
        with pytest.raises(MissingDatasetError, match="h_ph has no x"):
            granule.read({"x": Want("gt1l/heights/h_ph/x")})
        with pytest.raises(LayoutError, match="a group, not a dataset"):
            granule.read({"x": Want("gt1l/heights")})


def test_what_is_not_required_may_be_absent(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        file["gt1l/h"] = np.arange(3.0)
        file["gt1l/text"] = "not a number"

    with GranuleFile(str(build(fill))) as granule:
        wants = {
            "there": Want("gt1l/h", required=False),
            "absent": Want("gt1l/g", required=False),
            "no group": Want("gt1r/h", required=False),
        }
        assert list(granule.read(wants)) == ["there"]
        with pytest.raises(UnsupportedError):  # there, but of no use: that is an error
            granule.read({"text": Want("gt1l/text", required=False)})


def test_nothing_wanted_is_nothing_read(build: Build) -> None:
    with GranuleFile(str(build(lambda file: file.create_group("gt1l")))) as granule:
        assert granule.read({}) == {}


def test_soft_and_external_links_are_named_not_followed(build: Build) -> None:
    def fill(file: h5py.File) -> None:
        file["a/values"] = np.arange(3)
        file["soft"] = h5py.SoftLink("/a/values")
        file["external"] = h5py.ExternalLink("other.h5", "/values")
        file["hard"] = file["a/values"]

    with GranuleFile(str(build(fill))) as granule:
        same(granule.read({"x": Want("hard")})["x"], np.arange(3))
        for name in ("soft", "external"):
            with pytest.raises(UnsupportedError, match="link is not followed"):
                granule.read({"x": Want(name)})
        assert granule.datasets() == ("hard",)


def test_describe(build: Build) -> None:
    values = np.arange(100, dtype="f4").reshape(50, 2)

    def fill(file: h5py.File) -> None:
        create(file, "x", values, chunks=(20, 2), filters=("shuffle", "deflate", "deflate"))
        file.create_dataset("text", data=np.array([b"abc"]))

    path = build(fill)
    with h5py.File(path) as file:
        storage = file["x"].id.get_storage_size()
    with GranuleFile(str(path)) as granule:
        filters = ("shuffle", "deflate", "deflate")
        assert granule.describe("x") == DatasetInfo((50, 2), "<f4", (20, 2), filters, "chunked", storage)
        text = granule.describe("text")
        assert (text.shape, text.dtype, text.layout, text.storage) == ((1,), "string", "contiguous", 3)


ATTRIBUTES: dict[str, object] = {
    "short_name": "ATL03",
    "fixed": np.bytes_(b"fixed"),
    "empty": "",
    "number": np.float64(2.5),
    "numbers": np.arange(6, dtype=">i2").reshape(2, 3),
    "accented": "Jakobshavn Isbræ",
    "one": np.array(["text in an array"], dtype=h5py.string_dtype()),
}


@pytest.mark.parametrize("more", [0, 30])
def test_attributes(build: Build, more: int) -> None:
    def fill(file: h5py.File) -> None:
        group = file.create_group("gt1l")
        for name, value in ATTRIBUTES.items():
            group.attrs[name] = value
        for i in range(more):  # more than 8 stand in a heap in newer files
            group.attrs[f"more_{i}"] = i
        group.attrs["text"] = np.array(["a", "b"], dtype=h5py.string_dtype())
        group.attrs["short_name"] = "ATL06"  # replaced: the old value still lies in the heap

    with GranuleFile(str(build(fill))) as granule:
        for name, value in (ATTRIBUTES | {"short_name": "ATL06", "one": "text in an array", "fixed": "fixed"}).items():
            found = granule.attribute("gt1l", name)
            assert found == value if isinstance(found, str) else (same(found, value) is None)
        with pytest.raises(MissingDatasetError, match="no attribute 'short_nam'; near it are short_name"):
            granule.attribute("gt1l", "short_nam")
        with pytest.raises(UnsupportedError, match="'text' of type variable-length string"):
            granule.attribute("gt1l", "text")
