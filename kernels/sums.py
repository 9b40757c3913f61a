"""Sums with one order, so that their bits are the same on every kind of CPU, and which nevertheless become SIMD.

A compiler may not reorder a sum of floats, and a sum in file order is one addition after the other. So the array
is cut into four equal parts, padded with zeros; position j of all parts is added up in a written-out tree, which is
the same independent work for every j, hence SIMD of whatever width there is; the parts' length of partial sums is
then added one after the other.
"""

from __future__ import annotations

import numpy as np

from .arrays import Float32s, Float64s, Int, Int32s, Real
from .policy import kernel

PARTS = 4
"""Parts of an array whose sums are written out."""


@kernel
def moments(
    x: Float64s, z: Float64s, n: Int, partial: Float64s,
) -> tuple[Real, Real, Real, Real]:  # fmt: skip
    """Give the sums of x, x*x, z and x*z over n values; the arrays have room to be padded, `partial` is (4, room)."""
    part = (n + PARTS - 1) // PARTS
    for i in range(n, part * PARTS):
        x[i] = 0.0
        z[i] = 0.0
    x0, x1, x2, x3 = x[:part], x[part:], x[2 * part :], x[3 * part :]
    z0, z1, z2, z3 = z[:part], z[part:], z[2 * part :], z[3 * part :]
    px, pxx, pz, pxz = partial[0], partial[1], partial[2], partial[3]
    for j in range(part):
        a0, a1, a2, a3 = x0[j], x1[j], x2[j], x3[j]
        b0, b1, b2, b3 = z0[j], z1[j], z2[j], z3[j]
        px[j] = (a0 + a1) + (a2 + a3)
        pxx[j] = (a0 * a0 + a1 * a1) + (a2 * a2 + a3 * a3)
        pz[j] = (b0 + b1) + (b2 + b3)
        pxz[j] = (a0 * b0 + a1 * b1) + (a2 * b2 + a3 * b3)
    sum_x = 0.0
    sum_xx = 0.0
    sum_z = 0.0
    sum_xz = 0.0
    for j in range(part):
        sum_x += px[j]
        sum_xx += pxx[j]
        sum_z += pz[j]
        sum_xz += pxz[j]
    return sum_x, sum_xx, sum_z, sum_xz


@kernel
def sum_of_squares(r: Float64s, n: Int) -> Real:
    """Give the sum of r*r over n values, in four partial sums."""
    s0 = 0.0
    s1 = 0.0
    s2 = 0.0
    s3 = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        s0 += r[i] * r[i]
        s1 += r[i + 1] * r[i + 1]
        s2 += r[i + 2] * r[i + 2]
        s3 += r[i + 3] * r[i + 3]
    for i in range(whole, n):
        s0 += r[i] * r[i]
    return (s0 + s1) + (s2 + s3)


@kernel
def weighted_sums(
    x: Float64s, photon: Int32s, n: Int, a: Real, b: Real,
    latitude: Float64s, longitude: Float64s, delta_time: Float64s, across: Float32s,
    latitude_0: Real, longitude_0: Real, delta_time_0: Real, across_0: Real,
) -> tuple[Real, Real, Real, Real]:  # fmt: skip
    """Add up four values of n photons with the weights a + b*x, relative to a reference each.

    The weights add up to one, so what is large and common to all photons, such as the seconds since 2018, need not
    go into the sum and eat its digits. Plain sums: four chains of additions keep a processor busy, and the values
    are gathered from arrays of the whole beam, which SIMD makes no faster. Each value is paired with its own photon,
    whatever was removed before.
    """
    north = 0.0
    east = 0.0
    later = 0.0
    beside = 0.0
    for i in range(n):
        weight = a + b * x[i]
        p = photon[i]
        north += weight * (latitude[p] - latitude_0)
        east += weight * (longitude[p] - longitude_0)
        later += weight * (delta_time[p] - delta_time_0)
        beside += weight * (np.float64(across[p]) - across_0)
    return north, east, later, beside
