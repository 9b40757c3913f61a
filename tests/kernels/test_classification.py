"""ATL08's photons found among ATL03's: against slow twins, SlideRule's classes, and a real pair of granules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from land_twin import land_row, look_up, merge
from numpy.testing import assert_array_equal
from pairs import cut, extent_ids, read_pair

from nunatak.kernels.classification import (
    above_classes,
    land_rows,
    land_rows_of_photons,
    match_classes,
    take_rows,
)

SYNTHETIC = "ATL03_20181115123456_07850103_006_02.h5"
REAL = "ATL03_20220401221822_01501506_006_02.h5"
GOLDEN = [("synth_s1", SYNTHETIC, "gt2l gt2r"), ("real_0150", REAL, "gt1r")]


@st.composite
def tables(draw: st.DrawFn, in_order: bool) -> tuple[Any, ...]:
    """Segments and ATL08 rows of overlapping ranges of ids; in order and each once, or any."""
    ids = draw(st.lists(st.integers(100, 112), max_size=12, unique=in_order))
    rows = draw(st.lists(st.tuples(st.integers(98, 114), st.integers(-1, 6)), max_size=40, unique=in_order))
    if in_order:
        ids, rows = sorted(ids), sorted(rows)
    counts = [draw(st.integers(0, 5)) for _ in ids]
    flags = np.array([draw(st.integers(-1, 5)) for _ in rows], np.int8)
    return ids, counts, [a for a, _ in rows], [b for _, b in rows], flags


def as_arrays(ids: Any, counts: Any, their_ids: Any, numbers: Any, flags: Any) -> tuple[Any, ...]:
    return (*(np.array(column, np.int32) for column in (ids, counts, their_ids, numbers)), flags)


@given(tables(in_order=True))
def test_tables_in_order_match_as_in_sliderules_pass(table: tuple[Any, ...]) -> None:
    classes, rows = merge(*table)
    matches = match_classes(*as_arrays(*table))
    assert_array_equal(matches.atl08_class.view(np.int8), classes)
    assert_array_equal(matches.row, rows)


@given(tables(in_order=False))
def test_any_order_and_double_rows(table: tuple[Any, ...]) -> None:
    classes, rows = look_up(*table)
    matches = match_classes(*as_arrays(*table))
    assert_array_equal(matches.atl08_class, classes)
    assert_array_equal(matches.row, rows)


def test_a_part_of_a_beam_matches_like_the_whole(shared: Path) -> None:
    pair = read_pair(shared / "data" / "granules" / SYNTHETIC, "gt2r")
    photons, land = pair.photons, pair.land
    chosen = np.r_[100:300, 900:1500]
    count = photons["segment_ph_cnt"]
    inside = np.repeat(np.isin(np.arange(len(count)), chosen), count)
    part = match_classes(
        photons["segment_id"][chosen], count[chosen], land["ph_segment_id"], land["classed_pc_indx"],
        land["classed_pc_flag"])  # fmt: skip
    assert_array_equal(part.row, pair.row[inside])
    some = slice(1000, 60_000)
    rest = match_classes(
        photons["segment_id"], count, land["ph_segment_id"][some], land["classed_pc_indx"][some],
        land["classed_pc_flag"][some])  # fmt: skip
    assert_array_equal(rest.row, np.where((pair.row >= 1000) & (pair.row < 60_000), pair.row - 1000, -1))


@pytest.mark.parametrize("folder", ["granules", "granules/double_deflate"])
def test_every_classed_photon_of_the_real_pair_is_found(shared: Path, folder: str) -> None:
    """1,771 photons are classed; 161 of them lie behind the last ATL03 segment of this subset."""
    pair = read_pair(shared / "data" / folder / REAL, "gt1r")
    there = np.isin(pair.land["ph_segment_id"], pair.photons["segment_id"])
    assert np.count_nonzero(there) == 1610
    assert_array_equal(np.sort(pair.row[pair.row >= 0]), np.flatnonzero(there))
    matched = pair.row >= 0
    assert_array_equal(pair.atl08_class[matched], pair.land["classed_pc_flag"][pair.row[matched]])
    assert (pair.atl08_class[~matched] == 4).all()


@pytest.mark.parametrize(("folder", "name", "beams"), GOLDEN)
def test_the_classes_are_sliderules(shared: Path, folder: str, name: str, beams: str) -> None:
    path = shared / "data" / "granules" / name
    entry = json.loads((shared / "golden" / "index.json").read_text())[folder]["atl03p_atl08all"]
    tables = []
    for beam in beams.split():
        pair = read_pair(path, beam)
        extents = cut(pair, entry["parameters"] | {"quality_ph": range(26)})
        members = [extents.kept.photon[a:b] for a, b in zip(extents.first, extents.end, strict=True)]
        photon = np.concatenate(members)
        tables.append(
            pd.DataFrame(
                {
                    "extent_id": np.repeat(extent_ids(path, beam, extents.counter), [len(m) for m in members]),
                    "height": pair.photons["h_ph"][photon],
                    "atl08_class": pair.atl08_class[photon],
                }
            )
        )
    order = ["extent_id", "height", "atl08_class"]
    ours = pd.concat(tables).sort_values(order, ignore_index=True)
    theirs = pd.read_parquet(shared / "golden" / entry["file"])[order]
    theirs["height"] = theirs["height"].astype(np.float32)
    theirs = theirs.sort_values(order, ignore_index=True)
    assert len(ours) == entry["rows"]
    for column in order:
        assert_array_equal(ours[column].to_numpy(), theirs[column].to_numpy(), column)


@given(st.lists(st.integers(0, 30), max_size=8), st.lists(st.integers(-5, 40), max_size=8), st.booleans())
def test_land_segments(begins: list[int], ids: list[int], in_order: bool) -> None:
    if in_order:
        begins = sorted(begins)
    rows = land_rows(np.array(ids, np.int32), np.array(begins, np.int32))
    assert_array_equal(rows, [land_row(identity, begins) if begins else -1 for identity in ids])


def test_values_of_land_segments_reach_the_photons_that_match() -> None:
    of_photon = land_rows_of_photons([-1, 3, 4, -1, 5], [2, 0, 3], [0, 1, 1])
    assert_array_equal(of_photon, [-1, 0, 1, -1, 1])
    fields = {"u1": 255, "i1": -1, "i2": -1, "i4": -1, "u8": 2**64 - 1}
    for dtype, blank in fields.items():
        taken = take_rows(np.array([7, 9], dtype), of_photon)
        assert taken.dtype == dtype
        assert taken.tolist() == [blank, 7, 9, blank, 9]
    taken = take_rows(np.array([7, 9], "f4"), of_photon)
    assert_array_equal(taken.view(np.uint32)[[0, 3]], [0xFFFFFFFF] * 2)
    assert_array_equal(taken, [np.nan, 7, 9, np.nan, 9])
    assert_array_equal(take_rows(np.zeros(0, "f8"), [-1, -1], 0.0), [0.0, 0.0])


def test_above_takes_tall_sure_photons_of_strong_beams_at_night() -> None:
    """One photon fails each test; the first two and the last but one pass all, the last was one already."""
    classes = np.array([2, 2, 2, 2, 4, 2, 2, 0, 3], np.uint8)
    row = np.array([0, 1, 2, 3, -1, 4, 5, 6, 7])
    sun = np.array([-3.0, 5.0, 5.1, -3.0], np.float32)
    count = [1, 1, 1, 6]
    confidence = np.array([4, 4, 4, 3, 4, 4, 4, 4, 1], np.int8)
    relief = np.array([0.0, 9.0, 9.0, 9.0, 9.0, -0.1, 35.0, 34.9, 9.0], np.float32)
    asked = (classes, row, count, sun, confidence, relief)
    assert_array_equal(above_classes(*asked, strong=True), [3, 3, 2, 2, 4, 2, 2, 3, 3])
    assert_array_equal(above_classes(*asked, strong=False), classes)


def test_above_with_five_confidences_takes_the_largest() -> None:
    rng = np.random.default_rng(1)
    five = rng.integers(-2, 5, (500, 5)).astype(np.int8)
    classes, row = rng.integers(0, 5, 500).astype(np.uint8), rng.integers(-1, 2, 500)
    asked = {"count": [500], "sun": [0.0], "relief": rng.uniform(-5, 60, 500).astype(np.float32)}
    whole, alone = (
        above_classes(classes, row, asked["count"], asked["sun"], level, asked["relief"], strong=True)
        for level in (five, five.max(axis=1))
    )
    assert_array_equal(whole, alone)
    assert (whole != classes).any()


def test_impossible_tables_are_named() -> None:
    with pytest.raises(ValueError, match="photon_count has -1 at segment 0"):
        match_classes([1], [-1], [], [], np.zeros(0, np.int8))
    with pytest.raises(ValueError, match=r"classed_pc_indx has shape \(1,\)"):
        match_classes([1], [1], [1, 1], [1], np.zeros(2, np.int8))
    with pytest.raises(ValueError, match="classed_pc_flag has dtype int64"):
        match_classes([1], [1], [1], [1], np.zeros(1, np.int64))
    assert match_classes([], [], [], [], np.zeros(0, np.int8)).row.shape == (0,)
