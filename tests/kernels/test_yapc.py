"""YAPC against the slow twin, for beams of every kind, and what must hold of every score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yapc_twin
from beams import make_beam
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from twin import Beam

from nunatak.kernels.segments import split_at_gaps
from nunatak.kernels.yapc import yapc_scores

beams = st.builds(
    make_beam,
    seed=st.integers(0, 2**32 - 1),
    segments=st.integers(1, 8),
    photons=st.sampled_from([0, 1, 3, 12, 60]),
    noise=st.sampled_from([0.0, 0.3, 0.8]),
    empty=st.sampled_from([0.0, 0.3]),
    gap=st.sampled_from([0.0, 0.2]),
    disorder=st.sampled_from([0.0, 0.4, 1.5, 5.0, 30.0]),
    quantum=st.sampled_from([0.0, 0.0, 0.5, 10.0]),
    rough=st.sampled_from([0.0, 0.1, 3.0]),
)
windows = st.fixed_dictionaries(
    {
        "win_x": st.sampled_from([1e-3, 1.0, 4.0, 10.0, 15.0, 15.0, 60.0, 1e6]),
        "win_h": st.sampled_from([1e-9, 0.1, 0.3, 3.0, 6.0, 6.0, 100.0, 1e6]),
    }
)
settings_v3 = st.builds(lambda window, n: window | {"min_knn": n}, windows, st.sampled_from([1, 2, 5, 5, 5, 1000]))
settings_v2 = st.builds(
    lambda window, none, knn, cnt: window | ({"win_h": 0.0} if none else {}) | {"knn": knn, "min_photons": cnt},
    windows, st.booleans(), st.sampled_from([0, 0, 1, 5, 40]), st.sampled_from([0, 1, 10]),
)  # fmt: skip


def arrays(beam: Beam) -> Any:
    return beam.count, beam.distance, beam.along, beam.height, pieces_of(beam)


def pieces_of(beam: Beam) -> Any:
    return split_at_gaps(beam.segment_id, [[0, len(beam.count)]])


def damage(beam: Beam, part: float, seed: int) -> None:
    """Heights and distances that are no numbers, or the fill value."""
    rng = np.random.default_rng(seed)
    for values in (beam.height, beam.along):
        hit = np.flatnonzero(rng.random(len(values)) < part)
        values[hit] = rng.choice(np.array([np.nan, np.inf, -np.inf, 3.4028235e38], np.float32), len(hit))


@settings(max_examples=150)
@given(beams, settings_v3)
def test_version_3_is_the_walks(beam: Beam, chosen: Any) -> None:
    assert_array_equal(yapc_scores(3, *arrays(beam), **chosen), yapc_twin.scores(3, *arrays(beam), **chosen))


@settings(max_examples=100)
@given(beams, settings_v2, st.sampled_from([1, 2]))
def test_versions_1_and_2_are_the_twins(beam: Beam, chosen: Any, version: int) -> None:
    assert_array_equal(
        yapc_scores(version, *arrays(beam), **chosen), yapc_twin.scores(version, *arrays(beam), **chosen)
    )


@settings(max_examples=60)
@given(beams, st.sampled_from([2, 3]), st.sampled_from([0.02, 0.5, 1.0]), st.integers(0, 99))
def test_what_is_no_number_has_no_score_and_is_no_neighbour(beam: Beam, version: int, part: float, seed: int) -> None:
    damage(beam, part, seed)
    score = yapc_scores(version, *arrays(beam))
    assert_array_equal(score, yapc_twin.scores(version, *arrays(beam)))
    assert not score[~(np.isfinite(beam.height) & np.isfinite(beam.along))].any()


@pytest.mark.parametrize("disorder", [0.0, 0.4, 0.55, 1.5, 5.0, 30.0])
@pytest.mark.parametrize("photons", [20, 200])
def test_long_beams_of_every_disorder(photons: int, disorder: float) -> None:
    """Several blocks of rankings, and walks that end before they have met the whole window."""
    beam = make_beam(7, segments=1600 // photons, photons=photons, disorder=disorder, empty=0.1)
    assert_array_equal(yapc_scores(3, *arrays(beam)), yapc_twin.scores(3, *arrays(beam)))


@pytest.mark.parametrize("disorder", [0.4, 1.5, 5.0])
@pytest.mark.parametrize(("noise", "tall"), [(0.97, 1.0), (0.9, 1.0), (0.8, 8.0), (0.9, 300.0)])
def test_long_beams_of_background(noise: float, tall: float, disorder: float) -> None:
    """Where few photons are near each other: cells of height, which begin again with the first in a tall beam."""
    beam = make_beam(8, segments=16, photons=100, noise=noise, disorder=disorder)
    beam.height[:] = (beam.height - np.float32(1200)) * np.float32(tall)
    beam.height[::50] = np.nan
    assert_array_equal(yapc_scores(3, *arrays(beam)), yapc_twin.scores(3, *arrays(beam)))


@pytest.mark.parametrize("win_h", [0.1, 0.3, 1.7])
def test_sums_that_are_not_exact_are_made_in_sliderules_order(win_h: float) -> None:
    beam = make_beam(5, segments=20, photons=60, noise=0.1, quantum=0.01)
    beam.height -= np.float32(1200)
    chosen: Any = {"win_h": win_h}
    assert_array_equal(yapc_scores(3, *arrays(beam), **chosen), yapc_twin.scores(3, *arrays(beam), **chosen))


def test_heights_next_to_nought() -> None:
    """Differences so small that sums lose digits, and both signs of zero."""
    rng = np.random.default_rng(3)
    height = (10.0 ** rng.uniform(-40, 1, 300) * rng.choice([-1, 1], 300)).astype(np.float32)
    height[::17] = -0.0
    height[::19] = 0.0
    beam: Any = ([150, 150], [0.0, 20.0], np.sort(rng.uniform(0, 20, 300)).astype(np.float32), height, [[0, 2]])
    for win_h in (1e-9, 6.0):
        assert_array_equal(yapc_scores(3, *beam, win_h=win_h), yapc_twin.scores(3, *beam, win_h=win_h))


def test_a_beam_quite_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where moving photons up one by one would not end, they are sorted otherwise; scores are the same."""
    beam = make_beam(1, segments=60, photons=30)
    beam.distance[:] = beam.distance[::-1].copy()
    damage(beam, 0.01, 1)
    beam.along[np.isfinite(beam.along) & (beam.along > 1e30)] = 0
    whole: Any = (beam.count, beam.distance, beam.along, beam.height, [[0, 60]])
    calls = []
    monkeypatch.setattr(np, "argsort", lambda *a, f=np.argsort, **k: calls.append(1) or f(*a, **k))
    score = yapc_scores(3, *whole)
    assert calls
    assert_array_equal(score, yapc_twin.scores(3, *whole))


