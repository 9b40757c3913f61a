"""Ancillary fields of photons, segments and land segments: found, paired with the right photons, fitted, reduced."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from photon_table import EVERYTHING, paired, photon_table

import nunatak
from nunatak.testing import SimulatedGranule, simulate

FIT = {"srt": "land", "cnf": 0}
CANOPY = {"srt": "land", "len": 100, "res": 100}


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    """A forest with a lake in it, under two beams: some photons have no land segment, some segments an ocean tide."""
    folder = tmp_path_factory.mktemp("forest")
    return simulate(folder, terrain="canopy+water", kilometres=2, beams=("gt1l", "gt1r"), seed=8)[0]


@pytest.fixture(scope="module")
def photons(forest: SimulatedGranule) -> pd.DataFrame:
    return photon_table(forest.path, forest.atl08_path)


def ask(product: str, granule: SimulatedGranule, request: dict[str, Any], **fields: Any) -> pd.DataFrame:
    plan = nunatak.plan(product, granule.path, {**request, **fields}, keep_id=True)
    return plan.lazy().frame.compute(scheduler="sync")


def failures(plan: nunatak.Plan) -> pd.DataFrame:
    """Run a plan and give the outcomes of tasks whose beam is there: all of them failed."""
    outcomes = plan.lazy(on_error="collect").outcomes.compute(scheduler="sync")
    present = outcomes[outcomes["status"] != "absent"]
    assert len(present) == 2
    assert set(present["status"]) == {"failed"}
    return present


def stored(path: Path | None, found: pd.DataFrame, dataset: str, rows: str) -> np.ndarray:
    """Read a dataset, or its first column, and give its values by photon; `rows` names the photons' rows of it."""
    values = np.empty(len(found), object)
    assert path is not None
    with h5py.File(path) as file:
        for beam in found["beam"].unique():
            mine = (found["beam"] == beam).to_numpy()
            held = file[beam][dataset][:]
            first = held[:, 0] if held.ndim > 1 else held
            values[mine] = first[found.loc[mine, rows].to_numpy().astype(int)]
    return values


# --- atl03: a value a photon -----------------------------------------------------------------------------------------

PHOTON = {"ph_id_pulse": "heights/ph_id_pulse", "h_ph": "heights/h_ph", "signal_conf_ph": "heights/signal_conf_ph"}
SEGMENT = {
    "segment_id": "geolocation/segment_id",
    "ref_azimuth": "geolocation/ref_azimuth",
    "velocity_sc": "geolocation/velocity_sc",
    "geoid": "geophys_corr/geoid",
    "dem_h": "geophys_corr/dem_h",
    "dac": "geophys_corr/dac",
    "tide_ocean": "geophys_corr/tide_ocean",
    "geophys_corr/tide_earth": "geophys_corr/tide_earth",
    "geolocation/delta_time": "geolocation/delta_time",
}
LANDS = {
    "segment_watermask": "land_segments/segment_watermask",
    "h_dif_ref": "land_segments/h_dif_ref",
    "canopy/h_canopy": "land_segments/canopy/h_canopy",
    "land_segments/terrain/n_te_photons": "land_segments/terrain/n_te_photons",
    "canopy/canopy_h_metrics": "land_segments/canopy/canopy_h_metrics",
}


@pytest.mark.parametrize(
    ("parameter", "fields", "rows"),
    [
        ("atl03_ph_fields", PHOTON, "row"),
        ("atl03_geo_fields", SEGMENT, "segment"),
        ("atl08_fields", LANDS, "land"),
    ],
)
def test_photons_get_their_own_values_in_the_type_of_the_file(
    forest: SimulatedGranule, photons: pd.DataFrame, parameter: str, fields: dict[str, str], rows: str
) -> None:
    frame = ask("atl03", forest, EVERYTHING, **{parameter: list(fields)})
    found = paired(frame, photons)
    source = forest.atl08_path if rows == "land" else forest.path
    assert source is not None
    assert (found[rows] >= 0).all()  # without a class, photons that ATL08 does not list are not selected
    for name, dataset in fields.items():
        column = frame["segment_id_y" if name == "segment_id" else name]
        values = stored(source, found, dataset, rows)
        with h5py.File(source) as file:
            assert column.dtype == file["gt1l"][dataset].dtype.newbyteorder("="), name
        np.testing.assert_array_equal(column, values.astype(column.dtype), name)


