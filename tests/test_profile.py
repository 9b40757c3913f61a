"""The picture of a profile: what is drawn, and what it says when there is nothing to draw."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nunatak
from nunatak.pipeline.beam import Beam
from nunatak.pipeline.errors import MissingExtraError
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.photons import Photons, read_photons
from nunatak.pipeline.reading.granule_file import GranuleFile
from nunatak.testing import Truth
from nunatak.views.profile import plot_profile

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
