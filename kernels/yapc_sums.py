"""How near a photon's neighbours are in height, added up: for YAPC version 3.

SlideRule adds the nearest first. Another order gives the same sum where every partial sum is exact in float64, which
is the case for all but odd heights and windows: then the neighbours need not be sorted.
"""

from __future__ import annotations

import numpy as np

from .arrays import Float32s, Float64s, Int, Real
from .policy import kernel
from .steps import sort_into

FINE = 2.0**-44
"""m; sums of multiples of it that stay below `COARSE` are exact in float64."""
COARSE = 2.0**9
"""m"""
SMALL = np.float32(2.0**-21)
"""m; a float32 of 24 bits that is not smaller is a multiple of `FINE`, and so are differences of such."""


@kernel
def exact_terms(half_h: Real) -> Int:
    """Give how many terms, of up to `half_h` less a height that is no smaller than `SMALL`, have an exact sum."""
    if half_h < COARSE and half_h / FINE == np.floor(half_h / FINE):
        return int(COARSE / half_h) - 1
    return 0


@kernel
def sum_of_nearest(
    below: Float32s, above: Float32s, number: Int, half_h: Real, exact: Int, nearest: Float64s, ordered: Float64s,
) -> Real:  # fmt: skip
    """Add up how much nearer than `half_h` the nearest of both sides are; each side is sorted and has `number`.

    The smaller ones of the first below and the last above, the second below and the last but one above, and so on,
    are the nearest of all (as in a merging network), though not in their order.
    """
    fine = number <= exact
    for i in range(number):
        a, b = below[i], above[number - 1 - i]
        distance = a if a < b else b
        fine &= (distance >= SMALL) | (distance == 0)
        nearest[i] = distance
    if not fine:
        return sum_in_order(nearest, number, number, half_h, ordered)
    total = 0.0
    for i in range(number):
        total += half_h - nearest[i]
    return total


@kernel
def sum_in_order(nearest: Float64s, m: Int, number: Int, half_h: Real, ordered: Float64s) -> Real:
    """Add up how much nearer than `half_h` the `number` nearest of m are, the nearest first."""
    sort_into(nearest, ordered, m)
    total = 0.0
    for i in range(number):
        total += half_h - ordered[i]
    return total


@kernel
def sum_of_few(nearest: Float64s, m: Int, number: Int, half_h: Real, smallest: Float64s) -> Real:
    """Do the same, for few of few; the nearest of all is the photon itself, and is left out.

    Every one is let down a row of the `number` smallest, and pushes larger ones on: no branch to foresee.
    """
    for i in range(number + 1):
        smallest[i] = np.inf
    for j in range(m + 1):
        rising = nearest[j]
        for i in range(number + 1):
            kept = smallest[i]
            smallest[i] = rising if rising < kept else kept
            rising = kept if rising < kept else rising
    total = 0.0
    for i in range(1, number + 1):
        total += half_h - smallest[i]
    return total
