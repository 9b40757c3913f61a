"""Products of one request, joined by their extents."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

import nunatak
from nunatak.testing import simulate

REQUEST = {"len": 100, "res": 100, "srt": "land", "cnf": 0, "beams": ["gt1r", "gt2l"]}


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forest")
    simulate(folder, 2, kilometres=3, terrain="canopy", beams=("gt1r", "gt2l"), seed=6)
    return folder


@pytest.fixture(scope="module")
def frames(forest: Path) -> dict[str, gpd.GeoDataFrame]:
    make = {"atl03": nunatak.atl03, "atl06": nunatak.atl06, "atl08": nunatak.atl08}
    return {name: ask(forest, REQUEST, keep_id=True).compute(scheduler="sync") for name, ask in make.items()}


def test_heights_and_canopies_of_the_same_extents(frames: dict[str, gpd.GeoDataFrame]) -> None:
    heights, canopies = frames["atl06"], frames["atl08"]
    both = nunatak.merge_extents(heights, canopies)
    common = np.intersect1d(heights["extent_id"], canopies["extent_id"])
    assert len(common) > 100
    assert sorted(both["extent_id"]) == sorted(common)
    assert isinstance(both, gpd.GeoDataFrame)
    assert both.crs == heights.crs
    assert both.index.name == "time"
    for row in both.itertuples():
        mine = canopies[canopies["extent_id"] == row.extent_id].iloc[0]
        assert row.segment_id == mine["segment_id"]
        assert row.h_canopy == mine["h_canopy"]
        assert row.latitude_right == mine["latitude"]
    assert "gt" in both.columns


def test_photons_find_the_height_of_their_extent(frames: dict[str, gpd.GeoDataFrame]) -> None:
    photons, heights = frames["atl03"], frames["atl06"]
    both = nunatak.merge_extents(photons, heights)
    assert len(both) == photons["extent_id"].add(2).isin(heights["extent_id"]).sum()
    distance = (both["height"] - both["h_mean"]).abs()
    assert distance.median() < 20
    kept = nunatak.merge_extents(photons, heights, how="left")
    assert len(kept) == len(photons)


def test_lazily(forest: Path, frames: dict[str, gpd.GeoDataFrame]) -> None:
    lazy = nunatak.merge_extents(
        nunatak.atl06(forest, REQUEST, keep_id=True), nunatak.atl08(forest, REQUEST, keep_id=True)
    )
    computed = lazy.compute(scheduler="sync")
    expected = nunatak.merge_extents(frames["atl06"], frames["atl08"])
    assert list(computed.columns) == list(expected.columns)
    np.testing.assert_array_equal(computed["h_canopy"], expected["h_canopy"])


def test_what_can_not_be_joined(forest: Path, frames: dict[str, gpd.GeoDataFrame]) -> None:
    with pytest.raises(nunatak.InputError, match="keep_id=True"):
        nunatak.merge_extents(frames["atl06"], frames["atl08"].drop(columns="extent_id"))
    with pytest.raises(nunatak.InputError, match="several rows"):
        nunatak.merge_extents(frames["atl03"], frames["atl03"])
    with pytest.raises(nunatak.InputError, match="both are lazy"):
        nunatak.merge_extents(nunatak.atl06(forest, REQUEST, keep_id=True), frames["atl08"])
