"""The mask of cells, against a raster burned cell by cell and tested as SlideRule does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from region_outlines import Sketch, around, degree_sketches

from nunatak.pipeline.region import Region, RegionMask


class Raster:
    """A raster of the envelope, burned by the centres of its cells."""

    def __init__(self, polygon: Any, cellsize: float) -> None:
        self.cellsize = cellsize
        self.west, south, east, self.north = polygon.bounds
        self.rows, self.columns = int((self.north - south) / cellsize), int((east - self.west) / cellsize)
        lon = self.west + (np.arange(self.columns) + 0.5) * cellsize
        lat = self.north - (np.arange(self.rows) + 0.5) * cellsize
        self.lon, self.lat = np.meshgrid(lon, lat)
        self.cells = shapely.contains_xy(polygon, self.lon, self.lat)

    def holds(self, lon: float, lat: float) -> bool:
        east, south = self.west + self.columns * self.cellsize, self.north - self.rows * self.cellsize
        if not (self.west <= lon <= east and south <= lat <= self.north):
            return False
        row, column = int((self.north - lat) / self.cellsize), int((lon - self.west) / self.cellsize)
        return row < self.rows and column < self.columns and bool(self.cells[row, column])


@settings(max_examples=50, deadline=None)
@given(degree_sketches(20), st.floats(0.02, 0.3), st.integers(0, 2**32 - 1))
def test_as_a_raster_burned_cell_by_cell(sketch: Sketch, part: float, seed: int) -> None:
    polygon = sketch.polygon()
    west, south, east, north = polygon.bounds
    assume(west >= -180 and east < 180)
    cellsize = part * min(east - west, north - south)
    raster = Raster(polygon, cellsize)
    # where the outline goes through a centre rounding decides
    assume((shapely.distance(polygon.boundary, shapely.points(raster.lon, raster.lat)) > 1e-9 * cellsize).all())
    geojson = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": sketch.geojson(lambda p: p)}]}
    mask = RegionMask.of({"geojson": json.dumps(geojson), "cellsize": cellsize, "length": 7})
    lon, lat = around(polygon, 200, seed).T
    corners = np.array([(x, y) for x in (west, east) for y in (south, north)])
    lon, lat = np.append(lon, corners[:, 0]), np.append(lat, corners[:, 1])
    assert mask.shape == (raster.rows, raster.columns)
    assert mask.contains(lon, lat).tolist() == [raster.holds(x, y) for x, y in zip(lon, lat, strict=True)]


def test_grandmesa(shared: Path) -> None:
    path = shared / "data" / "regions" / "grandmesa.geojson"
    mask = RegionMask.of({"geojson": str(path), "cellsize": 0.01})
    region = Region.of(path)
    raster = Raster(shapely.Polygon(region.vertices), 0.01)
    lon, lat = np.random.default_rng(1).uniform((-108.4, 38.8), (-107.7, 39.2), (5000, 2)).T
    inside = mask.contains(lon, lat)
    assert inside.tolist() == [raster.holds(x, y) for x, y in zip(lon, lat, strict=True)]
    # cells follow the outline within one of their diagonals
    far = shapely.distance(shapely.Polygon(region.vertices).exterior, shapely.points(lon, lat)) > 0.0142
    assert (inside == region.contains(lon, lat))[far].all()
    assert RegionMask.of({"geojson": path.read_text(), "cellsize": 0.01}) == mask


def test_what_is_left_of_the_envelope_is_cut_off() -> None:
    mask = RegionMask.of({"geojson": shapely.geometry.mapping(shapely.box(0, 0, 1, 1)), "cellsize": 0.3})
    assert mask.shape == (3, 3)
    inside = mask.contains([0.05, 0.89, 0.91, 0.5, 0.5, 0.0], [0.5, 0.5, 0.5, 0.11, 0.09, 1.0])
    assert inside.tolist() == [True, True, False, True, False, True]


def test_smallest_cells_need_no_memory() -> None:
    mask = RegionMask.of({"geojson": shapely.geometry.mapping(shapely.box(0, 0, 10, 10)), "cellsize": 1e-9})
    assert mask.contains([5.0, 11.0], [5.0, 5.0]).tolist() == [True, False]


def test_across_the_antimeridian() -> None:
    geojson = shapely.geometry.mapping(shapely.box(175, 60, 185, 65))
    mask = RegionMask.of({"geojson": geojson, "cellsize": 0.5})
    assert mask.contains([176, 180, -180, -176, -174], [62] * 5).tolist() == [True, True, True, True, False]


def test_beyond_70_degrees_cells_are_cells_of_degrees() -> None:
    geojson = shapely.geometry.mapping(shapely.box(-60, 75, 0, 80))
    mask = RegionMask.of({"geojson": geojson, "cellsize": 0.5})
    assert mask.region.proj == "plate_carree"
    assert mask.contains([-30, -30], [75.2, 79.8]).all()


def test_a_mask_is_a_value() -> None:
    value = {"geojson": shapely.geometry.mapping(shapely.box(0, 0, 1, 1)), "cellsize": 0.1}
    mask = RegionMask.of(value)
    assert RegionMask.of(mask) is mask
    assert RegionMask.of(json.loads(json.dumps(mask.to_json()))) == mask
    assert hash(mask) == hash(RegionMask.of(value))
    assert mask != RegionMask.of({**value, "cellsize": 0.2})
    assert mask.contains([np.nan, np.inf, 1.8e308, 0.5], [0.5, 0.5, 1.8e308, np.nan]).tolist() == [False] * 4
    with pytest.raises(AttributeError):
        mask.cellsize = 1.0  # type: ignore[misc]
