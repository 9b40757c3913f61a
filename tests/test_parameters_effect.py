"""What every parameter does: a test each, from a table, that would fail if the parameter were ignored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from photon_table import EVERYTHING, paired, photon_table, same_photons

import nunatak
from nunatak.pipeline.parameters import SEARCH, Parameters, Phoreal, Yapc
from nunatak.pipeline.products import PRODUCTS, product_named
from nunatak.testing import Scene, simulate

LAND = {"srt": "land"}
FOREST = {"srt": "land", "len": 100, "res": 100, "phoreal": {}}
BEAMS = ("gt1l", "gt1r", "gt3r")


class Ground:
    """A simulated pair of granules, what it holds, and the results of requests."""

    def __init__(self, folder: Path, **scene: Any) -> None:
        granule = simulate(folder, **scene)[0]
        self.path, self.atl08 = granule.path, granule.atl08_path
        self.photons = photon_table(granule.path, granule.atl08_path)
        self._known: dict[tuple[str, str], pd.DataFrame] = {}

    def rows(self, product: str, request: dict[str, Any]) -> pd.DataFrame:
        key = product, json.dumps(request)
        if key not in self._known:
            plan = nunatak.plan(product, self.path, request, keep_id=True)
            self._known[key] = plan.lazy().frame.compute(scheduler="sync")
        return self._known[key]


@dataclass(frozen=True)
class Effect:
    """A request without a parameter, the same with it, and what must hold of the two results."""

    product: str
    base: dict[str, Any]
    changed: dict[str, Any]
    check: Callable[[pd.DataFrame, pd.DataFrame, Ground], None]
    ground: str = "forest"
    names: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ground]:
    """A forest at night, and crevasses by day."""
    folder = tmp_path_factory.mktemp("grounds")
    forest = Ground(folder / "forest", terrain="canopy", kilometres=1.2, beams=BEAMS, seed=3)
    ice = Ground(folder / "ice", terrain="crevassed", kilometres=1.2, beams=BEAMS[:1], day=True, seed=4)
    return {"forest": forest, "ice": ice}


# --- which photons ---------------------------------------------------------------------------------------------------


def selects(expected: Callable[[pd.DataFrame], pd.Series]) -> Callable[..., None]:
    """Make the check that the second result holds just the photons of which something is true."""

    def check(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
        wanted = ground.photons[expected(ground.photons)]
        assert 0 < len(wanted) < len(before)
        same_photons(after, wanted)

    return check


SOUTH, NORTH = 69.2, 69.2046
BOX = [[-49.5, SOUTH], [-48.5, SOUTH], [-48.5, NORTH], [-49.5, NORTH], [-49.5, SOUTH]]
#: Two edges along parallels, 30 degrees to either side of the track: straight in the plane, in a polar projection they
#: run more than two degrees nearer to the pole.
WIDE = [{"lon": lon, "lat": lat} for lon, lat in ((-79, 69), (-19, 69), (-19, 70.2), (-79, 70.2), (-79, 69))]
#: A mask with a hole between two boxes.
CELL = 1e-4
HOLED = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[-49.1, a], [-48.9, a], [-48.9, b], [-49.1, b], [-49.1, a]]] for a, b in ((69.19, 69.2), (69.206, 69.22))
    ],
}


def outside_of_the_pole(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    same_photons(before, ground.photons)
    assert len(after) == 0


def masked(_: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """Segments nearer than a cell to an edge may fall to either side."""
    reference = ground.photons["reference"]
    hole = reference.between(69.2, 69.206)
    unsure = np.minimum((reference - 69.2).abs(), (reference - 69.206).abs()) < CELL
    found = paired(after, ground.photons)
    unsure_rows = np.minimum((found["reference"] - 69.2).abs(), (found["reference"] - 69.206).abs()) < CELL
    assert 0 < (hole & ~unsure).sum() < (~unsure).sum()
    same_photons(found[~unsure_rows], ground.photons[~hole & ~unsure])


def another_confidence(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    for rows, column in ((before, "cnf0"), (after, "cnf3")):
        np.testing.assert_array_equal(rows["atl03_cnf"], paired(rows, ground.photons)[column])
    highest = ground.rows("atl03", {**EVERYTHING, "srt": "dynamic"})
    table = paired(highest, ground.photons)[[f"cnf{i}" for i in range(5)]]
    np.testing.assert_array_equal(highest["atl03_cnf"], table.max(axis=1))


# --- extents ---------------------------------------------------------------------------------------------------------


def by_extent(rows: pd.DataFrame) -> Any:
    return rows.reset_index(drop=True).groupby("extent_id", sort=True)


def longer(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    for rows, length in ((before, 40.0), (after, 100.0)):
        farthest = by_extent(rows)["x_atc"].max()
        assert farthest.max() < length / 2
        assert farthest.median() > length / 2 - 2


def farther_apart(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    for rows, step in ((before, 20.0), (after, 60.0)):
        for _gt, beam in rows.groupby("gt"):
            np.testing.assert_allclose(np.diff(beam["segment_dist"].unique()), step, atol=0.3)


def whole_segments(_: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """Extents of 2 segments, from each segment on."""
    photons = ground.photons
    for beam, rows in after.groupby("gt"):
        for _, extent in list(by_extent(rows))[:-1]:
            found = paired(extent, photons)
            first = found["segment"].min()
            wanted = photons[(photons["gt"] == beam) & photons["segment"].isin([first, first + 1])]
            assert set(found["row"]) == set(wanted["row"])


def spread_enough(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    ends = by_extent(before)["x_atc"]
    wanted = (ends.last() - ends.first()) >= 39.5
    assert 0 < wanted.sum() < len(wanted)
    assert set(after["extent_id"]) == set(wanted[wanted].index)


def many_enough(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    wanted = by_extent(before).size() >= 170
    assert 0 < wanted.sum() < len(wanted)
    assert set(after["extent_id"]) == set(wanted[wanted].index)


def invalid_too(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    assert len(before) == 0
    same_photons(after, ground.photons)


def once(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    key = ["gt", "latitude", "longitude", "height"]
    assert before.duplicated(key).sum() > 0.4 * len(before)
    same_photons(after, before.drop_duplicates(key))
    first = before.reset_index(drop=True).groupby(key)["extent_id"].min()
    assert after.reset_index(drop=True).set_index(key)["extent_id"].sort_index().equals(first.sort_index())


# --- the fit ---------------------------------------------------------------------------------------------------------


def a_single_fit(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """One fit is the straight line of least squares through all photons of the extent."""
    photons = by_extent(ground.rows("atl03", {**LAND, "cnf": 0}))
    for row in after.itertuples():
        extent = photons.get_group(row.extent_id - 2)
        slope, height = np.polyfit(extent["x_atc"].astype(float), extent["height"].astype(float), 1)
        assert row.n_fit_photons == len(extent)
        assert abs(row.h_mean - height) < 1e-4
        assert abs(row.dh_fit_dx - slope) < 1e-5
    assert (before["n_fit_photons"] < after["n_fit_photons"].to_numpy()).any()


def wider_at_least(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    assert before["w_surface_window_final"].min() == pytest.approx(3.0)
    assert after["w_surface_window_final"].min() == pytest.approx(9.0)


def dispersion_capped(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    np.testing.assert_array_equal(before["extent_id"], after["extent_id"])
    assert (after["w_surface_window_final"] < before["w_surface_window_final"].to_numpy()).mean() > 0.1


# --- YAPC ------------------------------------------------------------------------------------------------------------


def yapc3(beam: pd.DataFrame, win_x: float = 15.0, win_h: float = 6.0, min_knn: int = 5) -> np.ndarray:
    """Score the photons of a beam as version 3 does, from the distances of all to all."""
    x, h = beam["x"].to_numpy(), beam["height"].to_numpy(np.float32)
    scores = np.zeros(len(beam), int)
    nearest = []
    for k in range(len(beam)):
        away = np.abs(h - h[k])
        near = (np.abs(x - x[k]) <= win_x / 2) & (away <= win_h / 2)
        near[k] = False
        nearest.append(np.sort(away[near].astype(float)))
    number = np.array([int(max(np.sqrt(len(n)), min_knn)) for n in nearest])
    most = pd.Series(number).groupby(beam["segment"].to_numpy()).transform("max").to_numpy()
    for k, proximity in enumerate(nearest):
        weight = float(np.sum(win_h / 2 - proximity[: number[k]]))
        scores[k] = int(min(weight / (win_h / 2 * most[k]) * 255, 255))
    return scores


def scored(**settings: Any) -> Callable[..., None]:
    """Make the check that scores are those of version 3 with these settings, but for a last digit."""

    def check(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
        photons = ground.photons[ground.photons["gt"] == 10].reset_index(drop=True)
        rows = paired(after, photons).assign(score=after["yapc_score"].to_numpy()).set_index("row")
        expected = yapc3(photons, **settings)
        np.testing.assert_allclose(rows["score"].sort_index().to_numpy(), expected, atol=1)
        assert (rows["score"].sort_index().to_numpy() == expected).mean() > 0.99
        assert (before["yapc_score"].to_numpy() != after["yapc_score"].to_numpy()).mean() > 0.05

    return check


WEAK = {**EVERYTHING, "beams": "gt1l"}


def unscored_before(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    assert (before["yapc_score"] == 0).all()
    scored()(before, after, ground)


def score_at_least(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    wanted = before[before["yapc_score"] >= 100]
    assert 0 < len(wanted) < len(before)
    same_photons(after, wanted)


def versions(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """Version 0 is what the file holds; 1 and 2 are one algorithm, 3 is another."""
    np.testing.assert_array_equal(after["yapc_score"], paired(after, ground.photons)["weight_ph"])
    first, second = (ground.rows("atl03", {**WEAK, "yapc": {"version": v}})["yapc_score"] for v in (1, 2))
    assert first.equals(second)
    assert (first.to_numpy() != before["yapc_score"].to_numpy()).mean() > 0.5


def fewer_neighbours(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """The mean of the 2 nearest is at least that of 12, and version 3 has no such setting."""
    assert (after["yapc_score"] >= before["yapc_score"]).all()
    assert (after["yapc_score"] > before["yapc_score"]).mean() > 0.5
    third = [ground.rows("atl03", {**WEAK, "yapc": {"version": 3, "knn": knn}}) for knn in (2, 12)]
    assert third[0].equals(third[1])


# --- ATL08 and PhoREAL -----------------------------------------------------------------------------------------------


def classified_vegetation(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    assert (before["atl08_class"] == 4).all()
    selects(lambda photons: photons["atl08_class"].isin([1, 2, 3]))(before, after, ground)
    found = paired(after, ground.photons)
    for name in ("atl08_class", "relief"):
        np.testing.assert_array_equal(after[name], found[name])
    assert (after["landcover"] == 111).all()
    assert (after["snowcover"] == 1).all()


def photons_of(ground: Ground, **settings: Any) -> Any:
    return by_extent(ground.rows("atl03", {**FOREST, "phoreal": settings}))


def histogram(relief: np.ndarray, binsize: float) -> np.ndarray:
    number = max(int(np.ceil((float(relief.max()) - float(relief.min())) / binsize)), 1)
    place = np.floor((relief.astype(float) - float(relief.min())) / binsize).astype(int)
    return np.bincount(np.minimum(place, number - 1), minlength=number)


def binned(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """A percentile is the highest photon of the first bin up to which there are so many."""
    extents = photons_of(ground)
    for rows, binsize in ((before, 1.0), (after, 4.0)):
        for row in rows.itertuples():
            extent = extents.get_group(row.extent_id - 2)
            relief = np.sort(extent["relief"][extent["atl08_class"] >= 2].to_numpy())
            below = np.cumsum(histogram(relief, binsize))
            share = 100 * below / len(relief)
            levels = [*range(5, 100, 5), 95, 98]
            wanted = [relief[below[np.argmax((share >= level) & (below > 0))] - 1] for level in levels]
            np.testing.assert_array_equal(np.array([*row.canopy_h_metrics, row.h_canopy], np.float32), wanted)


def placed(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    centred = ground.rows("atl08", {**FOREST, "phoreal": {"geoloc": "center"}})
    extents = photons_of(ground)
    rules: list[tuple[pd.DataFrame, Callable[[np.ndarray], float]]] = [
        (before, lambda v: v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2] + v[len(v) // 2 - 1]) / 2),
        (after, np.mean),
        (centred, lambda v: (v.min() + v.max()) / 2),
    ]
    for rows, rule in rules:
        for time, row in rows.iterrows():
            extent = extents.get_group(row["extent_id"] - 2)
            along = extent["segment_dist"].to_numpy() + extent["x_atc"].to_numpy(float)
            assert row["latitude"] == pytest.approx(rule(extent["latitude"].to_numpy()), abs=1e-10)
            assert row["longitude"] == pytest.approx(rule(extent["longitude"].to_numpy()), abs=1e-10)
            assert row["x_atc"] == pytest.approx(rule(along), abs=1e-4)
            times = ground.rows("atl03", FOREST).query("extent_id == @row.extent_id - 2").index.asi8
            assert abs(time.value - rule((times - times[0]).astype(float)) - times[0]) < 1000


def heights_above_the_ellipsoid(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    extents = photons_of(ground, use_abs_h=True)
    photons = ground.rows("atl03", {**FOREST, "phoreal": {"use_abs_h": True}})
    np.testing.assert_array_equal(photons["relief"], photons["height"])
    for row in after.itertuples():
        extent = extents.get_group(row.extent_id - 2)
        heights = extent["height"][extent["atl08_class"] >= 2]
        assert row.h_max_canopy == heights.max()
        assert row.h_mean_canopy == pytest.approx(heights.astype(float).mean(), rel=1e-6)
    for name in ("ph_count", "gnd_ph_count", "veg_ph_count", "h_te_median"):
        np.testing.assert_array_equal(before[name], after[name])


def waveforms(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    assert set(after.columns) - set(before.columns) == {"num_bins", "binsize", "waveform"}
    extents = photons_of(ground)
    for row in after.itertuples():
        extent = extents.get_group(row.extent_id - 2)
        counts = histogram(extent["relief"][extent["atl08_class"] >= 2].to_numpy(), 1.0)
        assert row.num_bins == len(counts) == len(row.waveform)
        np.testing.assert_array_equal(row.waveform, (counts / len(extent)).astype(np.float32))
        assert row.binsize == 1.0


def above(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    """At night, in strong beams, photons of high confidence up to 35 m over the ground are tops of canopy."""
    found = paired(after, ground.photons)
    named = (found["solar_elevation"] <= 5) & found["spot"].isin([1, 3, 5]) & (found["cnf0"] == 4)
    named &= (found["found"] >= 0) & (found["relief"] >= 0) & (found["relief"] < 35)
    np.testing.assert_array_equal(after["atl08_class"], found["atl08_class"].where(~named, 3))
    assert (before["atl08_class"].to_numpy() != after["atl08_class"].to_numpy()).mean() > 0.2


# --- ancillary fields ------------------------------------------------------------------------------------------------


def added(column: str, expected: Callable[[pd.DataFrame], pd.Series]) -> Callable[..., None]:
    """Make the check that a column is added, with the values that the photons have."""

    def check(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
        assert set(after.columns) - set(before.columns) == {column}
        np.testing.assert_array_equal(after[column], expected(paired(after, ground.photons)))

    return check


def land_field(before: pd.DataFrame, after: pd.DataFrame, ground: Ground) -> None:
    assert set(after.columns) - set(before.columns) == {"segment_id_beg"}
    found = paired(after, ground.photons)
    assert (found["atl08_class"] <= 3).all()
    np.testing.assert_array_equal(after["segment_id_beg"], (found["segment_id"] - 1) // 5 * 5 + 1)


def prefixed(before: pd.DataFrame, after: pd.DataFrame, _: Ground) -> None:
    assert {"segment_id_x", "segment_id_y", "ph_id_pulse"} <= set(before.columns)
    assert {"segment_id", "segment_segment_id", "photon_ph_id_pulse"} <= set(after.columns)
    assert before["ph_id_pulse"].equals(after["photon_ph_id_pulse"])
    assert before["segment_id_y"].equals(after["segment_segment_id"])
    assert before["segment_id_x"].equals(after["segment_id"])


GEO = {"atl03_geo_fields": ["segment_id"], "atl03_ph_fields": ["ph_id_pulse"]}

EFFECTS: dict[str, Effect] = {
    "poly": Effect("atl03", EVERYTHING, {"poly": BOX}, selects(lambda p: p["reference"].between(SOUTH, NORTH))),
    "proj": Effect("atl03", {**EVERYTHING, "poly": WIDE, "proj": 2}, {"proj": 0}, outside_of_the_pole),
    "region_mask": Effect("atl03", EVERYTHING, {"region_mask": {"geojson": HOLED, "cellsize": CELL}}, masked),
    "track": Effect("atl03", EVERYTHING, {"track": 3}, selects(lambda p: p["gt"] == 60)),
    "beams": Effect("atl03", EVERYTHING, {"beams": ["gt1l", 60]}, selects(lambda p: p["gt"] != 20)),
    "srt": Effect("atl03", EVERYTHING, {"srt": "land_ice"}, another_confidence),
    "cnf": Effect("atl03", EVERYTHING, {"cnf": 4}, selects(lambda p: p["cnf0"] == 4)),
    "quality_ph": Effect("atl03", EVERYTHING, {"quality_ph": [3]}, selects(lambda p: p["quality_ph"] == 3)),
    "len": Effect("atl03", LAND, {"len": 100}, longer),
    "res": Effect("atl03", LAND, {"res": 60}, farther_apart),
    "dist_in_seg": Effect("atl03", {**EVERYTHING, "len": 2, "res": 1}, {"dist_in_seg": True}, whole_segments),
    "pass_invalid": Effect(
        "atl03", {**EVERYTHING, "cnt": 1000, "pass_invalid": False}, {"pass_invalid": True}, invalid_too
    ),
    "ats": Effect("atl03", {**LAND, "ats": 0}, {"ats": 39.5}, spread_enough),
    "cnt": Effect("atl03", LAND, {"cnt": 170}, many_enough),
    "each_photon_once": Effect("atl03", LAND, {"each_photon_once": True}, once),
    "maxi": Effect("atl06", {**LAND, "cnf": 0}, {"maxi": 1}, a_single_fit, "ice"),
    "H_min_win": Effect("atl06", {**LAND, "cnf": 2}, {"H_min_win": 9.0}, wider_at_least, "ice"),
    "sigma_r_max": Effect("atl06", {**LAND, "cnf": 0}, {"sigma_r_max": 0.5}, dispersion_capped, "ice"),
    "yapc": Effect("atl03", WEAK, {"yapc": {}}, unscored_before),
    "yapc.version": Effect("atl03", {**WEAK, "yapc": {}}, {"yapc": {"version": 0}}, versions),
    "yapc.score": Effect("atl03", {**WEAK, "yapc": {}}, {"yapc": {"score": 100}}, score_at_least),
    "yapc.knn": Effect(
        "atl03", {**WEAK, "yapc": {"version": 2, "knn": 12}}, {"yapc": {"version": 2, "knn": 2}}, fewer_neighbours
    ),
    "yapc.min_knn": Effect("atl03", {**WEAK, "yapc": {}}, {"yapc": {"min_knn": 20}}, scored(min_knn=20)),
    "yapc.win_h": Effect("atl03", {**WEAK, "yapc": {}}, {"yapc": {"win_h": 2.0}}, scored(win_h=2.0)),
    "yapc.win_x": Effect("atl03", {**WEAK, "yapc": {}}, {"yapc": {"win_x": 5.0}}, scored(win_x=5.0)),
    "atl08_class": Effect(
        "atl03", EVERYTHING, {"atl08_class": ["canopy", 3]}, selects(lambda p: p["atl08_class"].isin([2, 3]))
    ),
    "phoreal": Effect("atl03", EVERYTHING, {"phoreal": {}}, classified_vegetation),
    "phoreal.binsize": Effect("atl08", FOREST, {"phoreal": {"binsize": 4.0}}, binned),
    "phoreal.geoloc": Effect("atl08", FOREST, {"phoreal": {"geoloc": "mean"}}, placed),
    "phoreal.use_abs_h": Effect("atl08", FOREST, {"phoreal": {"use_abs_h": True}}, heights_above_the_ellipsoid),
    "phoreal.send_waveform": Effect("atl08", FOREST, {"phoreal": {"send_waveform": True}}, waveforms),
    "phoreal.above_classifier": Effect(
        "atl03",
        {**EVERYTHING, "phoreal": {}, "atl08_class": [0, 1, 2, 3, 4]},
        {"phoreal": {"above_classifier": True}},
        above,
    ),
    "atl03_ph_fields": Effect(
        "atl03", EVERYTHING, {"atl03_ph_fields": "dist_ph_along"}, added("dist_ph_along", lambda p: p["dist_ph_along"])
    ),
    "atl03_geo_fields": Effect(
        "atl03",
        EVERYTHING,
        {"atl03_geo_fields": ["reference_photon_lat"]},
        added("reference_photon_lat", lambda p: p["reference"]),
    ),
    "atl08_fields": Effect("atl03", EVERYTHING, {"atl08_fields": ["segment_id_beg"]}, land_field),
    "field_prefix": Effect("atl03", {**EVERYTHING, **GEO}, {"field_prefix": True}, prefixed),
}


@pytest.mark.parametrize("parameter", EFFECTS)
def test_a_parameter_does_what_it_says(grounds: dict[str, Ground], parameter: str) -> None:
    effect = EFFECTS[parameter]
    assert parameter.partition(".")[0] in product_named(effect.product).honours
    ground = grounds[effect.ground]
    before = ground.rows(effect.product, effect.base)
    after = ground.rows(effect.product, {**effect.base, **effect.changed})
    assert not before.equals(after)
    effect.check(before, after, ground)


# --- the search ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder of three granules in two releases: two tracks, and a year later another cycle and region."""
    from nunatak.pipeline.catalog.update import update_index

    folder = tmp_path_factory.mktemp("indexed")
    scene: dict[str, Any] = {"kilometres": 0.3, "beams": ("gt1l",), "terrain": "flat", "with_atl08": False}
    later = Scene().time.replace(year=2020)
    made = []
    for release in ("006", "007"):
        made += simulate(folder, 2, release=release, **scene)
        made += simulate(folder, release=release, time=later, cycle=6, region=4, **scene)
    update_index(folder)
    return folder, [granule.path.name for granule in made]


