"""YAPC versions 1 and 2: a photon's nearest neighbours among those of its own and the two adjacent segments.

SlideRule's slips are followed (docs/differences.md), since these versions exist for comparison with it:

- the neighbours end short of the next segment's end, by as many photons as the first segment has;
- whether a segment can be scored, and the height of a window that is not given, follow from the first photons of
  the whole stretch, as many as the segment has, not from the segment's own;
- distances are compared without those of the segments, so that the photons of adjacent segments seem to lie on top
  of the segment's own.
"""

from __future__ import annotations

import numpy as np

from .arrays import Bytes, Float32s, Int, Int32s, Real
from .policy import kernel
from .yapc_ranks import rank_heights

LARGEST_SPREAD = 15_000.0
"""m, of the heights that are looked at; SlideRule, Atl03Reader."""
MOST_NEIGHBOURS = 25


@kernel
def score_densities(
    photon_count: Int32s, along: Float32s, height: Float32s, half_x: Real, half_h: Real, knn: Int, min_photons: Int,
    score: Bytes,
) -> None:  # fmt: skip
    """Score the photons of a piece; those of segments that can't be scored keep the 0 they have."""
    segments = len(photon_count)
    photons = np.arange(len(height)).astype(np.int32)
    place = along.copy()
    for k in range(len(place)):
        if not np.isfinite(height[k]):
            place[k] = np.nan
    item = np.empty(len(height) + 1, np.int64)
    other = np.empty(len(height) + 1, np.int64)
    ranked = np.empty(len(height), np.int32)
    begin: Int = np.int64(0)
    end: Int = np.int64(0)
    first: Int = np.int64(0)
    for segment in range(segments):
        if segment > 1:
            begin += photon_count[segment - 2]
        if segment < segments - 1:
            end += photon_count[segment + 1]
        n = photon_count[segment]
        neighbours = min(knn or int(max(1.0, (np.sqrt(n) + 0.5) / 2)), MOST_NEIGHBOURS)
        if n > neighbours and n >= min_photons:
            spread = spread_of(height, place, n)
            if 0 < spread <= LARGEST_SPREAD and spread_of(place, place, n) > 0:
                half = half_h or window_height(height, place, n, spread) / n * neighbours / 2
                ranks = rank_heights(height, photons, begin, end, item, other, ranked)
                for k in range(first, first + n):
                    nearness = near(k, begin, place, height, ranked, ranks, half_x, half, neighbours)
                    score[k] = np.uint8(nearness / neighbours / half * 255.0)
        first += n


@kernel
def spread_of(values: Float32s, place: Float32s, n: Int) -> Real:
    """Give the largest less the smallest of the first n values; not above 0 if there are none that count."""
    low = np.inf
    high = -np.inf
    for k in range(n):
        if np.isfinite(place[k]):
            low = min(low, np.float64(values[k]))
            high = max(high, np.float64(values[k]))
    return high - low


@kernel
def window_height(height: Float32s, place: Float32s, n: Int, spread: Real) -> Real:
    """Give the height, in m, of the 1 m bins in which the first n photons lie: without the gaps between bands."""
    low = np.inf
    for k in range(n):
        if np.isfinite(place[k]):
            low = min(low, np.float64(height[k]))
    hit = np.zeros(int(spread) + 1, np.uint8)
    for k in range(n):
        if np.isfinite(place[k]):
            hit[int(np.float64(height[k]) - low)] = 1
    return np.float64(hit.sum())


@kernel
def near(
    k: Int, begin: Int, place: Float32s, height: Float32s, ranked: Int32s, ranks: Int, half_x: Real, half_h: Real,
    neighbours: Int,
) -> Real:  # fmt: skip
    """Add up how much nearer than half the window's height the nearest neighbours are, going outwards from photon k.

    The photon need not be among the ranked ones.
    """
    total = 0.0
    low: Int = np.int64(0)
    high = np.int64(ranks)
    while low < high:
        middle = (low + high) >> 1
        if height[begin + ranked[middle]] < height[k]:
            low = middle + 1
        else:
            high = middle
    below: Int = low - 1
    above: Int = low
    found = 0
    while found < neighbours:
        down = np.float32(height[k] - height[begin + ranked[below]]) if below >= 0 else np.float32(np.inf)
        up = np.float32(height[begin + ranked[above]] - height[k]) if above < ranks else np.float32(np.inf)
        if down < up:
            other = begin + ranked[below]
            nearness = half_h - np.float64(down)
            below -= 1
        else:
            if above >= ranks:
                break
            other = begin + ranked[above]
            nearness = half_h - np.float64(up)
            above += 1
        if not nearness > 0:
            break
        if other != k and np.float64(abs(np.float32(place[other] - place[k]))) <= half_x:
            total += nearness
            found += 1
    return total
