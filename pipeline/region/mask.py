"""The user guide's raster: a region in cells of longitude and latitude."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import RegionError
from .region import Floats, Region

if TYPE_CHECKING:
    from shapely import Polygon


@dataclass(frozen=True)
class RegionMask:
    """A region in cells, SlideRule's `raster`: a cell belongs to it when its centre does. Make one with `of`.

    The cells begin at the north-western corner of the region's envelope; what is left of the envelope in the
    east and south, less than a cell, is cut off, as SlideRule's RegionMask does. No raster is kept: a
    position is tested by the centre of its cell, so small cells cost nothing.

    Attributes
    ----------
    region
        The area, in plate carree.
    cellsize
        Side of a cell, degrees.
    """

    region: Region
    cellsize: float

    @classmethod
    def of(cls, value: Any) -> RegionMask:
        """Make a mask.

        Parameters
        ----------
        value
            {"geojson": GeoJSON text, dict or a path, "cellsize": degrees}, or a RegionMask. SlideRule's
            client sends a "length" too, which nothing uses.

        Raises
        ------
        RegionError
            If something is missing, the cells are larger than the region, or the region is none.

        Examples
        --------
        >>> square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
        >>> mask = RegionMask.of({"geojson": square, "cellsize": 0.3})
        >>> mask.contains([0.5, 0.95], [0.5, 0.5])
        array([ True, False])
        """
        if isinstance(value, RegionMask):
            return value
        if not isinstance(value, Mapping) or not {"geojson", "cellsize"} <= set(value) <= {
            "geojson",
            "cellsize",
            "length",
        }:
            given = sorted(map(str, value)) if isinstance(value, Mapping) else repr(value)
            raise RegionError(f"a region mask is {{'geojson': ..., 'cellsize': degrees}}, not {given}")
        cellsize = value["cellsize"]
        if isinstance(cellsize, bool) or not isinstance(cellsize, int | float) or not 0 < cellsize < math.inf:
            raise RegionError(f"cellsize is {cellsize!r}; it is a positive number of degrees")
        mask = cls(Region.of(value["geojson"], proj="plate_carree"), float(cellsize))
        if 0 in mask.shape:
            raise RegionError(
                f"cellsize is {cellsize:g} degrees, and {mask.region} has no room for a cell of that size"
            )
        return mask

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns of cells there are."""
        (west, south), (east, north) = self._corners
        return int((north - south) / self.cellsize), int((east - west) / self.cellsize)

    @property
    def _corners(self) -> tuple[Floats, Floats]:
        return self.region.vertices.min(axis=0), self.region.vertices.max(axis=0)

    def contains(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
        """Find which positions lie in a cell of the mask.

        Parameters
        ----------
        lon, lat
            float64 (N,), degrees. What is no position is outside.

        Returns
        -------
        bool (N,)
        """
        longitude, latitude = self.region.on_its_turn(lon), np.asarray(lat, np.float64)
        rows, columns = self.shape
        west, north = self._corners[0][0], self._corners[1][1]
        with np.errstate(over="ignore", invalid="ignore"):
            row, column = (north - latitude) / self.cellsize, (longitude - west) / self.cellsize
            there = np.flatnonzero((row >= 0) & (row < rows) & (column >= 0) & (column < columns))
        centre_lon = west + (np.trunc(column[there]) + 0.5) * self.cellsize
        centre_lat = north - (np.trunc(row[there]) + 0.5) * self.cellsize
        inside = np.zeros(len(latitude), np.bool_)
        inside[there] = self.region.contains(centre_lon, centre_lat)
        return inside

    @property
    def bounds(self) -> list[tuple[float, float, float, float]]:
        """Boxes (west, south, east, north) in degrees that hold the mask: its region's."""
        return self.region.bounds

    def cover(self, max_vertices: int = 300, max_parts: int = 10) -> list[Polygon]:
        """Cover the cells by a few simple polygons; see `Region.cover`."""
        # a cell whose centre is inside stands out of the region by half its diagonal at most
        return self.region.cover_within(self.cellsize * math.sqrt(0.5), max_vertices, max_parts)

    def to_json(self) -> dict[str, Any]:
        """Give the mask as JSON, from which `RegionMask.of` makes it again."""
        return {"geojson": self.region.to_geojson(), "cellsize": self.cellsize}
