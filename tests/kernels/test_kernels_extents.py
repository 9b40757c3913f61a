"""Segments, selection, extents and background against the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from beams import beams, make_beam, requests, run
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from twin import Beam, Extent, Request, background_of, extents_of, pieces_of, segment_id_of

from nunatak.kernels.background import background_rate
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import select_photons, value_table


def assert_same_extents(beam: Beam, request: Request, extents: Extents, twins: list[Extent]) -> None:
    assert_array_equal(extents.counter, [twin.counter for twin in twins])
    assert_array_equal(extents.segment, [twin.segment for twin in twins])
    assert_array_equal(extents.start, [twin.start for twin in twins])
    assert_array_equal(extents.segment_id, [segment_id_of(beam, request, twin) for twin in twins])
    for first, end, twin in zip(extents.first, extents.end, twins, strict=True):
        assert_array_equal(extents.kept.photon[first:end], twin.photons)


@settings(max_examples=150, deadline=None)
@given(beams(), requests(), st.integers(0, 2**14 - 1))
def test_extents_are_those_of_the_state_machine(beam: Beam, request: Request, bits: int) -> None:
    inside = np.array([bits >> s & 1 == 0 for s in range(len(beam.count))])
    assert_same_extents(beam, request, run(beam, request, inside).extents, extents_of(beam, request, inside))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("length", "step"), [(40, 20), (20, 100), (100, 10), (20, 20.5), (33, 7)])
def test_long_beams(seed: int, length: float, step: float) -> None:
    beam = make_beam(seed, segments=300, disorder=1.5, empty=0.2, gap=0.02)
    request = Request(len=length, res=step, ats=length / 4)
    everywhere = np.ones(300, bool)
    assert_same_extents(beam, request, run(beam, request).extents, extents_of(beam, request, everywhere))


@settings(max_examples=100, deadline=None)
@given(beams(), st.integers(0, 2**14 - 1))
def test_pieces(beam: Beam, bits: int) -> None:
    inside = np.array([bits >> s & 1 == 0 for s in range(len(beam.count))])
    pieces = split_at_gaps(beam.segment_id, find_runs(inside, beam.count))
    assert_array_equal(pieces, np.array(pieces_of(beam, inside)).reshape(-1, 2))


def test_every_run_counts_and_empty_segments_are_not_tested() -> None:
    inside = np.array([0, 1, 1, 0, 1, 0, 0, 1, 0], bool)
    count = np.array([5, 5, 5, 0, 5, 5, 0, 5, 0])
    assert_array_equal(find_runs(inside, count), [[1, 5], [7, 9]])
    assert_array_equal(find_runs(inside, np.zeros(9, int)), np.zeros((0, 2)))
    assert_array_equal(find_runs(np.zeros(0, bool), np.zeros(0, int)), np.zeros((0, 2)))


def test_a_step_forward_backward_or_of_nought_ends_a_piece() -> None:
    pieces = split_at_gaps([1, 2, 5, 6, 6, 7, 3, 4], [[0, 8]])
    assert_array_equal(pieces, [[0, 2], [2, 4], [4, 6], [6, 8]])
    assert_array_equal(split_at_gaps([1, 2, 5, 6], [[0, 1], [1, 3]]), [[0, 1], [1, 2], [2, 3]])


@pytest.mark.parametrize(
    "request_", [Request(), Request(len=20, res=100, ats=5), Request(len=2, res=1, dist_in_seg=True)]
)
def test_a_piece_gives_what_it_would_give_alone(request_: Request) -> None:
    beam = make_beam(3, segments=60, gap=0.1, empty=0)
    whole = run(beam, request_)
    pieces = split_at_gaps(beam.segment_id, [[0, 60]])
    assert len(pieces) > 3
    rows = 0
    for first, end in pieces:
        photons = slice(beam.count[:first].sum(), beam.count[:end].sum())
        cut = {60: slice(first, end), len(beam.along): photons}
        alone = Beam(**{name: values[cut.get(len(values), slice(None))] for name, values in vars(beam).items()})
        part = run(alone, request_)
        here = slice(rows, rows + len(part.fits.h_mean))
        for name in part.fits._fields[1:]:
            assert_array_equal(getattr(part.fits, name), getattr(whole.fits, name)[here], name)
        rows = here.stop
    assert rows == len(whole.fits.h_mean)
    assert (np.diff(whole.extents.counter) > 0).all()


def test_a_track_that_leaves_and_returns_keeps_both_parts() -> None:
    beam = make_beam(5, segments=60, empty=0)
    inside = np.ones(60, bool)
    inside[20:30] = False
    selection, extents, _ = run(beam, Request(pass_invalid=True), inside)
    members = np.concatenate([selection.photon[a:b] for a, b in zip(extents.first, extents.end, strict=True)])
    segment = np.searchsorted(np.cumsum(beam.count), np.unique(members), "right")
    assert set(segment) == set(range(20)) | set(range(30, 60))


def test_selection_by_value_mask_and_odd_values() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.integers(-10, 10, 5000).astype(np.int8)
    quality = rng.integers(-5, 60, 5000).astype(np.int8)
    mask = rng.random(5000) < 0.5
    everything = np.ones(256, np.uint8)
    chosen = select_photons([5000], confidence, quality, everything, everything, mask)
    valid = (confidence >= -2) & (confidence <= 4) & (quality >= 0) & (quality <= 25)
    assert_array_equal(chosen.photon, np.flatnonzero(valid & mask))
    assert chosen.odd_confidence == np.count_nonzero((confidence < -2) | (confidence > 4))
    assert chosen.odd_quality == np.count_nonzero((quality < 0) | (quality > 25))
    some = select_photons([5000], confidence, quality, value_table([-1, 3]), value_table([0, 2]))
    assert_array_equal(some.photon, np.flatnonzero(np.isin(confidence, [-1, 3]) & np.isin(quality, [0, 2])))


def test_five_columns_count_by_their_largest() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.integers(-2, 5, (4000, 5)).astype(np.int8)
    quality = np.zeros(4000, np.int8)
    chosen = select_photons([4000], confidence, quality, value_table([1, 2]), value_table([0]))
    assert_array_equal(chosen.photon, np.flatnonzero(np.isin(confidence.max(axis=1), [1, 2])))


def test_inputs_may_be_read_only_strided_and_of_another_width() -> None:
    beam = make_beam(4)
    expected = run(beam, Request())
    other = Beam(**{name: np.repeat(values, 2, axis=0)[::2] for name, values in vars(beam).items()})
    other.count, other.segment_id = other.count.astype(np.int64), other.segment_id.astype(np.uint32)
    for values in vars(other).values():
        values.flags.writeable = False
    assert_array_equal(run(other, Request()).fits.h_mean, expected.fits.h_mean)


def test_impossible_input_is_named() -> None:
    beam = make_beam(4)
    table = value_table([0])
    with pytest.raises(ValueError, match=r"confidence has shape \(3,\)"):
        select_photons(beam.count, beam.confidence[:3], beam.quality, table, table)
    with pytest.raises(ValueError, match="photon_count has -1 at segment 1"):
        select_photons([5, -1], beam.confidence, beam.quality, table, table)
    with pytest.raises(ValueError, match="int8 or uint8"):
        select_photons(beam.count, beam.confidence.astype(int), beam.quality, table, table)
    with pytest.raises(ValueError, match="300 does not fit"):
        value_table([300])
    chosen = select_photons(beam.count, beam.confidence, beam.quality, table, table)
    arrays = (chosen, [[0, 30]], beam.along, beam.distance, beam.segment_id)
    with pytest.raises(ValueError, match="len is 0"):
        form_extents(*arrays, length=0, step=20)
    with pytest.raises(ValueError, match="at least 1 segment"):
        form_extents(*arrays, length=2, step=0.5, in_segments=True)
    with pytest.raises(ValueError, match="res is nan"):
        form_extents(*arrays, length=2, step=np.nan)


@pytest.mark.parametrize("wrong", [np.inf, np.nan, 3.4e38, 0.0])
def test_damaged_distances_are_named_and_do_not_hang(wrong: float) -> None:
    beam = make_beam(4)
    beam.distance[7] = wrong
    with pytest.raises(ValueError, match=r"segment_dist_x goes from .* at segment row [67]"):
        run(beam, Request())


def test_damaged_photon_distances_are_named_and_do_not_hang() -> None:
    beam = make_beam(4)
    beam.along[100] = 3.4e38
    with pytest.raises(ValueError, match="dist_ph_along reaches"):
        run(beam, Request())


@settings(max_examples=60, deadline=None)
@given(beams())
def test_background_is_the_twins(beam: Beam) -> None:
    rate = background_rate(beam.segment_time, beam.background_time, beam.background_rate)
    assert_array_equal(rate, [background_of(beam, Extent(0, s, 0, 0, 0)) for s in range(len(beam.count))])


def test_background_edges() -> None:
    assert_array_equal(background_rate([0, 5, np.nan], [3.0], np.array([7], np.float32)), [7, 7, np.nan])
    holes = background_rate([0, 1, 2, 9], [0, 1, np.nan, 2], np.array([1, 3, 9, 5], np.float32))
    assert_array_equal(holes, [1, 3, 5, 5])
    assert np.isnan(background_rate([1.0], [np.nan], [1.0])).all()
    with pytest.raises(ValueError, match="at least one"):
        background_rate([1.0], [], [])
