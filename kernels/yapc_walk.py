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
def running_extremes(place: Float64s) -> tuple[Float64s, Float64s, Real]:
    """Give the largest place up to each photon, the smallest from it on, and how far any is behind an earlier one."""
    highest = np.empty(len(place), np.float64)
    lowest = np.empty(len(place), np.float64)
    top = -np.inf
    behind = 0.0
    for k in range(len(place)):
        if place[k] > top:
            top = place[k]
        if top - place[k] > behind:
            behind = top - place[k]
        highest[k] = top
    bottom = np.inf
    for k in range(len(place) - 1, -1, -1):
        if place[k] < bottom:
            bottom = place[k]
        lowest[k] = bottom
    return highest, lowest, behind


@kernel
def follow_walks(
    order: Int32s, ordered_place: Float64s, half_x: Real, highest: Float64s, lowest: Float64s,
) -> tuple[Bytes, Int32s, Int32s]:  # fmt: skip
    """Say of each photon, in the order of places, what its neighbours are, and the first photon and end of its walk.

    The walk to the left ends at the last photon in the file that is so far to the left, if that is before the
    photon itself; with rising places that one only moves on. The same holds for the right.
    """
    n = len(order)
    photons = len(highest)
    kind = np.empty(n, np.uint8)
    first = np.empty(n, np.int32)
    end = np.empty(n, np.int32)
    left: Int = np.int64(0)
    right: Int = np.int64(0)
    for t in range(n):
        x = ordered_place[t]
        k = order[t]
        while left < photons and x - lowest[left] >= half_x + BEYOND:
            left += 1
        while right < photons and highest[right] - x < half_x + BEYOND:
            right += 1
        first[t] = left
        end[t] = right
        if left > k or right <= k or highest[k] - x > half_x or x - lowest[k] > half_x:
            kind[t] = WALK
        elif (left > 0 and x - highest[left - 1] <= half_x) or (right < photons and lowest[right] - x <= half_x):
            kind[t] = WINDOW_LESS_MISSED
        else:
            kind[t] = WINDOW
    return kind, first, end


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
