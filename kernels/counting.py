"""Positions in a sorted order by counting: comparisons of all with all, without branches, which become SIMD."""

from __future__ import annotations

import numpy as np

from .arrays import Float32s, Float64s, Int, Int32s
from .policy import kernel

LANES = 16
"""Arrays that are compared are padded to a multiple of this, so that no loop has a rest."""


@kernel
def round_and_pad(values: Float64s | Float32s | Int32s, rounded: Float32s, n: Int) -> Int:
    """Round n values to float32 and fill up with infinity to a multiple of LANES; give the padded length."""
    padded = (n + LANES - 1) // LANES * LANES
    for i in range(n):
        rounded[i] = np.float32(values[i])
    for i in range(n, padded):
        rounded[i] = np.float32(np.inf)
    return padded


@kernel
def count_below(
    values: Float64s | Float32s | Int32s, padded: Int, limits: Float64s | Float32s | Int32s, below: Int32s, m: Int
) -> None:
    """Count for each of m limits the values below it; eight values are compared with all limits in one go."""
    for j in range(m):
        below[j] = 0
    for i in range(0, padded, 8):
        v0, v1, v2, v3 = values[i], values[i + 1], values[i + 2], values[i + 3]
        v4, v5, v6, v7 = values[i + 4], values[i + 5], values[i + 6], values[i + 7]
        for j in range(m):
            q = limits[j]
            below[j] = np.int32(
                below[j] + np.int32(v0 < q) + np.int32(v1 < q) + np.int32(v2 < q) + np.int32(v3 < q)
                + np.int32(v4 < q) + np.int32(v5 < q) + np.int32(v6 < q) + np.int32(v7 < q)
            )  # fmt: skip


@kernel
def count_below_few(
    values: Float64s | Float32s | Int32s, padded: Int, limits: Float64s | Float32s | Int32s, below: Int32s, m: Int
) -> None:
    """Count the same for few limits (a multiple of four) and many values."""
    for j in range(0, m, 4):
        q0, q1, q2, q3 = limits[j], limits[j + 1], limits[j + 2], limits[j + 3]
        c0 = np.int32(0)
        c1 = np.int32(0)
        c2 = np.int32(0)
        c3 = np.int32(0)
        for i in range(padded):
            v = values[i]
            c0 = np.int32(c0 + np.int32(v < q0))
            c1 = np.int32(c1 + np.int32(v < q1))
            c2 = np.int32(c2 + np.int32(v < q2))
            c3 = np.int32(c3 + np.int32(v < q3))
        below[j] = c0
        below[j + 1] = c1
        below[j + 2] = c2
        below[j + 3] = c3
