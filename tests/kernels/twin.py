"""The slow, obvious twin of the kernels: one photon after the other, lists and sorts, written from the facts.

It follows SlideRule's Atl03Reader and Atl06Dispatch step by step and shares no code with nunatak.kernels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Beam:
    """Arrays of one beam, named as in ATL03."""

    count: NDArray[np.int32]
    distance: NDArray[np.float64]
    segment_id: NDArray[np.int32]
    segment_time: NDArray[np.float64]
    velocity: NDArray[np.float32]
    along: NDArray[np.float32]
    height: NDArray[np.float32]
    confidence: NDArray[np.int8]
    quality: NDArray[np.int8]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    delta_time: NDArray[np.float64]
    across: NDArray[np.float32]
    background_time: NDArray[np.float64]
    background_rate: NDArray[np.float32]


@dataclass
class Request:
    """Parameters, named as in a request."""

    cnf: tuple[int, ...] = (0, 1, 2, 3, 4)
    quality_ph: tuple[int, ...] = (0,)
    len: float = 40.0
    res: float = 20.0
    dist_in_seg: bool = False
    cnt: int = 10
    ats: float = 20.0
    maxi: int = 5
    H_min_win: float = 3.0
    sigma_r_max: float = 5.0
    pass_invalid: bool = False


@dataclass
class Extent:
    """One extent and its members."""

    counter: int
    segment: int
    start: float
    portion: float
    length: float
    photons: list[int] = field(default_factory=list)
    x: list[np.float32] = field(default_factory=list)


def pieces_of(beam: Beam, inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Every run of segments inside, cut where the ids do not count up by one."""
    runs = []
    first = None
    for s in range(len(beam.count)):
        if beam.count[s] > 0:
            if inside[s] and first is None:
                first = s
            if not inside[s] and first is not None:
                runs.append((first, s))
                first = None
    if first is not None:
        runs.append((first, len(beam.count)))
    pieces = []
    for first, end in runs:
        begin = first
        for s in range(first + 1, end):
            if beam.segment_id[s] != beam.segment_id[s - 1] + 1:
                pieces.append((begin, s))
                begin = s
        pieces.append((begin, end))
    return pieces


def extents_of(beam: Beam, request: Request, inside: NDArray[np.bool_]) -> list[Extent]:
    """All extents of a beam; the counter goes on from piece to piece."""
    found: list[Extent] = []
    counter = 0
    for first, end in pieces_of(beam, inside):
        photon = int(beam.count[:first].sum())
        photons = int(beam.count[first:end].sum())
        # the piece as if it stood alone in the file
        made, counter = _extents_of_piece(
            beam.count[first:end], beam.distance[first:end],
            beam.along[photon : photon + photons],
            [passes(beam, request, k) for k in range(photon, photon + photons)], request, counter)  # fmt: skip
        for extent in made:
            extent.segment += first
            extent.photons = [k + photon for k in extent.photons]
        found += made
    return found


def passes(beam: Beam, request: Request, k: int) -> bool:
    return (
        int(beam.confidence[k]) in request.cnf
        and -2 <= beam.confidence[k] <= 4
        and int(beam.quality[k]) in request.quality_ph
        and 0 <= beam.quality[k] <= 25
    )


