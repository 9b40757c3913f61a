"""What ATL08 says of ATL03's photons: classes, and rows of its photon and land segment tables for each photon.

ATL08 lists the photons that it classified by the id of their ATL03 segment and by their number within it, counted
from 1; and it has land segments, of five ATL03 segments each, with values of their own. Source: SlideRule,
Atl03Reader (Atl08Class).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Bytes, Int32s, as_bytes, as_input
from .policy import kernel

NOISE, GROUND, CANOPY, TOP_OF_CANOPY, UNCLASSIFIED = range(5)

HIGHEST_TREE = 35.0
"""m, height above ground at and beyond which the ABoVE classifier takes no photon for a tree's."""
HIGHEST_SUN = 5.0
"""degrees, solar elevation above which the ABoVE classifier does nothing: the background is too strong."""


class Matches(NamedTuple):
    """What ATL08 says of each photon (P)."""

    atl08_class: NDArray[np.uint8]
    """(P,) as in ATL08: 0 noise, 1 ground, 2 canopy, 3 top of canopy; 4, unclassified, where ATL08 has no such photon.
    A value that ATL08 does not define stays as it is, as an unsigned byte."""
    row: NDArray[np.int32]
    """(P,) row of the photon in ATL08's `signal_photons`; -1 where it is not there."""


def match_classes(
    segment_id: ArrayLike,
    photon_count: ArrayLike,
    ph_segment_id: ArrayLike,
    classed_pc_indx: ArrayLike,
    classed_pc_flag: ArrayLike,
) -> Matches:
    """Find the photons that ATL08 classified.

    Either side may be a whole beam or any part of it: rows whose segment or photon the other side does not have match
    nothing. SlideRule merges both tables in one pass, which loses rows where either is out of order. Here the order is
    of no matter, and the results are the same where both are in order. Of rows that name one photon twice the first
    counts; of ATL03 segments with the same id the first.

    Parameters
    ----------
    segment_id, photon_count
        int (S,): ATL03's `segment_id` and `segment_ph_cnt`.
    ph_segment_id, classed_pc_indx
        int (M,): ATL08's `signal_photons`: id of the photon's segment, its number in the segment, from 1.
    classed_pc_flag
        int8 (M,): its class.

    Raises
    ------
    ValueError
        If lengths do not agree, or a segment has less than no photons.

    Examples
    --------
    >>> match_classes([7, 8], [2, 2], [7, 8], [2, 1], np.array([1, 3], np.int8))
    Matches(atl08_class=array([4, 1, 3, 4], dtype=uint8), row=array([-1,  0,  1, -1], dtype=int32))
    """
    identity = as_input(segment_id, np.int32, "segment_id")
    count = as_input(photon_count, np.int32, "photon_count", len(identity))
    if len(count) and count.min() < 0:
        raise ValueError(f"photon_count has {count.min()} at segment {count.argmin()}; it can't be negative")
    first_photon = np.concatenate(([0], np.cumsum(count, dtype=np.int64))).astype(np.int32)
    wanted = as_input(ph_segment_id, np.int32, "ph_segment_id")
    order = np.argsort(identity, kind="stable").astype(np.int32)
    matches = Matches(np.full(first_photon[-1], UNCLASSIFIED, np.uint8), np.full(first_photon[-1], -1, np.int32))
    _match(
        as_input(identity[order], np.int32, "segment_id"),
        as_input(order, np.int32, "order"),
        as_input(first_photon, np.int32, "first_photon"),
        wanted,
        as_input(classed_pc_indx, np.int32, "classed_pc_indx", len(wanted)),
        as_bytes(classed_pc_flag, "classed_pc_flag", len(wanted)),
        matches.atl08_class,
        matches.row,
    )
    return matches


@kernel
def _match(
    sorted_id: Int32s, order: Int32s, first_photon: Int32s, ph_segment_id: Int32s, number: Int32s, flag: Bytes,
    atl08_class: Bytes, row: Int32s,
) -> None:  # fmt: skip
    """Go to each row's photon; the segment is searched for only where the id changes."""
    first = 0
    end = 0
    for m in range(len(ph_segment_id)):
        if m == 0 or ph_segment_id[m] != ph_segment_id[m - 1]:
            first = end = 0
            place = np.searchsorted(sorted_id, ph_segment_id[m])
            if place < len(sorted_id) and sorted_id[place] == ph_segment_id[m]:
                first = first_photon[order[place]]
                end = first_photon[order[place] + 1]
        photon = first + number[m] - 1
        if first <= photon < end and row[photon] < 0:
            row[photon] = m
            atl08_class[photon] = flag[m]


