"""Fields reduced to one value per extent, against a slow twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from land_twin import FLT_MAX, reduce_values
from numpy.testing import assert_array_equal
from test_phoreal import Forest, forests, measure, members

from nunatak.kernels.ancillary import reduce_field
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.selection import select_photons, value_table

DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", "?")


def field(seed: int, dtype: str, photons: int, kinds: int, run: int) -> Any:
    """Values of few kinds in runs of `run` photons, among them the fill values of the dtype."""
    rng = np.random.default_rng(seed)
    if dtype == "?":
        choice = np.array([True, False])
    elif dtype[0] == "f":
        fills = [np.nan, np.inf, -np.inf if run == 1 else 0.0, np.finfo("f4").max, -0.0]
        choice = np.concatenate([rng.normal(0, 10, kinds), fills]).astype(dtype)
    else:
        info = np.iinfo(dtype)
        some = rng.integers(max(info.min, -50), min(info.max, 200), kinds)
        choice = np.concatenate([some, [info.min, info.max]]).astype(dtype)
    return np.repeat(rng.choice(choice, photons // run + 1), run)[:photons]


@settings(max_examples=150)
@given(forests(), st.sampled_from(DTYPES), st.integers(0, 2**31), st.sampled_from([1, 3, 30]), st.sampled_from([1, 9]))
def test_reductions_are_the_twins(forest: Forest, dtype: str, seed: int, kinds: int, run: int) -> None:
    values = field(seed, dtype, len(forest.relief), kinds, run)
    table = measure(forest)
    for kind in ("mode", "mean"):
        ours = reduce_field(forest.extents, values, kind)
        assert ours.dtype == (np.float64 if dtype[0] == "f" else np.int64)
        twins = [reduce_values(values[photons], kind) for photons in members(forest, table)]
        assert len(ours) == len(twins)
        for one, other in zip(ours.tolist(), twins, strict=True):
            assert one == (pytest.approx(other, rel=1e-12, abs=1e-12) if isinstance(other, float) else other)


def one_extent(photons: int) -> Extents:
    """An extent of so many photons."""
    along = np.linspace(1, 19, photons).astype(np.float32)
    every = np.zeros(photons, np.int8)
    kept = select_photons([photons], every, every, value_table([0]), value_table([0]))
    return form_extents(kept, [[0, 1]], along, [0.0], [1], length=20, step=20, min_photons=1, min_spread=0)


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ([9, 2, 2, 9], 2),
        ([9, 2, 9, 2, 9], 9),
        ([-1, -1, 20], -1),
        ([0.5, np.nan, FLT_MAX, FLT_MAX, np.nan, np.inf], 0.5),
        ([3.0, -2.0], -2.0),
    ],
)
def test_the_most_frequent_and_of_several_the_smallest(values: list[float], mode: float) -> None:
    assert_array_equal(reduce_field(one_extent(len(values)), np.array(values), "mode"), [mode])


@pytest.mark.parametrize(
    ("values", "mean"),
    [([1, 0], 0), ([-1, 0], 0), ([-3, 0], -1), ([-4, 0], -2), ([255, 0], 127), ([-1, -1, -1], -1)],
)
def test_means_of_integers_are_cut_toward_nought(values: list[int], mean: int) -> None:
    assert_array_equal(reduce_field(one_extent(len(values)), np.array(values, np.int16), "mean"), [mean])


def test_means_of_floats_leave_fill_values_out() -> None:
    values = np.array([1.0, 2.0, np.nan, np.inf, FLT_MAX, 3.4e38])
    extents = one_extent(6)
    assert reduce_field(extents, values, "mean")[0] == pytest.approx(3.4e38 / 3)
    # the largest float32 is the fill value of float64 fields too
    assert reduce_field(extents, values[[0, 1, 2, 3, 4, 4]].astype(np.float32), "mean")[0] == 1.5
    assert reduce_field(extents, np.append(values[:5], 1e300), "mean")[0] == 1.5


def test_nothing_that_counts() -> None:
    blank = np.full(5, FLT_MAX, np.float32)
    for kind in ("mode", "mean"):
        assert_array_equal(reduce_field(one_extent(5), blank, kind), [0.0])
        assert_array_equal(reduce_field(one_extent(5), blank, kind, none=np.nan), [np.nan])


def test_large_integers_do_not_overflow() -> None:
    large = np.full(30, 2**62, np.int64) + np.arange(30)
    assert_array_equal(reduce_field(one_extent(30), large, "mean"), [2**62 + 14])
    assert_array_equal(reduce_field(one_extent(3), np.full(3, 2**64 - 1, np.uint64), "mode"), [-1])


def test_impossible_requests_are_named() -> None:
    extents = one_extent(5)
    with pytest.raises(ValueError, match=r"kind is 'median'; mode or mean"):
        reduce_field(extents, np.zeros(5), "median")
    with pytest.raises(ValueError, match=r"values has shape \(1,\)"):
        reduce_field(extents, np.zeros(1), "mode")
    with pytest.raises(ValueError, match="values has dtype <U1"):
        reduce_field(extents, np.full(5, "x"), "mode")