@settings(max_examples=60)
@given(beams, st.sampled_from([1, 2, 3]))
def test_a_piece_has_the_scores_that_it_has_alone(beam: Beam, version: int) -> None:
    whole = yapc_scores(version, *arrays(beam))
    for first, end in pieces_of(beam):
        photons = slice(beam.count[:first].sum(), beam.count[:end].sum())
        alone = yapc_scores(
            version, beam.count[first:end], beam.distance[first:end], beam.along[photons], beam.height[photons],
            [[0, end - first]])  # fmt: skip
        assert_array_equal(whole[photons], alone)


def test_photons_outside_of_all_pieces_have_no_score_and_are_no_neighbours() -> None:
    beam = make_beam(2, segments=30, empty=0)
    part = yapc_scores(3, beam.count, beam.distance, beam.along, beam.height, [[3, 8], [20, 21]])
    edges = [beam.count[:s].sum() for s in (3, 8, 20, 21)]
    assert not part[: edges[0]].any()
    assert not part[edges[1] : edges[2]].any()
    assert not part[edges[3] :].any()
    alone = yapc_scores(
        3, beam.count[20:21], beam.distance[20:21], beam.along[edges[2] : edges[3]], beam.height[edges[2] : edges[3]],
        [[0, 1]])  # fmt: skip
    assert_array_equal(part[edges[2] : edges[3]], alone)


