"""The forms in which a region can be given, each read into one: rings, and the CRS where they are straight.

Nothing is judged here beyond what reading needs; `outline` makes the region of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import RegionError

Ring = NDArray[np.float64]
#: A shell and its holes, each float64 (V, 2), not closed.
Rings = list[Ring]

_JSON_FILES: Final = (".geojson", ".json")
_OTHER_FILES: Final = (".shp", ".gpkg", ".zip")
_FORMS: Final = (
    "a file (.geojson, .json, .shp, .gpkg, .zip), GeoJSON, a GeoDataFrame, a shapely polygon, "
    "a bounding box (west, south, east, north) or a list of (lon, lat) or of {'lon': ..., 'lat': ...}"
)


@dataclass(frozen=True)
class Drawing:
    """What was given: polygons, in the coordinates in which they were drawn."""

    polygons: list[Rings]
    #: What was read, for errors.
    source: str
    #: The CRS of the coordinates, if it was named; None is longitude and latitude on WGS 84.
    crs: Any = None
    #: A box of longitudes and latitudes: its sides are parallels and meridians.
    box: bool = False
    #: The plane in which an outline of our own writing is straight.
    proj: str = "auto"


def read_drawing(value: object, crs: object = None) -> Drawing:
    """Read any form of a region.

    Parameters
    ----------
    value
        A path, GeoJSON (text or dict), a GeoDataFrame or GeoSeries, a shapely geometry, a bounding box, or a
        list of coordinates.
    crs
        CRS of coordinates that don't say theirs.

    Raises
    ------
    RegionError
        If the value is none of these, can't be read, or holds no polygon.
    """
    if isinstance(value, Path) or (isinstance(value, str) and value.lstrip()[:1] not in {"{", "["}):
        return _from_file(Path(value), crs)
    if isinstance(value, str):
        return read_drawing(_parse(value, "GeoJSON text"), crs)
    if isinstance(value, Mapping):
        return _from_geojson(value, crs, "GeoJSON")
    if hasattr(value, "geom_type") and not hasattr(value, "crs"):
        return _from_shapely([value], crs, "shapely geometry")
    if hasattr(value, "geometry") and hasattr(value, "crs"):
        return _from_frame(value, crs, type(value).__name__)
    if isinstance(value, Sequence | np.ndarray):
        return _from_coordinates(value, crs)
    raise RegionError(f"a region can't be made of {type(value).__name__}; give {_FORMS}")


def _parse(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RegionError(f"{source} is not valid JSON: {error}") from error


# files -----------------------------------------------------------------------------------------------


def _from_file(path: Path, crs: object) -> Drawing:
    if not path.exists():
        raise RegionError(f"{str(path)!r} does not exist; a region is {_FORMS}")
    kind = path.suffix.lower()
    if kind in _JSON_FILES:
        return _from_json_file(path, crs)
    if kind in _OTHER_FILES:
        return _from_vector_file(path, crs)
    known = ", ".join((*_JSON_FILES, *_OTHER_FILES))
    raise RegionError(f"{path} ends in {kind or 'nothing'!r}; regions are read from {known}")


def _from_json_file(path: Path, crs: object) -> Drawing:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RegionError(f"{path} can't be read: {error}") from error
    content = _parse(text, str(path))
    if isinstance(content, Mapping):
        return _from_geojson(content, crs, str(path))
    return _from_coordinates(content, crs, str(path))


def _from_vector_file(path: Path, crs: object) -> Drawing:
    import pyogrio

    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if len(layers) != 1:
            raise RegionError(
                f"{path} has {len(layers)} layers with geometry ({', '.join(layers)}): one is needed; "
                "read the right one with geopandas.read_file and give that"
            )
        frame = pyogrio.read_dataframe(path, layer=layers[0], columns=[])
    except pyogrio.errors.DataSourceError as error:
        raise RegionError(f"{path} can't be read: {error}") from error
    return _from_frame(frame, crs, str(path))


# objects of geopandas and shapely --------------------------------------------------------------------


def _from_frame(frame: Any, crs: object, source: str) -> Drawing:
    own = frame.crs
    if own is None and crs is None:
        missing = " (a shapefile keeps it in a .prj beside the .shp)" if source.endswith(".shp") else ""
        raise RegionError(f"{source} has no CRS{missing}; say which with crs=, such as crs='EPSG:4326'")
    if own is not None and crs is not None and parse_crs(crs) != own:
        raise RegionError(f"{source} is in {own.name}, and crs={crs!r} was given: leave crs out, or mend the file")
    return _from_shapely(list(frame.geometry), crs if own is None else own, source)


def _from_shapely(geometries: Iterable[Any], crs: object, source: str) -> Drawing:
    polygons = [
        [np.asarray(ring.coords)[:, :2] for ring in (part.exterior, *part.interiors)]
        for geometry in geometries
        if geometry is not None
        for part in _polygons_of(geometry, source)
    ]
    return _drawing(polygons, source, crs)


def _polygons_of(geometry: Any, source: str) -> Iterable[Any]:
    if geometry.is_empty:
        return
    if geometry.geom_type == "Polygon":
        yield geometry
    elif geometry.geom_type in {"MultiPolygon", "GeometryCollection"}:
        for part in geometry.geoms:
            yield from _polygons_of(part, source)
    else:
        raise _encloses_nothing(geometry.geom_type, source)


def _encloses_nothing(kind: object, source: str) -> RegionError:
    return RegionError(f"{source} holds a {kind}, which encloses no area; a region is made of polygons only")


# GeoJSON ---------------------------------------------------------------------------------------------


def _from_geojson(content: Mapping[str, Any], crs: object, source: str) -> Drawing:
    named = _named_crs(content, source)
    if named is not None and crs is not None and parse_crs(named) != parse_crs(crs):
        raise RegionError(f"{source} says that its CRS is {named}, and crs={crs!r} was given: leave one out")
    polygons = list(_geojson_polygons(content, source))
    return _drawing(polygons, source, named or crs, proj=str(content.get("proj", "auto")))


def _named_crs(content: Mapping[str, Any], source: str) -> str | None:
    # the "crs" of GeoJSON before RFC 7946; ogr2ogr and QGIS still write it
    crs = content.get("crs")
    if crs is None:
        return None
    try:
        return str(crs["properties"]["name"])
    except (KeyError, TypeError) as error:
        raise RegionError(f"{source}: crs {crs!r} names no CRS; leave it out for longitude and latitude") from error


#: What a GeoJSON object of each type keeps its parts in.
_MEMBERS: Final = {
    "FeatureCollection": "features",
    "Feature": "geometry",
    "GeometryCollection": "geometries",
    "MultiPolygon": "coordinates",
    "Polygon": "coordinates",
}


def _geojson_polygons(content: Any, source: str) -> Iterable[Rings]:
    kind = content.get("type") if isinstance(content, Mapping) else None
    if kind in {"Point", "MultiPoint", "LineString", "MultiLineString"}:
        raise _encloses_nothing(kind, source)
    if kind not in _MEMBERS:
        raise RegionError(f"{source} has type {kind!r} where GeoJSON has {', '.join(_MEMBERS)}")
    if _MEMBERS[kind] not in content:
        raise RegionError(f"{source}: a {kind} has no {_MEMBERS[kind]!r}, so it is no GeoJSON")
    held = content[_MEMBERS[kind]]
    if kind == "Feature":
        held = [] if held is None else [held]
    if not isinstance(held, Sequence) or isinstance(held, str):
        raise RegionError(f"{source}: {_MEMBERS[kind]} of a {kind} is a {type(held).__name__}, not a list")
    if _MEMBERS[kind] == "coordinates":
        # an empty list is GeoJSON's empty polygon
        polygons = [held] if kind == "Polygon" else held
        yield from ([_positions(ring, source) for ring in polygon] for polygon in polygons if polygon)
    else:
        for part in held:
            yield from _geojson_polygons(part, source)


# lists of numbers ------------------------------------------------------------------------------------


def _from_coordinates(values: Any, crs: object, source: str = "the list of coordinates") -> Drawing:
    if len(values) == 4 and all(isinstance(value, int | float | np.number) for value in values):
        return _from_box(np.asarray(values, np.float64), crs)
    return _drawing([[_positions(values, source)]] if len(values) else [], source, crs)


def _from_box(box: NDArray[np.float64], crs: object) -> Drawing:
    west, south, east, north = box
    source = f"bounding box ({west:g}, {south:g}, {east:g}, {north:g})"
    geographic = crs is None or parse_crs(crs).is_geographic
    if not south < north or not (west < east or (geographic and west > east)):
        raise RegionError(f"{source} is empty; a box is (west, south, east, north)")
    if geographic and west > east:
        east += 360
    # no side is longer than 180 degrees: between two vertices an outline goes the short way round
    steps = max(1, int(np.ceil((east - west) / 120))) if geographic else 1
    lon = np.linspace(west, east, steps + 1)
    ring = np.concatenate([np.column_stack([lon, np.full(steps + 1, y)]) for y in (south, north)])
    ring[steps + 1 :] = ring[:steps:-1].copy()
    return Drawing([[ring]], source, crs, box=geographic)


def _positions(values: Any, source: str) -> Ring:
    """Read one ring: pairs (perhaps with a height), or SlideRule's dictionaries."""
    try:
        if len(values) and isinstance(values[0], Mapping):
            values = [(_coordinate(value, "lon"), _coordinate(value, "lat")) for value in values]
        ring = np.array([tuple(value)[:2] for value in values], np.float64)
    except KeyError as error:
        raise RegionError(f"{source}: a position needs 'lon' and 'lat' and has no {error.args[0]!r}") from error
    except (TypeError, ValueError) as error:
        raise RegionError(f"{source} is no list of positions (lon, lat): {error}") from error
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise RegionError(f"{source} is no list of positions (lon, lat); a region is {_FORMS}")
    return ring