def _extents_of_piece(  # noqa: C901, PLR0912 - one plain loop, as in SlideRule
    count: Any, distance: Any, along: Any, good: list[bool], request: Request, counter: int
) -> tuple[list[Extent], int]:
    """SlideRule's state machine."""
    made: list[Extent] = []
    if len(along) == 0:
        return made, counter
    segments, photons = len(count), len(along)
    length = request.len * 20.0 if request.dist_in_seg else request.len
    ph0, seg0, used0, gseg = 0, 0, 0, 0
    start = float(distance[0])
    complete = False
    while not complete:
        k, s, used = ph0, seg0, used0
        extent = Extent(counter, seg0, start, float(along[ph0]) / 20.0, length)
        extent_done = step_done = False
        while not (extent_done and step_done):
            used += 1
            while s < segments and used > count[s]:
                used = 1
                s += 1
            if s >= segments:
                complete = True
                break
            x = (float(distance[s]) - start) + float(along[k])
            crossed = s - extent.segment
            if not step_done and (crossed >= int(request.res) if request.dist_in_seg else x >= request.res):
                ph0, seg0, used0, step_done = k, s, used - 1, True
            if crossed < request.len if request.dist_in_seg else x < request.len:
                if good[k]:
                    extent.photons.append(k)
                    extent.x.append(np.float32(x - length / 2))
            else:
                extent_done = True
            k += 1
            if k >= photons:
                complete = True
                break
        if request.dist_in_seg:
            if extent.segment + int(request.res) < segments:
                start = float(distance[extent.segment + int(request.res)])
        else:
            start += request.res
            while gseg + 1 < segments and start >= distance[gseg + 1]:
                start += float(distance[gseg + 1]) - float(distance[gseg])
                start -= 20.0
                gseg += 1
        valid = len(extent.x) >= request.cnt
        if len(extent.x) > 1 and float(np.float32(extent.x[-1] - extent.x[0])) < request.ats:
            valid = False
        if valid or request.pass_invalid:
            made.append(extent)
        counter += 1
    return made, counter


def segment_id_of(beam: Beam, request: Request, extent: Extent) -> int:
    base = float(beam.segment_id[extent.segment])
    if request.dist_in_seg:
        base += math.trunc(request.len / 2)
    else:
        base += extent.portion
        base += math.trunc((request.len / 20) / 2)
    return int(base + 0.5)


def background_of(beam: Beam, extent: Extent) -> float:
    t = float(beam.segment_time[extent.segment])
    times, rates = beam.background_time, beam.background_rate.astype(float)
    b = 0
    while b < len(times) and times[b] < t:
        b += 1
    if b == len(times):
        return float(rates[-1])
    if b == 0:
        return float(rates[0])
    return float((rates[b] - rates[b - 1]) / (times[b] - times[b - 1]) * (t - times[b - 1]) + rates[b - 1])


@dataclass
class Row:
    """One fit; `windows` are those of every pass, `dispersions` and `expected` what they were made of."""

    h_mean: float = math.nan
    dh_fit_dx: float = math.nan
    h_sigma: float = 0.0
    rms_misfit: float = 0.0
    window: float = 0.0
    latitude: float = math.nan
    longitude: float = math.nan
    time: float = math.nan
    y_atc: float = math.nan
    n: int = 0
    pflags: int = 0
    windows: list[tuple[float, float, float]] = field(default_factory=list)
    factor: float = math.nan
    """Variance factor of the height: large where all photons are at one place."""
    near: float = math.inf
    """How near any decision was to going the other way; tiny only by accident of rounding."""


def total(values: NDArray[np.float64]) -> np.float64:
    """Add up one after the other."""
    return np.float64(np.cumsum(values)[-1]) if len(values) else np.float64(0)


def larger(a: float, b: float) -> float:
    return max(b, a)


def fit_of(beam: Beam, request: Request, extent: Extent) -> Row:
    """SlideRule's iterative fit, with a real sort in every pass."""
    with np.errstate(all="ignore"):
        return _fit_of(beam, request, extent)


