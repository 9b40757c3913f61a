"""The picture of a profile: what is drawn, and what it says when there is nothing to draw."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import nunatak
from nunatak.pipeline.beam import Beam
from nunatak.pipeline.errors import InputError, MissingExtraError
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.photons import Photons, read_photons
from nunatak.pipeline.reading.granule_file import GranuleFile
from nunatak.testing import Truth, simulate
from nunatak.views import plot_profile

BEAM = "gt1l"


@pytest.fixture(scope="module")
def heights(granule: Path) -> pd.DataFrame:
    return nunatak.atl06(granule, cnf=2).compute(scheduler="sync")


@pytest.fixture(scope="module")
def photons(granule: Path) -> Photons | None:
    with GranuleFile(str(granule)) as file:
        return read_photons(Beam(GranuleName.parse(granule.name), BEAM, file), nunatak.Parameters())


def test_three_panels_with_the_truth(
    granule: Path, heights: pd.DataFrame, photons: Photons | None, tmp_path: Path
) -> None:
    truth = Truth.load(granule)
    figure = plot_profile(heights, BEAM, photons=photons, truth=lambda x: truth.height(BEAM, x), title="a profile")
    whole, near, errors = figure.axes
    mine = heights[heights["gt"] == 10]
    drawn = next(line for line in whole.lines if line.get_label() == "h_mean")
    np.testing.assert_array_equal(drawn.get_ydata(), mine.sort_values("x_atc")["h_mean"])
    assert near.get_xlim()[1] - near.get_xlim()[0] == pytest.approx(500)
    assert "high" in [text.get_text() for text in near.get_legend().get_texts()]
    assert sum(patch.get_height() for patch in errors.patches) == pytest.approx(0.9 * len(mine), abs=3)
    figure.savefig(tmp_path / "profile.png")
    assert (tmp_path / "profile.png").stat().st_size > 20_000


def test_heights_alone(heights: pd.DataFrame) -> None:
    assert len(plot_profile(heights, "gt2l").axes) == 2


def test_no_heights_of_the_beam(heights: pd.DataFrame) -> None:
    with pytest.raises(nunatak.InputError, match="no heights of beam gt3r"):
        plot_profile(heights, "gt3r")


def test_matplotlib_is_missing(heights: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'nunatak\[plot\]'"):
        plot_profile(heights, BEAM)


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forest")
    simulate(folder, kilometres=2, beams=(BEAM,), terrain="canopy", seed=4, background=3e6, signal=20.0)
    return folder


REQUEST = {"srt": "land", "len": 100, "res": 100}


@pytest.fixture(scope="module")
def rows_of_photons(forest: Path) -> pd.DataFrame:
    lazy = nunatak.atl03(forest, REQUEST, atl08_class=[0, 1, 2, 3, 4], yapc={"version": 3}, each_photon_once=True)
    return lazy.compute(scheduler="sync")


@pytest.fixture(scope="module")
def vegetation(forest: Path) -> pd.DataFrame:
    return nunatak.atl08(forest, REQUEST).compute(scheduler="sync")


def labels(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    assert legend
    return [text.get_text() for text in legend.get_texts()]


def dots(axes: Axes) -> dict[object, np.ndarray]:
    """What is drawn as dots, by its label."""
    return {line.get_label(): np.asarray(line.get_xydata()) for line in axes.lines if line.get_marker() == "."}


def test_photons_of_a_file_and_rows_of_atl03_are_drawn_alike(
    granule: Path, heights: pd.DataFrame, photons: Photons | None
) -> None:
    """Row for row the same photons: those of the file that are of nominal quality, at the same places."""
    request = {"cnf": [-2, -1, 0, 1, 2, 3, 4], "quality_ph": [0, 1, 2, 3], "pass_invalid": True}
    rows = nunatak.atl03(granule, request, each_photon_once=True).compute(scheduler="sync")
    of_rows = dots(plot_profile(heights, BEAM, photons=rows).axes[1])
    of_file = dots(plot_profile(heights, BEAM, photons=photons).axes[1])
    assert set(of_rows) == set(of_file) >= {"high"}
    for label, expected in of_file.items():
        order, other = np.lexsort(expected.T), np.lexsort(of_rows[label].T)
        np.testing.assert_allclose(of_rows[label][other], expected[order], atol=2e-3)


def test_photons_by_class(rows_of_photons: pd.DataFrame, vegetation: pd.DataFrame) -> None:
    figure = plot_profile(None, BEAM, photons=rows_of_photons, vegetation=vegetation, colour="atl08_class")
    whole, near = figure.axes
    assert labels(whole) == ["canopy", "h_te_median"]
    expected = ["unclassified", "noise", "canopy", "top of canopy", "ground", "h_canopy over ground", "h_te_median"]
    assert labels(near) == expected
    low, high = near.get_xlim()
    x0 = vegetation["x_atc"].min()
    along = rows_of_photons["segment_dist"] + rows_of_photons["x_atc"].astype(float) - x0
    ground = rows_of_photons[(rows_of_photons["atl08_class"] == 1) & along.between(low, high)]
    assert len(dots(near)["ground"]) == len(ground) > 50
    heights_shown = dots(near)["top of canopy"][:, 1]
    bottom, top = near.get_ylim()
    assert bottom < ground["height"].min()
    assert top > heights_shown.max()


def test_vegetation_stands_on_the_ground(vegetation: pd.DataFrame) -> None:
    whole = plot_profile(None, BEAM, vegetation=vegetation).axes[0]
    measured = vegetation[vegetation["gnd_ph_count"] > 0].sort_values("x_atc")
    stems = np.array(whole.collections[0].get_segments())
    np.testing.assert_allclose(stems[:, 0, 1], measured["h_te_median"])
    np.testing.assert_allclose(stems[:, 1, 1] - stems[:, 0, 1], measured["h_canopy"], atol=1e-3)


def test_extents_without_ground_are_left_out(vegetation: pd.DataFrame) -> None:
    """Their h_te_median is 0, which is no height."""
    bare = vegetation.copy()
    bare.iloc[3, bare.columns.get_loc("gnd_ph_count")] = 0
    whole = plot_profile(None, BEAM, vegetation=bare).axes[0]
    assert len(dots(whole)["h_te_median"]) == len(vegetation) - 1


def test_photons_by_score(forest: Path, rows_of_photons: pd.DataFrame) -> None:
    fits = nunatak.atl06(forest, REQUEST, atl08_class="ground").compute(scheduler="sync")
    figure = plot_profile(fits, BEAM, photons=rows_of_photons, colour="yapc_score", at=0.5, window=300)
    _, near, bar = figure.axes
    assert bar.get_ylabel() == "YAPC score"
    low, high = near.get_xlim()
    assert (low + high) / 2 == pytest.approx(500)
    assert high - low == pytest.approx(300)
    scores = np.asarray(near.collections[0].get_array())
    assert len(scores) > 100
    assert (np.diff(scores.astype(int)) >= 0).all(), "the densest lie on top"


def test_heights_of_the_vegetation_against_the_truth(forest: Path, vegetation: pd.DataFrame) -> None:
    truth = Truth.load(min(forest.glob("ATL03_*.h5")))
    figure = plot_profile(None, BEAM, vegetation=vegetation, truth=lambda x: truth.height(BEAM, x))
    assert figure.axes[2].get_xlabel() == "h_te_median - truth, cm (middle 90 %)"


def test_what_is_refused(
    granule_folder: Path, heights: pd.DataFrame, photons: Photons | None, rows_of_photons: pd.DataFrame
) -> None:
    both = nunatak.atl06(granule_folder).compute(scheduler="sync")
    with pytest.raises(InputError, match=r"rows are of 2 granules \(rgt 100 cycle 5, rgt 542 cycle 5\)"):
        plot_profile(both, BEAM)
    with pytest.raises(InputError, match="rows are of 2 granules"):
        plot_profile(heights, BEAM, photons=rows_of_photons.assign(rgt=7))
    with pytest.raises(InputError, match="heights are a lazy frame"):
        plot_profile(nunatak.atl06(granule_folder), BEAM)
    with pytest.raises(InputError, match="beam 'gt4l'"):
        plot_profile(heights, "gt4l")
    with pytest.raises(InputError, match="colour 'yapc': photons have confidence, atl08_class, yapc_score"):
        plot_profile(heights, BEAM, colour="yapc")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no atl08_class; give rows of the product atl03"):
        plot_profile(heights, BEAM, photons=photons, colour="atl08_class")
    with pytest.raises(InputError, match="ask atl03 for it with yapc="):
        plot_profile(heights, BEAM, photons=rows_of_photons.assign(yapc_score=0), colour="yapc_score")
    with pytest.raises(InputError, match="the heights have no column 'h_mean'"):
        plot_profile(heights.drop(columns="h_mean"), BEAM)
    with pytest.raises(InputError, match="nothing to plot"):
        plot_profile(None, BEAM)
    with pytest.raises(InputError, match="no heights within 500 m of 90 km"):
        plot_profile(heights, BEAM, at=90.0)
