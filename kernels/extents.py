"""Extents: the stretches along track that a height or a statistic is made of, on SlideRule's grid.

An extent is `len` metres (or segments) long and the next begins `res` further on. The grid follows SlideRule's
Atl03Reader to the photon: photons are taken in file order and never sorted, although their along-track distances
are not quite in order; the first photon at or beyond a border ends an extent, whatever comes after it.

Atl03Reader looks at every photon of every extent. Here the borders are found from each segment's largest
along-track distance, and photons are only looked at in the segment where a border lies: rounding keeps order, so a
segment whose largest distance is short of a border holds no photon beyond it. What lies between two borders is one
contiguous run of the kept photons, so an extent is just two positions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_input
from .policy import kernel
from .selection import Selection, count_before

SEGMENT_LENGTH = 20.0
"""m, nominal; SlideRule, Atl03Reader."""
FARTHEST = 1000.0
"""m, bound for neighbouring segments and for photons in a segment: beyond it the file's distances are damaged."""


class Extents(NamedTuple):
    """The extents of a beam (E), in file order, and the kept photons they are made of."""

    first: NDArray[np.int64]
    """(E,) position of the first photon among the kept ones."""
    end: NDArray[np.int64]
    """(E,) one past the last; equal to `first` in an extent without photons."""
    counter: NDArray[np.int64]
    """(E,) number of the extent in the beam; invalid extents count too, so it has gaps."""
    segment: NDArray[np.int64]
    """(E,) row of the segment in which the search for the extent's photons began."""
    start: NDArray[np.float64]
    """(E,) m, along-track distance at which the extent begins (on the scale of `segment_dist_x`)."""
    centre: NDArray[np.float64]
    """(E,) m, along-track distance of its centre: `x_atc` of a fit."""
    segment_id: NDArray[np.uint32]
    """(E,) id of the ATL06 segment that it matches."""
    length: float
    """m, of every extent."""
    kept: Selection
    """The kept photons that `first` and `end` count; where extents leave gaps, cut down to their members."""


def form_extents(
    selection: Selection,
    pieces: ArrayLike,
    along: ArrayLike,
    segment_distance: ArrayLike,
    segment_id: ArrayLike,
    *,
    length: float,
    step: float,
    in_segments: bool = False,
    min_photons: int = 10,
    min_spread: float = 20.0,
    pass_invalid: bool = False,
) -> Extents:
    """Lay SlideRule's grid of extents over each piece of a beam.

    Each piece has the grid that it would have if it stood alone in the file; only the counter goes on.

    Parameters
    ----------
    selection
        The kept photons, from `select_photons`.
    pieces
        int (P, 2): first segment and end of each piece, from `split_at_gaps`.
    along
        float32 (photons,), m: `dist_ph_along` of all photons, kept or not; the first of them at or behind a
        border decides where the next extent begins.
    segment_distance, segment_id
        float64 (S,), m, and int (S,): `segment_dist_x`, `segment_id`.
    length, step
        `len` and `res`, in m; in segments if `in_segments` (`dist_in_seg`).
    min_photons, min_spread
        `cnt`, and `ats` in m: an extent with fewer photons, or with less distance from its first to its last
        photon in file order, is invalid.
    pass_invalid
        Give invalid extents too, even empty ones.

    Raises
    ------
    ValueError
        If a length or distance is impossible, or an array has the wrong length.

    Examples
    --------
    Two segments with three photons each, and extents of 20 m:

    >>> import numpy as np
    >>> from nunatak.kernels.selection import select_photons, value_table
    >>> along = np.array([1, 9, 19, 1, 9, 19], np.float32)
    >>> kept = select_photons([3, 3], np.full(6, 4, np.int8), np.zeros(6, np.int8), value_table([4]),
    ...                       value_table([0]))
    >>> extents = form_extents(kept, [[0, 2]], along, [100.0, 120.0], [7, 8], length=20, step=20,
    ...                        min_photons=2, min_spread=10)
    >>> extents.first, extents.end, extents.centre
    (array([0, 3]), array([3, 6]), array([110., 130.]))
    """
    segments = len(selection.first_photon) - 1
    distance = as_input(np.asarray(segment_distance, np.float64), np.float64, "segment_distance", segments)
    identity = as_input(segment_id, np.int64, "segment_id", segments)
    along_in = as_input(np.asarray(along, np.float32), np.float32, "along", int(selection.first_photon[-1]))
    spans = np.asarray(pieces, np.int64).reshape(-1, 2)
    _check_grid(length, step, in_segments)
    first_photon = as_input(selection.first_photon, np.int32, "first_photon")
    largest_along = as_input(_largest_along(first_photon, along_in.view(np.int32)), np.float32, "largest_along")
    _check_distances(spans, distance, largest_along)
    metres = length * SEGMENT_LENGTH if in_segments else float(length)
    # extents shorter than the step leave photons out: between them, and among them where distances are not in order
    with_gaps = length < step and not in_segments
    member = np.empty(len(selection.photon) + 1 if with_gaps else 0, np.int32)
    counts, places, members = _form(
        spans,
        as_input(selection.photon, np.int32, "photon"),
        first_photon,
        as_input(selection.first_kept, np.int32, "first_kept"),
        largest_along,
        along_in,
        distance,
        metres,
        float(length),
        float(step),
        in_segments,
        int(min_photons),
        float(min_spread),
        pass_invalid,
        member,
        with_gaps,
    )
    if with_gaps:
        member = member[:members]
        selection = selection._replace(photon=member, first_kept=count_before(member, selection.first_photon))
    first, end, counter, segment = counts.T.copy()
    start, along_of_first = places.T.copy()
    # the centre's segment, rounded: half the length further on than where the first photon lies in its segment
    half = np.trunc(length / 2) if in_segments else along_of_first / SEGMENT_LENGTH + np.trunc(length / 20.0 / 2)
    return Extents(
        first=first,
        end=end,
        counter=counter,
        segment=segment,
        start=start,
        centre=start + metres / 2,
        segment_id=np.trunc(identity[segment] + half + 0.5).astype(np.uint32),
        length=metres,
        kept=selection,
    )


