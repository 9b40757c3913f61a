"""Granules that are broken in every way that we could think of: each task ends in a named outcome, and none hangs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dask
import h5py
import numpy as np
import pytest

import nunatak
from nunatak import Outcome, Status, TaskFailedError
from nunatak.pipeline import products
from nunatak.pipeline.outcome import count_statuses
from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.products.product import Computed
from nunatak.pipeline.task import Request, run_task

BEAM = "gt2l"
AROUND = (-60.0, 60.0, -40.0, 80.0)

Spoil = Callable[[h5py.File], Any]


def task(path: Path, beam: str = BEAM, name: str = "", **parameters: Any) -> Outcome:
    """Do a task and make sure of what holds for every outcome; give it."""
    request = Request("atl06", Parameters.of(**parameters))
    table, outcome = run_task(str(path), name or path.name, beam, "", request)
    assert (outcome.granule, outcome.beam, outcome.address) == (name or path.name, beam, str(path))
    assert outcome.rows == len(table)
    assert table.dtypes.equals(request.schema().empty().dtypes)
    assert (outcome.status is Status.OK) == bool(len(table))
    assert bool(outcome.kind) == bool(outcome.message) == outcome.failed
    assert not outcome.failed or str(path) in outcome.message
    return outcome


@pytest.fixture
def copy(granule: Path, tmp_path: Path) -> Path:
    """A granule of one's own, to be spoilt."""
    return Path(shutil.copy(granule, tmp_path))


@pytest.fixture
def spoilt(copy: Path) -> Callable[[Spoil], Path]:
    def spoil(change: Spoil) -> Path:
        with h5py.File(copy, "r+") as file:
            change(file)
        return copy

    return spoil


def replaced(dataset: str, change: Callable[[Any], Any]) -> Spoil:
    """Put other values in a dataset's place."""

    def spoil(file: h5py.File) -> None:
        values = file[dataset][...]
        del file[dataset]
        file[dataset] = change(values)

    return spoil


def removed(*paths: str) -> Spoil:
    def spoil(file: h5py.File) -> None:
        for path in paths:
            del file[path]

    return spoil


def test_the_granule_as_it_is(copy: Path) -> None:
    outcome = task(copy)
    assert outcome.status is Status.OK
    assert outcome.rows > 100
    assert 0 < outcome.photons_kept <= outcome.photons
    assert outcome.bytes_read > 0
    assert outcome.requests > 0


# -- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path, granule: Path) -> None:
    assert task(tmp_path / granule.name).kind == "not_found"


def test_a_folder_in_its_place(tmp_path: Path, granule: Path) -> None:
    (tmp_path / granule.name).mkdir()
    assert task(tmp_path / granule.name).kind == "not_hdf5"


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"CDF\x01" + bytes(5000), b"<html>" * 500, bytes(100_000)])
def test_a_file_that_is_no_hdf5(tmp_path: Path, granule: Path, content: bytes) -> None:
    path = tmp_path / granule.name
    path.write_bytes(content)
    assert task(path).kind == "not_hdf5"


@pytest.mark.parametrize("part", [0.0005, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(copy: Path, part: float) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: int(part * len(content))])
    outcome = task(copy)
    assert outcome.kind == "truncated"


def test_a_file_that_may_not_be_read(copy: Path, closed: Callable[[Path], AbstractContextManager[None]]) -> None:
    task(copy)  # what is imported on the way may not be for nobody to read
    with closed(copy):
        outcome = task(copy)
    assert outcome.kind == "forbidden"


