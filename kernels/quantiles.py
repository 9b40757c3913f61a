"""The two residuals that ATL06-SR's robust dispersion is made of, without sorting all of them.

In the sorted residuals SlideRule walks up from below until a position i satisfies

    i + 1.5 >= quarter + (r[i] - z0) * rate            (the first such position is i0)

and down from above until

    i - 0.5 <= three_quarters + (r[i] - z0) * rate     (the last such position is i1):

the quartiles of the signal, each position corrected by the background photons expected below it. Only the two
values r[i0] and r[i1] are wanted, and sorting costs more than all the rest of the fit. A residual's position in
the sorted order is the number of residuals below it; to count it is a comparison with each of the others, which has
no branches and becomes SIMD. That is n*n comparisons: up to `ALL` residuals are counted so. Of more, only a sample is
counted at first. It tells between which sampled values either walk must end, and only the residuals there are
counted against each other. Both ways are exact.

Residuals are compared as float32. Rounding keeps their order but may make two equal; then their positions are
unknown, the sum of the positions is short, and the caller sorts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import Float64s, Int, Int32s, Real
from .counting import LANES, count_below, count_below_few, round_and_pad
from .policy import kernel

ALL = 64
"""Up to so many residuals each is compared with each."""
SAMPLE_BITS = 6
"""At most 2**6 residuals are sampled."""
ROUNDING = 1.2e-7
"""Values that round to the same float32 are at most 2**-23 = 1.19e-7 of their size apart."""


class Space(NamedTuple):
    """Working memory of `signal_quartiles`, made once per beam."""

    value: NDArray[np.float32]
    """All residuals, rounded."""
    chosen: NDArray[np.int32]
    """1 for a candidate."""
    candidate: NDArray[np.float64]
    """Residuals of which one may be the answer."""
    candidate_value: NDArray[np.float32]
    position: NDArray[np.int32]
    """Position of each candidate among all."""
    sample: NDArray[np.float32]
    below: NDArray[np.int32]
    """Residuals below each sampled one."""
    key: NDArray[np.int32]
    rank: NDArray[np.int32]
    sorted_sample: NDArray[np.float32]
    sorted_below: NDArray[np.int32]
    sorted_residual: NDArray[np.float64]


@kernel
def working_space(room: Int) -> Space:
    """Make the working memory for up to `room` residuals."""
    padded = (room + LANES - 1) // LANES * LANES
    most = 1 << SAMPLE_BITS
    return Space(
        np.empty(padded, np.float32),
        np.empty(padded, np.int32),
        np.empty(padded),
        np.empty(padded, np.float32),
        np.empty(padded, np.int32),
        np.empty(most, np.float32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.float32),
        np.empty(most, np.int32),
        np.empty(most),
    )


@kernel
def walk_ends(
    r: Float64s, position: Int32s, n: Int, none: Int, quarter: Real, three_quarters: Real, z0: Real,
    rate: Real,
) -> tuple[Int, Int, Int, Int, Int]:  # fmt: skip
    """Give the ends of both walks from residuals in any order whose positions are known.

    A position and the index of its residual are packed into one integer, so that a minimum finds both.

    Returns
    -------
    i0, index0, i1, index1, total
        Positions (`none` and -1 where a walk runs off the end), indices into r, and the sum of all positions.
    """
    beyond = np.int64(none) << 32
    before = np.int64(-1)
    first = beyond
    last = before
    total = np.int64(0)
    for i in range(n):
        background = (r[i] - z0) * rate
        p = np.float64(position[i])
        packed = (np.int64(position[i]) << 32) | i
        up = beyond if (p + 1.5) < quarter + background else packed
        first = min(up, first)
        down = before if (p - 0.5) > three_quarters + background else packed
        last = max(down, last)
        total += position[i]
    return first >> 32, first & 0xFFFFFFFF, last >> 32, last & 0xFFFFFFFF, total


@kernel
def surely_narrow(
    r: Float64s, n: Int, lowest: Real, highest: Real, n_signal: Real, z0: Real, rate: Real,
    narrow: Real,
) -> bool:  # fmt: skip
    """Tell by counting alone whether the two residuals are at most `narrow` apart, whatever they are.

    Both are within +-narrow/2 if either walk passes all residuals beyond, and if so are the positions that SlideRule
    takes where the walks pass each other. Rate must not be negative.
    """
    half = narrow / 2
    below = np.int64(0)
    above = np.int64(0)
    for i in range(n):
        below += np.int64(r[i] < -half)
        above += np.int64(r[i] > half)
    first_above = n - above
    plain0 = int((n / 2 - n_signal / 4) + 0.5) - 1
    plain1 = int((n / 2 + n_signal / 4) + 0.5)
    return bool(
        below + 0.5 < 0.25 * n_signal + (lowest - z0) * rate
        and first_above - 0.5 > 0.75 * n_signal + (highest - z0) * rate
        and below <= plain0
        and plain1 < first_above
    )


@kernel
def signal_quartiles(
    r: Float64s, n: Int, lowest: Real, highest: Real, quarter: Real, three_quarters: Real, z0: Real,
    rate: Real, space: Space,
) -> tuple[Int, Int, Real, bool]:  # fmt: skip
    """Find the ends of both walks.

    Parameters
    ----------
    r, n, lowest, highest
        Residuals, their number, the smallest and the largest.
    quarter, three_quarters, z0, rate
        Of the two conditions above; rate must not be negative.
    space
        From `working_space`.

    Returns
    -------
    i0, i1, distance, sure
        Positions and r[i1] - r[i0]. Not sure if residuals are equal as float32.
    """
    padded = round_and_pad(r, space.value, n)
    if n <= ALL:
        count_below(space.value, padded, space.value, space.position, padded)
        i0, index0, i1, index1, total = walk_ends(r, space.position, n, n, quarter, three_quarters, z0, rate)
        return i0, i1, r[index1] - r[index0], total == n * (n - 1) // 2

    m = sorted_sample(r, n, padded, space)
    low, low_end, low_below, high, high_end, high_below = candidate_runs(
        m, lowest, highest, quarter, three_quarters, z0, rate, space)  # fmt: skip
    for i in range(n):
        v = space.value[i]
        space.chosen[i] = np.int32(((v >= low) & (v <= low_end)) | ((v >= high) & (v < high_end)))
    count = 0
    for i in range(n):
        space.candidate[count] = r[i]
        count += space.chosen[i]
    padded = round_and_pad(space.candidate, space.candidate_value, count)
    count_below(space.candidate_value, padded, space.candidate_value, space.position, padded)
    in_low = np.int64(0)
    for i in range(count):
        in_low += np.int64(space.candidate_value[i] <= low_end)
    # from positions among the candidates to positions among all
    in_high = count - in_low
    shift_low = np.int32(low_below)
    shift_high = np.int32(high_below - in_low)
    for i in range(count):
        shift = shift_low if space.candidate_value[i] <= low_end else shift_high
        space.position[i] = np.int32(space.position[i] + shift)
    i0, index0, i1, index1, total = walk_ends(
        space.candidate, space.position, count, n, quarter, three_quarters, z0, rate)  # fmt: skip
    all_different = count * (count - 1) // 2 + in_low * shift_low + in_high * shift_high
    return i0, i1, space.candidate[index1] - space.candidate[index0], total == all_different


@kernel
def sorted_sample(r: Float64s, n: Int, padded: Int, space: Space) -> Int:
    """Sample 16 to 64 residuals evenly in file order, with the number of residuals below each, and sort them."""
    bits = 4
    while bits < SAMPLE_BITS and (n >> bits) > 24:
        bits += 1
    m = 1 << bits
    for j in range(m):
        space.sample[j] = space.value[(j * n) >> bits]
    count_below_few(space.value, padded, space.sample, space.below, m)
    # keys that are all different, so that ranks are a permutation also where sampled values are equal
    for j in range(m):
        space.key[j] = np.int32(space.below[j] * m + j)
    count_below(space.key, m, space.key, space.rank, m)
    for j in range(m):
        q = space.rank[j]
        space.sorted_sample[q] = space.sample[j]
        space.sorted_below[q] = space.below[j]
        space.sorted_residual[q] = r[(j * n) >> bits]
    return m


@kernel
def candidate_runs(
    m: Int, lowest: Real, highest: Real, quarter: Real, three_quarters: Real, z0: Real, rate: Real,
    space: Space,
) -> tuple[Real, Real, Int, Real, Real, Int]:  # fmt: skip
    """Find between which sampled values either walk must end.

    A walk certainly passes a run between two sampled values if its condition fails for the most favourable position
    in it together with the most favourable value; it certainly ends before or at a sampled value that itself
    satisfies the condition.

    Returns
    -------
    low, low_end, low_below
        The walk from below ends at a value in low..low_end; as many residuals are below low.
    high, high_end, high_below
        The walk from above ends at a value from high to below high_end. Infinite where both runs are one.
    """
    below = space.sorted_below
    value = space.sorted_sample
    residual = space.sorted_residual
    infinite = np.float32(np.inf)
    low = -infinite
    low_below = np.int32(0)
    edge = lowest
    q = 0
    while q < m and (below[q] + 0.5) < quarter + (edge - z0) * rate:
        low = value[q]
        low_below = below[q]
        edge = residual[q] - abs(residual[q]) * ROUNDING
        q += 1
    while q < m and (below[q] + 1.5) < quarter + (residual[q] - z0) * rate:
        q += 1
    low_end = value[q] if q < m else infinite

    high_end = infinite
    edge = highest
    q = m - 1
    while q >= 0 and (below[q] - 0.5) > three_quarters + (edge - z0) * rate:
        high_end = value[q]
        edge = residual[q] + abs(residual[q]) * ROUNDING
        q -= 1
    while q >= 0 and (below[q] - 0.5) > three_quarters + ((residual[q] - abs(residual[q]) * ROUNDING) - z0) * rate:
        q -= 1
    high = value[q] if q >= 0 else -infinite
    high_below = below[q] if q >= 0 else np.int32(0)

    if high <= low_end:
        if high < low:
            low = high
            low_below = high_below
        if low_end < high_end:
            low_end = infinite if high_end == infinite else high_end
        high = infinite
        high_end = infinite
    return low, low_end, low_below, high, high_end, high_below
