"""Where and when an extent's photons are: one place and time for all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Float32s, Float64s, Int, Int32s, Int64s, Real, as_input
from .extents import Extents
from .policy import kernel
from .steps import unix_nanoseconds

MEAN, MEDIAN, CENTER = range(3)
GEOLOC = {"mean": MEAN, "median": MEDIAN, "center": CENTER}
"""Ways to place an extent among its photons."""


class Places(NamedTuple):
    """One row per extent that has photons (N)."""

    latitude: NDArray[np.float64]
    """(N,) degrees."""
    longitude: NDArray[np.float64]
    """(N,) degrees, -180 to 180."""
    time: NDArray[np.int64]
    """(N,) ns since the Unix epoch."""
    x_atc: NDArray[np.float64]
    """(N,) m, distance along track on the scale of `segment_dist_x`."""
    nearest: NDArray[np.int32]
    """(N,) position among all photons of the one nearest to the time, the first of several."""


def place_extents(
    extents: Extents,
    latitude: ArrayLike,
    longitude: ArrayLike,
    delta_time: ArrayLike,
    segment_distance: ArrayLike,
    along: ArrayLike,
    *,
    geoloc: str = "median",
) -> Places:
    """Place every extent that has photons (SlideRule, Atl08Dispatch, geolocateResult).

    Longitudes are averaged right across the antimeridian (docs/differences.md, 27); times are exact (13).

    Parameters
    ----------
    extents
        From `form_extents`.
    latitude, longitude, delta_time
        float64 (P,), of all photons: `lat_ph` and `lon_ph` in degrees, `delta_time` in s since 2018-01-01.
    segment_distance, along
        float64 (S,) and float32 (P,), m: `segment_dist_x`, `dist_ph_along`.
    geoloc
        The "mean" of the photons; the "median", which is the photon in the middle of the file order, or the mean of
        the two there (docs/differences.md, 19); or the "center" of the smallest and the largest value.

    Raises
    ------
    ValueError
        If `geoloc` is no such word, or an array has the wrong length.

    Examples
    --------
    >>> from nunatak.kernels.extents import form_extents
    >>> from nunatak.kernels.selection import select_photons, value_table
    >>> along = np.array([1, 4, 19], np.float32)
    >>> kept = select_photons([3], np.full(3, 4, np.int8), np.zeros(3, np.int8), value_table([4]), value_table([0]))
    >>> extents = form_extents(kept, [[0, 1]], along, [100.0], [7], length=20, step=20, min_photons=1, min_spread=5)
    >>> longitude = [179.0, -179.0, -177.0]
    >>> place_extents(extents, np.zeros(3), longitude, np.zeros(3), [100.0], along, geoloc="mean").longitude
    array([-179.])
    """
    if geoloc not in GEOLOC:
        raise ValueError(f"geoloc is {geoloc!r}; {', '.join(GEOLOC)} are possible")
    kept = extents.kept
    segments, photons = len(kept.first_kept) - 1, int(kept.first_photon[-1])
    rows = np.flatnonzero(extents.end > extents.first)
    places = Places(*(np.zeros(len(rows), dtype) for dtype in ("f8", "f8", "i8", "f8", "i4")))
    _place(
        as_input(extents.first[rows], np.int64, "extents"),
        as_input(extents.end[rows], np.int64, "extents"),
        as_input(extents.segment[rows], np.int64, "extents"),
        as_input(kept.photon, np.int32, "kept"),
        as_input(kept.first_kept, np.int32, "kept"),
        as_input(latitude, np.float64, "latitude", photons),
        as_input(longitude, np.float64, "longitude", photons),
        as_input(delta_time, np.float64, "delta_time", photons),
        as_input(segment_distance, np.float64, "segment_distance", segments),
        as_input(along, np.float32, "along", photons),
        GEOLOC[geoloc],
        places,
    )
    return places


@kernel
def _place(
    first: Int64s, end: Int64s, segment: Int64s, kept_photon: Int32s, first_kept: Int32s, latitude: Float64s,
    longitude: Float64s, delta_time: Float64s, distance: Float64s, along: Float32s, way: Int, places: Places,
) -> None:  # fmt: skip
    """Place one extent after the other; everything is relative to the first of the photons that count."""
    room = np.int64(0)
    for e in range(len(first)):
        room = max(room, end[e] - first[e])
    north = np.empty(room)
    east = np.empty(room)
    later = np.empty(room)
    farther = np.empty(room)
    for e in range(len(first)):
        low = first[e]
        high = end[e]
        if way == MEDIAN:
            low, high = (first[e] + end[e] - 1) // 2, (first[e] + end[e]) // 2 + 1
        origin = kept_photon[low]
        s = segment[e]
        while first_kept[s + 1] <= low:
            s += 1
        start = distance[s]
        i = low
        while i < high:
            while first_kept[s + 1] <= i:
                s += 1
            stop: Int = min(np.int64(first_kept[s + 1]), high)
            offset = distance[s] - start
            for k in range(i, stop):
                p = kept_photon[k]
                north[k - low] = latitude[p] - latitude[origin]
                east[k - low] = _shorter_way(longitude[p] - longitude[origin])
                later[k - low] = delta_time[p] - delta_time[origin]
                farther[k - low] = offset + np.float64(along[p])
            i = stop
        n = high - low
        time = _middle(later, n, way)
        places.latitude[e] = latitude[origin] + _middle(north, n, way)
        places.longitude[e] = _shorter_way(longitude[origin] + _middle(east, n, way))
        places.time[e] = unix_nanoseconds(delta_time[origin], time)
        places.x_atc[e] = start + _middle(farther, n, way)
        places.nearest[e] = _nearest(kept_photon[first[e] : end[e]], delta_time, delta_time[origin], time)


@kernel
def _shorter_way(degrees: Real) -> Real:
    """Give a longitude, or a difference of two, on the scale of -180..180."""
    if degrees > 180.0:
        return degrees - 360.0
    return degrees + 360.0 if degrees < -180.0 else degrees


@kernel
def _middle(values: Float64s, n: Int, way: Int) -> Real:
    """Give the mean of n values, in four partial sums; or that of the smallest and the largest."""
    if way == CENTER:
        low = values[0]
        high = values[0]
        for i in range(n):
            low = values[i] if values[i] < low else low
            high = values[i] if values[i] > high else high
        return (low + high) / 2
    s0 = 0.0
    s1 = 0.0
    s2 = 0.0
    s3 = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        s0 += values[i]
        s1 += values[i + 1]
        s2 += values[i + 2]
        s3 += values[i + 3]
    for i in range(whole, n):
        s0 += values[i]
    return ((s0 + s1) + (s2 + s3)) / n


@kernel
def _nearest(photon: Int32s, delta_time: Float64s, reference: Real, later: Real) -> Int:
    """Find the first photon whose time comes nearest to `later` than the reference."""
    best = np.inf
    nearest = photon[0]
    for i in range(len(photon)):
        apart = abs((delta_time[photon[i]] - reference) - later)
        if apart < best:
            best = apart
            nearest = photon[i]
    return nearest