def land_rows(segment_id: ArrayLike, segment_id_beg: ArrayLike) -> NDArray[np.int32]:
    """Find the land segment of each ATL03 segment: the last that begins at or before it, or else the first.

    Where land segments leave a gap the one before it goes on, for SlideRule never looks at a land segment's end
    (docs/differences.md, 30).

    Parameters
    ----------
    segment_id
        int (S,): ATL03's.
    segment_id_beg
        int (L,): ATL08's `land_segments/segment_id_beg`.

    Returns
    -------
    int32 (S,)
        Rows of the land segments; -1 throughout if there are none.

    Examples
    --------
    >>> land_rows([4, 5, 9, 10, 99], [5, 10])
    array([0, 0, 0, 1, 1], dtype=int32)
    """
    begin = as_input(segment_id_beg, np.int32, "segment_id_beg")
    if not len(begin):
        return np.full(len(as_input(segment_id, np.int32, "segment_id")), -1, np.int32)
    # a cursor that starts at the first and does not pass a border out of order: hence the largest border so far
    borders = np.maximum.accumulate(begin[1:])
    return np.searchsorted(borders, as_input(segment_id, np.int32, "segment_id"), "right").astype(np.int32)


def land_rows_of_photons(row: ArrayLike, photon_count: ArrayLike, land_row: ArrayLike) -> NDArray[np.int32]:
    """Give the land segment of each photon that ATL08 classified; -1 for the others.

    Parameters
    ----------
    row
        int32 (P,): of `Matches`.
    photon_count, land_row
        int (S,): `segment_ph_cnt`; and each segment's row, from `land_rows`.

    Examples
    --------
    >>> land_rows_of_photons([-1, 0, 1, -1], [2, 2], [5, 6])
    array([-1,  5,  6, -1], dtype=int32)
    """
    matched = as_input(row, np.int32, "row")
    of_segment = np.asarray(land_row, np.int32)
    of_photon = as_input(np.repeat(of_segment, np.asarray(photon_count)), np.int32, "land_row", len(matched))
    return np.where(matched < 0, np.int32(-1), of_photon)


def take_rows(values: ArrayLike, row: ArrayLike, missing: float | None = None) -> NDArray[Any]:
    """Give one value of a table per photon; where there is none, a value whose bits are all one.

    That is -1, the highest unsigned number, or NaN: SlideRule's mark of a photon that ATL08 does not have.

    Parameters
    ----------
    values
        (M,) or (L,), of any dtype, which the result has too.
    row
        int (P,): -1 where there is none.
    missing
        What stands there instead.

    Examples
    --------
    >>> take_rows(np.array([20, 111], np.uint8), [1, -1, 0])
    array([111, 255,  20], dtype=uint8)
    >>> take_rows(np.array([0.5, 12.0], np.float32), [-1, 1], missing=0.0)
    array([ 0., 12.], dtype=float32)
    """
    table = np.asarray(values)
    blank = np.frombuffer(b"\xff" * table.dtype.itemsize, table.dtype) if missing is None else missing
    # -1 is the last: there stands what is taken where there is none
    return np.append(table, np.array(blank).astype(table.dtype)).take(np.asarray(row))


def above_classes(
    atl08_class: ArrayLike,
    row: ArrayLike,
    photon_count: ArrayLike,
    solar_elevation: ArrayLike,
    confidence: ArrayLike,
    relief: ArrayLike,
    *,
    strong: bool,
) -> NDArray[np.uint8]:
    """Class more photons as top of canopy, by the classifier of the ABoVE project.

    It takes photons that ATL08 has, of a strong beam at night, whose signal is of high confidence and which lie less
    than 35 m above the ground. Source: SlideRule, Atl03Reader (Atl08Class, classify); with `srt` -1, where SlideRule
    tests another photon's confidence, the largest of the five counts (docs/differences.md, 28).

    Parameters
    ----------
    atl08_class, row
        (P,) of `Matches`.
    photon_count, solar_elevation
        (S,): `segment_ph_cnt`; `geolocation/solar_elevation` in degrees.
    confidence
        int8 (P,): one column of `signal_conf_ph`; or (P, 5): the largest of the five counts (srt -1).
    relief
        float32 (P,), m: height above ground, ATL08's `ph_h`.
    strong
        Whether the beam's spot is 1, 3 or 5.

    Examples
    --------
    >>> above_classes([4, 1], [-1, 0], [2], [-3.0], np.array([4, 4], np.int8), [0.0, 12.0], strong=True)
    array([4, 3], dtype=uint8)
    """
    classes = np.asarray(atl08_class, np.uint8)
    level = np.asarray(confidence)
    if level.ndim == 2:
        level = level.max(axis=1) if level.shape[1] else level
    if not strong:
        return classes.copy()
    night = np.repeat(np.asarray(solar_elevation) <= HIGHEST_SUN, np.asarray(photon_count))
    height = np.asarray(relief, np.float32)
    tree = (level == 4) & (height >= 0) & (height < HIGHEST_TREE)
    return np.where((np.asarray(row) >= 0) & night & tree, np.uint8(TOP_OF_CANOPY), classes)
