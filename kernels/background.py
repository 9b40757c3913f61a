"""The rate of background photons at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_input


def background_rate(time: ArrayLike, background_time: ArrayLike, background_rate: ArrayLike) -> NDArray[np.float64]:
    """Interpolate the background rate linearly; before the first and behind the last entry it stays as it is there.

    The arrays may cover far more than the times asked for. Entries that are not finite are left out; a time that
    is not finite, or a table without any finite entry, gives NaN. Source: SlideRule, Atl03Reader
    (calculateBackground), in its order of operations.

    Parameters
    ----------
    time
        float64 (E,), s: `geolocation/delta_time` of each extent's segment.
    background_time
        float64 (B,), s, rising: `bckgrd_atlas/delta_time`.
    background_rate
        float32 (B,), 1/s: `bckgrd_atlas/bckgrd_rate`.

    Returns
    -------
    float64 (E,)
        Photons per second.

    Raises
    ------
    ValueError
        If the table is empty or its columns differ in length.

    Examples
    --------
    >>> background_rate([0.0, 1.5, 9.0], [1.0, 2.0], [100.0, 200.0])
    array([100., 150., 200.])
    """
    at = as_input(np.asarray(time, np.float64), np.float64, "time")
    times = as_input(background_time, np.float64, "background_time")
    rates = np.asarray(background_rate, np.float64)
    if len(times) == 0 or len(rates) != len(times):
        raise ValueError(
            f"background_rate has {len(rates)} entries and background_time {len(times)}; the same number, "
            "and at least one, is needed"
        )
    finite = np.isfinite(times) & np.isfinite(rates)
    times, rates = times[finite], rates[finite]
    if len(times) == 0:
        return np.full(len(at), np.nan)
    behind = np.searchsorted(times, at, "left")
    last = len(times) - 1
    right = np.minimum(behind, last)
    left = np.maximum(right - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (rates[right] - rates[left]) / (times[right] - times[left]) * (at - times[left]) + rates[left]
    rate: NDArray[np.float64] = np.where((behind > 0) & (behind <= last), between, rates[right])
    rate[~np.isfinite(at)] = np.nan
    return rate
