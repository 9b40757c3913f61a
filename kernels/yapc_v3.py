"""YAPC version 3: the nearest in height of the photons within half a window along track.

SlideRule looks at all pairs of photons in a window and sorts every photon's neighbours. Here the photons are taken in
the order of their distances, and block by block. Where few are near each other in height, they are listed in cells of
height, and a photon looks at three of them (`yapc_cells`). Where many are, the heights of the block are ranked once.
The photons in the half window are then a set of ranks that loses and gains one photon at a time; how many of them are
within half the window's height is a count of bits, and the nearest are the next bits below and above (`yapc_ranks`).
So a photon costs about as much as it has neighbours that count, the root of those in the window, and not as many as
are in the window.

The neighbours are those that a walk through the file would find, to the photon: see `yapc_walk`.
"""

from __future__ import annotations

import numpy as np

from .arrays import Bytes, Float32s, Float64s, Int, Int32s, Int64s, Real
from .policy import kernel
from .yapc_cells import CELLS, fill_cells, weigh_in_cells
from .yapc_ranks import count_between, distances_above, distances_below, rank_heights, toggle
from .yapc_sums import exact_terms, sum_in_order, sum_of_nearest
from .yapc_walk import WALK, WINDOW, follow_walks, running_extremes, toggle_missed, walk, walks_may_differ

MOVES = 200
"""per photon, the most that sorting by insertion may cost; a beam 1.5 m out of order needs about 5."""
BLOCK = 256
"""photons, at least, whose windows are made of one ranking."""


@kernel
def in_order(place: Float64s, order: Int32s, ordered_place: Float64s) -> Int:
    """Sort photons by place, leaving out NaN; give their number, or -1 if they are too far out of order for this.

    By insertion, since they are almost in order.
    """
    n = np.int64(0)
    moves = np.int64(0)
    for k in range(len(place)):
        x = place[k]
        if not np.isnan(x):
            j = n
            while j > 0 and ordered_place[j - 1] > x:
                ordered_place[j] = ordered_place[j - 1]
                order[j] = order[j - 1]
                j -= 1
            ordered_place[j] = x
            order[j] = k
            moves += n - j
            n += 1
            if moves > MOVES * (n + BLOCK):
                return np.int64(-1)
    return n


@kernel
def score_neighbours(
    photon_count: Int32s, place: Float64s, height: Float32s, order: Int32s, ordered_place: Float64s, half_x: Real,
    half_h: Real, min_knn: Int, highest: Float64s, lowest: Float64s, weight: Float64s, knn: Int32s, score: Bytes,
) -> None:  # fmt: skip
    """Score the photons of a piece; full marks need the largest number of neighbours that counts in the segment."""
    weight[:] = 0.0
    knn[:] = min_knn
    weigh(place, height, order, ordered_place, half_x, half_h, min_knn, highest, lowest, weight, knn)
    first = 0
    for segment in range(len(photon_count)):
        end = first + photon_count[segment]
        most = min_knn
        for k in range(first, end):
            most = max(most, knn[k])
        for k in range(first, end):
            score[k] = np.uint8(min(weight[k] / (half_h * most) * 255.0, 255.0))
        first = end


