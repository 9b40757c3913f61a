"""Where: an area on the globe, from any form in which people keep one, and whether a point lies in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bounds import bounding_boxes
from .forms import Drawing, Rings, read_drawing
from .outline import make_outline
from .projection import Projection, project

if TYPE_CHECKING:
    from shapely import Polygon

    from ...kernels.polygon import Edges

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Region:
    """An area on the globe. Make one with `Region.of`.

    Regions are equal when their outlines are, whatever they were made from. Edges are straight in the plane
    of `proj`, as SlideRule's are; a point on the outline itself may be either in or out.

    Attributes
    ----------
    proj
        "north_polar", "south_polar" or "plate_carree".
    vertices
        float64 (V, 2): longitude and latitude in degrees of all rings. In plate carree an outline across the
        antimeridian goes on beyond 180.
    ring_starts
        int64 (R + 1,): where each ring begins in `vertices`.
    shells
        int64 (P,): which rings are shells; those between two shells are the first one's holes.
    """

    proj: Projection
    vertices: Floats
    ring_starts: Integers
    shells: Integers

    @classmethod
    def of(cls, value: Any, *, crs: object = None, proj: object = "auto") -> Region:
        """Make a region.

        Parameters
        ----------
        value
            A path (.geojson, .json, .shp, .gpkg, .zip), GeoJSON (dict or text), a GeoDataFrame or GeoSeries,
            a shapely polygon, multipolygon or collection of them, a bounding box (west, south, east, north),
            a list of (lon, lat), SlideRule's list of {"lon", "lat"}, or a Region. Longitudes go from -180 to
            360. Several polygons and features are united. An edge of more than 180 degrees goes the short
            way, across the antimeridian, and a box with west > east crosses it. Rings wind either way,
            closed or not.
        crs
            CRS of coordinates that don't say theirs; longitude and latitude otherwise. Edges that are
            straight in a projected CRS stay where they were drawn, within 1 m.
        proj
            The plane in which edges between longitudes and latitudes are straight: 0 or "north_polar", 1 or
            "south_polar", 2 or "plate_carree", 3 or "auto". "auto" takes a polar plane when any vertex lies
            beyond 70 degrees or the outline goes around the pole; plate carree otherwise, when both
            hemispheres would be polar, and for a bounding box, whose sides are parallels and meridians.

        Raises
        ------
        RegionError
            If the value can't be read, is empty, crosses itself, or has no place on the globe.
        ParameterError
            If there is no such projection.

        Examples
        --------
        >>> grandmesa = Region.of([(-108.3, 38.8), (-107.7, 38.8), (-107.7, 39.2), (-108.3, 39.2)])
        >>> grandmesa
        Region(-108.3 38.8 to -107.7 39.2, 1 part, 4 vertices, plate_carree)
        >>> grandmesa == Region.of((-108.3, 38.8, -107.7, 39.2))
        True
        >>> grandmesa.contains([-108.0, -107.0], [39.0, 39.0])
        array([ True, False])
        """
        drawing = value._drawing() if isinstance(value, Region) else read_drawing(value, crs)
        name, polygons = make_outline(drawing, proj)
        rings = [ring for part in polygons for ring in part]
        counts = [len(part) for part in polygons]
        region = cls(
            name,  # type: ignore[arg-type]
            np.concatenate(rings),
            np.cumsum([0, *(len(ring) for ring in rings)], dtype=np.int64),
            np.cumsum([0, *counts[:-1]], dtype=np.int64),
        )
        region._freeze()
        return region

    def _freeze(self) -> None:
        for array in (self.vertices, self.ring_starts, self.shells):
            array.flags.writeable = False

    def contains(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
        """Find which positions lie in the region.

        The even-odd rule in the plane of `proj`, with SlideRule's formulas (MathLib). Longitudes may be
        given in any turn; SlideRule does not wrap them, so that only its polar planes are right across the
        antimeridian.

        Parameters
        ----------
        lon, lat
            float64 (N,), degrees. What is no position is outside.

        Returns
        -------
        bool (N,)
        """
        from ...kernels.polygon import points_inside

        return points_inside(*project(self.proj, self.on_its_turn(lon), lat), self._edges)

    def on_its_turn(self, lon: ArrayLike) -> Floats:
        """Shift longitudes to the turn in which a plate carree outline is written; others keep their bits."""
        longitude = np.asarray(lon, np.float64)
        if self.proj != "plate_carree":
            return longitude
        with np.errstate(over="ignore", invalid="ignore"):
            longitude = np.where(longitude < self._west, longitude + 360, longitude)
            return np.where(longitude >= self._west + 360, longitude - 360, longitude)

    @cached_property
    def _west(self) -> float:
        """Where the turn begins in which the outline is written."""
        lon = self.vertices[:, 0]
        return float(lon.min()) if lon.max() > 180 else -180.0

    @cached_property
    def _edges(self) -> Edges:
        from ...kernels.polygon import index_edges

        return index_edges(*project(self.proj, *self.vertices.T), self.ring_starts)

    @cached_property
    def bounds(self) -> list[tuple[float, float, float, float]]:
        """Boxes (west, south, east, north) in degrees that hold the region: two if it crosses the antimeridian.

        Examples
        --------
        >>> Region.of((170, -10, -170, 10)).bounds
        [(170.0, -10.0, 180.0, 10.0), (-180.0, -10.0, -170.0, 10.0)]
        """
        return bounding_boxes([shell for shell, *_ in self.polygons()], self.proj)

    def cover(self, max_vertices: int = 300, max_parts: int = 10) -> list[Polygon]:
        """Cover the region by a few simple polygons, as a search in a catalog needs.

        Every position that the region contains lies in one of them, whether a reader takes their edges for
        great circles or for straight lines of longitude and latitude. They are wider than the region by 1 %
        of its extent, at least 200 m, and more where fewer vertices or parts ask for it; holes are covered.

        Parameters
        ----------
        max_vertices, max_parts
            At most so many vertices in a part (32 or more), and parts (4 or more).

        Returns
        -------
        Polygons of longitude and latitude, counter-clockwise, narrower than 180 degrees, and cut at the
        antimeridian. Around a pole there are four; they leave it 0.001 degrees off, which matters only to a
        reader of straight lines, and in no place where ICESat-2 comes.
        """
        return self.cover_within(0.0, max_vertices, max_parts)

    def cover_within(self, degrees: float, max_vertices: int, max_parts: int) -> list[Polygon]:
        """Cover the region and, in plate carree, what lies within `degrees` of it: cells may stand out of it."""
        from .cover import cover_polygons

        shells = [shell for shell, *_ in self.polygons()]
        if self.proj != "plate_carree":
            shells = [np.column_stack(project(self.proj, *shell.T)) for shell in shells]
        return cover_polygons(shells, self.proj, degrees, max_vertices, max_parts)

    def polygons(self) -> list[Rings]:
        """Give the polygons: for each its shell and its holes, float64 (V, 2) in degrees, not closed."""
        rings = np.split(self.vertices, self.ring_starts[1:-1])
        ends = [*self.shells[1:], len(rings)]
        return [rings[start:end] for start, end in zip(self.shells, ends, strict=True)]

    def _drawing(self) -> Drawing:
        return Drawing(self.polygons(), "the region", proj=self.proj)

    def to_geojson(self) -> dict[str, Any]:
        """Give the region as a GeoJSON MultiPolygon, from which `Region.of` makes it again.

        The member "proj" says in which plane edges are straight. In plate carree, what crosses the
        antimeridian has longitudes beyond 180.

        Examples
        --------
        >>> box = Region.of((0, 0, 1, 1))
        >>> Region.of(box.to_geojson()) == box
        True
        """
        closed = [[np.vstack([ring, ring[:1]]).tolist() for ring in part] for part in self.polygons()]
        return {"type": "MultiPolygon", "coordinates": closed, "proj": self.proj}

    @cached_property
    def token(self) -> str:
        """A name for the outline's value: the same for equal regions, in every process."""
        digest = hashlib.sha256(self.proj.encode())
        for array in (self.vertices, self.ring_starts, self.shells):
            digest.update(np.int64(len(array)).tobytes() + array.tobytes())
        return digest.hexdigest()

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "nunatak.Region", self.token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Region) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __getstate__(self) -> dict[str, Any]:
        # the index of the edges is made again where it is needed
        return {name: getattr(self, name) for name in ("proj", "vertices", "ring_starts", "shells")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze()  # pickle forgets that arrays are read-only

    def __repr__(self) -> str:
        (west, south), (east, north) = self.vertices.min(axis=0), self.vertices.max(axis=0)
        parts = f"{len(self.shells)} part{'s' * (len(self.shells) > 1)}"
        size = f"{parts}, {len(self.vertices)} vertices, {self.proj}"
        return f"Region({west:.5g} {south:.5g} to {east:.5g} {north:.5g}, {size})"
