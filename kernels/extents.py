"""Extents: the stretches along track that a height or a statistic is made of, on SlideRule's grid.

An extent is `len` metres (or segments) long and the next begins `res` further on. The grid follows SlideRule's
Atl03Reader to the photon: photons are taken in file order and never sorted, although their along-track distances
are not quite in order; the first photon at or beyond a border ends an extent, whatever comes after it. How the
borders are found is in `grid`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_input
from .grid import SEGMENT_LENGTH, along_ranges, lay_grid
from .selection import Selection, count_before

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
    smallest_along, largest_along = along_ranges(first_photon, along_in.view(np.int32))
    _check_distances(spans, distance, largest_along)
    metres = length * SEGMENT_LENGTH if in_segments else float(length)
    # extents shorter than the step leave photons out: between them, and among them where distances are not in order
    with_gaps = length < step and not in_segments
    member = np.empty(len(selection.photon) + 1 if with_gaps else 0, np.int32)
    counts, places, members = lay_grid(
        spans,
        as_input(selection.photon, np.int32, "photon"),
        first_photon,
        as_input(selection.first_kept, np.int32, "first_kept"),
        as_input(smallest_along, np.float32, "smallest_along"),
        as_input(largest_along, np.float32, "largest_along"),
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
