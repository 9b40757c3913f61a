"""ATL06-SR the plain way, to measure the kernels against: one photon after the other, and a sort in every pass.

Written from the same facts as `nunatak.kernels` but sharing nothing with it, so that equal results mean something.
"""

from __future__ import annotations

import numba
import numpy as np

plain = numba.njit(nogil=True, cache=True, error_model="numpy")


@plain
def select(confidence, quality, confidence_table, quality_table):
    """Mark the photons that pass."""
    passes = np.empty(len(quality), np.uint8)
    for k in range(len(quality)):
        passes[k] = confidence_table[np.uint8(confidence[k])] & quality_table[np.uint8(quality[k])]
    return passes


@plain
def doubled(values):
    """Give a copy with twice the room."""
    return np.concatenate((values, np.empty_like(values)))


@plain
def form_extents(  # noqa: C901, PLR0912, PLR0915 - one plain loop on purpose
    count, distance, along, passes, length, step, min_photons, min_spread
):
    """Walk over the photons of each extent; list the members' photon numbers and distances."""
    photons = len(along)
    member = np.empty(2 * photons + 64, np.int32)
    member_x = np.empty(2 * photons + 64, np.float32)
    members = 0
    rows = 0
    bounds = np.empty((1024, 4), np.int64)  # first member, end, counter, segment
    starts = np.empty(1024)
    next_photon = 0
    next_segment = 0
    next_used = 0
    start = distance[0]
    crossed = 0
    counter = 0
    complete = photons == 0
    while not complete:
        k = next_photon
        segment = next_segment
        used = next_used
        extent_segment = segment
        first_member = members
        extent_done = False
        step_done = False
        while not (extent_done and step_done):
            used += 1
            while segment < len(count) and used > count[segment]:
                used = 1
                segment += 1
            if segment >= len(count):
                complete = True
                break
            x = (distance[segment] - start) + np.float64(along[k])
            if not step_done and x >= step:
                next_photon = k
                next_segment = segment
                next_used = used - 1
                step_done = True
            if x < length:
                if passes[k]:
                    if members == len(member):
                        member = doubled(member)
                        member_x = doubled(member_x)
                    member[members] = k
                    member_x[members] = np.float32(x - length / 2)
                    members += 1
            else:
                extent_done = True
            k += 1
            if k >= photons:
                complete = True
                break
        n = members - first_member
        if n >= min_photons and not (n > 1 and member_x[members - 1] - member_x[first_member] < min_spread):
            if rows == len(bounds):
                bounds = doubled(bounds)
                starts = doubled(starts)
            bounds[rows, 0] = first_member
            bounds[rows, 1] = members
            bounds[rows, 2] = counter
            bounds[rows, 3] = extent_segment
            starts[rows] = start
            rows += 1
        else:
            members = first_member
        counter += 1
        start += step
        while crossed + 1 < len(count) and start >= distance[crossed + 1]:
            start += distance[crossed + 1] - distance[crossed]
            start -= 20.0
            crossed += 1
    return member, member_x, bounds[:rows], starts[:rows]


