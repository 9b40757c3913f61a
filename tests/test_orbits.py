"""Reference ground tracks: the orbit's own closure, every real granule, and a search by brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.pipeline.errors import InputError
from nunatak.pipeline.granule import GranuleName
from nunatak.pipeline.orbits import (
    FIRST_NODE,
    NODE_STEP,
    TOLERANCE_KM,
    TRACKS,
    ground_track,
    node_longitude,
    reference_orbit,
    rgts_crossing,
)
from nunatak.pipeline.region import Region
from nunatak.pipeline.region.projection import project, unproject

POSITIONS = ("geolocation/reference_photon_l{}", "land_ice_segments/l{}itude", "land_segments/l{}itude", "segment_l{}")


def positions(path: Path):
    """Yield (beam, rgt, lon, lat) of every beam with positions; ATL13 says the rgt of each segment."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        for beam in (name for name in file if name.startswith("gt")):
            for pattern in POSITIONS:
                short = "itude" not in pattern
                lat_name = pattern.format("at")
                lon_name = pattern.format("on") if short else pattern.format("ong")
                if lat_name in file[beam]:
                    rgt = file[beam]["rgt"][0] if "rgt" in file[beam] else GranuleName.parse(path.name).rgt
                    yield beam, int(rgt), file[beam][lon_name][:], file[beam][lat_name][:]


