"""Outlines of granules: great circles, the antimeridian and the poles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.pipeline.catalog.outline import outlines

SPHERE = pyproj.Geod(a=6_371_000, f=0)


def outline(*ring: tuple[float, float]) -> Any:
    return outlines([[np.array([*ring, ring[0]], np.float64)]])[0]


def test_none_where_there_is_no_ring() -> None:
    assert outlines([]) == []
    assert outlines([[], []]) == [None, None]


def test_granules_keep_their_rings() -> None:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], np.float64)
    east = np.array([10.0, 0.0])
    first, nothing, both = outlines([[square], [], [square + east, square + 2 * east]])
    assert nothing is None
    assert first.bounds == pytest.approx((0, 0, 1, 1), abs=1e-3)
    assert both.bounds == pytest.approx((10, 0, 21, 1), abs=1e-3)
    assert both.geom_type == "MultiPolygon"


def test_edges_are_great_circles_in_a_real_outline(shared: Path) -> None:
    entry = json.loads((shared / "data/cmr/earthaccess_atl03.json").read_text())["feed"]["entry"][0]
    numbers = [float(number) for number in entry["polygons"][0][0].split()]
    ring = np.array(list(zip(numbers[1::2], numbers[::2], strict=True)))
    (whole,) = outlines([[ring]])
    middle = SPHERE.npts(*ring[0], *ring[1], 1)[0]
    assert whole.exterior.distance(shapely.Point(middle)) < 0.02
    assert shapely.LinearRing(ring).distance(shapely.Point(middle)) > 1  # degrees: so far off is the straight line
    assert all(shapely.Point(vertex).distance(whole.exterior) == 0 for vertex in ring)


@settings(max_examples=50)
@given(st.floats(-179, 179), st.floats(-60, 60), st.floats(1, 20), st.floats(1, 20))
def test_area_is_that_on_the_sphere(lon: float, lat: float, width: float, height: float) -> None:
    """Wherever it lies, also across the antimeridian: an outline holds the sphere's own area."""
    corners = [(lon, lat), (lon + width, lat), (lon + width, lat + height), (lon, lat + height)]
    wrapped = [((x + 180) % 360 - 180, y) for x, y in corners]
    whole = outline(*wrapped)
    assert whole.is_valid
    assert whole.bounds[0] >= -180
    assert whole.bounds[2] <= 180
    truth = abs(SPHERE.polygon_area_perimeter(*zip(*wrapped, strict=True))[0])
    parts = shapely.get_parts(shapely.segmentize(whole, 0.1))
    area = sum(abs(SPHERE.geometry_area_perimeter(part)[0]) for part in parts)
    assert area == pytest.approx(truth, rel=2e-3)


def test_across_the_antimeridian() -> None:
    whole = outline((179, -70), (-179, -70), (-179, -69), (179, -69))
    assert whole.geom_type == "MultiPolygon"
    assert whole.covers(shapely.Point(179.5, -69.5))
    assert whole.covers(shapely.Point(-179.5, -69.5))
    assert not whole.intersects(shapely.Point(0, -69.5))


@pytest.mark.parametrize("pole", [1, -1])
def test_round_a_pole(pole: int) -> None:
    ring = [(float(lon), 85.0 * pole) for lon in range(-180, 180, 30)]
    whole = outline(*(ring if pole == 1 else ring[::-1]))
    assert whole.is_valid
    assert whole.covers(shapely.MultiPoint([(lon, 89.9 * pole) for lon in range(-179, 180)]))
    assert not whole.intersects(shapely.MultiPoint([(lon, 84.9 * pole) for lon in range(-179, 180)]))