def test_photons_without_a_land_segment_have_all_bits_set(forest: SimulatedGranule, photons: pd.DataFrame) -> None:
    fields = ["segment_watermask", "h_dif_ref", "n_seg_ph"]
    frame = ask("atl03", forest, EVERYTHING, atl08_fields=fields, atl08_class=[0, 1, 2, 3, 4])
    found = paired(frame, photons)
    without = (found["land"] < 0).to_numpy()
    assert 0 < without.sum() < len(frame)
    assert (frame.loc[without, "segment_watermask"] == -1).all()
    assert frame.loc[without, "h_dif_ref"].isna().all()
    assert (frame.loc[~without, "n_seg_ph"] > 0).all()
    np.testing.assert_array_equal(
        frame.loc[~without, "n_seg_ph"], stored(forest.atl08_path, found[~without], "land_segments/n_seg_ph", "land")
    )


def test_photons_of_two_extents_bring_their_value_to_both(forest: SimulatedGranule, photons: pd.DataFrame) -> None:
    frame = ask("atl03", forest, FIT, atl03_ph_fields="ph_id_pulse", atl03_geo_fields="segment_id")
    found = paired(frame, photons)
    assert found.duplicated(["beam", "row"]).any()
    np.testing.assert_array_equal(frame["ph_id_pulse"], stored(forest.path, found, "heights/ph_id_pulse", "row"))
    np.testing.assert_array_equal(frame["segment_id_y"], found["segment_id"])


def test_photons_in_pieces_of_a_region(forest: SimulatedGranule, photons: pd.DataFrame) -> None:
    """Rows of a region are not those of the file."""
    middle = float(photons["reference"].median())
    halves = [[[-50, middle + a], [-48, middle + a], [-48, middle + b], [-50, middle + b], [-50, middle + a]]
              for a, b in ((-0.006, -0.003), (0.002, 0.004))]  # fmt: skip
    area = {"type": "MultiPolygon", "coordinates": [[half] for half in halves]}
    frame = ask(
        "atl03",
        forest,
        {**EVERYTHING, "poly": area},
        atl03_ph_fields="ph_id_pulse",
        atl03_geo_fields="segment_id",
        atl08_fields="segment_id_beg",
    )
    found = paired(frame, photons)
    assert 0 < len(frame) < 0.6 * len(photons)
    np.testing.assert_array_equal(frame["ph_id_pulse"], stored(forest.path, found, "heights/ph_id_pulse", "row"))
    np.testing.assert_array_equal(frame["segment_id_y"], found["segment_id"])
    np.testing.assert_array_equal(
        frame["segment_id_beg"], stored(forest.atl08_path, found, "land_segments/segment_id_beg", "land")
    )


# --- atl06: fitted ---------------------------------------------------------------------------------------------------


