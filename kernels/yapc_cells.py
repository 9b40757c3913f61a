"""A block of photons in cells of height: for YAPC version 3 where few photons are near each other in height.

A cell is as high as half the window, so a photon's neighbours are in its own cell, the one above and the one below.
A cell's photons are listed in the order of their places, so those within half a window along track are a run of the
list, that moves on at both ends. Where background is most of a beam, three runs leave a handful of photons to look at.
"""

from __future__ import annotations

import numpy as np

from .arrays import Bytes, Float32s, Float64s, Int, Int32s, Real
from .policy import kernel
from .yapc_sums import SMALL, sum_of_few
from .yapc_walk import WALK

CELLS = 256
"""Cells of a block; higher ones begin again with the first, so a cell may hold photons that are far apart."""
CROWD = 20
"""photons of a block in the cell of a photon, on average, up to which cells are faster than ranks."""
MARGIN = 1.0001
"""Cells are a little higher than half the window, for rounding."""
HIGHEST = 2.0**30
"""cells, from height 0: beyond, rounding could be more than the margin."""


@kernel
def fill_cells(
    height: Float32s, order: Int32s, start: Int, stop: Int, half_h: Real, cell: Int32s, slot: Int32s,
    slot_height: Float32s, slot_photon: Int32s, run: Int32s,
) -> bool:  # fmt: skip
    """List the photons start..stop by cell; tell whether they are few enough, and of ordinary heights.

    `cell` and `slot` say where a photon is listed; the cell of a photon without a finite height is one of its own,
    behind the others. `run` gets the beginning of every cell's list.
    """
    per_metre = 1.0 / (half_h * MARGIN)
    ordinary = True
    for c in range(CELLS + 2):
        run[c] = 0
    for t in range(stop - start):
        h = height[order[start + t]]
        level = np.float64(h) * per_metre + HIGHEST
        finite = np.isfinite(h)
        ordinary &= ((0 < level < 2 * HIGHEST) & ((abs(h) >= SMALL) | (h == 0))) | ~finite
        own = np.int64(level) & (CELLS - 1) if finite else np.int64(CELLS)
        cell[t] = own
        run[own + 1] += 1
    near = np.int64(0)
    for c in range(CELLS):
        near += np.int64(run[c + 1]) * np.int64(run[c + 1])
        run[c + 1] += run[c]
    if not ordinary or near > CROWD * (stop - start):
        return False
    for t in range(stop - start):
        at = run[cell[t]]
        run[cell[t]] += 1
        slot[t] = at
        slot_photon[at] = order[start + t]
        slot_height[at] = height[order[start + t]]
    for c in range(CELLS, 0, -1):
        run[c] = run[c - 1]
    run[0] = 0
    return True


@kernel
def weigh_in_cells(
    order: Int32s, ordered_place: Float64s, start: Int, block: Int, block_end: Int, stop: Int, half_x: Real,
    half_h: Real, reach: Real, exact: Int, min_knn: Int, cell: Int32s, slot: Int32s, slot_height: Float32s,
    slot_photon: Int32s, run: Int32s, run_end: Int32s, by_walk: bool, kind: Bytes, first: Int32s, end: Int32s,
    nearest: Float64s, smallest: Float64s, weight: Float64s, knn: Int32s,
) -> None:  # fmt: skip
    """Weigh the photons of a block; not those whose neighbours only a walk can tell."""
    for c in range(CELLS + 1):
        run_end[c] = run[c]
    window: Int = start
    window_end: Int = start
    walk_first, walk_end = np.int32(0), np.int32(2**31 - 1)
    for t in range(block, block_end):
        x = ordered_place[t]
        while window_end < stop and ordered_place[window_end] - x <= half_x:
            run_end[cell[window_end - start]] += 1
            window_end += 1
        while x - ordered_place[window] > half_x:
            run[cell[window - start]] += 1
            window += 1
        own = np.int64(cell[t - start])
        if own == CELLS or (by_walk and kind[t - block] == WALK):
            continue
        if by_walk:
            walk_first, walk_end = first[t - block], end[t - block]
        h = slot_height[slot[t - start]]
        # the photon itself is among those listed, nearest of all
        m = np.int64(0)
        total = 0.0
        for near in (own, (own - 1) & (CELLS - 1), (own + 1) & (CELLS - 1)):
            for i in range(run[near], run_end[near]):
                apart = abs(np.float32(slot_height[i] - h))
                counts = (apart <= reach) & (slot_photon[i] >= walk_first) & (slot_photon[i] < walk_end)
                nearest[m] = apart
                total += half_h - np.float64(apart) if counts else 0.0
                m += np.int64(counts)
        m -= 1
        k = order[t]
        knn[k] = max(int(np.sqrt(m)), min_knn)
        if m <= min(knn[k], exact):
            weight[k] = total - half_h
        else:
            weight[k] = sum_of_few(nearest, m, min(m, knn[k]), half_h, smallest)
