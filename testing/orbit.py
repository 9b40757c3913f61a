"""Where the spacecraft flies: the reference ground track, its 20 m segments, the ground under every beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .scene import Scene

Floats: TypeAlias = NDArray[np.float64]

# WGS 84.
_MAJOR: Final = 6378137.0
_FLATTENING: Final = 1 / 298.257223563
_ECCENTRICITY2: Final = _FLATTENING * (2 - _FLATTENING)

_INCLINATION: Final = np.radians(92.0)
_EARTH_ROTATION: Final = 7.2921151e-5  # rad/s
_PERIOD: Final = 5655.0  # s, one revolution of the spacecraft

#: Speed of the footprint over the ground, m/s (20.04 m in 2.82 ms in granules of release 006).
GROUND_SPEED: Final = 7100.0

# Length of a geolocation segment: 20.0070 + 0.0627 cos^2(latitude) m fits granules at 41, 57 and 66 degrees to
# 0.3 mm; 2,002,000 of them make a revolution.
_SEGMENTS: Final = 2_002_000
_POLAR_LENGTH: Final = 20.0070
_EQUATOR_EXCESS: Final = 0.0627

#: Distance of each beam from the reference ground track, m, positive to the left of the flight.
ACROSS: Final = {
    "gt1l": 3280.0,
    "gt1r": 3195.0,
    "gt2l": 45.0,
    "gt2r": -40.0,
    "gt3l": -3190.0,
    "gt3r": -3275.0,
}


def segment_distance(segment_id: NDArray[np.int64]) -> Floats:
    """Along-track distance of a segment's start from the ascending node, m: the sum of the lengths before."""
    turn = 2 * np.pi / _SEGMENTS
    swing = np.sin(_INCLINATION) ** 2 / 2
    mean = _POLAR_LENGTH + _EQUATOR_EXCESS * (1 - swing)
    distance: Floats = segment_id * mean + _EQUATOR_EXCESS * swing / (2 * turn) * np.sin(2 * turn * segment_id)
    return distance


@dataclass(frozen=True)
class Location:
    """Ground points: degrees on WGS 84."""

    latitude: Floats
    longitude: Floats


@dataclass(frozen=True)
class Track:
    """The reference ground track of a granule: positions by distance from the ascending node.

    Attributes
    ----------
    node_longitude
        Longitude of the ascending node, degrees.
    x, u
        Distance along the track (m) and argument of latitude (rad) of a table of points.
    x_start
        Distance of the granule's start.
    """

    node_longitude: float
    x: Floats
    u: Floats
    x_start: float

    @classmethod
    def of(cls, scene: Scene) -> Track:
        """Lay the track through the start of a scene."""
        longitude, latitude = scene.start
        geocentric = np.arctan((1 - _ECCENTRICITY2) * np.tan(np.radians(latitude)))
        rising = np.arcsin(np.clip(np.sin(geocentric) / np.sin(_INCLINATION), -1, 1))
        start = float((rising if scene.ascending else np.pi - rising) % (2 * np.pi))
        node = longitude - float(np.degrees(_east_of_node(np.array([start])))[0])
        u = np.linspace(0.0, 4 * np.pi, 36_001)
        steps = np.linalg.norm(np.diff(_path(u, node), axis=0), axis=1)
        x = np.concatenate(([0.0], np.cumsum(steps)))
        return cls(float(_wrap(np.array([node]))[0]), x, u, float(np.interp(start, u, x)))

    def segments(self, length: float) -> NDArray[np.int64]:
        """Ids of the segments from the start over so many metres."""
        guess = int(self.x_start / (_POLAR_LENGTH + _EQUATOR_EXCESS / 2))
        around = np.arange(max(guess - 400, 0), guess + 400, dtype=np.int64)
        first = int(around[np.searchsorted(segment_distance(around), self.x_start)])
        ids = np.arange(first, first + int(length / _POLAR_LENGTH) + 2, dtype=np.int64)
        distance = segment_distance(ids)
        return ids[: int(np.searchsorted(distance, distance[0] + length - _POLAR_LENGTH / 2)) or 1]

    def ground(self, x: Floats, across: float) -> Location:
        """Points at distances ``x`` along and ``across`` m to the left of the track."""
        u = np.interp(x, self.x, self.u)
        here = _path(u, self.node_longitude)
        ahead = _path(u + 1e-5, self.node_longitude) - here
        up = here / np.array([1, 1, (1 - _FLATTENING) ** 2])
        left = np.cross(up, ahead)
        left /= np.linalg.norm(left, axis=1)[:, None]
        return _geodetic(here + across * left)

    def azimuth(self, x: Floats) -> Floats:
        """Heading of the flight, degrees from north."""
        here = self.ground(x, 0.0)
        ahead = self.ground(x + 100.0, 0.0)
        east = _wrap(ahead.longitude - here.longitude) * np.cos(np.radians(here.latitude))
        return np.degrees(np.arctan2(east, ahead.latitude - here.latitude))


def _east_of_node(u: Floats) -> Floats:
    """Longitude gone east since the ascending node, rad, on the turning Earth."""
    inertial: Floats = np.arctan2(np.cos(_INCLINATION) * np.sin(u), np.cos(u))
    turned: Floats = _EARTH_ROTATION * _PERIOD * u / (2 * np.pi)
    return inertial - turned


def _path(u: Floats, node_longitude: float) -> Floats:
    """Earth-fixed points (n, 3) of the track on the ellipsoid, m."""
    geocentric = np.arcsin(np.sin(_INCLINATION) * np.sin(u))
    longitude = np.radians(node_longitude) + _east_of_node(u)
    radius = _MAJOR / np.sqrt(np.cos(geocentric) ** 2 + np.sin(geocentric) ** 2 / (1 - _ECCENTRICITY2))
    flat = radius * np.cos(geocentric)
    return np.stack([flat * np.cos(longitude), flat * np.sin(longitude), radius * np.sin(geocentric)], axis=1)


def _geodetic(point: Floats) -> Location:
    """Latitude and longitude of Earth-fixed points near the ellipsoid (Bowring's formula)."""
    x, y, z = point.T
    flat = np.hypot(x, y)
    reduced = np.arctan2(z, flat * (1 - _FLATTENING))
    second = _ECCENTRICITY2 / (1 - _ECCENTRICITY2)
    minor = _MAJOR * (1 - _FLATTENING)
    latitude = np.arctan2(
        z + second * minor * np.sin(reduced) ** 3, flat - _ECCENTRICITY2 * _MAJOR * np.cos(reduced) ** 3
    )
    return Location(np.degrees(latitude), np.degrees(np.arctan2(y, x)))


def _wrap(degrees: Floats) -> Floats:
    """Degrees brought into -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0
