"""How SlideRule finds a photon's neighbours in YAPC version 3, and where that is not all within half the window.

From a photon on it walks through the file, left and then right. A photon at most half a window further on is a
neighbour; one that is 1 m beyond that ends the walk. The file is not quite in the order of distances (in one real beam
photons are up to 1.5 m behind an earlier one), so a walk may end before it has met all photons within the half
window: those beyond its ends are missed. And a photon that lies far to the other side, behind the window, is a
neighbour too.
"""

from __future__ import annotations

import numpy as np

from .arrays import Bytes, Float32s, Float64s, Int, Int32s, Int64s, Real
from .policy import kernel
from .yapc_ranks import toggle

BEYOND = 1.0
"""m, how far beyond half the window a photon must be to end the walk; SlideRule, Atl03Reader."""
WINDOW, WINDOW_LESS_MISSED, WALK = 0, 1, 2
"""What a photon's neighbours are: all in the half window, those less the missed, or what only the walk can say."""


@kernel
def running_extremes(place: Float64s, highest: Float64s, lowest: Float64s) -> None:
    """Give, for each photon in file order, the largest place up to it and the smallest from it on."""
    top = -np.inf
    for k in range(len(place)):
        top = place[k] if place[k] > top else top
        highest[k] = top
    bottom = np.inf
    for k in range(len(place) - 1, -1, -1):
        bottom = place[k] if place[k] < bottom else bottom
        lowest[k] = bottom


@kernel
def walks_may_differ(
    order: Int32s, ordered_place: Float64s, start: Int, stop: Int, highest: Float64s, lowest: Float64s, half_x: Real,
) -> bool:  # fmt: skip
    """Tell whether a photon of start..stop, in the order of places, is so far out of order that walks notice.

    A photon that a walk misses lies about 1 m or more ahead of a later one or behind an earlier one, and so does a
    photon that starts too far out or meets others that are; a little less than 1 m, for rounding.
    """
    far = half_x < BEYOND
    for t in range(start, stop):
        k, x = order[t], ordered_place[t]
        far |= (highest[k] - x > 0.99 * BEYOND) | (x - lowest[k] > 0.99 * BEYOND)
    return bool(far)


@kernel
def follow_walks(
    order: Int32s, ordered_place: Float64s, block: Int, block_end: Int, half_x: Real, highest: Float64s,
    lowest: Float64s, farthest: Int64s, kind: Bytes, first: Int32s, end: Int32s,
) -> None:  # fmt: skip
    """Say of each photon of a block what its neighbours are, and the first photon and the end of its walk.

    The walk to the left ends at the last photon in the file that is so far to the left, if that is before the
    photon itself; with rising places that one only moves on, and so does the right one: `farthest` keeps both.
    """
    photons = len(highest)
    left, right = farthest[0], farthest[1]
    for t in range(block, block_end):
        x = ordered_place[t]
        k = order[t]
        while left < photons and x - lowest[left] >= half_x + BEYOND:
            left += 1
        while right < photons and highest[right] - x < half_x + BEYOND:
            right += 1
        first[t - block] = left
        end[t - block] = right
        if left > k or right <= k or highest[k] - x > half_x or x - lowest[k] > half_x:
            kind[t - block] = WALK
        elif (left > 0 and x - highest[left - 1] <= half_x) or (right < photons and lowest[right] - x <= half_x):
            kind[t - block] = WINDOW_LESS_MISSED
        else:
            kind[t - block] = WINDOW
    farthest[0], farthest[1] = left, right


@kernel
def toggle_missed(
    members: Int64s, rank: Int32s, order: Int32s, ordered_place: Float64s, offset: Int, window: Int, window_end: Int,
    first: Int, end: Int, highest: Float64s, lowest: Float64s,
) -> None:  # fmt: skip
    """Take the photons that a walk misses out of the window's members, or into them again.

    Only near the window's edges can photons be missed; `rank` counts from position `offset` in the order of places.
    """
    if first > 0:
        t = window
        while t < window_end and ordered_place[t] <= highest[first - 1]:
            if order[t] < first and rank[t - offset] >= 0:
                toggle(members, rank[t - offset])
            t += 1
    if end < len(lowest):
        t = window_end - 1
        while t >= window and ordered_place[t] >= lowest[end]:
            if order[t] >= end and rank[t - offset] >= 0:
                toggle(members, rank[t - offset])
            t -= 1


@kernel
def walk(k: Int, place: Float64s, height: Float32s, half_x: Real, half_h: Real, nearness: Float64s) -> Int:
    """List how far in height the neighbours of photon k are, as SlideRule finds them; give their number."""
    m = np.int64(0)
    for direction in (-1, 1):
        j = k + direction
        while 0 <= j < len(place):
            dx = (place[j] - place[k]) * direction
            apart = np.float64(abs(np.float32(height[k] - height[j])))
            if dx <= half_x and apart <= half_h:
                nearness[m] = apart
                m += 1
            if dx >= half_x + BEYOND:
                break
            j += direction
    return m