def _fit_of(beam: Beam, request: Request, extent: Extent) -> Row:  # noqa: C901, PLR0912 - as in SlideRule
    light = 299792458.0
    ids = np.array(extent.photons)
    x = np.array(extent.x, np.float64)
    h = beam.height[ids].astype(np.float64)
    vx, vy, vz = (float(v) for v in beam.velocity[extent.segment])
    speed = float(np.float32(math.sqrt(vx * vx + vy * vy + vz * vz)))
    density = (extent.length * 10000.0 / speed) * background_of(beam, extent) / (light / 2)
    row = Row()
    window = np.float32(0)
    iteration = 0
    failed = False
    while True:
        n = len(x)
        if n == 0:
            return row  # only with cnt 0 and ats 0: nothing is left to fit
        d0 = np.float64(1.0) / np.float64(n * total(x * x) - total(x) ** 2)
        a, b, d = total(x * x) * d0, -total(x) * d0, n * d0
        weights = a + b * x
        height, slope = total(weights * h), total((b + d * x) * h)
        slope32 = float(np.float32(slope))
        r = h - (height + x * slope)
        order = np.argsort(r, kind="stable")
        x, h, r, ids, weights = x[order], h[order], r[order], ids[order], weights[order]
        w = np.float64(window)
        if iteration == 0:
            z0, z1 = r[0], r[-1]
            background = density * (z1 - z0)
        else:
            z0, z1 = -w / 2, w / 2
            background = density * w
        rate = background / (z1 - z0)
        signal = n - background
        dispersion = np.float64(0)
        row.near = min(row.near, abs(signal - 1))
        if signal <= 1:
            dispersion = (z1 - z0) / n
        else:
            up = np.arange(n) + 1.5 - (0.25 * signal + (r - z0) * rate)
            down = np.arange(n) - 0.5 - (0.75 * signal + (r - z0) * rate)
            row.near = min(row.near, np.abs(up).min(), np.abs(down).min())
            i0 = next((i for i in range(n) if not up[i] < 0), n)
            i1 = next((i for i in reversed(range(n)) if not down[i] > 0), -1)
            if i1 < i0:
                i0 = int((n / 2 - signal / 4) + 0.5) - 1
                i1 = int((n / 2 + signal / 4) + 0.5)
            if i0 >= 0 and i1 < n:
                dispersion = (r[i1] - r[i0]) / 1.3490
            else:
                row.pflags |= 8
                failed = True
        pulse = light / 2 * 0.68e-9
        expected = math.sqrt(pulse * pulse + 4.25 * 4.25 * (slope32 * slope32)) if math.isfinite(slope32) else math.nan
        if request.sigma_r_max < dispersion:
            dispersion = np.float64(request.sigma_r_max)
        row.windows.append((float(window), expected, float(dispersion)))
        wanted = larger(larger(request.H_min_win, 6 * expected), 6 * dispersion)
        window = np.float32(larger(wanted, 0.75 * w))
        half = float(window) / 2
        stay = np.abs(r) < half
        if np.isfinite(r).all():
            row.near = min(row.near, np.abs(np.abs(r) - half).min())
        inside = int(stay.sum())
        if inside < request.cnt:
            row.pflags |= 2
            failed = True
            break
        if (x[stay].max() - x[stay].min() if inside else 0.0) < request.ats:
            row.pflags |= 1
            failed = True
            break
        if inside == n:
            break
        iteration += 1
        if iteration >= request.maxi:
            row.pflags |= 4
            break
        x, h, ids = x[stay], h[stay], ids[stay]
    row.n, row.factor = len(x), float(a)
    if not failed:
        row.rms_misfit = float(np.float32(math.sqrt(total(r * r) / row.n)))
        row.h_sigma = row.rms_misfit * math.sqrt(total(weights * weights))
    row.h_mean, row.dh_fit_dx, row.window = float(height), slope32, float(window)
    row.latitude = float(total(weights * beam.latitude[ids]))
    longitude = beam.longitude[ids]
    if abs(longitude[0]) > 150:
        row.longitude = math.fmod(float(total(weights * np.fmod(longitude + 360, 360))) + 180, 360) - 180
    else:
        row.longitude = float(total(weights * longitude))
    since = beam.delta_time[ids] - beam.delta_time[ids[0]]
    row.time = float(beam.delta_time[ids[0]] + total(weights * since))
    row.y_atc = float(np.float32(total(weights * beam.across[ids].astype(float))))
    return row
