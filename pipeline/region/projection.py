"""The three planes in which SlideRule tests whether a point lies in a region.

The formulas are SlideRule's (MathLib, coord2point): a sphere, latitude taken as it is, float64 throughout.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError

Projection = Literal["north_polar", "south_polar", "plate_carree"]
Floats = NDArray[np.float64]

#: In the order of SlideRule's numbers 0 to 3.
NAMES: Final[tuple[str, ...]] = (*get_args(Projection), "auto")
#: Kilometres per radian in SlideRule's plate carree; only a scale.
PLATE_CARREE_RADIUS: Final = 6367.5
#: Metres per radian on the ground, for tolerances.
EARTH_RADIUS: Final = 6371000.0
#: Latitude beyond which "auto" takes a polar plane (SlideRule, RequestFields).
POLAR_LATITUDE: Final = 70.0


def projection_name(value: object) -> str:
    """Give the name of a projection that is named or numbered as in SlideRule's `proj`.

    Raises
    ------
    ParameterError
        If there is no such projection.

    Examples
    --------
    >>> projection_name(1), projection_name("auto")
    ('south_polar', 'auto')
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < len(NAMES):
        return NAMES[value]
    if isinstance(value, str) and value in NAMES:
        return value
    choices = ", ".join(f"{number} or {name!r}" for number, name in enumerate(NAMES))
    raise ParameterError(f"proj is {value!r}; it can be {choices}")


def project(projection: str, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Project positions into a plane.

    Parameters
    ----------
    projection
        "north_polar" and "south_polar": stereographic, in radii of the sphere. "plate_carree": in km.
    lon, lat
        float64 (N,), degrees.

    Returns
    -------
    x, y
        float64 (N,). What is no position (NaN, or the huge numbers that ATL03 has where there are no photons)
        becomes a point that lies nowhere.

    Examples
    --------
    >>> x, y = project("north_polar", [0.0], [90.0])
    >>> float(x[0]), float(y[0])
    (0.0, 0.0)
    """
    longitude, latitude = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        if projection == "plate_carree":
            return PLATE_CARREE_RADIUS * np.radians(longitude), PLATE_CARREE_RADIUS * np.radians(latitude)
        # -180 and 180 are one meridian; their sines differ in the last bits
        lam = np.radians(np.where(longitude == -180, 180.0, longitude))
        phi = np.radians(latitude)
        if projection == "north_polar":
            radius, theta = 2 * np.tan(np.pi / 4 - phi / 2), lam
        else:
            radius, theta = -2 * np.tan(-np.pi / 4 - phi / 2), -lam
        return radius * np.cos(theta), radius * np.sin(theta)


def unproject(projection: str, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Give longitude and latitude in degrees of points in a plane: the inverse of `project`.

    Examples
    --------
    >>> lon, lat = unproject("plate_carree", *project("plate_carree", [190.0], [-60.0]))
    >>> float(lon[0].round(9)), float(lat[0].round(9))
    (190.0, -60.0)
    """
    px, py = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if projection == "plate_carree":
        return np.degrees(px / PLATE_CARREE_RADIUS), np.degrees(py / PLATE_CARREE_RADIUS)
    latitude = 90 - 2 * np.degrees(np.arctan(np.hypot(px, py) / 2))
    if projection == "north_polar":
        return np.degrees(np.arctan2(py, px)), latitude
    return np.degrees(np.arctan2(-py, px)), -latitude


def metres_per_unit(projection: str, x: Floats, y: Floats) -> Floats:
    """Give how long one unit of the plane is on the ground, at most: what turns a deviation into metres."""
    if projection == "plate_carree":
        return np.full(np.shape(x), EARTH_RADIUS / PLATE_CARREE_RADIUS)
    return EARTH_RADIUS / (1 + (x * x + y * y) / 4)


def pole_of(projection: str) -> float:
    """Give the latitude of a polar plane's middle."""
    return 90.0 if projection == "north_polar" else -90.0
