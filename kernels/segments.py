"""Which ATL03 segments are worked on: runs inside the region, cut into pieces where segments are missing.

An ATL03 segment is a stretch of about 20 m along track. Whole segments are in or out of a region, by their
reference photon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_bytes, as_input


def find_runs(inside: ArrayLike, photon_count: ArrayLike) -> NDArray[np.int64]:
    """Find every run of segments inside the region.

    A segment without photons may carry a position that means nothing, so it is never tested: it belongs to the
    run in which it lies. A run goes from a tested segment inside to before the next tested segment outside, or to
    the end of the beam.

    SlideRule's Atl03Reader has the same rule but stops after the first run; a track that leaves the region and
    returns loses the rest there (docs/differences.md).

    Parameters
    ----------
    inside
        bool (S,): is the segment's reference photon inside the region?
    photon_count
        int (S,): `segment_ph_cnt`, photons in each segment.

    Returns
    -------
    int64 (R, 2)
        First segment and end (one past the last) of each run, in file order.

    Examples
    --------
    >>> find_runs([False, True, False, True, False, True], [5, 5, 0, 5, 5, 5])
    array([[1, 4],
           [5, 6]])
    """
    count = as_input(photon_count, np.int64, "photon_count")
    hit = as_bytes(inside, "inside", len(count)) != 0
    tested = np.flatnonzero(count > 0)
    change = np.diff(np.concatenate(([0], hit[tested].astype(np.int8), [0])))
    # behind the last tested segment a run that is still open goes on to the beam's end
    border = np.append(tested, len(count))
    return np.column_stack((border[np.flatnonzero(change == 1)], border[np.flatnonzero(change == -1)]))


def split_at_gaps(segment_id: ArrayLike, runs: ArrayLike) -> NDArray[np.int64]:
    """Cut runs into pieces in which `segment_id` counts up by one.

    A step of more than one means that segments are missing from the file. SlideRule takes the jump in distance
    for track without photons, and all that follows can fall into one extent; here every piece gets a grid of its
    own, the one it would have if it stood alone in the file (docs/differences.md). A step of nought or backwards
    ends a piece too: the grid only runs forward, and what came again or out of order would be lost to it.

    Parameters
    ----------
    segment_id
        int (S,): `geolocation/segment_id`.
    runs
        int (R, 2): first segment and end of each run, as from `find_runs`.

    Returns
    -------
    int64 (P, 2)
        First segment and end of each piece, in file order; none is empty.

    Examples
    --------
    >>> split_at_gaps([7, 8, 9, 20, 21], [[0, 5]])
    array([[0, 3],
           [3, 5]])
    """
    identity = as_input(segment_id, np.int64, "segment_id")
    spans = np.asarray(runs, np.int64).reshape(-1, 2)
    gaps = np.flatnonzero(np.diff(identity) != 1) + 1
    pieces = [spans[:0]]
    for first, end in spans:
        within = gaps[np.searchsorted(gaps, first, "right") : np.searchsorted(gaps, end, "left")]
        borders = np.concatenate(([first], within, [end]))
        pieces.append(np.column_stack((borders[:-1], borders[1:])))
    found = np.concatenate(pieces)
    return found[found[:, 1] > found[:, 0]]
