"""Sums with one order, so that their bits are the same on every kind of CPU, and which nevertheless become SIMD.

A compiler may not reorder a sum of floats, and a sum in file order is one addition after the other. So the array
is cut into eight equal parts, padded with zeros; position j of all parts is added up in a written-out tree, which is
the same independent work for every j, hence SIMD of whatever width there is; the parts' length of partial sums is
then added one after the other.
"""

from __future__ import annotations

from .policy import kernel

PARTS = 8


@kernel
def pad(values, n):
    """Put zeros behind n values up to a multiple of eight (the array must have room); give an eighth's length."""
    part = (n + PARTS - 1) // PARTS
    for i in range(n, part * PARTS):
        values[i] = 0.0
    return part


@kernel
def moments(x, z, n, partial):
    """Give the sums of x, x*x, z and x*z over n values; both arrays are padded, `partial` is (4, room)."""
    part = pad(x, n)
    pad(z, n)
    x0, x1, x2, x3 = x[:part], x[part : 2 * part], x[2 * part : 3 * part], x[3 * part : 4 * part]
    x4, x5, x6, x7 = x[4 * part : 5 * part], x[5 * part : 6 * part], x[6 * part : 7 * part], x[7 * part : 8 * part]
    z0, z1, z2, z3 = z[:part], z[part : 2 * part], z[2 * part : 3 * part], z[3 * part : 4 * part]
    z4, z5, z6, z7 = z[4 * part : 5 * part], z[5 * part : 6 * part], z[6 * part : 7 * part], z[7 * part : 8 * part]
    px, pxx, pz, pxz = partial[0], partial[1], partial[2], partial[3]
    for j in range(part):
        a0, a1, a2, a3, a4, a5, a6, a7 = x0[j], x1[j], x2[j], x3[j], x4[j], x5[j], x6[j], x7[j]
        b0, b1, b2, b3, b4, b5, b6, b7 = z0[j], z1[j], z2[j], z3[j], z4[j], z5[j], z6[j], z7[j]
        px[j] = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
        pz[j] = ((b0 + b1) + (b2 + b3)) + ((b4 + b5) + (b6 + b7))
        pxx[j] = ((a0 * a0 + a1 * a1) + (a2 * a2 + a3 * a3)) + ((a4 * a4 + a5 * a5) + (a6 * a6 + a7 * a7))
        pxz[j] = ((a0 * b0 + a1 * b1) + (a2 * b2 + a3 * b3)) + ((a4 * b4 + a5 * b5) + (a6 * b6 + a7 * b7))
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
def sum_of_squares(r, n):
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
def weighted_mean(values, reference, photon, x, n, a, b):
    """Give the value at x = 0 of the straight line through one value per photon, with the weights a + b*x.

    The weights add up to one, so values are taken relative to `reference`: what is large and common to all, such as
    seconds since 2018, does not eat the digits.
    """
    s0 = 0.0
    s1 = 0.0
    s2 = 0.0
    s3 = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        s0 += (a + b * x[i]) * (values[photon[i]] - reference)
        s1 += (a + b * x[i + 1]) * (values[photon[i + 1]] - reference)
        s2 += (a + b * x[i + 2]) * (values[photon[i + 2]] - reference)
        s3 += (a + b * x[i + 3]) * (values[photon[i + 3]] - reference)
    for i in range(whole, n):
        s0 += (a + b * x[i]) * (values[photon[i]] - reference)
    return (s0 + s1) + (s2 + s3)
