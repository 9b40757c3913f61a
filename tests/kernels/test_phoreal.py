"""PhoREAL against SlideRule's tables, a slow twin, and what must hold of every row."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from beams import make_beam
from cpus import assert_same_bits, on_x86_64
from hypothesis import given, settings
from hypothesis import strategies as st
from land_twin import ATLAS_EPOCH, middle_of, vegetation_of
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from pairs import extent_ids, phoreal, read_pair
from twin import Beam

from nunatak.kernels.classification import take_rows
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.phoreal import Vegetation, vegetation
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import select_photons, value_table

GRANULES = {
    "synth_s1": "ATL03_20181115123456_07850103_006_02.h5",
    "real_0150": "ATL03_20220401221822_01501506_006_02.h5",
}
JOBS = [
    (granule, job)
    for granule in GRANULES
    for job in ("atl08p_mean", "atl08p_median", "atl08p_bin0.5_len50", "atl08p_allclass_invalid")
]
FLOATS = (
    "h_te_median", "h_max_canopy", "h_min_canopy", "h_mean_canopy", "canopy_openness", "h_canopy", "solar_elevation",
)  # fmt: skip


def kernel_rows(path: Path, beam: str, parameters: dict[str, Any]) -> pd.DataFrame:
    pair = read_pair(path, beam)
    extents, table = phoreal(pair, parameters)
    columns = {name: values for name, values in table._asdict().items() if values.shape == table.extent.shape}
    columns["canopy_h_metrics"] = list(table.canopy_h_metrics)
    columns["extent_id"] = extent_ids(path, beam, extents.counter[table.extent]) | 2
    columns["segment_id"] = extents.segment_id[table.extent]
    columns["solar_elevation"] = pair.photons["solar_elevation"][extents.segment[table.extent]]
    land_row = pair.land_row[table.nearest]
    cover, snow = pair.land["segment_landcover"], pair.land["segment_snowcover"]
    columns["snowcover"] = take_rows(snow.astype(np.uint8), land_row)
    columns["landcover"] = take_rows(cover.astype(np.uint8), land_row)
    # The simulated ATL08 holds its land cover as int8, the real one as int16, and SlideRule reads int16 whatever is
    # there: of the former it gets every other value, then what lay in memory. Where it is known, it is compared.
    columns["known"] = np.full(len(land_row), True)
    if cover.dtype.itemsize == 1:
        misread = np.where(land_row < 0, -1, 2 * land_row)
        columns["known"] = misread < len(cover)
        columns["landcover"] = take_rows(cover.view(np.uint8), np.where(columns["known"], misread, -1))
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("granule", "job"), JOBS)
def test_the_kernels_give_sliderules_tables(shared: Path, granule: str, job: str) -> None:
    entry = json.loads((shared / "golden" / "index.json").read_text())[granule][job]
    path = shared / "data" / "granules" / GRANULES[granule]
    beams = entry["parameters"].get("beams", ["gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r"])
    ours = pd.concat([kernel_rows(path, beam, entry["parameters"]) for beam in beams])
    ours = ours.sort_values("extent_id", ignore_index=True)
    theirs = pd.read_parquet(shared / "golden" / entry["file"]).sort_values("extent_id", ignore_index=True)
    assert len(ours) == entry["rows"] > 0
    for name in ("extent_id", "segment_id", "ph_count", "gnd_ph_count", "veg_ph_count", "snowcover"):
        assert_array_equal(ours[name].astype(np.int64), theirs[name].astype(np.int64), name)
    for name in FLOATS:
        assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6, err_msg=name)
    metrics = [[float(number) for number in text.split()] for text in theirs.canopy_h_metrics]
    assert_allclose(np.stack(ours.canopy_h_metrics), metrics, rtol=1e-5, atol=1e-6)
    for name, near in (("latitude", 1e-9), ("longitude", 1e-9), ("x_atc", 1.0)):
        assert_allclose(ours[name], theirs[name], atol=near, rtol=0, err_msg=name)
    assert np.abs(ours.time - theirs.time).max() < 100_000
    assert_array_equal(ours.landcover[ours.known], theirs.landcover[ours.known])
    assert np.count_nonzero(ours.known) > 0.45 * len(ours)


class Forest(NamedTuple):
    """A random beam with classes and reliefs, cut into extents."""

    beam: Beam
    atl08_class: NDArray[np.uint8]
    relief: NDArray[np.float32]
    extents: Extents


def grow(seed: int, share: float = 0.5, quantum: float = 0.0, tall: float = 20.0, **rest: Any) -> Forest:
    """A forest of which `share` of the photons is vegetation, reliefs in steps of `quantum` up to about `tall`."""
    length, step = rest.pop("grid", (100.0, 50.0))
    beam = make_beam(seed, **rest)
    rng = np.random.default_rng(seed)
    total = len(beam.along)
    rest_of = (1 - share) / 3
    classes = rng.choice(5, total, p=[rest_of, rest_of, share / 2, share / 2, rest_of]).astype(np.uint8)
    relief = rng.gamma(2.0, tall / 4, total) - 0.5
    if quantum:
        relief = np.round(relief / quantum) * quantum
    selection = select_photons(
        beam.count, beam.confidence, beam.quality, value_table(range(-2, 5)), value_table([0, 1]))  # fmt: skip
    pieces = split_at_gaps(beam.segment_id, find_runs(np.ones(len(beam.count), bool), beam.count))
    extents = form_extents(
        selection, pieces, beam.along, beam.distance, beam.segment_id, length=length, step=step, min_photons=1,
        min_spread=0.0, pass_invalid=True)  # fmt: skip
    return Forest(beam, classes, relief.astype(np.float32), extents)


def forests() -> st.SearchStrategy[Forest]:
    """Sparse and dense, with and without vegetation, with equal values, gaps, and across the antimeridian."""
    return st.builds(
        grow,
        seed=st.integers(0, 2**32 - 1),
        share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
        quantum=st.sampled_from([0.0, 0.0, 0.5, 4.0]),
        tall=st.sampled_from([0.01, 20.0, 3000.0]),
        segments=st.integers(1, 14),
        photons=st.sampled_from([0, 1, 4, 40]),
        gap=st.sampled_from([0.0, 0.2]),
        disorder=st.sampled_from([0.0, 0.5, 30.0]),
        longitude=st.sampled_from([-40.0, 10.0, 179.9995, -179.9999]),
        grid=st.sampled_from([(100.0, 100.0), (100.0, 20.0), (20.0, 60.0)]),
    )


def measure(forest: Forest, **options: Any) -> Vegetation:
    beam = forest.beam
    return vegetation(
        forest.extents, beam.height, forest.relief, forest.atl08_class, beam.latitude, beam.longitude,
        beam.delta_time, beam.distance, beam.along, **options)  # fmt: skip


def members(forest: Forest, table: Vegetation) -> list[NDArray[np.int32]]:
    extents = forest.extents
    return [extents.kept.photon[extents.first[e] : extents.end[e]] for e in table.extent]


@settings(max_examples=120)
@given(forests(), st.sampled_from([0.3, 1.0, 7.0]), st.booleans())
def test_metrics_are_the_twins(forest: Forest, binsize: float, use_abs_h: bool) -> None:
    table = measure(forest, binsize=binsize, use_abs_h=use_abs_h, with_waveform=True)
    relief = forest.beam.height if use_abs_h else forest.relief
    for e, photons in enumerate(members(forest, table)):
        twin = vegetation_of(photons, forest.beam.height, relief, forest.atl08_class, binsize)
        for name in (
            "ph_count",
            "gnd_ph_count",
            "veg_ph_count",
            "h_te_median",
            "h_max_canopy",
            "h_min_canopy",
            "h_canopy",
        ):
            assert getattr(table, name)[e] == np.float32(getattr(twin, name)), name
        for name in ("h_mean_canopy", "canopy_openness"):
            assert getattr(table, name)[e] == pytest.approx(getattr(twin, name), rel=1e-6, abs=1e-6, nan_ok=True), name
        assert_array_equal(table.canopy_h_metrics[e], np.float32(twin.canopy_h_metrics))
        assert table.num_bins[e] == len(twin.waveform)
        assert_array_equal(table.waveform[table.first_bin[e] : table.first_bin[e + 1]], np.float32(twin.waveform))


@settings(max_examples=120)
@given(forests(), st.sampled_from(["mean", "median", "center"]))
def test_places_are_the_twins(forest: Forest, geoloc: str) -> None:
    table = measure(forest, geoloc=geoloc)
    beam = forest.beam
    segment = np.repeat(np.arange(len(beam.count)), beam.count)
    for e, photons in enumerate(members(forest, table)):
        times = [Fraction(beam.delta_time[p]) for p in photons]
        time = middle_of(times, geoloc)
        assert abs(table.time[e] - (time + ATLAS_EPOCH) * 10**9) <= 1
        # the nearest in time, the first of several: a rounding of 1e-16 s decides between no two real photons
        apart = [abs(t - time) for t in times]
        nearest = photons.tolist().index(table.nearest[e])
        assert apart[nearest] <= min(apart) + Fraction(1, 10**9)
        assert all(apart[i] > apart[nearest] - Fraction(1, 10**9) for i in range(nearest))
        assert times.index(times[nearest]) == nearest
        latitude = middle_of([Fraction(beam.latitude[p]) for p in photons], geoloc)
        assert table.latitude[e] == pytest.approx(float(latitude), abs=1e-12, rel=0)
        x = middle_of([Fraction(beam.distance[segment[p]]) + Fraction(float(beam.along[p])) for p in photons], geoloc)
        assert table.x_atc[e] == pytest.approx(float(x), abs=1e-7, rel=0)
        # all of these beams lie away from Greenwich: there is no break on the scale of 0..360
        longitude = middle_of([Fraction(beam.longitude[p] % 360) for p in photons], geoloc)
        assert (table.longitude[e] - float(longitude) + 180) % 360 - 180 == pytest.approx(0, abs=1e-10)
        assert -180 <= table.longitude[e] <= 180


@settings(max_examples=120)
@given(forests(), st.sampled_from([0.1, 1.0]), st.booleans())
def test_invariants(forest: Forest, binsize: float, use_abs_h: bool) -> None:
    rows = measure(forest, binsize=binsize, use_abs_h=use_abs_h, with_waveform=True)
    lengths = forest.extents.end - forest.extents.first
    assert_array_equal(rows.extent, np.flatnonzero(lengths))
    assert_array_equal(rows.ph_count, lengths[rows.extent])
    assert (rows.gnd_ph_count + rows.veg_ph_count <= rows.ph_count).all()
    assert ((rows.num_bins >= 1) & (rows.num_bins <= 1000)).all()
    assert_array_equal(np.diff(rows.first_bin), rows.num_bins)
    wood = rows.veg_ph_count > 0
    low, high = rows.h_min_canopy[wood], rows.h_max_canopy[wood]
    assert ((low <= rows.h_mean_canopy[wood]) & (rows.h_mean_canopy[wood] <= high)).all()
    assert ((rows.canopy_openness[wood] >= 0) & (rows.canopy_openness[wood] <= (high - low) + 1e-6)).all()
    metrics = np.column_stack([low, rows.canopy_h_metrics[wood], rows.h_canopy[wood], high])
    assert (np.diff(metrics, axis=1) >= 0).all()
    assert_array_equal(rows.canopy_h_metrics[:, 18], rows.canopy_h_metrics[:, 19])
    for e in np.flatnonzero(wood):
        share = rows.waveform[rows.first_bin[e] : rows.first_bin[e + 1]].sum(dtype=np.float64)
        assert share == pytest.approx(rows.veg_ph_count[e] / rows.ph_count[e], rel=1e-5)
    bare = ~wood
    for name in ("h_min_canopy", "h_max_canopy", "h_canopy"):
        assert (getattr(rows, name)[bare] == 0).all()
    assert (rows.canopy_h_metrics[bare] == 0).all()
    assert np.isnan(rows.h_mean_canopy[bare]).all()
    assert np.isnan(rows.canopy_openness[bare]).all()
    assert (rows.num_bins[bare] == 1).all()
    assert (rows.h_te_median[rows.gnd_ph_count == 0] == 0).all()


def test_use_abs_h_changes_heights_and_no_class() -> None:
    forest = grow(3, photons=40)
    plain, absolute = measure(forest), measure(forest, use_abs_h=True)
    assert (plain.veg_ph_count > 0).all()
    for name in ("ph_count", "gnd_ph_count", "veg_ph_count", "h_te_median", "time"):
        assert_array_equal(getattr(plain, name), getattr(absolute, name), name)
    assert (plain.h_max_canopy < 100).all()
    assert (absolute.h_min_canopy > 1000).all()


def test_binsize_counts() -> None:
    """A percentile is the top photon of a bin: with one bin all are the highest, with many the next below."""
    forest = grow(4, photons=40)
    coarse, fine = measure(forest, binsize=1000.0), measure(forest, binsize=0.01)
    assert_array_equal(coarse.canopy_h_metrics[:, 0], coarse.h_max_canopy)
    assert (fine.canopy_h_metrics[:, 9] < fine.canopy_h_metrics[:, 18]).all()
    for e, photons in enumerate(members(forest, fine)):
        wood = forest.relief[photons][np.isin(forest.atl08_class[photons], [2, 3])]
        assert fine.canopy_h_metrics[e, 9] == pytest.approx(np.percentile(wood, 50), abs=0.6)


def test_vegetation_without_a_relief_is_left_out() -> None:
    forest = grow(5, photons=40)
    rng = np.random.default_rng(6)
    lost = rng.random(len(forest.relief)) < 0.3
    blank = rng.choice(np.float32([np.nan, np.inf, -np.inf, 3.4028235e38]), len(lost))
    holes = measure(forest._replace(relief=np.where(lost, blank, forest.relief)))
    without = measure(
        forest._replace(atl08_class=np.where(lost & (forest.atl08_class > 1), 4, forest.atl08_class).astype(np.uint8))
    )
    for name in Vegetation._fields:
        assert_array_equal(getattr(holes, name), getattr(without, name), name)


def test_the_highest_bins_are_one_where_there_are_too_many() -> None:
    forest = grow(6, photons=40, tall=4000.0, grid=(300.0, 300.0))
    table = measure(forest, binsize=0.01, with_waveform=True)
    assert (table.num_bins == 1000).all()
    assert (table.h_canopy == table.h_max_canopy).all()
    assert np.isfinite(table.waveform).all()
    assert math.isclose(
        table.waveform[table.first_bin[0] : 1000].sum(), table.veg_ph_count[0] / table.ph_count[0], rel_tol=1e-5
    )
    tiny = measure(forest, binsize=5e-324, with_waveform=True)
    assert (tiny.num_bins == 1000).all()


def test_the_antimeridian_is_no_place_to_average_over() -> None:
    forest = grow(7, photons=40, longitude=179.9995, grid=(400.0, 400.0))
    beam = forest.beam
    crossing = [i for i, p in enumerate(members(forest, measure(forest))) if np.ptp(beam.longitude[p]) > 300]
    assert crossing
    for geoloc in ("mean", "median", "center"):
        assert (np.abs(measure(forest, geoloc=geoloc).longitude[crossing]) > 179.9).all()


def test_without_extents_and_wrong_options() -> None:
    empty = grow(8, photons=0)
    assert measure(empty, with_waveform=True).canopy_h_metrics.shape == (0, 20)
    with pytest.raises(ValueError, match="binsize is 0"):
        measure(empty, binsize=0)
    with pytest.raises(ValueError, match=r"geoloc is 'centre'; mean, median, center"):
        measure(empty, geoloc="centre")
    forest = grow(8)
    with pytest.raises(ValueError, match="relief has shape"):
        measure(forest._replace(relief=forest.relief[1:]))


BITS = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from test_phoreal import grow, measure
from nunatak.kernels.ancillary import reduce_field
digest = hashlib.sha256()
for seed, geoloc, tall in ((1, "mean", 20.0), (2, "median", 3.0), (3, "center", 200.0)):
    forest = grow(seed, photons=80, segments=100, tall=tall)
    for column in measure(forest, geoloc=geoloc, with_waveform=True):
        digest.update(column.tobytes())
    digest.update(reduce_field(forest.extents, forest.relief, "mean").tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
@on_x86_64
def test_every_kind_of_cpu_gives_the_same_bits(tmp_path: Path) -> None:
    assert_same_bits(BITS, tmp_path)
