"""`nunatak info`: what is in a file, in words, for every product and for files that are broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from nunatak.pipeline.errors import CorruptError, NotFoundError, NotHDF5Error, ReadError, TruncatedError
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.info import describe, describe_beams, walk
from nunatak.pipeline.reading.granule_file import GranuleFile


def test_a_granule_in_words(granule: Path) -> None:
    lines = describe(str(granule)).splitlines()
    with h5py.File(granule) as file:
        photons = len(file["gt1l/heights/h_ph"])
        lat, lon = (file[f"gt1l/geolocation/reference_photon_{axis}"][...] for axis in ("lat", "lon"))
    assert lines[0] == str(granule)
    assert lines[1] == "ATL03 release 006 revision 01, 2019-12-20 02:00:00 UTC, rgt 100, cycle 5, region 3"
    assert lines[2].startswith(f"gt1l, spot 6 (weak): {len(lat)} segments, {photons:,} photons, ")
    assert f"{lat[0]:.4f} {lon[0]:.4f} to {lat[-1]:.4f} {lon[-1]:.4f}" in lines[2]
    assert lines[2].endswith(", 2019-12-20T02:00:00 to 2019-12-20T02:00:00")
    assert [line.split(",")[0] for line in lines[2:5]] == ["gt1l", "gt1r", "gt2l"]
    assert "(strong)" in lines[3]
    assert lines[5:] == ["absent: gt2r, gt3l, gt3r"]


def test_every_dataset_with_its_form(granule: Path) -> None:
    text = describe(str(granule), fields=True)
    found: list[str] = []
    with h5py.File(granule) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        conf = file["gt1l/heights/signal_conf_ph"]
        form = f"  gt1l/heights/signal_conf_ph: |i1 {conf.shape}, chunks {conf.chunks}, chunked, "
    told = [line.strip().split(": ")[0] for line in text.splitlines() if line.startswith("  ")]
    assert sorted(told) == sorted(found)
    assert form in text


def test_walking_a_group(granule: Path) -> None:
    with GranuleFile(str(granule)) as file, h5py.File(granule) as known:
        names = [path for path, _ in walk(file, "gt1l/geolocation")]
        assert names == sorted(f"gt1l/geolocation/{name}" for name in known["gt1l/geolocation"])
        assert [path for path, _ in walk(file, "/gt1l/geolocation/")] == names


def test_a_companion_tells_of_land_segments(granule: Path) -> None:
    path = granule.with_name(granule.name.replace("ATL03", "ATL08"))
    text = describe(str(path))
    assert "ATL08 release 006" in text
    with GranuleFile(str(path)) as file:
        beams = describe_beams(file, GranuleName.parse(path.name))
        assert [beam.beam for beam in beams] == list(file.beams)
        assert all(beam.photons is None for beam in beams)


def test_a_file_of_no_such_name(granule: Path, tmp_path: Path) -> None:
    path = shutil.copy(granule, tmp_path / "photons.h5")
    lines = describe(str(path)).splitlines()
    assert lines[0] == str(path)
    assert lines[1].startswith("gt1l, spot 6")


def test_beams_without_positions(granule: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(granule, tmp_path))
    with h5py.File(path, "r+") as file:
        del file["gt1l/geolocation"], file["orbit_info"]
        del file["gt1r/geolocation/delta_time"]
    lines = describe(str(path)).splitlines()
    assert lines[2] == "gt1l: no positions"
    assert "segments" in lines[3]
    assert "2019" not in lines[3]


def test_hdf5_that_is_no_granule(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["a/b/c"] = np.arange(3)
        file["text"] = "words"
    text = describe(str(path), fields=True)
    assert "absent: gt1l, gt1r, gt2l, gt2r, gt3l, gt3r" in text
    assert "  a/b/c: <i8 (3,)" in text
    assert "not read here" in next(line for line in text.splitlines() if "text" in line)


def test_what_can_not_be_described(granule: Path, tmp_path: Path) -> None:
    whole = granule.read_bytes()
    cases: dict[str, tuple[bytes, type[ReadError]]] = {
        "text": (b"photons", NotHDF5Error),
        "half": (whole[: len(whole) // 2], TruncatedError),
    }
    for name, (content, kind) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(kind, match=str(path)):
            describe(str(path))
    with pytest.raises(NotFoundError):
        describe(str(tmp_path / "gone.h5"))
    with pytest.raises(NotHDF5Error, match="this is a folder"):
        describe(str(tmp_path))


def test_a_corrupt_chunk_that_is_needed(granule: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(granule, tmp_path))
    with h5py.File(path) as file:
        chunk = file["gt1l/geolocation/reference_photon_lat"].id.get_chunk_info(0)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(bytes(32))
    with pytest.raises(CorruptError, match="reference_photon_lat"):
        describe(str(path))


def test_real_granules(shared: Path) -> None:
    for path in sorted((shared / "data" / "granules").rglob("*.h5")):
        lines = describe(str(path), fields=True).splitlines()
        assert lines[0] == str(path)
        with h5py.File(path) as file:
            count = 0

            def visit(_: str, item: object) -> None:
                nonlocal count
                count += isinstance(item, h5py.Dataset)

            file.visititems(visit)
        assert sum(line.startswith("  ") for line in lines) >= count
