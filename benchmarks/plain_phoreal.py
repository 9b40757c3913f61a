"""PhoREAL the plain way, to measure the kernels against: one pass over both tables, and a sort for each extent.

Written from the same facts as `nunatak.kernels` but sharing nothing with it, so that equal results mean something.
"""

from __future__ import annotations

import numpy as np
from plain_twin import plain


@plain
def match(segment_id, count, ph_segment_id, number, flag):
    """Merge both tables photon by photon; give classes and rows."""
    total = 0
    for s in range(len(count)):
        total += count[s]
    classes = np.full(total, 4, np.uint8)
    rows = np.full(total, -1, np.int32)
    cursor = 0
    photon = 0
    for s in range(len(count)):
        for k in range(1, count[s] + 1):
            while cursor < len(flag) and ph_segment_id[cursor] < segment_id[s]:
                cursor += 1
            while cursor < len(flag) and ph_segment_id[cursor] == segment_id[s] and number[cursor] < k:
                cursor += 1
            if cursor < len(flag) and ph_segment_id[cursor] == segment_id[s] and number[cursor] == k:
                classes[photon] = flag[cursor]
                rows[photon] = cursor
                cursor += 1
            photon += 1
    return classes, rows


@plain
def measure(  # noqa: C901, PLR0912, PLR0915 - one plain loop on purpose
    member, member_x, bounds, starts, length, height, relief, classes, latitude, longitude, delta_time, binsize, mean
):
    """Measure every extent.

    Columns: ground median, highest, lowest, mean, deviation, 98th percentile, latitude, longitude, time, distance, and
    from the tenth on the percentiles; and photons, ground, vegetation, nearest photon, bins.
    """
    rows = len(bounds)
    values = np.zeros((rows, 30))
    counts = np.zeros((rows, 5), np.int64)
    for e in range(rows):
        first = bounds[e, 0]
        end = bounds[e, 1]
        n = end - first
        ground = np.empty(n, np.float32)
        canopy = np.empty(n, np.float32)
        m = 0
        v = 0
        for i in range(first, end):
            p = member[i]
            if classes[p] == 1:
                ground[m] = height[p]
                m += 1
            elif classes[p] in {2, 3}:
                canopy[v] = relief[p]
                v += 1
        counts[e, 0] = n
        counts[e, 1] = m
        counts[e, 2] = v
        counts[e, 4] = 1
        values[e, 3] = np.nan
        values[e, 4] = np.nan
        if m > 0:
            ordered = np.sort(ground[:m])
            half = (m - 1) // 2
            if m % 2 == 1:
                values[e, 0] = ordered[half]
            else:
                values[e, 0] = np.float64(ordered[half] + ordered[half + 1]) / 2
        if v > 0:
            ordered = np.sort(canopy[:v])
            total = 0.0
            for i in range(v):
                total += ordered[i]
            average = np.float32(total / v)
            squares = 0.0
            for i in range(v):
                d = np.float64(ordered[i] - average)
                squares += d * d
            low = np.float64(ordered[0])
            values[e, 1] = ordered[v - 1]
            values[e, 2] = low
            values[e, 3] = average
            values[e, 4] = np.sqrt(squares / v)
            bins = int(np.ceil((np.float64(ordered[v - 1]) - low) / binsize))
            bins = min(max(bins, 1), 1000)
            counts[e, 4] = bins
            histogram = np.zeros(bins, np.int64)
            for i in range(v):
                histogram[min(int((np.float64(ordered[i]) - low) / binsize), bins - 1)] += 1
            for b in range(1, bins):
                histogram[b] += histogram[b - 1]
            b = 0
            for k in range(21):
                percentage = 5.0 * (k + 1) if k < 19 else (0.0 if k == 19 else 98.0)
                while 100.0 * histogram[b] / v < percentage:
                    b += 1
                if k < 20:
                    values[e, 10 + k] = ordered[histogram[b] - 1]
                else:
                    values[e, 5] = ordered[histogram[b] - 1]
        centre = starts[e] + length / 2
        origin = member[first]
        if mean:
            for i in range(first, end):
                p = member[i]
                values[e, 6] += latitude[p] / n
                values[e, 7] += longitude[p] / n
                values[e, 8] += (delta_time[p] - delta_time[origin]) / n
                values[e, 9] += np.float64(member_x[i]) / n
        else:
            middle = first + n // 2
            other = middle if n % 2 == 1 else middle - 1
            p, q = member[middle], member[other]
            values[e, 6] = (latitude[p] + latitude[q]) / 2
            values[e, 7] = (longitude[p] + longitude[q]) / 2
            values[e, 8] = ((delta_time[p] - delta_time[origin]) + (delta_time[q] - delta_time[origin])) / 2
            values[e, 9] = (np.float64(member_x[middle]) + np.float64(member_x[other])) / 2
        values[e, 9] += centre
        best = np.inf
        for i in range(first, end):
            apart = abs((delta_time[member[i]] - delta_time[origin]) - values[e, 8])
            if apart < best:
                best = apart
                counts[e, 3] = member[i]
        values[e, 8] += delta_time[origin]
    return values, counts
