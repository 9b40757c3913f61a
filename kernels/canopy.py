"""The steps of PhoREAL: photons by class, their median, mean and deviation, the histogram and its percentiles."""

from __future__ import annotations

from math import sqrt

import numpy as np

from .arrays import Bytes, Float32s, Int, Int32s, Real
from .classification import CANOPY, GROUND, TOP_OF_CANOPY
from .policy import kernel

PERCENTILES = np.array([*range(5, 100, 5), 0.0, 98.0])
"""Percentages of `canopy_h_metrics`, and of `h_canopy`. The 20th, 0, is met where the 19th was, and repeats it
(docs/differences.md, 18)."""
FILL = float(np.finfo(np.float32).max)
"""ATL08's mark of a photon without relief."""


@kernel
def is_vegetation(atl08_class: Int, relief: Real) -> bool:
    """Tell whether a photon is vegetation whose relief is known."""
    wood = bool((atl08_class == CANOPY) | (atl08_class == TOP_OF_CANOPY))
    return wood & bool(abs(relief) < FILL)


@kernel
def part(
    photon: Int32s, height: Float32s, relief: Float32s, atl08_class: Bytes, ground: Float32s, canopy: Float32s,
) -> tuple[Int, Int]:  # fmt: skip
    """List the heights of the ground and the reliefs of the vegetation, without branches; give their numbers.

    Both lists have one place more than there are photons, for what is overwritten by the next.
    """
    on_ground = np.int64(0)
    vegetated = np.int64(0)
    for i in range(len(photon)):
        p = photon[i]
        label = atl08_class[p]
        ground[on_ground] = height[p]
        on_ground += np.int64(label == GROUND)
        canopy[vegetated] = relief[p]
        vegetated += np.int64(is_vegetation(label, relief[p]))
    return on_ground, vegetated


@kernel
def median(values: Float32s, left: Float32s, right: Float32s, n: Int) -> Real:
    """Give the middle one of n values, or the mean of the two there."""
    left[:n] = values[:n]
    lower = at_position(left, right, n, (n - 1) // 2)
    if n % 2 == 1:
        return lower
    not_above = np.int64(0)
    upper = np.float32(np.inf)
    for i in range(n):
        not_above += np.int64(values[i] <= lower)
        upper = min(upper, values[i]) if values[i] > lower else upper
    upper = lower if not_above > n // 2 else upper
    return np.float64(np.float32(lower + upper)) / 2.0


@kernel
def at_position(values: Float32s, spare: Float32s, n: Int, position: Int) -> Real:
    """Find the value at a position of the sorted order: Hoare's selection without branches; both arrays are lost."""
    while n > 1:
        a, b, c = values[0], values[n // 2], values[n - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        less = np.int64(0)
        more = np.int64(0)
        for i in range(n):
            value = values[i]
            spare[less] = value
            less += np.int64(value < pivot)
            values[more] = value
            more += np.int64(value > pivot)
        if position < less:
            values, spare = spare, values
            n = less
        elif position >= n - more:
            position -= n - more
            n = more
        else:
            return pivot
    return values[0]


@kernel
def moments_of_canopy(relief: Float32s, n: Int) -> tuple[Real, Real, Real, Real]:
    """Give the lowest, highest and mean relief, and the standard deviation, from the mean as float32."""
    low = relief[0]
    high = relief[0]
    total = 0.0
    for i in range(n):
        low = relief[i] if relief[i] < low else low
        high = relief[i] if relief[i] > high else high
        total += relief[i]
    mean = np.float32(total / n)
    squares = 0.0
    for i in range(n):
        difference = np.float64(np.float32(relief[i] - mean))
        squares += difference * difference
    return low, high, mean, sqrt(squares / n)


@kernel
def bin_of(relief: Real, low: Real, binsize: Real, bins: Int) -> Int:
    """Give the bin of a relief; the last one takes what lies beyond."""
    return np.int64(min((np.float64(relief) - np.float64(low)) / binsize, bins - 1.0))


@kernel
def fill_bins(
    relief: Float32s, n: Int, low: Real, binsize: Real, bins: Int, count: Int32s, top: Float32s,
) -> None:  # fmt: skip
    """Count the reliefs of each bin, and keep the highest."""
    for b in range(bins):
        count[b] = 0
        top[b] = low
    for i in range(n):
        b = bin_of(relief[i], low, binsize, bins)
        count[b] += 1
        top[b] = relief[i] if relief[i] > top[b] else top[b]


@kernel
def read_percentiles(count: Int32s, top: Float32s, n: Int, metrics: Float32s) -> Real:
    """Walk up the histogram, with one cursor for all percentages; give the 98th, which lies behind the others.

    A percentage is met in a bin that holds photons, and the value is the highest of them: not interpolated.
    """
    b = 0
    below = np.int64(count[0])
    for i in range(len(PERCENTILES)):
        while 100.0 * below / n < PERCENTILES[i]:
            b += 1
            below += count[b]
        if i < len(metrics):
            metrics[i] = top[b]
    return top[b]