def _coordinate(position: Mapping[str, Any], name: str) -> float:
    long_name = {"lon": "longitude", "lat": "latitude"}[name]
    return float(position[long_name] if long_name in position else position[name])


# what all forms share --------------------------------------------------------------------------------


def _drawing(polygons: list[Rings], source: str, crs: object, proj: str = "auto") -> Drawing:
    if not polygons:
        raise RegionError(f"{source} is empty: it holds no polygon")
    checked = [[_open_ring(ring, source) for ring in rings] for rings in polygons]
    return Drawing(checked, source, crs, proj=proj)


def _open_ring(ring: Ring, source: str) -> Ring:
    """Drop the closing vertex and vertices that repeat the one before."""
    bad = np.flatnonzero(~np.isfinite(ring).all(axis=1))
    if len(bad):
        x, y = ring[bad[0]]
        raise RegionError(f"{source}: vertex {bad[0]} is ({x}, {y}); coordinates are finite numbers")
    changes = (ring != np.roll(ring, 1, axis=0)).any(axis=1)
    # the first few vertices tell as a rule, and many small outlines should be quick
    if len(set(map(tuple, ring[:8].tolist()))) < 3 and (distinct := len(np.unique(ring, axis=0))) < 3:
        raise RegionError(f"{source}: a ring has {distinct} different vertices; an outline has at least 3")
    return cast("Ring", ring[changes])


def parse_crs(crs: object) -> Any:
    """Give the pyproj CRS of whatever names one.

    Raises
    ------
    RegionError
        If pyproj does not know it.
    """
    import pyproj

    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise RegionError(f"crs {crs!r} is not known: {error}; name it as in 'EPSG:3413'") from error
