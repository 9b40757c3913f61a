"""The plane that a map is drawn in: a projection for where the data lie, and its lines of longitude and latitude."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from ..pipeline.errors import InputError
from ..pipeline.products.schema import CRS

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from ..pipeline.region import Region

#: Latitude beyond which a map is polar stereographic, in the planes that NSIDC grids its data in.
POLAR_LATITUDE: Final = 60.0
_POLAR: Final = {1: "EPSG:3413", -1: "EPSG:3031"}
_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)
# Meridians or parallels along the longer side of a map.
_LINES: Final = 6


class Box(NamedTuple):
    """What a map shows, in the units of its axes."""

    left: float
    bottom: float
    right: float
    top: float


class Line(NamedTuple):
    """A meridian or a parallel: its label, and its points in the plane, float64 (N,)."""

    label: str
    meridian: bool
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """A projection, with axes in km; in degrees where it is none.

    Attributes
    ----------
    crs
        The coordinate reference system.
    middle
        Longitude and latitude in the middle of the data, degrees.
    labels
        What stands at the axes.
    """

    crs: pyproj.CRS
    middle: tuple[float, float]
    labels: tuple[str, str]

    @classmethod
    def of(cls, crs: Any, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Plane:
        """Take the plane that is asked for, or choose the one that suits the positions.

        Parameters
        ----------
        crs
            Anything that pyproj takes. None: beyond 60 degrees the polar stereographic of that pole (EPSG:3413,
            EPSG:3031), elsewhere Lambert's azimuthal equal-area projection around the middle of the data.
        lon, lat
            Degrees.

        Raises
        ------
        InputError
            When there is no such system.
        """
        import pyproj

        middle = _middle(lon, lat)
        if crs is None and np.abs(lat).min() >= POLAR_LATITUDE and lat.min() * lat.max() > 0:
            crs = _POLAR[int(np.sign(middle[1]))]
        if crs is None:
            text = f"+proj=laea +lon_0={middle[0]} +lat_0={middle[1]} +ellps=WGS84 +type=crs"
            labels = f"east of {_degrees(middle[0], 'EW')}, km", f"north of {_degrees(middle[1], 'NS')}, km"
            return cls(pyproj.CRS(text), middle, labels)
        try:
            known = pyproj.CRS(crs)
        except pyproj.exceptions.CRSError as error:
            raise InputError(f"crs {crs!r} is no coordinate reference system: {error}") from error
        if known.is_geographic:
            return cls(known, middle, ("longitude, degrees east", "latitude, degrees north"))
        named = ":".join(known.to_authority() or ("the given crs",))
        return cls(known, middle, (f"x in {named}, km", f"y in {named}, km"))

    @property
    def aspect(self) -> float:
        """How long a unit of y is drawn beside one of x."""
        return float(1 / np.cos(np.radians(min(abs(self.middle[1]), 85.0)))) if self.crs.is_geographic else 1.0

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        from pyproj import Transformer

        return Transformer.from_crs(CRS, self.crs, always_xy=True)

    @cached_property
    def _kilometres(self) -> float:
        """How many km a unit of the system is."""
        return float(self.crs.axis_info[0].unit_conversion_factor) / 1000

    def project(self, lon: Any, lat: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the positions on the axes; infinite where the projection has no place for one."""
        x, y = (np.asarray(v, np.float64) for v in self._transformer.transform(lon, lat))
        if self.crs.is_geographic:
            return self._turned(x), y
        return x * self._kilometres, y * self._kilometres

    def _turned(self, lon: NDArray[np.float64]) -> NDArray[np.float64]:
        """Write longitudes in the turn around the middle, so that nothing is torn at the antimeridian."""
        return self.middle[0] + np.remainder(lon - self.middle[0] + 180, 360) - 180

    def outline(self, region: Region) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Give the rings of a region; its edges are straight in its own plane, and bend in this one."""
        from ..pipeline.region.projection import project, unproject

        rings = []
        for ring in (ring for polygon in region.polygons() for ring in polygon):
            u, v = project(region.proj, *np.vstack([ring, ring[:1]]).T)
            step = np.arange(0, len(u) - 1, 0.02)
            dense = [np.interp([*step, len(u) - 1], np.arange(len(u)), c) for c in (u, v)]
            rings.append(self.project(*unproject(region.proj, *dense)))
        return rings

    def graticule(self, box: Box) -> list[Line]:
        """Give the meridians and parallels that cross a box; none where the axes are degrees already."""
        if self.crs.is_geographic:
            return []
        lon, lat = self._shown(box)
        width, height = box.right - box.left, box.top - box.bottom
        meridians = _multiples(*lon, max(3, _LINES * width / max(width, height)))
        parallels = _multiples(*lat, max(3, _LINES * height / max(width, height)))
        along_lat = np.linspace(max(lat[0] - 1, -90), min(lat[1] + 1, 90), 400)
        along_lon = np.linspace(lon[0] - 1, lon[1] + 1, 400)
        return [
            *(Line(_degrees(m, "EW"), True, *self.project(np.full(400, m), along_lat)) for m in meridians),
            *(
                Line(_degrees(p, "NS"), False, *self.project(along_lon, np.full(400, p)))
                for p in parallels
                if abs(p) < 90
            ),
        ]

    def _shown(self, box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
        """Find which longitudes (in the turn around the middle) and latitudes a box shows."""
        grid = np.meshgrid(np.linspace(box.left, box.right, 40), np.linspace(box.bottom, box.top, 40))
        x, y = (side.ravel() / self._kilometres for side in grid)
        lon, lat = (np.asarray(v) for v in self._transformer.transform(x, y, direction="INVERSE"))
        there = np.isfinite(lon) & np.isfinite(lat)
        lon, lat = self._turned(lon[there]), lat[there]
        south, north = float(lat.min()), float(lat.max())
        west, east = float(lon.min()), float(lon.max())
        for pole in (-90.0, 90.0):
            px, py = self.project(0.0, pole)
            if box.left < px < box.right and box.bottom < py < box.top:
                south, north = min(south, pole), max(north, pole)
                west, east = self.middle[0] - 180, self.middle[0] + 180
        return (west, east), (south, north)


def _middle(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[float, float]:
    """Find the middle of positions on the globe, to 0.01 degrees: the direction of their mean."""
    lam, phi = np.radians(lon), np.radians(lat)
    x, y, z = (np.cos(phi) * np.cos(lam)).mean(), (np.cos(phi) * np.sin(lam)).mean(), np.sin(phi).mean()
    longitude, latitude = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    return round(float(longitude), 2), round(float(latitude), 2)


def _multiples(low: float, high: float, most: float) -> NDArray[np.float64]:
    """Give round numbers between two, as many as have room for their labels."""
    step = next((step for step in _STEPS if (high - low) / step <= most), _STEPS[-1])
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def _degrees(value: float, sides: str) -> str:
    """Write degrees as people do: 49° W."""
    turned = round((value + 180) % 360 - 180, 6) if sides == "EW" else round(value, 6)
    return f"{abs(turned):g}°" + (f" {sides[int(turned < 0)]}" if turned else "")