def unit(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def distance_km(rgt: int, lon, lat, step: float = 1.0) -> np.ndarray:
    """Distance of positions from the points of a track, by brute force."""
    cosine = unit(np.asarray(lon, float), np.asarray(lat, float)) @ unit(*ground_track(rgt, step)).T
    return 6371.0 * np.arccos(np.clip(cosine.max(axis=-1), -1, 1))


REAL = [
    "ATL03_20220401221822_01501506_006_02.h5",
    "double_deflate/ATL03_20220401221822_01501506_006_02.h5",
    "ATL06_20230816161508_08782002_006_02.h5",
    "ATL08_20220401221822_01501506_006_02.h5",
    "processed_ATL06_20191106230008_06270503_006_01.h5",
    "processed_ATL06_20211102121853_06271303_006_01.h5",
    "processed_ATL08_20220823154429_09581606_006_01.h5",
    "processed_ATL13_20210710105607_02571201_005_01.h5",
]


@pytest.mark.parametrize("file", REAL)
def test_every_beam_of_a_real_granule_lies_near_its_track(shared, file):
    beams = list(positions(shared / "data" / "granules" / file))
    assert beams
    for _, rgt, lon, lat in beams:
        some = slice(None, None, max(1, len(lon) // 20))
        assert distance_km(rgt, lon[some], lat[some]).max() < 13.5
        middle = len(lon) // 2
        assert rgt in rgts_crossing((float(lon[middle]), float(lat[middle])))


@pytest.mark.parametrize("file", [file for file in REAL if "_ATL06_" in file or "ATL13" in file])
def test_the_middle_of_the_beams_runs_along_the_track_where_it_is_pointed_there(shared, file):
    beams = {beam: (rgt, lon, lat) for beam, rgt, lon, lat in positions(shared / "data" / "granules" / file)}
    for beam in ("gt2l", "gt2r"):
        rgt, lon, lat = beams[beam]
        assert distance_km(rgt, lon[:1], lat[:1], step=0.1)[0] < 0.7


def test_nodes_are_those_of_granules(shared):
    h5py = pytest.importorskip("h5py")
    found = 0
    for path in (shared / "data" / "granules").glob("*.h5"):
        with h5py.File(path) as file:
            if "orbit_info/lan" in file:
                rgt, lan = int(file["orbit_info/rgt"][0]), float(file["orbit_info/lan"][0])
                assert node_longitude(rgt) == pytest.approx(lan, abs=0.0011)
                found += 1
    assert found == 4


def test_the_orbit_is_that_of_icesat2():
    orbit = reference_orbit()
    # mean motion of ICESAT-2's element set of 2020-07-07: 15.28271517 revolutions a day, from perigee to perigee
    assert 86400 / orbit.revolution == pytest.approx(15.2827, abs=0.02)
    # delta_time of gt1l at 66.46654 degrees north on RGT 627, cycles 5 and 13
    assert 8 * TRACKS * orbit.revolution == pytest.approx(121090844.55 - 58316518.66, rel=2e-6)


def test_a_track_ends_where_the_next_one_begins():
    for rgt in (1, 295, 1387):
        lon, lat = ground_track(rgt)
        following = node_longitude(rgt % TRACKS + 1)
        assert abs((lon[-1] - following + 180) % 360 - 180) < 1e-9
        assert abs(lat[[0, -1]]).max() < 1e-9
    assert len({round(node_longitude(rgt), 4) for rgt in range(1, TRACKS + 1)}) == TRACKS
    assert node_longitude(1) == pytest.approx(FIRST_NODE)
    turn = NODE_STEP * TRACKS
    assert turn == pytest.approx(360 * 91)


def test_points_are_as_near_as_they_were_asked_for():
    for step in (1.0, 20.0):
        points = unit(*ground_track(7, step))
        gaps = 6378.0 * np.arccos(np.clip((points[1:] * points[:-1]).sum(axis=1), -1, 1))
        assert 0.8 * step < gaps.max() <= step


def test_a_track_passes_all_of_its_own_points():
    lon, lat = ground_track(850)
    for where in range(0, len(lon), 397):
        assert 850 in rgts_crossing((float(lon[where]), float(lat[where])), tolerance_km=0.5)


def brute_force(lon, lat, tolerance):
    near, far = set(), set()
    for rgt in range(1, TRACKS + 1):
        distance = distance_km(rgt, lon, lat, step=5.0).min()
        if distance < tolerance * 0.995 - 0.1:  # sphere for ellipsoid
            near.add(rgt)
        if distance > tolerance * 1.2 + 0.3:
            far.add(rgt)
    return near, far


@pytest.mark.parametrize(
    ("lon", "lat"), [(-108.0, 39.0), (179.99, -70.0), (-180.0, 0.0), (12.0, 87.9), (12.0, -88.05), (300.0, 66.0)]
)
def test_tracks_near_a_position_are_found_as_by_brute_force(lon, lat):
    found = set(rgts_crossing((lon, lat), tolerance_km=30))
    near, far = brute_force([lon], [lat], 30)
    assert near <= found
    assert not found & far


REGIONS = [
    (-49.5, 68.0, -47.0, 69.0),
    (178.0, -72.0, -178.0, -71.0),
    [(-30.0, 80.0), (-20.0, 80.0), (-25.0, 82.0)],
    [(0.0, 86.0), (90.0, 86.0), (180.0, 86.0), (-90.0, 86.0)],
]


@pytest.mark.parametrize("outline", REGIONS, ids=["plain", "antimeridian", "polar plane", "around the pole"])
def test_tracks_near_a_region_are_found_as_by_brute_force(outline):
    region = Region.of(outline)
    found = set(rgts_crossing(region, tolerance_km=10))
    ring = boundary(region)
    for rgt in range(1, TRACKS + 1, 7):
        lon, lat = ground_track(rgt, 4.0)
        near = (lat > ring[:, 1].min() - 1) & (lat < ring[:, 1].max() + 1)
        lon, lat = lon[near], lat[near]
        distance = 6371.0 * np.arccos(np.clip((unit(lon, lat) @ unit(*ring.T).T).max(), -1, 1))
        if region.contains(lon, lat).any():
            assert rgt in found
        else:
            assert distance < 12.5 if rgt in found else distance > 9.9


def boundary(region):
    """Points along the outline, dense, straight in the region's plane."""
    ring = np.column_stack(project(region.proj, *region.vertices.T))
    part = np.arange(60)[:, None] / 60
    points = [a + part * (b - a) for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True)]
    return np.column_stack(unproject(region.proj, *np.concatenate(points).T))


def test_a_region_is_passed_by_the_tracks_of_its_granules(shared):
    # granules that SlideRule's tests find data of over Grand Mesa: RGT 295 and 1156
    region = Region.of(shared / "data" / "regions" / "grandmesa.geojson")
    found = rgts_crossing(region)
    assert {295, 1156} <= set(found)
    assert set(rgts_crossing(region, tolerance_km=5)) <= set(found)
    assert len(found) < 20


def test_all_tracks_pass_a_region_that_holds_them_whole():
    region = Region.of((-180.0, -89.0, 180.0, 89.0))
    assert rgts_crossing(region) == list(range(1, TRACKS + 1))
    assert rgts_crossing((0.0, 89.5)) == []


@given(lon=st.floats(-180, 180), lat=st.floats(-87, 87), wide=st.sampled_from([20.0, 50.0]), narrow=st.floats(0.5, 1))
@settings(max_examples=10, deadline=None)
def test_a_wider_tolerance_finds_more(lon, lat, wide, narrow):
    assert set(rgts_crossing((lon, lat), wide * narrow)) <= set(rgts_crossing((lon, lat), wide))


def test_wrong_input_says_what_would_be_right():
    with pytest.raises(InputError, match=r"rgt 1388.*1 to 1387"):
        ground_track(1388)
    with pytest.raises(InputError, match="tolerance_km is 0"):
        rgts_crossing((0.0, 0.0), tolerance_km=0)
    with pytest.raises(InputError, match="no position"):
        rgts_crossing((0.0, 99.0))
    assert TOLERANCE_KM == 20
