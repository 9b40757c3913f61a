"""Photons by height: their ranks in a stretch of track, and sets of ranks as bits, 64 to a word.

The members of a set are counted, and the next one found, a word at a time. Words are signed, since numba makes
floats of signed and unsigned numbers that meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .arrays import Float32s, Int, Int32s, Int64s
from .policy import kernel

WORD = 64
"""bits"""
DIGIT = 8
"""bits, at most, of a digit of the radix sort"""


def _one_instruction(name: str, *flags: bool) -> Callable[[Int], Int]:
    """Make a function of one word of what LLVM calls by that name; the same result on every kind of CPU."""

    def implementation(_context: Any, word: Any) -> Any:  # noqa: ARG001
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            constants = [_context.get_constant(types.boolean, flag) for flag in flags]
            return getattr(builder, name)(arguments[0], *constants)

        return types.int64(types.int64), generate

    implementation.__name__ = name
    made: Callable[[Int], Int] = intrinsic(implementation)
    return made


count_ones = _one_instruction("ctpop")
zeros_above = _one_instruction("ctlz", False)
zeros_below = _one_instruction("cttz", False)


@kernel
def rank_heights(
    height: Float32s, photon: Int32s, first: Int, end: Int, item: Int64s, other: Int64s, ranked: Int32s,
) -> Int:  # fmt: skip
    """Sort photon[first:end] by height; `ranked` gets their positions behind `first`, lowest first.

    Photons whose height is not finite are left out; the number of the others is returned. Sorted is by the bits of
    the heights, which as integers with the sign's meaning mended have the order of the floats, digit by digit (radix
    sort): the cost per photon is the same however many there are. Equal heights stay in their order.
    """
    bits = height.view(np.int32)
    n = np.int64(0)
    low = np.int64(2**31)
    high = np.int64(-(2**31))
    for i in range(first, end):
        b = bits[photon[i]]
        key = np.int64(b ^ ((b >> 31) & np.int32(0x7FFFFFFF)))
        item[n] = (key << 31) | (i - first)
        if np.isfinite(height[photon[i]]):
            n += 1
            low = min(low, key)
            high = max(high, key)
    width = 0
    while n > 0 and (high - low) >> width > 0:
        width += 1
    passes = (width + DIGIT - 1) // DIGIT
    digit = (width + passes - 1) // passes if passes else 0
    begin = np.empty((1 << DIGIT) + 1, np.int64)
    mask = (np.int64(1) << digit) - 1
    for step in range(passes):
        shift = step * digit
        begin[: mask + 2] = 0
        for i in range(n):
            begin[((((item[i] >> 31) - low) >> shift) & mask) + 1] += 1
        for d in range(mask):
            begin[d + 1] += begin[d]
        for i in range(n):
            d = (((item[i] >> 31) - low) >> shift) & mask
            other[begin[d]] = item[i]
            begin[d] += 1
        item, other = other, item
    for i in range(n):
        ranked[i] = np.int32(item[i] & 0x7FFFFFFF)
    return n


@kernel
def toggle(members: Int64s, rank: Int) -> None:
    """Take a rank into the set, or out of it."""
    members[rank >> 6] ^= np.int64(1) << (rank & 63)


@kernel
def count_between(members: Int64s, first: Int, end: Int) -> Int:
    """Count the members from rank `first` to before `end`, which is larger."""
    low, high = first >> 6, (end - 1) >> 6
    from_first = np.int64(-1) << (first & 63)
    to_end = ~(np.int64(-2) << ((end - 1) & 63))
    if low == high:
        return count_ones(members[low] & from_first & to_end)
    count: Int = count_ones(members[low] & from_first) + count_ones(members[high] & to_end)
    for word in range(low + 1, high):
        count += count_ones(members[word])
    return count


@kernel
def distances_below(
    members: Int64s, rank: Int, number: Int, ranked_height: Float32s, distance: Float32s,
) -> None:  # fmt: skip
    """Give the height differences to the next members below, nearest first; infinity where there are no more."""
    own = ranked_height[rank]
    at = np.int64(rank >> 6)
    word = members[at] & ~(np.int64(-1) << (rank & 63))
    for i in range(number):
        while word == 0 and at > 0:
            at -= 1
            word = members[at]
        if word == 0:
            distance[i] = np.inf
        else:
            bit = WORD - 1 - zeros_above(word)
            word ^= np.int64(1) << bit
            distance[i] = own - ranked_height[(at << 6) + bit]


@kernel
def distances_above(
    members: Int64s, words: Int, rank: Int, number: Int, ranked_height: Float32s, distance: Float32s,
) -> None:  # fmt: skip
    """Give the height differences to the next members above, nearest first; infinity where there are no more."""
    own = ranked_height[rank]
    at = np.int64(rank >> 6)
    word = members[at] & (np.int64(-2) << (rank & 63))
    for i in range(number):
        while word == 0 and at + 1 < words:
            at += 1
            word = members[at]
        if word == 0:
            distance[i] = np.inf
        else:
            bit = zeros_below(word)
            word &= word - 1
            distance[i] = ranked_height[(at << 6) + bit] - own
