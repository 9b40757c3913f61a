"""One value per extent of a field that has a value per photon: the most frequent one, or the mean.

Source: SlideRule, Atl08Dispatch (buildAncillaryRecord).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Float64s, Int, Int32s, Int64s, Real, as_input
from .extents import Extents
from .policy import kernel

KINDS = ("mode", "mean")
LARGEST = float(np.nextafter(np.float64(np.finfo(np.float32).max), 0))
"""The largest float that counts. The fill value of ATL03 and ATL08 is the largest float32, in fields of float64 too."""


def reduce_field(
    extents: Extents, values: ArrayLike, kind: str, *, none: float = 0.0
) -> NDArray[np.float64] | NDArray[np.int64]:
    """Reduce a field's values, one per photon, to one per extent.

    Of floats, fill values (at or above the largest float32) and NaN do not count. Of integers all values count, also
    the one whose bits are all one that `take_rows` gives to photons without a value; and their mean is cut to an
    integer, toward 0. Of values that are equally frequent the smallest is taken.

    Parameters
    ----------
    extents
        From `form_extents`.
    values
        (P,) of any integer, bool or float dtype: one value for each photon, kept or not.
    kind
        "mode" or "mean"; the latter for a field whose name ends in % in a request.
    none
        What stands where an extent has photons, but no value that counts. SlideRule's is 0.

    Returns
    -------
    float64 or int64 (N,)
        One value for each extent that has photons, in their order, as the rows of `vegetation`: float64 of floats,
        int64 of integers (unsigned ones from 2**63 on become negative, as SlideRule's do).

    Raises
    ------
    ValueError
        If `kind` is unknown, there is not one value for each photon, or values are no numbers.

    Examples
    --------
    >>> from nunatak.kernels.extents import form_extents
    >>> from nunatak.kernels.selection import select_photons, value_table
    >>> along = np.array([1, 9, 19], np.float32)
    >>> kept = select_photons([3], np.full(3, 4, np.int8), np.zeros(3, np.int8), value_table([4]), value_table([0]))
    >>> extents = form_extents(kept, [[0, 1]], along, [100.0], [7], length=20, step=20, min_photons=1, min_spread=5)
    >>> reduce_field(extents, np.array([3, 3, -1], np.int16), "mode")
    array([3])
    >>> reduce_field(extents, np.array([0.5, 1.0, 3.4028235e38], np.float32), "mean")
    array([0.75])
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; {' or '.join(KINDS)} is possible")
    field = np.asarray(values)
    if field.dtype.kind not in "biuf":
        raise ValueError(f"values has dtype {field.dtype}; integers or floats are needed")
    rows = np.flatnonzero(extents.end > extents.first)
    places = (
        as_input(extents.first[rows], np.int64, "extents"),
        as_input(extents.end[rows], np.int64, "extents"),
        as_input(extents.kept.photon, np.int32, "kept"),
    )
    photons = int(extents.kept.first_photon[-1])
    if field.dtype.kind == "f":
        floats = as_input(field, np.float64, "values", photons)
        result: NDArray[Any] = np.full(len(rows), none)
        if kind == "mean":
            _mean_of_floats(*places, floats, LARGEST, result)
        else:
            _mode(*places, floats, LARGEST, result)
        return result
    integers = as_input(field, np.int64, "values", photons)
    result = np.zeros(len(rows), np.int64)
    if kind == "mean":
        _mean_of_integers(*places, integers, result)
    else:
        _mode(*places, integers, np.iinfo(np.int64).max, result)
    return result


@kernel
def _mean_of_floats(
    first: Int64s, end: Int64s, photon: Int32s, values: Float64s, largest: Real, result: Float64s,
) -> None:  # fmt: skip
    """Give the mean of the values up to the largest that counts."""
    for e in range(len(first)):
        total = 0.0
        count = 0
        for i in range(first[e], end[e]):
            value = values[photon[i]]
            if value <= largest:
                total += value
                count += 1
        if count > 0:
            result[e] = total / count


@kernel
def _mean_of_integers(first: Int64s, end: Int64s, photon: Int32s, values: Int64s, result: Int64s) -> None:
    """Give the mean, cut toward 0; quotients and remainders are added up apart, for no sum of values to overflow."""
    for e in range(len(first)):
        n = end[e] - first[e]
        quotients = np.int64(0)
        remainders = np.int64(0)
        for i in range(first[e], end[e]):
            value = values[photon[i]]
            quotients += value // n
            remainders += value % n
        mean = quotients + remainders // n
        # // rounds down
        if mean < 0 and remainders % n != 0:
            mean += 1
        result[e] = mean


@kernel
def _mode(
    first: Int64s, end: Int64s, photon: Int32s, values: Float64s | Int64s, largest: Real,
    result: Float64s | Int64s,
) -> None:  # fmt: skip
    """Give the most frequent value up to the largest that counts, the smallest of several; compiled for both dtypes.

    Fields by segment or land segment are the same for many photons in a row: such runs are sorted, not photons.
    """
    room = np.int64(1)
    for e in range(len(first)):
        room = max(room, end[e] - first[e])
    value = np.empty_like(values[:room])
    frequency = np.empty(room, np.int64)
    for e in range(len(first)):
        runs = 0
        for i in range(first[e], end[e]):
            here = values[photon[i]]
            if here <= largest:
                if runs > 0 and value[runs - 1] == here:
                    frequency[runs - 1] += 1
                else:
                    value[runs] = here
                    frequency[runs] = 1
                    runs += 1
        if runs > 0:
            _sort_runs(value, frequency, runs)
            result[e] = _most_frequent(value, frequency, runs)


@kernel
def _sort_runs(value: Float64s | Int64s, frequency: Int64s, runs: Int) -> None:
    """Sort by value (Shell's method)."""
    gap = runs // 2
    while gap > 0:
        for i in range(gap, runs):
            here = value[i]
            times = frequency[i]
            j = i
            while j >= gap and value[j - gap] > here:
                value[j] = value[j - gap]
                frequency[j] = frequency[j - gap]
                j -= gap
            value[j] = here
            frequency[j] = times
        gap = 1 if gap == 2 else gap * 5 // 11


@kernel
def _most_frequent(value: Float64s | Int64s, frequency: Int64s, runs: Int) -> Real:
    """Add up the runs of each value, which stand together, and give the first that no later one exceeds."""
    best = value[0]
    most = np.int64(0)
    times = np.int64(0)
    for r in range(runs):
        times = frequency[r] if r == 0 or value[r] != value[r - 1] else times + frequency[r]
        if times > most:
            most = times
            best = value[r]
    return best