def _check_grid(length: float, step: float, in_segments: bool) -> None:
    if not 0 < length < np.inf:
        raise ValueError(f"len is {length}; more than 0 is needed")
    if not (1 if in_segments else 0) <= step < np.inf or step == 0:
        raise ValueError(f"res is {step}; {'at least 1 segment' if in_segments else 'more than 0 m'} is needed")


def _check_distances(
    spans: NDArray[np.int64], distance: NDArray[np.float64], largest_along: NDArray[np.float32]
) -> None:
    """Refuse distances with which a grid of millions of empty extents, or one without end, would be laid."""
    for first, end in spans:
        step = np.abs(np.diff(distance[first:end]))
        if not np.isfinite(distance[first:end]).all() or (step > FARTHEST).any():
            at = first + int(np.argmax(~(step <= FARTHEST)))
            raise ValueError(
                f"segment_dist_x goes from {distance[at]} m at segment row {at} to {distance[min(at + 1, end - 1)]} m "
                f"at the next, whose id follows; up to {FARTHEST} m is possible"
            )
        if (largest_along[first:end] > FARTHEST).any():
            at = first + int(np.argmax(largest_along[first:end]))
            raise ValueError(
                f"dist_ph_along reaches {largest_along[at]} m in segment row {at}; up to {FARTHEST} m is possible"
            )


@kernel
def _largest_along(first_photon, along_bits):
    """Find each segment's largest distance by the bits of the float32 values; -inf where it has no photons.

    As integers with the sign's meaning mended they have the order of the floats, and the maximum of integers
    becomes SIMD where that of floats, because of NaN, does not.
    """
    segments = len(first_photon) - 1
    largest = np.empty(segments, np.float32)
    bits = largest.view(np.int32)
    for segment in range(segments):
        first, end = first_photon[segment], first_photon[segment + 1]
        if end == first:
            largest[segment] = -np.inf
        else:
            top = np.int32(-(2**31))
            for k in range(first, end):
                b = along_bits[k]
                ordered = b ^ ((b >> 31) & np.int32(0x7FFFFFFF))
                top = ordered if ordered > top else top
            bits[segment] = top ^ ((top >> 31) & np.int32(0x7FFFFFFF))
    return largest


