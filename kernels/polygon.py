"""Which points lie in a polygon: the even-odd rule, over an index of the edges by bands of y.

The rule is W. R. Franklin's pnpoly, which SlideRule uses (MathLib, inpoly): a ray from the point towards +x,
and the point is inside when it crosses an odd number of edges. Each point looks only at the edges of its own
band, so that 100,000 vertices cost about as much as a few dozen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_input
from .policy import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: How many entries the index may hold per edge, on average: a long edge stands in every band that it passes.
ENTRIES_PER_EDGE = 8


class Edges(NamedTuple):
    """The edges of a polygon, each from its lower to its upper end, listed by bands of y."""

    x_low: Floats
    y_low: Floats
    x_high: Floats
    y_high: Floats
    #: Where the bands begin, how high one is; the list of band b is `members[starts[b]:starts[b + 1]]`.
    bottom: float
    band_height: float
    starts: Integers
    members: Integers


def index_edges(x: ArrayLike, y: ArrayLike, ring_starts: ArrayLike) -> Edges:
    """List the edges of rings by bands of y.

    Every edge is turned so that it goes upward: the same outline gives the same bits whichever way it winds,
    and two polygons that share an edge never share a point. Level edges are left out, they are never crossed.

    Parameters
    ----------
    x, y
        float64 (V,): the vertices of all rings, one ring after the other, none closed by repeating its first.
    ring_starts
        int (R + 1,): where each ring begins in `x` and `y`, and at the end V.

    Examples
    --------
    >>> edges = index_edges([0, 2, 2, 0], [0, 0, 2, 2], [0, 4])
    >>> edges.x_low
    array([2., 0.])
    """
    x, y = as_input(x, np.float64, "x"), as_input(y, np.float64, "y")
    starts = as_input(ring_starts, np.int64, "ring_starts")
    following = np.arange(1, len(x) + 1)
    following[starts[1:] - 1] = starts[:-1]
    rises = y < y[following]
    low, high = np.where(rises, np.arange(len(x)), following), np.where(rises, following, np.arange(len(x)))
    level = y == y[following]
    low, high = low[~level], high[~level]
    return _list_by_band(x[low], y[low], x[high], y[high])


def _list_by_band(x_low: Floats, y_low: Floats, x_high: Floats, y_high: Floats) -> Edges:
    edges = len(x_low)
    bottom, top = (float(y_low.min()), float(y_high.max())) if edges else (0.0, 0.0)
    climbed = float((y_high - y_low).sum())
    fitting = ENTRIES_PER_EDGE * edges * (top - bottom) / climbed if climbed > 0 else 1.0
    bands = max(1, int(min(edges, fitting)))
    height = (top - bottom) / bands if top > bottom else 1.0
    first = _band_of(y_low, bottom, height, bands)
    last = _band_of(y_high, bottom, height, bands)
    starts, members = _fill_bands(first, last, bands)
    return Edges(
        as_input(x_low, np.float64, "x_low"),
        as_input(y_low, np.float64, "y_low"),
        as_input(x_high, np.float64, "x_high"),
        as_input(y_high, np.float64, "y_high"),
        bottom,
        height,
        as_input(starts, np.int64, "starts"),
        as_input(members, np.int64, "members"),
    )


def _band_of(y: Floats, bottom: float, height: float, bands: int) -> Integers:
    # the same operations as in _inside: a band is found by what rounding makes of them, not by what is true
    return np.minimum(((y - bottom) / height).astype(np.int64), bands - 1)


@kernel
def _fill_bands(first: Integers, last: Integers, bands: int) -> tuple[Integers, Integers]:
    starts = np.zeros(bands + 1, np.int64)
    for edge in range(len(first)):
        for band in range(first[edge], last[edge] + 1):
            starts[band + 1] += 1
    for band in range(bands):
        starts[band + 1] += starts[band]
    members = np.empty(starts[bands], np.int64)
    filled = starts[:-1].copy()
    for edge in range(len(first)):
        for band in range(first[edge], last[edge] + 1):
            members[filled[band]] = edge
            filled[band] += 1
    return starts, members


def points_inside(x: ArrayLike, y: ArrayLike, edges: Edges) -> NDArray[np.bool_]:
    """Find which points lie inside the polygon.

    Parameters
    ----------
    x, y
        float64 (N,): points in the plane of the polygon. NaN is outside.
    edges
        The polygon, from `index_edges`.

    Returns
    -------
    bool (N,)

    Examples
    --------
    >>> square = index_edges([0, 2, 2, 0], [0, 0, 2, 2], [0, 4])
    >>> points_inside([1, 3], [1, 1], square)
    array([ True, False])
    """
    x = as_input(x, np.float64, "x")
    inside: NDArray[np.bool_] = _inside(x, as_input(y, np.float64, "y", len(x)), *edges)
    return inside


@kernel
def _inside(
    x: Floats,
    y: Floats,
    x_low: Floats,
    y_low: Floats,
    x_high: Floats,
    y_high: Floats,
    bottom: float,
    band_height: float,
    starts: Integers,
    members: Integers,
) -> NDArray[np.bool_]:
    bands = len(starts) - 1
    inside = np.zeros(len(x), np.bool_)
    for point in range(len(x)):
        px, py = x[point], y[point]
        place = (py - bottom) / band_height
        # written so that NaN fails; a point on the topmost vertex may round to one band too many
        if not 0 <= place <= bands:
            continue
        band = min(int(place), bands - 1)
        odd = False
        for entry in range(starts[band], starts[band + 1]):
            e = members[entry]
            # half open: a vertex belongs to the edge that rises from it, so a ray through it crosses once
            if y_low[e] <= py < y_high[e]:
                crossing = (x_high[e] - x_low[e]) * (py - y_low[e]) / (y_high[e] - y_low[e]) + x_low[e]
                if px < crossing:
                    odd = not odd
        inside[point] = odd
    return inside
