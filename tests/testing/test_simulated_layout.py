"""Simulated granules have the groups, types and forms of real ones, and read back as they were written."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import h5py
import numpy as np
import pytest

from nunatak.pipeline.reading.granule_file import GranuleFile, Want
from nunatak.testing.granules import SimulatedGranule, simulate
from nunatak.testing.writing import page_size

_DAP = "{http://xml.opendap.org/ns/DAP/4.0#}"
_TYPES = {
    "Int8": "i1", "Byte": "u1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4",
    "Int64": "i8", "Float32": "f4", "Float64": "f8",
}  # fmt: skip


@pytest.fixture(scope="module", params=["006", "007"])
def granule(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    folder = tmp_path_factory.mktemp(f"layout{request.param}")
    scene = {"kilometres": 3.0, "terrain": "flat+canopy", "blanks": ((500.0, 700.0),), "hollow": ("gt3r",)}
    beams = ("gt1l", "gt1r", "gt3r")
    (written,) = simulate(folder, release=request.param, beams=beams, seed=2, **scene)
    return written


def _datasets(path: Path) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    file = h5py.File(path)
    file.visititems(lambda name, node: found.update({name: node}) if isinstance(node, h5py.Dataset) else None)
    return found


def _dmr(shared: Path) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}

    def walk(node: ET.Element, path: str) -> None:
        for child in node:
            tag = child.tag.removeprefix(_DAP)
            if tag == "Group":
                walk(child, f"{path}{child.get('name')}/")
            elif tag in _TYPES:
                found[f"{path}{child.get('name')}"] = (_TYPES[tag], len(child.findall(f"{_DAP}Dim")))

    walk(ET.parse(shared / "data/layout/ATL03_example.dmr").getroot(), "")
    return found


def test_types_and_ranks_are_those_of_the_product(granule: SimulatedGranule, shared: Path) -> None:
    product = _dmr(shared)
    # The example is of release 003: ph_id_count was signed there and became unsigned by 006 (see the next test).
    compared = {
        name: dataset
        for name, dataset in _datasets(granule.path).items()
        if name in product and not name.endswith("ph_id_count")
    }
    assert len(compared) > 130
    wrong = {
        name: (dataset.dtype.str[1:], dataset.ndim, product[name])
        for name, dataset in compared.items()
        if (dataset.dtype.str[1:], dataset.ndim) != product[name]
    }
    assert not wrong


@pytest.mark.parametrize("product", ["ATL03", "ATL08"])
def test_types_and_chunks_are_those_of_a_real_granule(granule: SimulatedGranule, shared: Path, product: str) -> None:
    if granule.truth.scene.release != "006":
        pytest.skip("there is no real granule of release 007 to compare with")
    assert granule.atl08_path
    real = _datasets(shared / f"data/granules/double_deflate/{product}_20220401221822_01501506_006_02.h5")
    ours = _datasets(granule.path if product == "ATL03" else granule.atl08_path)
    compared = [name for name in ours if name.startswith("gt1r") and name in real]
    assert len(compared) > 40
    for name in compared:
        assert (ours[name].dtype, ours[name].ndim) == (real[name].dtype, real[name].ndim), name
        assert ours[name].chunks == real[name].chunks, name
        assert ours[name].shuffle == real[name].shuffle, name


def test_every_dataset_of_a_real_beam_group_is_there(granule: SimulatedGranule, shared: Path) -> None:
    real = _datasets(shared / "data/granules/double_deflate/ATL03_20220401221822_01501506_006_02.h5")
    ours = _datasets(granule.path)
    groups = ("gt1r/heights", "gt1r/geolocation", "gt1r/geophys_corr", "gt1r/bckgrd_atlas")
    assert {name for name in real if name.startswith(groups)} <= set(ours)


def test_every_dataset_reads_as_h5py_reads_it(granule: SimulatedGranule) -> None:
    assert granule.atl08_path
    for path in (granule.path, granule.atl08_path):
        expected = {name: dataset for name, dataset in _datasets(path).items() if dataset.dtype.kind != "S"}
        with GranuleFile(str(path)) as file:
            values = file.read({name: Want(name) for name in expected})
        for name, dataset in expected.items():
            np.testing.assert_array_equal(values[name], dataset[...], err_msg=name)
            assert values[name].dtype == dataset.dtype, name


def test_form_of_the_releases(granule: SimulatedGranule) -> None:
    modern = granule.truth.scene.release == "007"
    assert granule.path.read_bytes()[8] == (2 if modern else 0)  # superblock; h5coro reads 0 and 2
    with h5py.File(granule.path) as file:
        heights = file["gt1l/heights"]
        assert heights["h_ph"].chunks == ((100_000,) if modern else (10_000,))
        assert heights["weight_ph"].dtype == ("u2" if modern else "u1")
        assert heights["weight_ph"][:].max() > (255 if modern else 100)
        strategy = file.id.get_create_plist().get_file_space_strategy()[0]
        assert (strategy == h5py.h5f.FSPACE_STRATEGY_PAGE) == modern
        units = {name: dataset.attrs["units"] for name, dataset in heights.items()}
        assert units["h_ph"] == b"meters"
        assert all(units.values())


def test_pages_of_a_full_granule_are_those_of_release_007() -> None:
    assert page_size(30_000_000) == 8 * 2**20
    assert page_size(1) == 256 * 2**10


def test_hollow_and_absent_beams(granule: SimulatedGranule) -> None:
    with h5py.File(granule.path) as file:
        assert sorted(name for name in file if name.startswith("gt")) == ["gt1l", "gt1r", "gt3r"]
        assert {dataset.shape[0] for dataset in file["gt3r/heights"].values()} == {0}
        assert file["gt3r/heights/signal_conf_ph"].shape == (0, 5)
    assert set(granule.photons) == {"gt1l", "gt1r"}


def test_name_and_contents_agree(granule: SimulatedGranule) -> None:
    name = granule.truth.scene.name()
    with h5py.File(granule.path) as file:
        assert file["orbit_info/rgt"][0] == name.rgt
        assert file["orbit_info/cycle_number"][0] == name.cycle
        assert file["orbit_info/sc_orient"][0] == granule.truth.scene.sc_orient
        ancillary = file["ancillary_data"]
        assert ancillary["start_region"][0] == name.region
        assert ancillary["release"][0] == name.release.encode()
        assert ancillary["atlas_sdp_gps_epoch"][0] == 1198800018.0
        assert ancillary["granule_start_utc"][0] == f"{name.time:%Y-%m-%dT%H:%M:%S}.000000Z".encode()
        first, last = ancillary["start_delta_time"][0], ancillary["end_delta_time"][0]
        times = file["gt1r/heights/delta_time"][:]
        assert first <= times[0] <= times[-1] <= last
        assert file.attrs["short_name"] == b"ATL03"
