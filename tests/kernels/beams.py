"""Random beams for the tests of the kernels, and the kernels' whole path over one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from twin import Beam, Request

from nunatak.kernels.background import background_rate
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.fit import Fits, fit_extents
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import Selection, select_photons, value_table


class Result(NamedTuple):
    selection: Selection
    extents: Extents
    fits: Fits


def make_beam(
    seed: int,
    segments: int = 30,
    photons: int = 25,
    noise: float = 0.3,
    empty: float = 0.1,
    gap: float = 0.0,
    disorder: float = 0.5,
    quantum: float = 0.0,
    rough: float = 0.2,
    longitude: float = -40.0,
) -> Beam:
    """A beam over a rough slope; heights and distances in steps of `quantum`, file order disturbed by `disorder` m."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(photons, segments).astype(np.int32)
    count[rng.random(segments) < empty] = 0
    missing = np.cumsum((rng.random(segments) < gap) * rng.integers(1, 40, segments))
    number = np.arange(segments) + missing
    total = int(count.sum())
    segment = np.repeat(np.arange(segments), count)
    # in the order of the pulses, but for the disorder; at its edges a segment's photons lie beyond it
    place = np.concatenate([np.sort(rng.uniform(0, 20, n)) for n in count])
    along = place + rng.uniform(-disorder, disorder, total)
    distance = 1.1e7 + number * 20.0 + np.cumsum(rng.uniform(-0.05, 0.05, segments))
    slope = rng.normal(0, 0.1)
    height = 1200.0 + slope * (distance[segment] - distance[0] + along) if total else np.zeros(0)
    stray = rng.random(total) < noise
    height = height + np.where(stray, rng.uniform(-40, 40, total), rng.normal(0, rough, total))
    if quantum:
        along, height = np.round(along / quantum) * quantum, np.round(height / quantum) * quantum
    time = 1.3e8 + (number[segment] * 20.0 + along) / 7000.0
    span = np.linspace(1.3e8 - 0.1, 1.3e8 + 0.1 + number[-1] * 20 / 7000.0, 9)
    return Beam(
        count=count,
        distance=distance,
        segment_id=(700_000 + number).astype(np.int32),
        segment_time=1.3e8 + number * 20.0 / 7000.0,
        velocity=np.tile(np.array([6000, 3500, 1000], np.float32), (segments, 1)),
        along=along.astype(np.float32),
        height=height.astype(np.float32),
        confidence=np.where(stray, rng.integers(-2, 3, total), rng.integers(2, 5, total)).astype(np.int8),
        quality=(rng.random(total) < 0.05).astype(np.int8),
        latitude=70.0 + (number[segment] * 20.0 + along) * 9e-6,
        longitude=(longitude + (number[segment] * 20.0 + along) * 2e-5 + 180.0) % 360.0 - 180.0,
        delta_time=time,
        across=(3000.0 + rng.normal(0, 3, total)).astype(np.float32),
        background_time=span,
        background_rate=(rng.uniform(0, 4e6, 9) * (noise > 0)).astype(np.float32),
    )


def run(beam: Beam, request: Request, inside: NDArray[np.bool_] | None = None) -> Result:
    """The way of the pipeline: selection, runs, pieces, extents, background, fit."""
    selection = select_photons(
        beam.count, beam.confidence, beam.quality, value_table(request.cnf), value_table(request.quality_ph)
    )
    everywhere = np.ones(len(beam.count), bool)
    runs = find_runs(everywhere if inside is None else inside, beam.count)
    extents = form_extents(
        selection, split_at_gaps(beam.segment_id, runs), beam.along, beam.distance, beam.segment_id,
        length=request.len, step=request.res, in_segments=request.dist_in_seg, min_photons=request.cnt,
        min_spread=request.ats, pass_invalid=request.pass_invalid)  # fmt: skip
    return Result(selection, extents, fit(beam, request, extents))


def fit(beam: Beam, request: Request, extents: Extents) -> Fits:
    rate = background_rate(beam.segment_time[extents.segment], beam.background_time, beam.background_rate)
    return fit_extents(
        extents, beam.distance, rate, beam.velocity, beam.along, beam.height, beam.latitude, beam.longitude,
        beam.delta_time, beam.across, min_photons=request.cnt, min_spread=request.ats, max_iterations=request.maxi,
        min_window=request.H_min_win, max_dispersion=request.sigma_r_max)  # fmt: skip


def beams() -> st.SearchStrategy[Beam]:
    """Beams of every kind: sparse and dense, with gaps, empty segments, disorder and equal values."""
    return st.builds(
        make_beam,
        seed=st.integers(0, 2**32 - 1),
        segments=st.integers(1, 14),
        photons=st.sampled_from([0, 1, 3, 12, 60]),
        noise=st.sampled_from([0.0, 0.3, 0.8]),
        empty=st.sampled_from([0.0, 0.3]),
        gap=st.sampled_from([0.0, 0.2]),
        disorder=st.sampled_from([0.0, 0.5, 30.0]),
        quantum=st.sampled_from([0.0, 0.0, 0.5, 10.0]),
        rough=st.sampled_from([0.0, 0.1, 3.0]),
        longitude=st.sampled_from([-40.0, 10.0, 179.9995, -179.9999]),
    )


def requests() -> st.SearchStrategy[Request]:
    """Requests of every kind; lengths in segments where `dist_in_seg`."""

    def make(in_segments: bool, pair: tuple[float, float], **rest: Any) -> Request:
        length, step = pair
        return Request(len=length / 20, res=max(step / 20, 1.0), dist_in_seg=True, **rest) if in_segments else Request(
            len=length, res=step, **rest)  # fmt: skip

    return st.builds(
        make,
        st.booleans(),
        st.sampled_from([(40.0, 20.0), (20.0, 20.0), (20.0, 100.0), (100.0, 10.0), (7.5, 30.0), (50.0, 35.0)]),
        cnf=st.sampled_from([(0, 1, 2, 3, 4), (2, 3, 4), (-2, -1, 0, 1, 2, 3, 4), (4,)]),
        quality_ph=st.sampled_from([(0,), (0, 1)]),
        cnt=st.sampled_from([0, 1, 2, 10]),
        ats=st.sampled_from([0.0, 5.0, 20.0]),
        maxi=st.sampled_from([1, 2, 5, 20]),
        H_min_win=st.sampled_from([0.3, 3.0]),
        sigma_r_max=st.sampled_from([0.5, 5.0]),
        pass_invalid=st.booleans(),
    )
