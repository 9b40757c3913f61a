"""The slow, obvious twin of the YAPC kernels: SlideRule's loops over all pairs of photons, written from the facts.

It shares no code with nunatak.kernels. Photons without a finite height and place are skipped, which is nunatak's own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

F = np.float32


def scores(
    version: int, count: Any, distance: Any, along: Any, height: Any, pieces: Any, *,
    win_x: float = 15.0, win_h: float = 6.0, min_knn: int = 5, knn: int = 0, min_photons: int = 10,
) -> NDArray[np.uint8]:  # fmt: skip
    """Every piece as if it stood alone in the file."""
    score = np.zeros(len(along), np.uint8)
    for first, end in pieces:
        a, b = int(np.sum(count[:first])), int(np.sum(count[:end]))
        piece = (list(count[first:end]), list(distance[first:end]), along[a:b], height[a:b])
        if version == 3:
            score[a:b] = version_3(*piece, win_x, win_h, min_knn)
        else:
            score[a:b] = version_2(*piece, win_x, win_h, knn, min_photons)
    return score


def version_3(  # noqa: C901 - one plain loop, as in SlideRule
    count: list[int], distance: list[float], along: Any, height: Any, win_x: float, win_h: float, min_knn: int
) -> list[int]:
    half_x, half_h = win_x / 2, win_h / 2
    segment = [s for s in range(len(count)) for _ in range(count[s])]
    x = [float(distance[s]) + float(a) for s, a in zip(segment, along, strict=True)]
    usable = [math.isfinite(x[k]) and math.isfinite(height[k]) for k in range(len(x))]
    weight, number = [0.0] * len(x), [min_knn] * len(x)
    for k in range(len(x)):
        if not usable[k]:
            continue
        found = []
        for j in range(k - 1, -1, -1):
            dx = x[k] - x[j]
            apart = float(abs(F(height[k]) - F(height[j])))
            if usable[j] and dx <= half_x and apart <= half_h:
                found.append(apart)
            if math.isfinite(x[j]) and dx >= half_x + 1.0:
                break
        for j in range(k + 1, len(x)):
            dx = x[j] - x[k]
            apart = float(abs(F(height[k]) - F(height[j])))
            if usable[j] and dx <= half_x and apart <= half_h:
                found.append(apart)
            if math.isfinite(x[j]) and dx >= half_x + 1.0:
                break
        found.sort()
        number[k] = int(max(math.sqrt(len(found)), min_knn))
        for apart in found[: number[k]]:
            weight[k] += half_h - apart
    score = []
    for k in range(len(x)):
        most = max(number[j] for j in range(len(x)) if segment[j] == segment[k])
        score.append(int(min(weight[k] / (half_h * most) * 255, 255)))
    return score


def version_2(  # noqa: C901 - one plain loop, as in SlideRule
    count: list[int], _distance: list[float], along: Any, height: Any, win_x: float, win_h: float, knn: int, cnt: int
) -> list[int]:
    score = [0] * len(along)
    usable = [math.isfinite(a) and math.isfinite(h) for a, h in zip(along, height, strict=True)]
    b0 = b1 = c0 = c1 = 0
    for s, n in enumerate(count):
        b0 += count[s - 2] if s > 1 else 0
        c0 += count[s - 1] if s > 0 else 0
        c1 += n
        b1 += count[s + 1] if s < len(count) - 1 else 0
        k = min(knn if knn != 0 else int(max(1, (math.sqrt(n) + 0.5) / 2)), 25)
        if n <= k or n < cnt:
            continue
        heights = [float(height[i]) for i in range(n) if usable[i]]
        alongs = [float(along[i]) for i in range(n) if usable[i]]
        if not heights:
            continue
        spread = max(heights) - min(heights)
        if spread <= 0 or spread > 15000 or max(alongs) - min(alongs) <= 0:
            continue
        bins = len({int(h - min(heights)) for h in heights})
        half_x = win_x / 2
        half_h = win_h / 2 if win_h != 0 else bins * 1.0 / n * k / 2
        for y in range(c0, c1):
            if not usable[y]:
                continue
            near = []
            for x in range(b0, b1):
                if x == y or not usable[x] or float(abs(F(along[x]) - F(along[y]))) > half_x:
                    continue
                near.append(half_h - float(abs(F(height[x]) - F(height[y]))))
            total = 0.0
            for proximity in sorted(near, reverse=True)[:k]:
                if proximity > 0:
                    total += proximity
            score[y] = int(total / k / half_h * 255)
    return score
