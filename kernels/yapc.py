"""YAPC, "yet another photon classifier": a score from 0 to 255 for how densely a photon is surrounded by others.

Version 3 (`yapc_v3`) is the default; versions 1 and 2 are the same code (`yapc_v2`), with the slips of SlideRule's,
and exist for comparison. Every photon is scored and counts as a neighbour, whatever its confidence or quality:
scores come first and are then a way to select photons. Version 0 is no algorithm but the file's own `weight_ph`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Bytes, Float32s, Float64s, Int32s, as_input
from .yapc_v2 import score_densities
from .yapc_v3 import in_order, score_neighbours

VERSIONS = (1, 2, 3)


def yapc_scores(
    version: int,
    photon_count: ArrayLike,
    segment_distance: ArrayLike,
    along: ArrayLike,
    height: ArrayLike,
    pieces: ArrayLike,
    *,
    win_x: float = 15.0,
    win_h: float = 6.0,
    min_knn: int = 5,
    knn: int = 0,
    min_photons: int = 10,
) -> NDArray[np.uint8]:
    """Score every photon of a beam as SlideRule does (Atl03Reader, YapcScore).

    A piece is scored as if it stood alone in the file (docs/differences.md 8 and 9): no photon of another piece is a
    neighbour. Photons without a finite height and distance are nobody's neighbours, and their score is 0.

    Parameters
    ----------
    version
        1, 2 or 3.
    photon_count
        int (S,): `segment_ph_cnt`.
    segment_distance
        float64 (S,), m: `segment_dist_x`. Versions 1 and 2 make no use of it.
    along, height
        float32 (photons,), m: `dist_ph_along` and `h_ph` of all photons, in file order.
    pieces
        int (P, 2): first segment and end of each piece, as `form_extents` takes them.
    win_x, win_h
        m, whole length and height of the window around a photon. With `win_h` 0 versions 1 and 2 take a height
        that follows from the density of the photons.
    min_knn
        Version 3: so many neighbours count at least; of m in the window it is otherwise the root of m.
    knn
        Versions 1 and 2: so many neighbours count, at most 25; with 0 about half the root of a segment's photons.
    min_photons
        Versions 1 and 2: `cnt`; the photons of a segment with less have score 0.

    Returns
    -------
    uint8 (photons,)
        The scores; 0 for photons outside of all pieces.

    Raises
    ------
    ValueError
        If there is no such version, a parameter is impossible, or the lengths of the arrays do not agree.

    Examples
    --------
    Eight photons of the surface, and a stray one 40 m above it:

    >>> import numpy as np
    >>> height = np.array([3, 3.1, 3, 2.9, 43, 3, 3, 3.1, 3], np.float32)
    >>> yapc_scores(3, [9], [100.0], np.arange(9, dtype=np.float32), height, [[0, 1]])
    array([251, 248, 253, 246,   0, 253, 253, 248, 251], dtype=uint8)
    """
    count = as_input(photon_count, np.int32, "photon_count")
    if len(count) and count.min() < 0:
        raise ValueError(f"photon_count has {count.min()} at segment {count.argmin()}; it can't be negative")
    first_photon = np.concatenate(([0], np.cumsum(count, dtype=np.int64)))
    distance = as_input(np.asarray(segment_distance, np.float64), np.float64, "segment_distance", len(count))
    along_in = as_input(np.asarray(along, np.float32), np.float32, "along", int(first_photon[-1]))
    height_in = as_input(np.asarray(height, np.float32), np.float32, "height", int(first_photon[-1]))
    _check(version, win_x, win_h, min_knn, knn)
    score = np.zeros(int(first_photon[-1]), np.uint8)
    for first, end in np.asarray(pieces, np.int64).reshape(-1, 2):
        photons = slice(first_photon[first], first_photon[end])
        piece = (count[first:end], along_in[photons], height_in[photons])
        if version == 3:
            _score_v3(*piece, distance[first:end], win_x / 2, win_h / 2, min_knn, score[photons])
        else:
            score_densities(*piece, win_x / 2, win_h / 2, int(knn), int(min_photons), score[photons])
    return score


def _score_v3(
    count: Int32s, along: Float32s, height: Float32s, distance: Float64s, half_x: float, half_h: float, min_knn: int,
    score: Bytes,
) -> None:  # fmt: skip
    """Score the photons of a piece, taken in the order of their distances."""
    place = np.repeat(distance, count) + along
    place[~np.isfinite(place)] = np.nan
    order = np.empty(len(place), np.int32)
    ordered_place = np.empty(len(place), np.float64)
    placed = in_order(place, order, ordered_place)
    if placed < 0:
        # so far out of order that moving photons up one by one would not end; NaN comes last
        order = np.argsort(place, kind="stable").astype(np.int32)
        placed = np.count_nonzero(~np.isnan(place))
        ordered_place = place[order]
    # Numpy asks for huge pages; a kernel's own allocation does not, which would cost a tenth of the time.
    highest, lowest, weight = np.empty((3, len(place)), np.float64)
    knn = np.empty(len(place), np.int32)
    score_neighbours(
        count, place, height, order[:placed], ordered_place[:placed], float(half_x), float(half_h), int(min_knn),
        highest, lowest, weight, knn, score)  # fmt: skip


def _check(version: int, win_x: float, win_h: float, min_knn: int, knn: int) -> None:
    if version not in VERSIONS:
        raise ValueError(f"there is no YAPC version {version} to compute; 1, 2 and 3 are possible")
    if not 0 < win_x < math.inf:
        raise ValueError(f"win_x is {win_x}; more than 0 m is needed")
    if not 0 <= win_h < math.inf or (version == 3 and win_h == 0):
        raise ValueError(f"win_h is {win_h}; {'more than 0 m' if version == 3 else '0 m or more'} is needed")
    if min_knn < 1:
        raise ValueError(f"min_knn is {min_knn}; at least 1 is needed")
    if knn < 0:
        raise ValueError(f"knn is {knn}; 0 or more is needed")
