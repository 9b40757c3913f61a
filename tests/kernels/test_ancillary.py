"""Fields reduced to one value per extent, against a slow twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from beams import make_beam
from hypothesis import given, settings
from hypothesis import strategies as st
from land_twin import FLT_MAX, reduce_values
from numpy.testing import assert_array_equal
from test_phoreal import Forest, forests, grow, measure, members

from nunatak.kernels.ancillary import reduce_field

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


def one_extent(photons: int) -> Any:
    forest = grow(1, segments=1, photons=photons, empty=0.0, disorder=0.0)
    assert len(forest.extents.first) >= 1
    table = measure(forest)
    return forest.extents, len(members(forest, table)[0]), len(forest.relief)


def test_ties_fill_values_and_cut_means() -> None:
    extents, n, total = one_extent(12)
    assert n == total > 4
    values = np.full(total, 7.0)
    values[:4] = (3.0, 3.0, np.nan, FLT_MAX)
    values[4:] = 5.0 if total == 6 else values[4:]
    half = np.resize([9, -4], total).astype(np.int16)
    assert (
        reduce_field(extents, half[: total // 2 * 2] if total % 2 == 0 else np.append(half[:-1], 100), "mode")[0] == -4
    )
    good = values[values < FLT_MAX]
    assert reduce_field(extents, values, "mean")[0] == pytest.approx(good.mean())
    for first, mean in ((-1, 0), (-total, -1), (total, 1), (1, 0)):
        number = np.zeros(total, np.int8)
        number[0] = first
        assert reduce_field(extents, number, "mean")[0] == mean


def test_nothing_that_counts() -> None:
    extents, _, total = one_extent(5)
    blank = np.full(total, FLT_MAX, np.float32)
    for kind in ("mode", "mean"):
        assert_array_equal(reduce_field(extents, blank, kind), [0.0])
        assert_array_equal(reduce_field(extents, blank, kind, none=np.nan), [np.nan])


def test_large_integers_do_not_overflow() -> None:
    extents, _, total = one_extent(30)
    large = np.full(total, 2**62, np.int64) + np.arange(total)
    assert reduce_field(extents, large, "mean")[0] == 2**62 + sum(range(total)) // total
    assert_array_equal(reduce_field(extents, np.full(total, 2**64 - 1, np.uint64), "mode"), [-1])


def test_impossible_requests_are_named() -> None:
    extents, _, total = one_extent(5)
    with pytest.raises(ValueError, match=r"kind is 'median'; mode or mean"):
        reduce_field(extents, np.zeros(total), "median")
    with pytest.raises(ValueError, match=r"values has shape \(1,\)"):
        reduce_field(extents, np.zeros(1), "mode")
    with pytest.raises(ValueError, match="values has dtype <U1"):
        reduce_field(extents, np.full(total, "x"), "mode")
    assert len(make_beam(1).along) > 0
