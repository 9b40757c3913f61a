"""PhoREAL: heights and density of the vegetation in each extent, as SlideRule's Atl08Dispatch gives them.

Ground are the photons of ATL08's class 1, vegetation those of classes 2 and 3. A photon's relief is its height above
the ground. The steps are in `canopy`, a row's place and time in `placing`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Bytes, Float32s, Int32s, Int64s, Real, as_bytes, as_input
from .canopy import bin_of, fill_bins, is_vegetation, median, moments_of_canopy, part, read_percentiles
from .extents import Extents
from .placing import Places, place_extents
from .policy import kernel

MOST_BINS = 1000
"""Vegetation beyond this bin counts to the last one."""


class Vegetation(NamedTuple):
    """One row per extent that has photons (N), and the histograms of all rows one behind the other (B bins)."""

    extent: NDArray[np.int64]
    """(N,) row of the extent."""
    ph_count: NDArray[np.uint32]
    """(N,) photons of the extent, of whatever class."""
    gnd_ph_count: NDArray[np.uint32]
    """(N,) ground photons."""
    veg_ph_count: NDArray[np.uint32]
    """(N,) vegetation photons that have a relief."""
    h_te_median: NDArray[np.float32]
    """(N,) m, median height of the ground photons; 0 if there are none."""
    h_max_canopy: NDArray[np.float32]
    """(N,) m, highest relief of the vegetation; 0 if there is none."""
    h_min_canopy: NDArray[np.float32]
    """(N,) m, lowest relief of the vegetation; 0 if there is none."""
    h_mean_canopy: NDArray[np.float32]
    """(N,) m, mean relief of the vegetation; NaN if there is none."""
    canopy_openness: NDArray[np.float32]
    """(N,) m, standard deviation (of the population) of the vegetation's reliefs; NaN if there is none."""
    h_canopy: NDArray[np.float32]
    """(N,) m, 98th percentile of the vegetation's reliefs; 0 if there is none."""
    canopy_h_metrics: NDArray[np.float32]
    """(N, 20) m, 5th to 95th percentile in steps of 5, the last one twice; 0 if there is no vegetation."""
    latitude: NDArray[np.float64]
    """(N,) degrees."""
    longitude: NDArray[np.float64]
    """(N,) degrees, -180 to 180."""
    time: NDArray[np.int64]
    """(N,) ns since the Unix epoch."""
    x_atc: NDArray[np.float64]
    """(N,) m, distance along track on the scale of `segment_dist_x`."""
    nearest: NDArray[np.int32]
    """(N,) position among all photons of the one nearest to `time`, the first of several: the row's land cover and
    snow cover are that photon's."""
    num_bins: NDArray[np.int32]
    """(N,) bins of the vegetation's histogram, from h_min_canopy upward; 1 if there is no vegetation."""
    first_bin: NDArray[np.int64]
    """(N + 1,) where each row's histogram begins in `waveform`; all 0 if none was asked for."""
    waveform: NDArray[np.float32]
    """(B,) the bin's vegetation photons as a share of all photons of the extent: a row's add up to one only where all
    photons are vegetation."""


def vegetation(
    extents: Extents,
    height: ArrayLike,
    relief: ArrayLike,
    atl08_class: ArrayLike,
    latitude: ArrayLike,
    longitude: ArrayLike,
    delta_time: ArrayLike,
    segment_distance: ArrayLike,
    along: ArrayLike,
    *,
    binsize: float = 1.0,
    geoloc: str = "median",
    use_abs_h: bool = False,
    with_waveform: bool = False,
) -> Vegetation:
    """Measure the vegetation of every extent that has photons.

    Parameters
    ----------
    extents
        From `form_extents`.
    height, relief
        float32 (P,), m, of all photons: `h_ph`, and ATL08's `ph_h`. Vegetation without a relief (not finite, or the
        fill value) is left out.
    atl08_class
        uint8 (P,): from `match_classes`.
    latitude, longitude, delta_time, segment_distance, along, geoloc
        As `place_extents` takes them.
    binsize
        m, of the histogram that percentiles are read from.
    use_abs_h
        Heights take the place of reliefs; the classes stay what they are (docs/differences.md, 3).
    with_waveform
        Give the histograms too.

    Raises
    ------
    ValueError
        If `binsize` is not above 0, `geoloc` is unknown, or an array has the wrong length.

    Examples
    --------
    Four photons, one on the ground and three on a tree:

    >>> from nunatak.kernels.extents import form_extents
    >>> from nunatak.kernels.selection import select_photons, value_table
    >>> along, place, classes = np.float32([1, 5, 9, 19]), np.zeros(4), np.uint8([1, 2, 2, 3])
    >>> kept = select_photons([4], np.full(4, 4, np.int8), np.zeros(4, np.int8), value_table([4]), value_table([0]))
    >>> extents = form_extents(kept, [[0, 1]], along, [100.0], [7], length=20, step=20, min_photons=1, min_spread=5)
    >>> rows = vegetation(extents, np.float32([900, 905, 907, 912]), np.float32([0, 5, 7, 12]), classes, place,
    ...                   place, place, [100.0], along, geoloc="mean")
    >>> rows.veg_ph_count, rows.h_mean_canopy, rows.h_canopy, rows.x_atc
    (array([3], dtype=uint32), array([8.], dtype=float32), array([12.], dtype=float32), array([108.5]))
    """
    if not 0 < binsize < np.inf:
        raise ValueError(f"binsize is {binsize}; more than 0 m is needed")
    places = place_extents(extents, latitude, longitude, delta_time, segment_distance, along, geoloc=geoloc)
    photons = int(extents.kept.first_photon[-1])
    rows = np.flatnonzero(extents.end > extents.first)
    height_of = as_input(height, np.float32, "height", photons)
    inputs = (
        as_input(extents.first[rows], np.int64, "extents"),
        as_input(extents.end[rows], np.int64, "extents"),
        as_input(extents.kept.photon, np.int32, "kept"),
        height_of if use_abs_h else as_input(relief, np.float32, "relief", photons),
        as_bytes(atl08_class, "atl08_class", photons),
    )
    table = _empty(rows, places)
    _measure(*inputs, height_of, float(binsize), table)
    if not with_waveform:
        return table
    first_bin = np.concatenate(([0], np.cumsum(table.num_bins, dtype=np.int64)))
    waveform = np.zeros(first_bin[-1], np.float32)
    _bin(*inputs, as_input(table.h_min_canopy, np.float32, "h_min_canopy"), first_bin, float(binsize), waveform)
    return table._replace(first_bin=first_bin, waveform=waveform)