@kernel
def weigh(
    place: Float64s, height: Float32s, order: Int32s, ordered_place: Float64s, half_x: Real, half_h: Real,
    min_knn: Int, highest: Float64s, lowest: Float64s, weight: Float64s, knn: Int32s,
) -> None:  # fmt: skip
    """Give the number of each photon's neighbours that count, and the sum of what they are nearer than `half_h`."""
    n = len(order)
    running_extremes(place, highest, lowest)
    # within half the height, as float64, is within the next float32 that is not larger
    reach = np.float32(half_h)
    if np.float64(reach) > half_h:
        reach = np.nextafter(reach, np.float32(0))
    exact = exact_terms(half_h)

    # room for a block as large as the piece: what is not needed is never touched
    kind, first, end = np.empty(n, np.uint8), np.empty(n, np.int32), np.empty(n, np.int32)
    nearest, ordered = np.empty(n + 1, np.float64), np.empty(n + 1, np.float64)
    item, other = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
    rank, ranked = np.empty(n, np.int32), np.empty(n, np.int32)
    low, high = np.empty(n, np.int32), np.empty(n, np.int32)
    block_height, below, above = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    members = np.empty(n // 64 + 1, np.int64)
    cell, slot, slot_photon = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    run, run_end = np.empty(CELLS + 2, np.int32), np.empty(CELLS + 2, np.int32)
    farthest = np.zeros(2, np.int64)

    block: Int = np.int64(0)
    start: Int = np.int64(0)
    stop: Int = np.int64(0)
    while block < n:
        # start..stop: the photons of all windows of the block
        start = leave_behind(ordered_place, start, ordered_place[block], half_x)
        stop = reach_ahead(ordered_place, stop, ordered_place[block], half_x)
        block_end = min(n, block + max(BLOCK, 2 * (stop - start)))
        stop = reach_ahead(ordered_place, stop, ordered_place[block_end - 1], half_x)
        by_walk = walks_may_differ(order, ordered_place, start, stop, highest, lowest, half_x)
        if by_walk:
            follow_walks(order, ordered_place, block, block_end, half_x, highest, lowest, farthest, kind, first, end)
            for t in range(block, block_end):
                if kind[t - block] == WALK:
                    k = order[t]
                    m = walk(k, place, height, half_x, half_h, nearest)
                    knn[k] = max(int(np.sqrt(m)), min_knn)
                    weight[k] = sum_in_order(nearest, m, min(knn[k], m), half_h, ordered)
        if fill_cells(height, order, start, stop, half_h, cell, slot, block_height, slot_photon, run):
            weigh_in_cells(
                order, ordered_place, start, block, block_end, stop, half_x, half_h, reach, exact, min_knn, cell, slot,
                block_height, slot_photon, run, run_end, by_walk, kind, first, end, nearest, ordered, weight,
                knn)  # fmt: skip
        else:
            ranks = rank_heights(height, order, start, stop, item, other, ranked)
            bound_ranks(height, order, start, stop, ranked, ranks, reach, rank, block_height, low, high)
            weigh_by_ranks(
                order, ordered_place, start, block, block_end, stop, half_x, half_h, exact, min_knn, rank, ranks,
                block_height, low, high, members, highest, lowest, by_walk, kind, first, end, below, above, nearest,
                ordered, weight, knn)  # fmt: skip
        block = block_end


@kernel
def weigh_by_ranks(
    order: Int32s, ordered_place: Float64s, start: Int, block: Int, block_end: Int, stop: Int, half_x: Real,
    half_h: Real, exact: Int, min_knn: Int, rank: Int32s, ranks: Int, ranked_height: Float32s, low: Int32s,
    high: Int32s, members: Int64s, highest: Float64s, lowest: Float64s, by_walk: bool, kind: Bytes, first: Int32s,
    end: Int32s, below: Float32s, above: Float32s, nearest: Float64s, ordered: Float64s, weight: Float64s,
    knn: Int32s,
) -> None:  # fmt: skip
    """Weigh the photons of a block; not those whose neighbours only a walk can tell."""
    words = (ranks + 63) >> 6
    members[:words] = 0
    window: Int = start
    window_end: Int = start
    for t in range(block, block_end):
        x = ordered_place[t]
        while window_end < stop and ordered_place[window_end] - x <= half_x:
            if rank[window_end - start] >= 0:
                toggle(members, rank[window_end - start])
            window_end += 1
        while x - ordered_place[window] > half_x:
            if rank[window - start] >= 0:
                toggle(members, rank[window - start])
            window += 1
        r = np.int64(rank[t - start])
        how = kind[t - block] if by_walk else WINDOW
        if r < 0 or how == WALK:
            continue
        if how != WINDOW:
            toggle_missed(members, rank, order, ordered_place, start, window, window_end, first[t - block],
                          end[t - block], highest, lowest)  # fmt: skip
        m = count_between(members, low[r], high[r]) - 1
        k = order[t]
        knn[k] = max(int(np.sqrt(m)), min_knn)
        number = min(knn[k], m)
        distances_below(members, r, number, ranked_height, below)
        distances_above(members, words, r, number, ranked_height, above)
        weight[k] = sum_of_nearest(below, above, number, half_h, exact, nearest, ordered)
        if how != WINDOW:
            toggle_missed(members, rank, order, ordered_place, start, window, window_end, first[t - block],
                          end[t - block], highest, lowest)  # fmt: skip


@kernel
def leave_behind(ordered_place: Float64s, position: Int, x: Real, half_x: Real) -> Int:
    """Move on to the first photon that is at most `half_x` behind x."""
    while x - ordered_place[position] > half_x:
        position += 1
    return position


@kernel
def reach_ahead(ordered_place: Float64s, position: Int, x: Real, half_x: Real) -> Int:
    """Move on to the first photon that is more than `half_x` ahead of x."""
    while position < len(ordered_place) and ordered_place[position] - x <= half_x:
        position += 1
    return position


@kernel
def bound_ranks(
    height: Float32s, order: Int32s, start: Int, stop: Int, ranked: Int32s, ranks: Int, reach: Real, rank: Int32s,
    ranked_height: Float32s, low: Int32s, high: Int32s,
) -> None:  # fmt: skip
    """Give each photon its rank, -1 without one, and each rank the range of ranks that are at most `reach` away."""
    rank[: stop - start] = -1
    for r in range(ranks):
        rank[ranked[r]] = r
        ranked_height[r] = height[order[start + ranked[r]]]
    first = 0
    end = 0
    for r in range(ranks):
        own = ranked_height[r]
        while np.float32(own - ranked_height[first]) > reach:
            first += 1
        while end < ranks and np.float32(ranked_height[end] - own) <= reach:
            end += 1
        low[r] = first
        high[r] = end