def test_a_fitted_field_is_what_the_fit_gives_of_it(forest: SimulatedGranule) -> None:
    """Heights as a field are fitted to the height, distances across to y_atc, constants to themselves."""
    rows = ask(
        "atl06",
        forest,
        FIT,
        atl03_ph_fields=["h_ph", "dist_ph_across", "lat_ph"],
        atl03_geo_fields=["tide_pole", "sigma_along", "segment_ph_cnt"],
    )
    assert len(rows) > 80
    for name in ("h_ph", "dist_ph_across", "lat_ph", "tide_pole", "sigma_along", "segment_ph_cnt"):
        assert rows[name].dtype == "float64"
    np.testing.assert_allclose(rows["h_ph"], rows["h_mean"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(rows["dist_ph_across"], rows["y_atc"], rtol=1e-7)
    np.testing.assert_allclose(rows["lat_ph"], rows["latitude"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(rows["tide_pole"], np.float32(-0.00084), rtol=1e-12)
    np.testing.assert_allclose(rows["sigma_along"], 5.0, rtol=1e-12)


def test_a_field_is_fitted_by_the_photons_that_the_fit_keeps(forest: SimulatedGranule, photons: pd.DataFrame) -> None:
    """With one fit nothing is removed: the field's line of least squares through all photons, at the centre."""
    fields = {"atl03_ph_fields": "ph_id_pulse", "atl08_fields": "n_seg_ph", "atl08_class": [1, 2, 3]}
    rows = ask("atl06", forest, FIT | {"maxi": 1}, **fields)
    members = ask("atl03", forest, FIT, **fields).groupby("extent_id")
    for row in rows.itertuples():
        extent = members.get_group(row.extent_id - 2)
        for name in ("ph_id_pulse", "n_seg_ph"):
            line = np.polyfit(extent["x_atc"].astype(float), extent[name].astype(float), 1)
            assert getattr(row, name) == pytest.approx(line[1], abs=2e-3)


# --- atl08: mode and mean --------------------------------------------------------------------------------------------


def test_vegetation_gets_the_most_frequent_value_or_the_mean(forest: SimulatedGranule) -> None:
    asked = {"atl08_fields": ["n_seg_ph", "h_dif_ref", "n_seg_ph%", "h_dif_ref%", "segment_watermask"]}
    asked |= {"atl03_ph_fields": ["ph_id_pulse"], "atl03_geo_fields": ["dem_h"]}
    rows = ask("atl08", forest, CANOPY, **asked)
    fields = {"atl08_fields": ["n_seg_ph", "h_dif_ref", "segment_watermask"]}
    fields |= {name: asked[name] for name in ("atl03_ph_fields", "atl03_geo_fields")}
    members = ask("atl03", forest, CANOPY | {"phoreal": {}}, **fields).groupby("extent_id")
    assert len(rows) >= 20
    for row in rows.to_dict("records"):
        extent = members.get_group(row["extent_id"] - 2)
        for name in ("n_seg_ph", "h_dif_ref", "segment_watermask", "ph_id_pulse", "dem_h"):
            assert row[name] == extent[name].mode().min(), name
        assert row["n_seg_ph%"] == int(extent["n_seg_ph"].sum()) // len(extent)
        assert row["h_dif_ref%"] == pytest.approx(extent["h_dif_ref"].astype(float).mean(), rel=1e-12)
    for name in ("n_seg_ph", "n_seg_ph%", "segment_watermask", "ph_id_pulse"):
        assert rows[name].dtype == "int64"
    for name in ("h_dif_ref", "h_dif_ref%", "dem_h"):
        assert rows[name].dtype == "float64"


def test_fill_values_do_not_count_among_floats(forest: SimulatedGranule) -> None:
    """Ocean tides have no value on land: SlideRule's 0 stands where no value counts."""
    rows = ask("atl08", forest, CANOPY, atl03_geo_fields="tide_ocean")
    assert (rows["tide_ocean"] == 0).any()
    assert rows["tide_ocean"].between(0, 1).all()


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_that_clash_are_told_apart(forest: SimulatedGranule) -> None:
    rows = ask("atl06", forest, FIT, atl03_geo_fields=["segment_id", "yaw"], atl08_fields=["latitude"])
    plain = ask("atl06", forest, FIT, atl08_class=[0, 1, 2, 3])
    added = {"segment_id_x", "segment_id_y", "latitude_x", "latitude_y", "yaw"}
    assert set(rows.columns) == set(plain.columns) - {"segment_id", "latitude"} | added
    np.testing.assert_array_equal(rows["segment_id_x"], plain["segment_id"])
    np.testing.assert_array_equal(rows["latitude_x"], plain["latitude"])
    assert rows.geometry.geom_equals(plain.geometry).all()
    assert (np.abs(rows["segment_id_y"] - rows["segment_id_x"]) < 2).all()
    prefixed = ask(
        "atl06", forest, FIT, atl03_geo_fields=["segment_id", "yaw"], atl08_fields=["latitude"], field_prefix=True
    )
    assert set(prefixed.columns) == set(plain.columns) | {"segment_segment_id", "segment_yaw", "land_latitude"}
    np.testing.assert_array_equal(prefixed["land_latitude"], rows["latitude_y"])


def test_one_name_in_several_groups(forest: SimulatedGranule) -> None:
    both = {"atl03_geo_fields": "solar_azimuth", "atl08_fields": "solar_azimuth"}
    rows = ask("atl03", forest, EVERYTHING, **both)
    assert (rows["solar_azimuth"] == rows["solar_azimuth_y"]).all()
    rows = ask("atl03", forest, EVERYTHING, field_prefix=True, **both)
    assert (rows["segment_solar_azimuth"] == rows["land_solar_azimuth"]).all()
    three = dict.fromkeys(("atl03_ph_fields", "atl03_geo_fields", "atl08_fields"), "delta_time")
    with pytest.raises(nunatak.InputError, match=r"delta_time: .*field_prefix"):
        ask("atl03", forest, EVERYTHING, **three)
    rows = ask("atl03", forest, EVERYTHING, field_prefix=True, **three)
    assert {"photon_delta_time", "segment_delta_time", "land_delta_time"} <= set(rows.columns)


@pytest.mark.parametrize(
    ("parameter", "name", "near"),
    [
        ("atl03_ph_fields", "ph_id_puls", "ph_id_pulse"),
        ("atl03_geo_fields", "tide_oceans", "tide_ocean"),
        ("atl03_geo_fields", "geophys_cor/geoid", "geoid"),
        ("atl08_fields", "segment_watermsk", "segment_watermask"),
        ("atl08_fields", "canopy/h_cannopy%", "h_canopy"),
    ],
)
@pytest.mark.parametrize("product", ["atl03", "atl06", "atl08"])
def test_a_field_that_is_not_there_is_answered_with_a_near_one(
    forest: SimulatedGranule, product: str, parameter: str, name: str, near: str
) -> None:
    with pytest.raises(nunatak.InputError, match=f"no such field in .*did you mean .*{near}'"):
        nunatak.plan(product, forest.path, CANOPY, **{parameter: [name]})


def test_means_are_of_atl08(forest: SimulatedGranule) -> None:
    with pytest.raises(nunatak.InputError, match=r"h_ph%.*ATL08"):
        nunatak.plan("atl08", forest.path, CANOPY, atl03_ph_fields=["h_ph%"])


@pytest.mark.parametrize(
    ("parameter", "name", "rows", "dataset"),
    [
        ("atl03_ph_fields", "geophys_corr/geoid", "segment", "geophys_corr/geoid"),
        ("atl03_geo_fields", "heights/ph_id_pulse", "row", "heights/ph_id_pulse"),
    ],
)
def test_a_field_in_the_wrong_list_is_read_by_its_true_rate(
    forest: SimulatedGranule, photons: pd.DataFrame, parameter: str, name: str, rows: str, dataset: str
) -> None:
    frame = ask("atl03", forest, EVERYTHING, **{parameter: name})
    values = stored(forest.path, paired(frame, photons), dataset, rows)
    np.testing.assert_array_equal(frame[name], values.astype(frame[name].dtype))


def test_neither_photons_nor_segments(forest: SimulatedGranule) -> None:
    plan = nunatak.plan("atl03", forest.path, EVERYTHING, atl03_geo_fields="bckgrd_atlas/bckgrd_counts")
    outcomes = failures(plan)
    assert set(outcomes["kind"]) == {"layout"}
    assert outcomes["message"].str.contains("neither photons nor segments").all()


# --- plans and granules ----------------------------------------------------------------------------------------------


def test_a_saved_plan_keeps_its_fields(forest: SimulatedGranule, tmp_path: Path) -> None:
    asked = {"atl03_ph_fields": ["h_ph"], "atl03_geo_fields": ["geoid"], "atl08_fields": ["n_seg_ph", "n_seg_ph%"]}
    plan = nunatak.plan("atl08", forest.path, CANOPY, **asked)
    plan.save(tmp_path / "plan.parquet")
    loaded = nunatak.Plan.load(tmp_path / "plan.parquet")
    assert loaded.request == plan.request
    assert [field.column for field in loaded.request.fields] == ["h_ph", "geoid", "n_seg_ph", "n_seg_ph%"]
    rows, again = (one.lazy().frame.compute(scheduler="sync") for one in (plan, loaded))
    pd.testing.assert_frame_equal(rows, again)


def test_fields_of_an_atl08_that_is_missing(forest: SimulatedGranule, tmp_path: Path) -> None:
    shutil.copy(forest.path, tmp_path)
    lonely = tmp_path / forest.path.name
    plan = nunatak.plan("atl06", lonely, FIT, atl08_fields="n_seg_ph")
    outcomes = failures(plan)
    assert set(outcomes["kind"]) == {"missing_companion"}
    assert outcomes["message"].str.contains("ATL08_.*atl08_fields").all()
    assert len(nunatak.atl06(lonely, FIT, atl03_geo_fields="geoid").compute(scheduler="sync")) > 80


def test_a_granule_that_lacks_a_field_fails_and_names_it(forest: SimulatedGranule, tmp_path: Path) -> None:
    other = simulate(tmp_path, 2, terrain="flat", kilometres=0.5, beams=("gt1l",), with_atl08=False)[1]
    (tmp_path / "granules").mkdir()
    for path in (forest.path, other.path):
        shutil.copy(path, tmp_path / "granules")
    with h5py.File(tmp_path / "granules" / other.path.name, "a") as file:
        del file["gt1l/geophys_corr/geoid"]
    plan = nunatak.plan("atl06", tmp_path / "granules", FIT, atl03_geo_fields="geoid", beams="gt1l")
    outcomes = plan.lazy(on_error="collect").outcomes.compute(scheduler="sync")
    assert list(outcomes["status"]) == ["ok", "failed"]
    assert outcomes["kind"].iloc[1] == "missing_dataset"
    assert "gt1l/geophys_corr/geoid" in outcomes["message"].iloc[1]


def test_a_type_that_can_not_hold_what_another_granule_has(tmp_path: Path) -> None:
    """Weights have 8 bits in release 006 and 16 in 007: nothing is cut to what the first granule needs."""
    scene: dict[str, Any] = {"terrain": "canopy", "kilometres": 0.5, "beams": ("gt1r",), "seed": 6}
    old = simulate(tmp_path, **scene)[0]
    new = simulate(tmp_path, 2, release="007", **scene)[1]
    request = EVERYTHING | {"atl03_ph_fields": ["weight_ph"], "beams": "gt1r"}
    together = nunatak.plan("atl03", [old.path, new.path], request)
    outcomes = together.lazy(on_error="collect").outcomes.compute(scheduler="sync")
    assert list(outcomes["status"]) == ["ok", "failed"]
    assert outcomes["kind"].iloc[1] == "layout"
    assert "values of type uint16 that uint8 can't hold" in outcomes["message"].iloc[1]
    alone = nunatak.atl03(new.path, request).compute(scheduler="sync")
    np.testing.assert_array_equal(alone["weight_ph"], paired(alone, photon_table(new.path))["weight_ph"])
    for product in ("atl06", "atl08"):
        rows = nunatak.plan(product, [old.path, new.path], CANOPY | {"atl03_ph_fields": ["weight_ph"]}, beams="gt1r")
        weights = rows.lazy().frame.compute(scheduler="sync").groupby("cycle")["weight_ph"].max()
        assert weights.max() > 255


def test_what_is_no_land_segment_is_none(forest: SimulatedGranule) -> None:
    """Photons of ATL08 are not land segments: their rows are another's."""
    failed = failures(nunatak.plan("atl03", forest.path, EVERYTHING, atl08_fields="signal_photons/ph_h"))
    assert set(failed["kind"]) == {"layout"}
    assert failed["message"].str.contains("ATL08_.*signal_photons/ph_h: its shape is .*land segments").all()