@plain
def fit(  # noqa: C901, PLR0912, PLR0915 - one plain loop on purpose
    member, member_x, bounds, height_of, latitude, longitude, delta_time, across, segment_time, velocity,
    background_time, background_rate, length, min_photons, min_spread, max_iterations, min_window, max_dispersion,
):  # fmt: skip
    """Fit every extent.

    Columns: height, slope, sigma, rms, window, latitude, longitude, time, across; and photons, flags.
    """
    rows = len(bounds)
    values = np.zeros((rows, 9))
    counts = np.zeros((rows, 2), np.int64)
    cursor = 0
    light = 299792458.0
    for e in range(rows):
        first = bounds[e, 0]
        n = bounds[e, 1] - first
        s = bounds[e, 3]
        t = segment_time[s]
        while cursor < len(background_time) and background_time[cursor] < t:
            cursor += 1
        if cursor >= len(background_time):
            rate = np.float64(background_rate[-1])
        elif cursor == 0:
            rate = np.float64(background_rate[0])
        else:
            r0 = np.float64(background_rate[cursor - 1])
            r1 = np.float64(background_rate[cursor])
            t0 = background_time[cursor - 1]
            rate = (r1 - r0) / (background_time[cursor] - t0) * (t - t0) + r0
        v0, v1, v2 = np.float64(velocity[s, 0]), np.float64(velocity[s, 1]), np.float64(velocity[s, 2])
        speed = np.float64(np.float32(np.sqrt(v0 * v0 + v1 * v1 + v2 * v2)))
        density = length * 10000.0 / speed * rate / (light / 2)

        photon = member[first : first + n].copy()
        x = member_x[first : first + n].astype(np.float64)
        z = np.empty(n)
        for i in range(n):
            z[i] = height_of[photon[i]]
        r = np.empty(n)
        window = np.float32(0)
        iteration = 0
        flags = 0
        failed = False
        while True:
            sum_x = 0.0
            sum_xx = 0.0
            for i in range(n):
                sum_x += x[i]
                sum_xx += x[i] * x[i]
            inverse = 1.0 / (n * sum_xx - sum_x * sum_x)
            a = sum_xx * inverse
            b = -sum_x * inverse
            d = n * inverse
            h = 0.0
            slope = 0.0
            weights = 0.0
            for i in range(n):
                g = a + b * x[i]
                h += g * z[i]
                slope += (b + d * x[i]) * z[i]
                weights += g * g
            for i in range(n):
                r[i] = z[i] - (h + x[i] * slope)
            order = np.argsort(r[:n])
            x[:n] = x[:n][order]
            z[:n] = z[:n][order]
            r[:n] = r[:n][order]
            photon[:n] = photon[:n][order]

            w = np.float64(window)
            if iteration == 0:
                z0, z1 = r[0], r[n - 1]
                n_background = density * (z1 - z0)
            else:
                z0, z1 = -w / 2, w / 2
                n_background = density * w
            per_metre = n_background / (z1 - z0)
            n_signal = n - n_background
            dispersion = 0.0
            if n_signal <= 1:
                dispersion = (z1 - z0) / n
            else:
                i0 = 0
                while i0 < n and i0 + 1.5 < 0.25 * n_signal + (r[i0] - z0) * per_metre:
                    i0 += 1
                i1 = n - 1
                while i1 >= 0 and i1 - 0.5 > 0.75 * n_signal + (r[i1] - z0) * per_metre:
                    i1 -= 1
                if i1 < i0:
                    i0 = int(n / 2 - n_signal / 4 + 0.5) - 1
                    i1 = int(n / 2 + n_signal / 4 + 0.5)
                if i0 >= 0 and i1 < n:
                    dispersion = (r[i1] - r[i0]) / 1.3490
                else:
                    flags |= 8
                    failed = True
            slope32 = np.float64(np.float32(slope))
            pulse = light / 2 * 0.68e-9
            expected = np.sqrt(pulse * pulse + 4.25 * 4.25 * (slope32 * slope32))
            dispersion = min(dispersion, max_dispersion)
            window = np.float32(max(min_window, 6 * expected, 6 * dispersion, 0.75 * w))
            half = np.float64(window) / 2
            inside = 0
            low = 0.0
            high = 0.0
            for i in range(n):
                if abs(r[i]) < half:
                    low = x[i] if inside == 0 else min(low, x[i])
                    high = x[i] if inside == 0 else max(high, x[i])
                    inside += 1
            if inside < min_photons:
                flags |= 2
                failed = True
                break
            if high - low < min_spread:
                flags |= 1
                failed = True
                break
            if inside == n:
                break
            iteration += 1
            if iteration >= max_iterations:
                flags |= 4
                break
            kept = 0
            for i in range(n):
                if abs(r[i]) < half:
                    x[kept] = x[i]
                    z[kept] = z[i]
                    photon[kept] = photon[i]
                    kept += 1
            n = kept

        if not failed:
            squares = 0.0
            for i in range(n):
                squares += r[i] * r[i]
            values[e, 3] = np.sqrt(squares / n)
            values[e, 2] = values[e, 3] * np.sqrt(weights)
        values[e, 0] = h
        values[e, 1] = slope
        values[e, 4] = window
        time_of_first = delta_time[photon[0]]
        for i in range(n):
            g = a + b * x[i]
            p = photon[i]
            values[e, 5] += g * latitude[p]
            values[e, 6] += g * longitude[p]
            values[e, 7] += g * (delta_time[p] - time_of_first)
            values[e, 8] += g * across[p]
        values[e, 7] += time_of_first
        counts[e, 0] = n
        counts[e, 1] = flags
    return values, counts
