"""Slow, obvious twins of classification, PhoREAL and the reduction of fields: one photon after the other, and sorts.

Written from the facts of SlideRule's Atl03Reader and Atl08Dispatch, with the defects mended that nunatak mends; they
share no code with nunatak.kernels.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

ATLAS_EPOCH = 1_514_764_800
FLT_MAX = 3.4028234663852886e38


def merge(ids: Any, counts: Any, their_ids: Any, numbers: Any, flags: Any) -> tuple[list[int], list[int]]:
    """SlideRule's single pass over two tables that are in order."""
    classes, rows = [], []
    cursor = 0
    for identity, count in zip(ids, counts, strict=True):
        for number in range(1, count + 1):
            while cursor < len(flags) and their_ids[cursor] < identity:
                cursor += 1
            while cursor < len(flags) and their_ids[cursor] == identity and numbers[cursor] < number:
                cursor += 1
            if cursor < len(flags) and their_ids[cursor] == identity and numbers[cursor] == number:
                classes.append(int(flags[cursor]))
                rows.append(cursor)
                cursor += 1
            else:
                classes.append(4)
                rows.append(-1)
    return classes, rows


def look_up(ids: Any, counts: Any, their_ids: Any, numbers: Any, flags: Any) -> tuple[list[int], list[int]]:
    """The same for tables in any order: the first row that names a photon, in the first segment of an id."""
    first: dict[tuple[int, int], int] = {}
    for m in range(len(flags)):
        first.setdefault((their_ids[m], numbers[m]), m)
    classes, rows, seen = [], [], set()
    for identity, count in zip(ids, counts, strict=True):
        for number in range(1, count + 1):
            row = -1 if identity in seen else first.get((identity, number), -1)
            rows.append(row)
            classes.append(int(flags[row]) & 0xFF if row >= 0 else 4)
        seen.add(identity)
    return classes, rows


def land_row(identity: int, begins: Any) -> int:
    """SlideRule's cursor for one segment."""
    row = 0
    while row + 1 < len(begins) and begins[row + 1] <= identity:
        row += 1
    return row


@dataclass
class Row:
    """PhoREAL's row of one extent, but for place and time."""

    ph_count: int
    gnd_ph_count: int
    veg_ph_count: int
    h_te_median: float
    h_max_canopy: float
    h_min_canopy: float
    h_mean_canopy: float
    canopy_openness: float
    h_canopy: float
    canopy_h_metrics: list[float]
    waveform: list[float]


def vegetation_of(photons: Any, height: Any, relief: Any, classes: Any, binsize: float) -> Row:
    """The metrics of the photons of one extent."""
    ground = sorted(height[p] for p in photons if classes[p] == 1)
    canopy = sorted(relief[p] for p in photons if classes[p] in {2, 3} and abs(float(relief[p])) < FLT_MAX)
    m, n = len(ground), len(canopy)
    row = Row(
        len(photons), m, n, 0.0, 0.0, 0.0, math.nan, math.nan, 0.0, [0.0] * 20, [0.0])  # fmt: skip
    if m % 2:
        row.h_te_median = float(ground[m // 2])
    elif m:
        row.h_te_median = float(np.float32(ground[m // 2 - 1] + ground[m // 2])) / 2
    if not n:
        return row
    row.h_min_canopy, row.h_max_canopy = float(canopy[0]), float(canopy[-1])
    mean = np.float32(math.fsum(canopy) / n)
    row.h_mean_canopy = float(mean)
    row.canopy_openness = math.sqrt(math.fsum(float(r - mean) ** 2 for r in canopy) / n)
    bins = min(max(math.ceil((row.h_max_canopy - row.h_min_canopy) / binsize), 1), 1000)
    histogram = Counter(min(math.floor((float(r) - row.h_min_canopy) / binsize), bins - 1) for r in canopy)
    cumulative = [sum(histogram[b] for b in range(a + 1)) for a in range(bins)]
    bin_of_percentage = [next(b for b in range(bins) if 100 * cumulative[b] / n >= p) for p in range(5, 100, 5)]
    row.canopy_h_metrics = [float(canopy[cumulative[b] - 1]) for b in bin_of_percentage]
    row.canopy_h_metrics.append(row.canopy_h_metrics[-1])
    row.h_canopy = float(canopy[next(c for c in cumulative if 100 * c / n >= 98) - 1])
    row.waveform = [histogram[b] / len(photons) for b in range(bins)]
    return row


def middle_of(values: list[Fraction], geoloc: str) -> Fraction:
    """Mean, median (of the file order) or centre of exact values."""
    n = len(values)
    if geoloc == "mean":
        return sum(values, Fraction(0)) / n
    if geoloc == "center":
        return (min(values) + max(values)) / 2
    return values[n // 2] if n % 2 else (values[n // 2] + values[n // 2 - 1]) / 2


def reduce_values(values: Any, kind: str) -> float | int:
    """Mode or mean of an extent's values, of the dtype of the array."""
    if values.dtype.kind == "f":
        good = [float(v) for v in values if float(v) < FLT_MAX]
        if not good:
            return 0.0
        if kind == "mean":
            return sum(good) / len(good)
    else:
        good = [int(v) for v in values]
        if kind == "mean":
            return math.trunc(Fraction(sum(good), len(good)))
    counter = Counter(good)
    most = max(counter.values())
    return min(v for v, times in counter.items() if times == most)