@pytest.mark.parametrize("dataset", ["heights/h_ph", "heights/signal_conf_ph", "geolocation/segment_ph_cnt"])
def test_a_corrupt_chunk(copy: Path, dataset: str) -> None:
    with h5py.File(copy) as file:
        chunk = file[f"{BEAM}/{dataset}"].id.get_chunk_info(0)
    with copy.open("r+b") as raw:
        raw.seek(chunk.byte_offset + chunk.size // 2)
        flipped = bytes(byte ^ 0xFF for byte in raw.read(16))
        raw.seek(chunk.byte_offset + chunk.size // 2)
        raw.write(flipped)
    outcome = task(copy)
    assert (outcome.kind, outcome.dataset) == ("corrupt", f"{BEAM}/{dataset}")
    # other beams do not suffer
    assert task(copy, "gt1l").status is Status.OK


def test_flipped_bits_anywhere_end_in_an_outcome(copy: Path) -> None:
    content = copy.read_bytes()
    random = np.random.default_rng(3)
    kinds = set()
    for _ in range(60):
        spoilt = bytearray(content)
        for at in random.integers(0, min(len(content), 60_000), 3):
            spoilt[at] ^= 1 << int(random.integers(8))
        copy.write_bytes(spoilt)
        kinds.add(task(copy).kind)
    assert "unexpected" not in kinds


# -- what is in it ----------------------------------------------------------------------------------------------------


def test_a_granule_of_another_product_under_the_name(granule: Path, copy: Path) -> None:
    shutil.copy(granule.with_name(granule.name.replace("ATL03", "ATL08")), copy)
    for beam in (BEAM, "gt3r"):
        outcome = task(copy, beam)
        assert outcome.kind == "wrong_product"
        assert "an ATL08 granule where ATL03 is needed" in outcome.message


def test_another_product_that_does_not_say_its_name(spoilt: Callable[[Spoil], Path]) -> None:
    def spoil(file: h5py.File) -> None:
        del file.attrs["short_name"]
        del file[f"{BEAM}/heights"], file[f"{BEAM}/geolocation"]
        file.create_group(f"{BEAM}/land_ice_segments")

    outcome = task(spoilt(spoil))
    assert outcome.kind == "wrong_product"
    assert "it holds" in outcome.message
    assert "land_ice_segments" in outcome.message


def test_hdf5_that_is_no_granule(tmp_path: Path, granule: Path) -> None:
    path = tmp_path / granule.name
    with h5py.File(path, "w") as file:
        file["temperature"] = np.arange(5.0)
        file.create_group("model")
    outcome = task(path)
    assert outcome.kind == "wrong_product"
    assert "it holds model" in outcome.message


@pytest.mark.parametrize("dataset", ["segment_ph_cnt", "segment_id", "segment_dist_x", "delta_time", "velocity_sc"])
def test_an_absent_segment_field(spoilt: Callable[[Spoil], Path], dataset: str) -> None:
    outcome = task(spoilt(removed(f"{BEAM}/geolocation/{dataset}")))
    assert (outcome.kind, outcome.dataset) == ("missing_dataset", f"{BEAM}/geolocation/{dataset}")


@pytest.mark.parametrize(
    "dataset",
    ["h_ph", "quality_ph", "signal_conf_ph", "lat_ph", "lon_ph", "delta_time", "dist_ph_along", "dist_ph_across"],
)
def test_an_absent_photon_field(spoilt: Callable[[Spoil], Path], dataset: str) -> None:
    outcome = task(spoilt(removed(f"{BEAM}/heights/{dataset}")))
    assert (outcome.kind, outcome.dataset) == ("missing_dataset", f"{BEAM}/heights/{dataset}")
    assert f"has no {dataset}" in outcome.message


def test_reference_photons_are_needed_for_a_region_only(spoilt: Callable[[Spoil], Path]) -> None:
    path = spoilt(removed(f"{BEAM}/geolocation/reference_photon_lat"))
    assert task(path).status is Status.OK
    assert task(path, poly=AROUND).kind == "missing_dataset"


@pytest.mark.parametrize("paths", [("bckgrd_atlas",), ("bckgrd_atlas/bckgrd_rate",), ("bckgrd_atlas/delta_time",)])
def test_an_absent_background(spoilt: Callable[[Spoil], Path], paths: tuple[str, ...]) -> None:
    outcome = task(spoilt(removed(*(f"{BEAM}/{path}" for path in paths))))
    assert outcome.kind == "missing_dataset"
    assert outcome.dataset.startswith(f"{BEAM}/bckgrd_atlas")


@pytest.mark.parametrize("path", ["orbit_info", "orbit_info/sc_orient"])
def test_an_absent_orientation(spoilt: Callable[[Spoil], Path], path: str) -> None:
    outcome = task(spoilt(removed(path)))
    assert outcome.kind == "missing_dataset"
    assert outcome.dataset.startswith("orbit_info")


def test_an_empty_orientation(spoilt: Callable[[Spoil], Path]) -> None:
    outcome = task(spoilt(replaced("orbit_info/sc_orient", lambda values: values[:0])))
    assert (outcome.kind, outcome.dataset) == ("missing_dataset", "orbit_info/sc_orient")


# -- beams ------------------------------------------------------------------------------------------------------------


def test_an_absent_beam(copy: Path) -> None:
    outcome = task(copy, "gt3r")
    assert outcome.status is Status.ABSENT
    assert outcome.photons == 0


@pytest.mark.parametrize("paths", [("heights",), ("heights", "geolocation")])
def test_a_beam_without_a_group_of_photons(spoilt: Callable[[Spoil], Path], paths: tuple[str, ...]) -> None:
    outcome = task(spoilt(removed(*(f"{BEAM}/{path}" for path in paths))))
    assert outcome.status is Status.ABSENT


def test_photons_that_can_not_be_placed_are_no_absent_beam(spoilt: Callable[[Spoil], Path]) -> None:
    outcome = task(spoilt(removed(f"{BEAM}/geolocation")))
    assert outcome.kind == "missing_dataset"
    assert outcome.dataset.startswith(f"{BEAM}/geolocation")


def emptied(*groups: str) -> Spoil:
    def spoil(file: h5py.File) -> None:
        for group in groups:
            for name in list(file[group]):
                replaced(f"{group}/{name}", lambda values: values[:0])(file)

    return spoil


def test_a_beam_without_rows_is_empty(spoilt: Callable[[Spoil], Path]) -> None:
    path = spoilt(emptied(f"{BEAM}/heights", f"{BEAM}/geolocation", f"{BEAM}/bckgrd_atlas"))
    for parameters in ({}, {"poly": AROUND}):
        assert task(path, **parameters).status is Status.EMPTY


def test_segments_without_photons_are_empty(spoilt: Callable[[Spoil], Path]) -> None:
    def spoil(file: h5py.File) -> None:
        emptied(f"{BEAM}/heights")(file)
        file[f"{BEAM}/geolocation/segment_ph_cnt"][...] = 0

    path = spoilt(spoil)
    for parameters in ({}, {"poly": AROUND}):
        assert task(path, **parameters).status is Status.EMPTY


def test_photons_that_the_segments_count_and_nobody_has(spoilt: Callable[[Spoil], Path]) -> None:
    outcome = task(spoilt(emptied(f"{BEAM}/heights")))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/geolocation/segment_ph_cnt")
    assert "heights/h_ph holds 0" in outcome.message


def test_a_region_elsewhere_is_empty(copy: Path) -> None:
    outcome = task(copy, poly=(0, 0, 1, 1))
    assert outcome.status is Status.EMPTY
    assert outcome.photons == 0


# -- rows that do not add up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [-1, 1, 100_000])
def test_counts_that_do_not_add_up(spoilt: Callable[[Spoil], Path], by: int) -> None:
    def spoil(file: h5py.File) -> None:
        counts = file[f"{BEAM}/geolocation/segment_ph_cnt"]
        counts[int(np.argmax(counts[...]))] += by

    outcome = task(spoilt(spoil))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/geolocation/segment_ph_cnt")


def test_negative_counts(spoilt: Callable[[Spoil], Path]) -> None:
    def spoil(file: h5py.File) -> None:
        counts = file[f"{BEAM}/geolocation/segment_ph_cnt"]
        counts[3], counts[4] = -1, counts[4] + counts[3] + 1

    outcome = task(spoilt(spoil))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/geolocation/segment_ph_cnt")
    assert "negative photon count (-1)" in outcome.message


@pytest.mark.parametrize(
    "dataset", ["heights/quality_ph", "heights/lat_ph", "heights/signal_conf_ph", "geolocation/segment_id"]
)
def test_a_field_with_too_few_rows(spoilt: Callable[[Spoil], Path], dataset: str) -> None:
    outcome = task(spoilt(replaced(f"{BEAM}/{dataset}", lambda values: values[:-1])))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/{dataset}")


@pytest.mark.parametrize("dataset", ["geolocation/reference_photon_lat", "bckgrd_atlas/bckgrd_rate"])
@pytest.mark.parametrize("change", [lambda values: values[:-1], lambda values: np.append(values, values[-1:])])
def test_fields_of_one_rate_that_differ_in_length(
    spoilt: Callable[[Spoil], Path], dataset: str, change: Callable[[Any], Any]
) -> None:
    outcome = task(spoilt(replaced(f"{BEAM}/{dataset}", change)), poly=AROUND)
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/{dataset}")


FORMS = {
    "scalar": lambda values: values.ravel()[0],
    "one column more": lambda values: np.stack([values, values], 1),
    "text": lambda values: np.full(len(values), b"text"),
}


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize(
    "dataset",
    [
        "heights/h_ph",
        "heights/quality_ph",
        "heights/signal_conf_ph",
        "heights/delta_time",
        "geolocation/segment_ph_cnt",
        "geolocation/segment_id",
        "geolocation/velocity_sc",
        "geolocation/reference_photon_lon",
        "bckgrd_atlas/bckgrd_rate",
        "bckgrd_atlas/delta_time",
    ],
)
def test_a_field_of_another_form(spoilt: Callable[[Spoil], Path], dataset: str, form: str) -> None:
    outcome = task(spoilt(replaced(f"{BEAM}/{dataset}", FORMS[form])), poly=AROUND)
    assert outcome.kind == ("unsupported" if form == "text" else "layout")
    assert outcome.dataset == f"{BEAM}/{dataset}"


@pytest.mark.parametrize("dataset", ["heights/signal_conf_ph", "geolocation/velocity_sc"])
def test_too_few_columns(spoilt: Callable[[Spoil], Path], dataset: str) -> None:
    path = spoilt(replaced(f"{BEAM}/{dataset}", lambda values: values[:, :2]))
    for srt in ("land_ice", "dynamic"):
        outcome = task(path, srt=srt)
        assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/{dataset}")


def test_numbers_that_would_lose_digits(spoilt: Callable[[Spoil], Path]) -> None:
    outcome = task(spoilt(replaced(f"{BEAM}/heights/h_ph", lambda values: values.astype("f8"))))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/heights/h_ph")
    assert "float64" in outcome.message


def test_an_empty_background(spoilt: Callable[[Spoil], Path]) -> None:
    outcome = task(spoilt(emptied(f"{BEAM}/bckgrd_atlas")))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/bckgrd_atlas/bckgrd_rate")
    assert "background" in outcome.message


@pytest.mark.parametrize("value", [np.nan, np.finfo("f8").max])
def test_distances_that_no_track_has(spoilt: Callable[[Spoil], Path], value: float) -> None:
    def spoil(file: h5py.File) -> None:
        file[f"{BEAM}/geolocation/segment_dist_x"][20] = value

    outcome = task(spoilt(spoil))
    assert (outcome.kind, outcome.dataset) == ("layout", f"{BEAM}/geolocation/segment_dist_x")


def test_values_that_photons_do_not_have_are_noted(spoilt: Callable[[Spoil], Path]) -> None:
    def spoil(file: h5py.File) -> None:
        file[f"{BEAM}/heights/signal_conf_ph"][:7] = 99
        file[f"{BEAM}/heights/quality_ph"][10:13] = -9

    outcome = task(spoilt(spoil))
    assert outcome.status is Status.OK
    assert outcome.notes == (
        "7 photons with a confidence outside -2 to 4, not selected",
        "3 photons with a quality outside 0 to 25, not selected",
    )


def test_heights_that_are_no_numbers_are_noted(spoilt: Callable[[Spoil], Path]) -> None:
    def spoil(file: h5py.File) -> None:
        file[f"{BEAM}/heights/h_ph"][...] = np.nan

    outcome = task(spoilt(spoil))
    assert outcome.notes == (
        f"{outcome.rows} rows whose photons do not determine a line",
        f"{outcome.photons} photons whose height is no number",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.7976931348623157e308])
@pytest.mark.parametrize("dataset", ["heights/delta_time", "heights/dist_ph_along", "geolocation/segment_dist_x"])
def test_photons_without_a_time_or_a_place_are_no_photons(
    spoilt: Callable[[Spoil], Path], dataset: str, value: float
) -> None:
    def spoil(file: h5py.File) -> None:
        with np.errstate(over="ignore"):
            file[f"{BEAM}/{dataset}"][3] = value

    outcome = task(spoilt(spoil))
    assert (outcome.status, outcome.kind) == ("failed", "layout")
    assert f"{BEAM}/{dataset}: 1 values are no numbers, or fill values" in outcome.message


def test_a_quality_that_the_release_can_not_hold_is_noted(copy: Path) -> None:
    outcome = task(copy, quality_ph=[0, 10, 25])
    assert outcome.notes == ("quality_ph 10, 25 match nothing: release 006 holds 0 to 3",)


# -- what nobody foresaw ----------------------------------------------------------------------------------------------


def test_an_exception_inside_a_product_is_an_outcome_with_its_traceback(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> Computed | None:
        raise ZeroDivisionError("nobody thought of this")

    broken = products.Product("atl06", 1, "ATL03", products.product_named("atl06").schema, frozenset(), stumble)
    monkeypatch.setattr("nunatak.pipeline.task.product_named", lambda _: broken)
    _, outcome = run_task(str(copy), copy.name, BEAM, "", Request("atl06", Parameters()))
    assert (outcome.status, outcome.kind) == (Status.FAILED, "unexpected")
    assert outcome.message == "ZeroDivisionError: nobody thought of this"
    assert "in stumble" in outcome.detail
    assert "in stumble" in str(TaskFailedError(outcome))


def test_what_was_read_before_a_failure_is_counted(spoilt: Callable[[Spoil], Path]) -> None:
    outcome = task(spoilt(removed("orbit_info/sc_orient")))
    assert outcome.failed
    assert outcome.bytes_read > 10_000
    assert outcome.requests > 0


# -- the public face --------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(granule_folder: Path, tmp_path: Path) -> Path:
    """Both granules, the first with a corrupt chunk of gt2l; gt1r is absent from the second."""
    for path in granule_folder.glob("ATL03_*.h5"):
        shutil.copy(path, tmp_path)
    first = min(tmp_path.glob("ATL03_*.h5"))
    with h5py.File(first) as file:
        chunk = file[f"{BEAM}/heights/h_ph"].id.get_chunk_info(0)
    with first.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(bytes(64))
    return tmp_path


@pytest.fixture
def sync() -> Iterator[None]:
    with dask.config.set(scheduler="sync"):
        yield


@pytest.mark.usefixtures("sync")
def test_a_failed_task_is_felt(folder: Path) -> None:
    heights = nunatak.atl06(folder)  # lazy: nothing is felt yet
    with pytest.raises(TaskFailedError, match=r"gt2l failed \(corrupt\)") as caught:
        heights.compute()
    outcome = caught.value.outcome
    assert (outcome.beam, outcome.dataset) == (BEAM, f"{BEAM}/heights/h_ph")
    assert Path(outcome.address).parent == folder


@pytest.mark.usefixtures("sync")
def test_the_others_are_collected_with_all_outcomes(folder: Path) -> None:
    plan = nunatak.plan("atl06", folder)
    both = plan.lazy(on_error="collect")
    frame, outcomes = dask.compute(both.frame, both.outcomes)
    assert len(outcomes) == len(plan) == 12
    assert list(zip(outcomes["granule"], outcomes["beam"], strict=True)) == [(t.granule, t.beam) for t in plan.tasks]
    assert outcomes["status"].value_counts().to_dict() == {"ok": 4, "absent": 7, "failed": 1}
    assert outcomes["rows"].sum() == len(frame)
    failed = outcomes[outcomes["status"] == "failed"].iloc[0]
    assert (failed["beam"], failed["kind"], failed["dataset"]) == (BEAM, "corrupt", f"{BEAM}/heights/h_ph")
    assert set(frame["gt"]) == {10, 20, 30}
    # the frame by itself is the same
    alone = nunatak.atl06(folder, on_error="collect").compute()
    assert alone.equals(frame)


@pytest.mark.usefixtures("sync")
def test_a_file_that_vanishes_between_plan_and_run(folder: Path) -> None:
    plan = nunatak.plan("atl06", folder, beams=["gt1l"])
    both = plan.lazy(on_error="collect")
    max(folder.glob("ATL03_*.h5")).unlink()
    frame, outcomes = dask.compute(both.frame, both.outcomes)
    assert outcomes["status"].tolist() == ["ok", "failed"]
    assert outcomes["kind"].tolist() == ["", "not_found"]
    assert len(frame) == outcomes["rows"].sum() > 0


@pytest.mark.usefixtures("sync")
def test_counts_add_up_when_everything_fails(folder: Path) -> None:
    plan = nunatak.plan("atl06", folder)
    for path in folder.glob("ATL03_*.h5"):
        path.write_bytes(b"nothing that one could read")
    both = plan.lazy(on_error="collect")
    frame, outcomes = dask.compute(both.frame, both.outcomes)
    assert len(frame) == 0
    assert frame.dtypes.equals(both.frame._meta.dtypes)
    assert (outcomes["kind"] == "not_hdf5").all()
    assert len(outcomes) == len(plan)
    records = [run_task(*t, plan.request)[1] for t in plan.tasks]
    assert count_statuses(records) == {"ok": 0, "empty": 0, "absent": 0, "failed": len(plan)}


def test_there_are_two_ways_to_take_an_error(folder: Path) -> None:
    with pytest.raises(nunatak.InputError, match="on_error='ignore': either 'raise' or 'collect'"):
        nunatak.atl06(folder, on_error="ignore")  # type: ignore[arg-type]
