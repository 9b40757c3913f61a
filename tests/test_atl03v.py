"""The fast view: a row for each segment that has photons, as h5py reads it, in a region and in a mask."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

import nunatak
from nunatak.pipeline.granule import GROUND_TRACK
from nunatak.pipeline.parameters import ParameterNotice
from nunatak.testing import SimulatedGranule, simulate

BEAMS = ("gt1l", "gt1r", "gt3r")
EPOCH = np.datetime64("2018-01-01", "ns")


@pytest.fixture(scope="module")
def granule(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGranule:
    """A track with a gap, whose segments are missing, and a blank, whose segments hold no photon."""
    return simulate(
        tmp_path_factory.mktemp("view"), terrain="slope", kilometres=2, beams=BEAMS, seed=2, sc_orient=0,
        gaps=((500, 700),), blanks=((1200, 1400), (1900, 2100)),
    )[0]  # fmt: skip


@pytest.fixture(scope="module")
def segments(granule: SimulatedGranule) -> pd.DataFrame:
    """All segments of the granule, those without photons as well."""
    names = {"latitude": "reference_photon_lat", "longitude": "reference_photon_lon"}
    names |= {name: name for name in ("delta_time", "segment_id", "segment_dist_x", "segment_ph_cnt")}
    tables = []
    with h5py.File(granule.path) as file:
        for beam in BEAMS:
            held = {name: file[beam]["geolocation"][dataset][:] for name, dataset in names.items()}
            tables.append(pd.DataFrame({"beam": beam, "gt": GROUND_TRACK[beam], **held}))
    return pd.concat(tables, ignore_index=True)


def view(path: Path, **request: Any) -> pd.DataFrame:
    return nunatak.plan("atl03v", path, request, keep_id=True).lazy().frame.compute(scheduler="sync")


def compare(rows: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert len(rows) == len(expected) > 0
    for name in ("gt", "segment_id", "segment_dist_x", "segment_ph_cnt", "latitude", "longitude"):
        np.testing.assert_array_equal(rows[name], expected[name], name)
    seconds = (rows.index.to_numpy() - EPOCH) / np.timedelta64(1, "ns")
    np.testing.assert_allclose(seconds, expected["delta_time"].to_numpy() * 1e9, rtol=0, atol=10)
    np.testing.assert_array_equal(rows.geometry.x, expected["longitude"])
    np.testing.assert_array_equal(rows.geometry.y, expected["latitude"])


def box(segments: pd.DataFrame, first: float, last: float) -> list[list[float]]:
    """A box across all beams, from one share of the track's latitudes to another."""
    low, high = segments["latitude"].quantile([first, last])
    return [[-60, low], [-40, low], [-40, high], [-60, high], [-60, low]]


def test_every_segment_that_has_photons(granule: SimulatedGranule, segments: pd.DataFrame) -> None:
    rows = view(granule.path)
    shown = segments[segments["segment_ph_cnt"] > 0]
    assert 10 * len(BEAMS) < len(segments) - len(shown)
    compare(rows, shown)
    name = nunatak.plan("atl03v", granule.path).granules[0].name
    for column in ("rgt", "cycle", "region"):
        assert set(rows[column]) == {getattr(name, column)}
    # backward: spots count up from the left; pair and track by the beam's name
    said = rows.groupby("gt")[["spot", "track", "pair"]].agg(["min", "max"])
    for gt, spot, track, pair in ((10, 1, 1, 0), (20, 2, 1, 1), (60, 6, 3, 1)):
        assert said.loc[gt].tolist() == [spot, spot, track, track, pair, pair]


def test_ids_are_the_positions_of_segments(granule: SimulatedGranule, segments: pd.DataFrame) -> None:
    """Bits of an id: rgt from 52, cycle from 36, region from 32, track from 30, position from 2, pair from 0."""
    rows = view(granule.path)
    ids = rows["extent_id"].to_numpy(np.uint64).astype(object)
    shown = segments[segments["segment_ph_cnt"] > 0]
    position = segments.groupby("gt").cumcount()[shown.index]
    for row, number, place in zip(rows.itertuples(), ids, position, strict=True):
        fields = (row.rgt << 52, row.cycle << 36, row.region << 32, row.track << 30, place << 2, row.pair)
        assert number == sum(int(field) for field in fields)
    assert rows["extent_id"].is_unique


def test_in_a_region(granule: SimulatedGranule, segments: pd.DataFrame) -> None:
    area = box(segments, 0.2, 0.8)
    inside = segments["latitude"].between(area[0][1], area[2][1]) & (segments["segment_ph_cnt"] > 0)
    compare(view(granule.path, poly=area), segments[inside])
    assert len(view(granule.path, poly=[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])) == 0


def test_in_every_run_of_a_region(granule: SimulatedGranule, segments: pd.DataFrame) -> None:
    """SlideRule gives the first run alone."""
    parts = [box(segments, 0.1, 0.3), box(segments, 0.6, 0.9)]
    area = {"type": "MultiPolygon", "coordinates": [[part] for part in parts]}
    inside = np.logical_or.reduce([segments["latitude"].between(part[0][1], part[2][1]) for part in parts])
    compare(view(granule.path, poly=area), segments[inside & (segments["segment_ph_cnt"] > 0)])


def test_in_a_mask_with_a_hole(granule: SimulatedGranule, segments: pd.DataFrame) -> None:
    """SlideRule gives nearly all that follows the first segment; segments within a cell of an edge are left open."""
    cell = 5e-5
    parts = [box(segments, -0.0, 0.3), box(segments, 0.6, 0.9)]
    narrow = [[[min(max(lon, -49.1), -48.9), lat] for lon, lat in part] for part in parts]
    area = {"type": "MultiPolygon", "coordinates": [[part] for part in narrow]}
    rows = view(granule.path, region_mask={"geojson": area, "cellsize": cell})
    latitude = segments["latitude"]
    near = np.min([(latitude - part[i][1]).abs() for part in parts for i in (0, 2)], axis=0) <= cell
    inside = np.logical_or.reduce([latitude.between(part[0][1], part[2][1]) for part in parts])
    unsure = set(zip(segments["gt"][near], segments["segment_id"][near], strict=True))
    sure = [key not in unsure for key in zip(rows["gt"], rows["segment_id"], strict=True)]
    expected = segments[inside & ~near & (segments["segment_ph_cnt"] > 0)]
    assert len(unsure) < 0.1 * len(expected)
    compare(rows[sure], expected)


def test_beams_and_tracks(granule: SimulatedGranule, segments: pd.DataFrame) -> None:
    shown = segments[segments["segment_ph_cnt"] > 0]
    compare(view(granule.path, track=1), shown[shown["gt"] < 30])
    compare(view(granule.path, beams="gt3r"), shown[shown["gt"] == 60])


def test_no_photon_is_read(granule: SimulatedGranule, tmp_path: Path) -> None:
    """A granule without its photons, but for one dataset that they are counted by, gives the same view."""
    bare = Path(shutil.copy(granule.path, tmp_path))
    with h5py.File(bare, "a") as file:
        for beam in BEAMS:
            for name in set(file[beam]["heights"]) - {"h_ph"}:
                del file[beam]["heights"][name]
    pd.testing.assert_frame_equal(view(bare), view(granule.path))


def test_what_selects_photons_has_no_use_here_and_it_is_said(granule: SimulatedGranule) -> None:
    with pytest.warns(ParameterNotice, match="atl03v has no use for: cnf"):
        rows = view(granule.path, cnf=4)
    pd.testing.assert_frame_equal(rows, view(granule.path))