#: Parameter -> value, and which of the granules it leaves: 3 to 5 are those of release 007, which counts where none is
#: asked for; 3 and 4 are tracks 100 and 542 of cycle 5 and region 3, 5 is a year later in cycle 6 and region 4.
SEARCHES: dict[str, tuple[Any, list[int]]] = {
    "t0": ("2020-01-01", [4, 5]),
    "t1": ("2019-12-31", [3]),
    "rgt": (542, [4]),
    "cycle": (6, [5]),
    "region": (4, [5]),
    "release": ("006", [0, 1, 2]),
    "name_filter": ("*_0542*", [4]),
}


@pytest.mark.parametrize("parameter", SEARCHES)
def test_a_search_is_narrowed(indexed: tuple[Path, list[str]], parameter: str) -> None:
    folder, names = indexed
    value, left = SEARCHES[parameter]
    around = {"poly": [[-60, 60], [-40, 60], [-40, 72], [-60, 72], [-60, 60]]}

    def found(**search: Any) -> list[str]:
        plan = nunatak.plan("atl06", catalog=folder, **around, **search)
        return sorted(str(granule.name) for granule in plan.granules)

    assert found(**{parameter: value}) == sorted(names[i] for i in left)
    assert found() == sorted(names[3:])


# --- the table is whole ----------------------------------------------------------------------------------------------


def test_no_parameter_is_missing() -> None:
    settings = {f"yapc.{name}" for name in Yapc.model_fields} | {f"phoreal.{name}" for name in Phoreal.model_fields}
    assert set(EFFECTS) | set(SEARCHES) == set(Parameters.model_fields) | settings


def test_every_parameter_is_honoured_somewhere() -> None:
    honoured = frozenset().union(*(product_named(name).honours for name in PRODUCTS))
    assert honoured | SEARCH == set(Parameters.model_fields)
    assert set(SEARCHES) == SEARCH