@kernel
def _form(
    pieces, kept_photon, first_photon, first_kept, largest_along, along, distance, metres, length, step,
    in_segments, min_photons, min_spread, pass_invalid, member, with_gaps,
):  # fmt: skip
    """Lay the grid; give a row of whole numbers and one of distances per extent.

    Names: an extent's *border* is the first photon, in file order, that is beyond its length; its *turn* is the
    first photon beyond the step, where the search for the next extent begins.
    """
    counts = np.empty((len(distance) + 64, 4), np.int64)
    places = np.empty((len(distance) + 64, 2), np.float64)
    rows = 0
    counter = 0
    members = 0
    half = metres / 2
    whole_step = int(step)
    whole_length = int(np.ceil(length))
    for piece in range(len(pieces)):
        segment, segment_end = pieces[piece, 0], pieces[piece, 1]
        photon, photon_end = np.int64(first_photon[segment]), np.int64(first_photon[segment_end])
        kept = np.int64(first_kept[segment])
        start = distance[segment]
        crossed = segment  # the segment whose beginning `start` has passed last
        complete = photon >= photon_end
        while not complete:
            if in_segments:
                border, border_segment = _first_of(segment + whole_length, segment_end, first_photon)
                turn, turn_segment = _first_of(segment + whole_step, segment_end, first_photon)
            elif with_gaps:
                border, border_segment = _first_beyond(
                    length, start, segment, photon, segment_end, distance, along, first_photon, largest_along)
                turn, turn_segment = _first_beyond(
                    step, start, border_segment, border, segment_end, distance, along, first_photon, largest_along)
            else:
                turn, turn_segment = _first_beyond(
                    step, start, segment, photon, segment_end, distance, along, first_photon, largest_along)
                border, border_segment = _first_beyond(
                    length, start, turn_segment, turn, segment_end, distance, along, first_photon, largest_along)
            # the search is over when it has looked at the piece's last photon
            complete = max(border, turn) >= photon_end - 1
            kept_at_turn = _kept_from(turn, turn_segment, kept_photon, first_kept)

            if with_gaps:
                first = members
                members, x_first, x_last = _list_members(
                    kept, kept_at_turn, length, start, half, segment, distance, along, kept_photon, first_kept,
                    member, members)
                count = members - first
            else:
                first = kept
                count = _kept_from(border, border_segment, kept_photon, first_kept) - kept
                x_first = np.float32(0)
                x_last = np.float32(0)
                if count > 1:
                    x_first = _relative(kept, segment, start, half, distance, along, kept_photon, first_kept)
                    x_last = _relative(kept + count - 1, segment, start, half, distance, along, kept_photon, first_kept)
            # SlideRule subtracts in float32 and compares in float64
            valid = count >= min_photons and not (count > 1 and np.float64(x_last - x_first) < min_spread)
            if valid or pass_invalid:
                if rows == len(counts):
                    counts = _doubled(counts)
                    places = _doubled(places)
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
def _doubled(table):
    """Copy a table into one with twice the rows."""
    larger = np.empty((2 * len(table), table.shape[1]), table.dtype)
    for row in range(len(table)):
        for column in range(table.shape[1]):
            larger[row, column] = table[row, column]
    return larger


@kernel
def _first_of(segment, segment_end, first_photon):
    """Find the first photon of this segment, or of the next that has any; give photon and segment."""
    while segment < segment_end and first_photon[segment + 1] == first_photon[segment]:
        segment += 1
    segment = min(segment, segment_end)
    return np.int64(first_photon[segment]), segment


@kernel
def _first_beyond(
    limit, start, segment, photon, segment_end, distance, along, first_photon, largest_along
):
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
def _kept_from(photon, segment, kept_photon, first_kept):
    """Count the kept photons before this photon, which lies in `segment`."""
    low = np.int64(first_kept[segment])
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
def _relative(kept, segment, start, half, distance, along, kept_photon, first_kept):
    """Give a kept photon's distance from the extent's centre, as SlideRule's float32."""
    while first_kept[segment + 1] <= kept:
        segment += 1
    return np.float32(((distance[segment] - start) + np.float64(along[kept_photon[kept]])) - half)


@kernel
def _list_members(
    kept, kept_end, length, start, half, segment, distance, along, kept_photon, first_kept, member, members
):
    """List the kept photons that are within the length; give their new number, and the first's and last's distance."""
    before = members
    x_first = np.float32(0)
    x_last = np.float32(0)
    while kept < kept_end:
        while first_kept[segment + 1] <= kept:
            segment += 1
        stop = min(np.int64(first_kept[segment + 1]), kept_end)
        offset = distance[segment] - start
        already = members
        for k in range(kept, stop):
            member[members] = kept_photon[k]
            members += np.int64(offset + np.float64(along[kept_photon[k]]) < length)
        if members > already:
            x_last = np.float32((offset + np.float64(along[member[members - 1]])) - half)
            if already == before:
                x_first = np.float32((offset + np.float64(along[member[before]])) - half)
        kept = stop
    return members, x_first, x_last