@settings(max_examples=60)
@given(beams, settings_v3, st.sampled_from([-64.0, 0.5, 4096.0]))
def test_only_differences_count(beam: Beam, chosen: Any, shift: float) -> None:
    """Heights and distances on a coarse raster, shifted without rounding, or upside down, score the same."""
    beam.height[:] = np.round((beam.height - np.float32(1200)) * 64) / 64
    beam.along[:] = np.round(beam.along * 64) / 64
    beam.distance[:] = np.round(beam.distance * 64) / 64
    score = yapc_scores(3, *arrays(beam), **chosen)
    for height in (beam.height + np.float32(shift), -beam.height):
        moved = yapc_scores(3, beam.count, beam.distance + shift, beam.along, height, pieces_of(beam), **chosen)
        assert_array_equal(score, moved)


def test_denser_surroundings_score_higher() -> None:
    """Of a surface and background photons, with known truth: the scores tell them apart."""
    beam = make_beam(9, segments=60, photons=100, noise=0.3, rough=0.1, empty=0, disorder=0.3)
    line = np.polynomial.Polynomial.fit(np.arange(len(beam.height)), beam.height, 1)
    for version in (2, 3):
        score = yapc_scores(version, *arrays(beam))
        surface = np.abs(beam.height - line(np.arange(len(beam.height)))) < 2
        assert np.median(score[surface]) > 200
        assert np.median(score[~surface]) < (30 if version == 3 else 100)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_small_and_degenerate_beams(version: int) -> None:
    none = np.zeros(0, np.float32)
    assert len(yapc_scores(version, [], [], none, none, [])) == 0
    assert len(yapc_scores(version, [0, 0], [0, 20], none, none, [[0, 2]])) == 0
    one = np.ones(1, np.float32)
    assert_array_equal(yapc_scores(version, [0, 1, 0], [0, 20, 40], one, one, [[0, 3]]), [0])
    same = np.full(40, 3, np.float32)
    expected = 0 if version < 3 else 255  # without any spread version 2 gives a segment up
    assert_array_equal(yapc_scores(version, [40], [0], same, same, [[0, 1]]), [expected] * 40)


def test_the_window_reaches_to_its_edge_and_no_further() -> None:
    def score(dx: float, dh: float) -> int:
        along, height = np.array([0, dx], np.float32), np.array([0, dh], np.float32)
        return int(yapc_scores(3, [2], [0.0], along, height, [[0, 1]], min_knn=1)[0])

    assert score(7.5, 0) == 255
    assert score(np.nextafter(np.float32(7.5), np.float32(8)), 0) == 0
    assert [score(0, h) for h in (0.0, 1.5, 2.9, 3.0, 3.1)] == [255, 127, 8, 0, 0]


def test_a_window_over_the_whole_beam() -> None:
    """One block, and words of bits from end to end."""
    beam = make_beam(4, segments=12, photons=100, disorder=1.5)
    chosen: Any = {"win_x": 1000.0, "win_h": 40.0}
    assert_array_equal(yapc_scores(3, *arrays(beam), **chosen), yapc_twin.scores(3, *arrays(beam), **chosen))


@pytest.mark.parametrize(
    ("version", "wrong", "message"),
    [
        (0, {}, "no YAPC version 0"),
        (4, {}, "no YAPC version 4"),
        (3, {"win_x": 0.0}, "win_x is 0.0"),
        (3, {"win_x": np.inf}, "win_x is inf"),
        (3, {"win_h": 0.0}, "win_h is 0.0; more than 0"),
        (2, {"win_h": -1.0}, "win_h is -1.0; 0 m or more"),
        (3, {"win_h": np.nan}, "win_h is nan"),
        (3, {"min_knn": 0}, "min_knn is 0"),
        (2, {"knn": -1}, "knn is -1"),
    ],
)
def test_impossible_parameters_are_named(version: int, wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        yapc_scores(version, *arrays(make_beam(1)), **wrong)


def test_lengths_must_agree() -> None:
    height = np.zeros(5, np.float32)
    with pytest.raises(ValueError, match="along has shape"):
        yapc_scores(3, [2, 2], [0.0, 20.0], height, height, [[0, 2]])
    with pytest.raises(ValueError, match="segment_distance has shape"):
        yapc_scores(3, [2, 3], [0.0], height, height, [[0, 2]])
    with pytest.raises(ValueError, match="photon_count has -1 at segment 1"):
        yapc_scores(3, [6, -1], [0.0, 20.0], height, height, [[0, 2]])
