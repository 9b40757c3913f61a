"""The grid of extents, photon by photon where it matters: SlideRule's state machine without looking at every photon.

Atl03Reader looks at every photon of every extent. Here the borders are found from each segment's largest
along-track distance, and photons are only looked at in the segment where a border lies: rounding keeps order, so a
segment whose largest distance is short of a border holds no photon beyond it. What lies between two borders is one
contiguous run of the kept photons, so an extent is just two positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Float32s, Float64s, Int, Int32s, Int64s, Real
from .policy import kernel

SEGMENT_LENGTH = 20.0
"""m, nominal; SlideRule, Atl03Reader."""


@kernel
def along_ranges(first_photon: Int32s, along_bits: Int32s) -> tuple[Float32s, Float32s]:
    """Find each segment's smallest and largest distance by the bits of the float32 values.

    As integers with the sign's meaning mended they have the order of the floats, and extremes of integers become
    SIMD where those of floats, because of NaN, do not. A segment without photons has the range inf..-inf.
    """
    segments = len(first_photon) - 1
    smallest = np.empty(segments, np.float32)
    largest = np.empty(segments, np.float32)
    smallest_bits = smallest.view(np.int32)
    largest_bits = largest.view(np.int32)
    for segment in range(segments):
        first, end = first_photon[segment], first_photon[segment + 1]
        if end == first:
            smallest[segment] = np.inf
            largest[segment] = -np.inf
        else:
            low = np.int32(2**31 - 1)
            high = np.int32(-(2**31))
            for k in range(first, end):
                b = along_bits[k]
                ordered = b ^ ((b >> 31) & np.int32(0x7FFFFFFF))
                low = min(ordered, low)
                high = max(ordered, high)
            smallest_bits[segment] = low ^ ((low >> 31) & np.int32(0x7FFFFFFF))
            largest_bits[segment] = high ^ ((high >> 31) & np.int32(0x7FFFFFFF))
    return smallest, largest


@kernel
def lay_grid(
    pieces: Int64s, kept_photon: Int32s, first_photon: Int32s, first_kept: Int32s,
    smallest_along: Float32s, largest_along: Float32s, along: Float32s, distance: Float64s,
    metres: Real, length: Real, step: Real, in_segments: bool,
    min_photons: Int, min_spread: Real, pass_invalid: bool, member: Int32s, with_gaps: bool,
) -> tuple[Int64s, Float64s, Int]:  # fmt: skip
    """Lay the grid; give a row of whole numbers and one of distances per extent.

    Names: an extent's *border* is the first photon, in file order, that is beyond its length; its *turn* is the
    first photon beyond the step, where the search for the next extent begins.
    """
    counts = np.empty((len(distance) + 64, 4), np.int64)
    places = np.empty((len(distance) + 64, 2), np.float64)
    rows = 0
    counter = 0
    members: Int = 0
    half = metres / 2
    whole_step = int(step)
    whole_length = int(np.ceil(length))
    for piece in range(len(pieces)):
        segment, segment_end = pieces[piece, 0], pieces[piece, 1]
        photon: Int = np.int64(first_photon[segment])
        photon_end = np.int64(first_photon[segment_end])
        kept: Int = np.int64(first_kept[segment])
        start = distance[segment]
        crossed = segment  # the segment whose beginning `start` has passed last
        complete = photon >= photon_end
        while not complete:
            if in_segments:
                border, border_segment = first_of(segment + whole_length, segment_end, first_photon)
                turn, turn_segment = first_of(segment + whole_step, segment_end, first_photon)
            elif with_gaps:
                border, border_segment = first_beyond(
                    length, start, segment, photon, segment_end, distance, along, first_photon,
                    largest_along)  # fmt: skip
                turn, turn_segment = first_beyond(
                    step, start, border_segment, border, segment_end, distance, along, first_photon,
                    largest_along)  # fmt: skip
            else:
                turn, turn_segment = first_beyond(
                    step, start, segment, photon, segment_end, distance, along, first_photon,
                    largest_along)  # fmt: skip
                border, border_segment = first_beyond(
                    length, start, turn_segment, turn, segment_end, distance, along, first_photon,
                    largest_along)  # fmt: skip
            # the search is over when it has looked at the piece's last photon
            complete = max(border, turn) >= photon_end - 1
            kept_at_turn = kept_from(turn, turn_segment, kept_photon, first_kept)

            if with_gaps:
                first = members
                members, x_first, x_last = list_members(
                    kept, kept_at_turn, length, start, half, segment, distance, along,
                    smallest_along, kept_photon, first_kept, member, members)  # fmt: skip
                count = members - first
            else:
                first = kept
                count = kept_from(border, border_segment, kept_photon, first_kept) - kept
                x_first = np.float32(0)
                x_last = np.float32(0)
                if count > 1:
                    x_first = relative(kept, segment, start, half, distance, along, kept_photon, first_kept)
                    x_last = relative(kept + count - 1, segment, start, half, distance, along, kept_photon, first_kept)
            # SlideRule subtracts in float32 and compares in float64
            valid = count >= min_photons and not (count > 1 and np.float64(x_last - x_first) < min_spread)
            if valid or pass_invalid:
                if rows == len(counts):
                    counts = doubled(counts)
                    places = doubled(places)
                counts[rows, 0] = first
                counts[rows, 1] = first + count
                counts[rows, 2] = counter
                counts[rows, 3] = segment
                places[rows, 0] = start
                places[rows, 1] = np.float64(along[photon])
                rows += 1
            counter += 1

            if in_segments:
                if segment + whole_step < segment_end:
                    start = distance[segment + whole_step]
            else:
                # a segment passed replaces its nominal 20 m by the true ones, so the grid stays on the segments
                start += step
                while crossed + 1 < segment_end and start >= distance[crossed + 1]:
                    start += distance[crossed + 1] - distance[crossed]
                    start -= SEGMENT_LENGTH
                    crossed += 1
            if turn < photon_end:
                photon = turn
                segment = turn_segment
                kept = kept_at_turn
    return counts[:rows], places[:rows], members


@kernel
def doubled(table: Int64s | Float64s) -> Any:
    """Copy a table into one with twice the rows."""
    larger = np.empty((2 * len(table), table.shape[1]), table.dtype)
    for row in range(len(table)):
        for column in range(table.shape[1]):
            larger[row, column] = table[row, column]
    return larger


@kernel
def first_of(segment: Int, segment_end: Int, first_photon: Int32s) -> tuple[Int, Int]:
    """Find the first photon of this segment, or of the next that has any; give photon and segment."""
    while segment < segment_end and first_photon[segment + 1] == first_photon[segment]:
        segment += 1
    segment = min(segment, segment_end)
    return np.int64(first_photon[segment]), segment


@kernel
def first_beyond(
    limit: Real, start: Real, segment: Int, photon: Int, segment_end: Int, distance: Float64s,
    along: Float32s, first_photon: Int32s, largest_along: Float32s,
) -> tuple[Int, Int]:  # fmt: skip
    """Find the first photon in file order, from `photon` in `segment` on, that is `limit` or more behind `start`."""
    while segment < segment_end:
        offset = distance[segment] - start
        if offset + np.float64(largest_along[segment]) >= limit:
            for k in range(max(photon, first_photon[segment]), first_photon[segment + 1]):
                if offset + np.float64(along[k]) >= limit:
                    return k, segment
        segment += 1
    return np.int64(first_photon[segment_end]), segment_end


@kernel
def kept_from(photon: Int, segment: Int, kept_photon: Int32s, first_kept: Int32s) -> Int:
    """Count the kept photons before this photon, which lies in `segment`."""
    low: Int = np.int64(first_kept[segment])
    if segment + 1 == len(first_kept):
        return low
    high = np.int64(first_kept[segment + 1])
    while low < high:
        middle = (low + high) >> 1
        if kept_photon[middle] < photon:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def relative(
    kept: Int, segment: Int, start: Real, half: Real, distance: Float64s, along: Float32s,
    kept_photon: Int32s, first_kept: Int32s,
) -> Real:  # fmt: skip
    """Give a kept photon's distance from the extent's centre, as SlideRule's float32."""
    while first_kept[segment + 1] <= kept:
        segment += 1
    return np.float32(((distance[segment] - start) + np.float64(along[kept_photon[kept]])) - half)


@kernel
def list_members(
    kept: Int, kept_end: Int, length: Real, start: Real, half: Real, segment: Int, distance: Float64s,
    along: Float32s, smallest_along: Float32s, kept_photon: Int32s, first_kept: Int32s, member: Int32s,
    members: Int,
) -> tuple[Int, Real, Real]:  # fmt: skip
    """List the kept photons that are within the length; give their new number, and the first's and last's distance."""
    before = members
    x_first = np.float32(0)
    x_last = np.float32(0)
    while kept < kept_end:
        while first_kept[segment + 1] <= kept:
            segment += 1
        stop: Int = min(np.int64(first_kept[segment + 1]), kept_end)
        offset = distance[segment] - start
        already = members
        # most of what lies behind a border is in segments that are wholly beyond the length
        if not offset + np.float64(smallest_along[segment]) >= length:
            for k in range(kept, stop):
                member[members] = kept_photon[k]
                members += np.int64(offset + np.float64(along[kept_photon[k]]) < length)
        if members > already:
            x_last = np.float32((offset + np.float64(along[member[members - 1]])) - half)
            if already == before:
                x_first = np.float32((offset + np.float64(along[member[before]])) - half)
        kept = stop
    return members, x_first, x_last