def _empty(extent: NDArray[np.int64], places: Places) -> Vegetation:
    """Make the table that the kernel fills."""
    n = len(extent)
    counts = ("ph_count", "gnd_ph_count", "veg_ph_count")
    heights = ("h_te_median", "h_max_canopy", "h_min_canopy", "h_mean_canopy", "canopy_openness", "h_canopy")
    columns: dict[str, Any] = {name: np.zeros(n, np.uint32) for name in counts}
    columns |= {name: np.zeros(n, np.float32) for name in heights}
    columns |= {"canopy_h_metrics": np.zeros((n, 20), np.float32), "num_bins": np.ones(n, np.int32)}
    columns |= {"first_bin": np.zeros(n + 1, np.int64), "waveform": np.zeros(0, np.float32)}
    return Vegetation(extent, **columns, **places._asdict())


@kernel
def _measure(
    first: Int64s, end: Int64s, kept_photon: Int32s, relief: Float32s, atl08_class: Bytes, height: Float32s,
    binsize: Real, table: Vegetation,
) -> None:  # fmt: skip
    """Measure one extent after the other, in working memory that is made once."""
    room = np.int64(1)
    for e in range(len(first)):
        room = max(room, end[e] - first[e] + 1)
    ground = np.empty(room, np.float32)
    canopy = np.empty(room, np.float32)
    left = np.empty(room, np.float32)
    right = np.empty(room, np.float32)
    count = np.empty(MOST_BINS, np.int32)
    top = np.empty(MOST_BINS, np.float32)
    for e in range(len(first)):
        on_ground, n = part(kept_photon[first[e] : end[e]], height, relief, atl08_class, ground, canopy)
        table.ph_count[e] = end[e] - first[e]
        table.gnd_ph_count[e] = on_ground
        table.veg_ph_count[e] = n
        if on_ground > 0:
            table.h_te_median[e] = median(ground, left, right, on_ground)
        if n == 0:
            table.h_mean_canopy[e] = np.nan
            table.canopy_openness[e] = np.nan
            continue
        low, high, mean, openness = moments_of_canopy(canopy, n)
        table.h_min_canopy[e] = low
        table.h_max_canopy[e] = high
        table.h_mean_canopy[e] = mean
        table.canopy_openness[e] = openness
        bins = int(min(max(np.ceil((np.float64(high) - np.float64(low)) / binsize), 1.0), MOST_BINS))
        table.num_bins[e] = bins
        fill_bins(canopy, n, low, binsize, bins, count, top)
        table.h_canopy[e] = read_percentiles(count, top, n, table.canopy_h_metrics[e])


@kernel
def _bin(
    first: Int64s, end: Int64s, kept_photon: Int32s, relief: Float32s, atl08_class: Bytes, low: Float32s,
    first_bin: Int64s, binsize: Real, waveform: Float32s,
) -> None:  # fmt: skip
    """Count the vegetation of each bin once more, and divide by all photons of the extent."""
    for e in range(len(first)):
        bins = first_bin[e + 1] - first_bin[e]
        for i in range(first[e], end[e]):
            p = kept_photon[i]
            if is_vegetation(atl08_class[p], relief[p]):
                waveform[first_bin[e] + bin_of(relief[p], low[e], binsize, bins)] += np.float32(1.0)
        for b in range(first_bin[e], first_bin[e + 1]):
            waveform[b] = np.float64(waveform[b]) / (end[e] - first[e])
