"""The steps of a fit: photons of an extent, a line through them, their order, what stays in the window, place, time."""

from __future__ import annotations

import numpy as np

from .arrays import Float32s, Float64s, Int, Int32s, Int64s, Real
from .policy import kernel
from .sums import moments

ATLAS_EPOCH = 1_514_764_800
"""s, 2018-01-01T00:00:00 UTC since the Unix epoch; `delta_time` counts from there."""
ANTIMERIDIAN = 150.0
"""degrees east or west, beyond which longitudes are averaged on the scale of 0..360."""


@kernel
def larger(a: Real, b: Real) -> Real:
    """Give the larger one; a NaN in `a` loses, as in the C macro that SlideRule uses: its windows come out as 0."""
    return a if a > b else b


@kernel
def load_extent(
    first: Int, end: Int, segment: Int, start: Real, half_length: Real, shift: Real, kept_photon: Int32s,
    first_kept: Int32s, distance: Float64s, along: Float32s, height_of: Float32s, x: Float64s, z: Float64s,
    photon: Int32s,
) -> None:  # fmt: skip
    """Copy an extent's photons: x from its centre (through SlideRule's float32), z from its first photon's height."""
    i = first
    while i < end:
        while first_kept[segment + 1] <= i:
            segment += 1
        stop: Int = min(np.int64(first_kept[segment + 1]), end)
        offset = distance[segment] - start
        for k in range(i, stop):
            p = kept_photon[k]
            photon[k - first] = p
            x[k - first] = np.float64(np.float32((offset + np.float64(along[p])) - half_length))
            z[k - first] = np.float64(height_of[p]) - shift
        i = stop


@kernel
def straight_line(x: Float64s, z: Float64s, n: Int, partial: Float64s) -> tuple[Real, Real, Real, Real]:
    """Fit z = height + slope*x by least squares; a + b*x is a photon's weight in the height.

    If all x are equal the matrix is singular, and the result is infinite or NaN, as SlideRule's is.
    """
    sum_x, sum_xx, sum_z, sum_xz = moments(x, z, n, partial)
    inverse = 1.0 / (n * sum_xx - sum_x * sum_x)
    a = sum_xx * inverse
    b = -sum_x * inverse
    return a, b, a * sum_z + b * sum_xz, b * sum_z + (n * inverse) * sum_xz


@kernel
def nearly_singular_line(x: Float64s, z: Float64s, shift: Real, n: Int) -> tuple[Real, Real, Real, Real]:
    """Fit the same line in SlideRule's own order of operations.

    Where the photons lie almost at one place the digits that the determinant loses are most of the result, and only
    the same operations give the same numbers.
    """
    sum_x = 0.0
    sum_xx = 0.0
    for i in range(n):
        sum_x += x[i]
        sum_xx += x[i] * x[i]
    inverse = 1.0 / (n * sum_xx - sum_x * sum_x)
    a = sum_xx * inverse
    b = -sum_x * inverse
    d = n * inverse
    height = 0.0
    slope = 0.0
    for i in range(n):
        height += (a + b * x[i]) * (z[i] + shift)
        slope += (b + d * x[i]) * (z[i] + shift)
    return a, b, height - shift, slope


@kernel
def extremes(bits: Int64s, n: Int, cell: Float64s, cell_bits: Int64s) -> tuple[Real, Real]:
    """Find the smallest and largest residual by their bits: minima of integers become SIMD, those of floats don't."""
    low = bits[0] ^ ((bits[0] >> 63) & 0x7FFFFFFFFFFFFFFF)
    high = low
    for i in range(n):
        value = bits[i] ^ ((bits[i] >> 63) & 0x7FFFFFFFFFFFFFFF)
        low = value if value < low else low
        high = value if value > high else high
    cell_bits[0] = low ^ ((low >> 63) & 0x7FFFFFFFFFFFFFFF)
    cell_bits[1] = high ^ ((high >> 63) & 0x7FFFFFFFFFFFFFFF)
    return cell[0], cell[1]


@kernel
def sort_into(r: Float64s, ordered: Float64s, n: Int) -> None:
    """Sort by Shell's method; rarely needed, and short to compile."""
    for i in range(n):
        ordered[i] = r[i]
    gap = n // 2
    while gap > 0:
        for i in range(gap, n):
            value = ordered[i]
            j = i
            while j >= gap and ordered[j - gap] > value:
                ordered[j] = ordered[j - gap]
                j -= gap
            ordered[j] = value
        gap = 1 if gap == 2 else gap * 5 // 11


@kernel
def sorted_quartiles(
    ordered: Float64s, n: Int, n_signal: Real, quarter: Real, three_quarters: Real, z0: Real,
    rate: Real,
) -> tuple[Int, Int, Real]:  # fmt: skip
    """Walk over the sorted residuals; where the walks pass each other, take the plain quartiles."""
    i0 = 0
    while i0 < n and (i0 + 1.5) < quarter + (ordered[i0] - z0) * rate:
        i0 += 1
    i1 = n - 1
    while i1 >= 0 and (i1 - 0.5) > three_quarters + (ordered[i1] - z0) * rate:
        i1 -= 1
    if i1 < i0:
        i0 = int((n / 2 - n_signal / 4) + 0.5) - 1
        i1 = int((n / 2 + n_signal / 4) + 0.5)
    if i0 >= 0 and i1 < n:
        return i0, i1, ordered[i1] - ordered[i0]
    return i0, i1, 0.0


@kernel
def count_inside(r: Float64s, n: Int, half: Real) -> Int:
    """Count the residuals strictly within the window."""
    count = np.int64(0)
    for i in range(n):
        count += np.int64(abs(r[i]) < half)
    return count


@kernel
def spread_at_least(x: Float64s, r: Float64s, n: Int, half: Real, min_spread: Real) -> bool:
    """Tell whether the photons in the window reach that far along track."""
    low = 0.0
    high = 0.0
    met = False
    for i in range(n):
        if abs(r[i]) < half:
            low = min(low, x[i]) if met else x[i]
            high = max(high, x[i]) if met else x[i]
            met = True
            # mostly a few photons are enough to know
            if high - low >= min_spread:
                return True
    return bool(high - low >= min_spread)


@kernel
def keep_inside(x: Float64s, z: Float64s, photon: Int32s, r: Float64s, n: Int, half: Real) -> None:
    """Close up the photons in the window, in their order, without branches."""
    kept = np.int64(0)
    for i in range(n):
        x[kept] = x[i]
        z[kept] = z[i]
        photon[kept] = photon[i]
        kept += np.int64(abs(r[i]) < half)


@kernel
def longitude_around_180(longitude: Float64s, photon: Int32s, x: Float64s, n: Int, a: Real, b: Real) -> Real:
    """Give the longitude at the centre near the antimeridian, averaged on the scale of 0..360."""
    total = 0.0
    for i in range(n):
        east = longitude[photon[i]]
        total += (a + b * x[i]) * ((east if east >= 0.0 else east + 360.0) - 180.0)
    # the weights add up to one: what was taken off comes back, and 180..360 is west
    return total + 180.0 if total < 0.0 else total - 180.0


@kernel
def unix_nanoseconds(delta_time: Real, later: Real) -> Int:
    """Give the exact Unix time of `delta_time` plus a small time, both in s; without the latter if it is not finite."""
    seconds = np.floor(delta_time)
    rest = delta_time - seconds
    if np.isfinite(later):
        rest += later
    if not np.isfinite(rest):
        return np.int64(0)
    return (np.int64(seconds) + ATLAS_EPOCH) * 1_000_000_000 + np.int64(np.rint(rest * 1e9))
