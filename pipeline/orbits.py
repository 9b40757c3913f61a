"""Reference ground tracks (RGT) from computed reference orbits: which of the 1,387 pass near a place.

ICESat-2's reference orbit closes after 1,387 revolutions and 91 turns of the Earth under the orbit's plane; its
inclination is 92 degrees (ATL03 ATBD, section 2). These three numbers and the Earth's oblateness (J2) fix the size of
the orbit, the drift of its plane and so the shape of a ground track; all tracks have that shape, each 360 * 91 / 1387
degrees west of the one before it. What they don't fix is where the first one starts: that is taken from granules.

**Accuracy.** Six real granules of ATL03, ATL06, ATL08 and ATL13 (RGT 150, 259, 627 in two cycles, 878, 958; 41 to 71
degrees north, northward and southward) were compared with the tracks. Over Greenland and northern Alaska, where the
laser points at its reference track, the middle of the beams runs 0.4 km (RGT 627) and 0.6 km (RGT 259) beside the
computed one. Elsewhere over land the laser is pointed beside the track on purpose, to fill the gaps between tracks:
beams lie up to 13.0 km from it there (RGT 150), of which 3.3 km is the distance of the outer beams from the middle.
The default tolerance of 20 km holds all of these. It is no bound: for a target of opportunity the laser may be
pointed 5 degrees off nadir, 45 km, and the first two cycles were not pointed at the reference tracks at all.

These functions narrow a search where a user asks for it. No catalog calls them, and nothing is left out because of
them unless their numbers are given as ``rgt``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .region.projection import metres_per_unit, project, unproject

if TYPE_CHECKING:
    from .region import Region, RegionMask

Floats = NDArray[np.float64]

#: Reference ground tracks: revolutions until the ground track closes.
TRACKS: Final = 1387
#: Turns of the Earth under the orbit's plane until the ground track closes; 90.82 days of 86,400 s.
TURNS: Final = 91
#: Degrees.
INCLINATION: Final = 92.0
#: Degrees of longitude from the ascending node of one track to that of the next, westward.
NODE_STEP: Final = 360.0 * TURNS / TRACKS
#: Ascending node of RGT 1, degrees east: mean of lan + (rgt - 1) * NODE_STEP over granules of RGT 150, 878 and 958
#: (orbit_info/lan); they differ by 0.0017 degrees, and CMR's crossings of RGT 335 and 841 by 0.0019 from the mean.
FIRST_NODE: Final = -0.12935
#: How far a granule may be from its track and still be found, km; see above.
TOLERANCE_KM: Final = 20.0

_MU: Final = 3.986004418e14  # m3/s2
_EARTH_RATE: Final = 7.292115e-5  # rad/s
_J2: Final = 1.08262668e-3
_J3: Final = -2.53265649e-6
# WGS 84
_MAJOR: Final = 6378137.0
_FLATTENING: Final = 1 / 298.257223563
# Least radius of curvature of the ellipsoid (along the meridian, at the equator): angles made with it are never too
# small for their kilometres.
_LEAST_RADIUS_KM: Final = 6335.4


@dataclass(frozen=True, slots=True)
class Orbit:
    """The reference orbit.

    Attributes
    ----------
    semi_major_axis
        Metres.
    eccentricity
        Of the frozen orbit, with its perigee over the northernmost latitude.
    revolution
        Seconds from ascending node to ascending node.
    node_drift
        Eastward turn of the orbit's plane, rad/s.
    """

    semi_major_axis: float
    eccentricity: float
    revolution: float
    node_drift: float


@lru_cache(maxsize=1)
def reference_orbit() -> Orbit:
    """Solve for the orbit whose ground track closes after 1,387 revolutions and 91 turns of the Earth.

    Secular rates under J2 (Kaula, Theory of Satellite Geodesy, 3.74) of a nearly circular orbit; the eccentricity is
    the frozen one, ``-J3 / (2 J2) * R / a * sin i``.

    Examples
    --------
    >>> orbit = reference_orbit()
    >>> round(orbit.semi_major_axis / 1000), round(orbit.revolution, 1), round(orbit.eccentricity, 4)
    (6856, 5657.4, 0.0011)
    """
    low, high = 6.7e6, 7.1e6
    for _ in range(60):
        middle = (low + high) / 2
        rate, drift = _rates(middle)
        if rate / (_EARTH_RATE - drift) > TRACKS / TURNS:
            low = middle
        else:
            high = middle
    rate, drift = _rates(low)
    eccentricity = -_J3 / (2 * _J2) * _MAJOR / low * np.sin(np.radians(INCLINATION))
    return Orbit(low, float(eccentricity), 2 * np.pi / rate, drift)


def _rates(semi_major_axis: float) -> tuple[float, float]:
    """Rates of the argument of latitude and of the node, rad/s."""
    motion = np.sqrt(_MU / semi_major_axis**3)
    oblate = 1.5 * _J2 * (_MAJOR / semi_major_axis) ** 2
    sin2 = np.sin(np.radians(INCLINATION)) ** 2
    anomaly_and_perigee = (1 - 1.5 * sin2) + (2 - 2.5 * sin2)
    drift = -motion * oblate * np.cos(np.radians(INCLINATION))
    return float(motion * (1 + oblate * anomaly_and_perigee)), float(drift)


def node_longitude(rgt: int) -> float:
    """Longitude at which a reference ground track starts, crossing the equator northward.

    Parameters
    ----------
    rgt
        1 to 1387.

    Returns
    -------
    Degrees, -180 to 180.

    Raises
    ------
    InputError
        When there is no such track.

    Examples
    --------
    >>> round(node_longitude(150), 2)
    80.59
    """
    if not 1 <= rgt <= TRACKS:
        raise InputError(f"rgt {rgt}: reference ground tracks are numbered 1 to {TRACKS}")
    return (FIRST_NODE - (rgt - 1) * NODE_STEP + 180.0) % 360.0 - 180.0


def ground_track(rgt: int, step_km: float = 5.0) -> tuple[Floats, Floats]:
    """One revolution of a reference ground track, from its ascending node to the next.

    Parameters
    ----------
    rgt
        1 to 1387.
    step_km
        Distance of its points, at most.

    Returns
    -------
    lon, lat
        float64 (N,), degrees on WGS 84: the points that the spacecraft is over, so that the latitude is geodetic.

    Raises
    ------
    InputError
        When there is no such track.

    Examples
    --------
    >>> lon, lat = ground_track(1)
    >>> round(float(lat.max()), 1), round(float(lon[-1] - lon[0]), 2)
    (88.0, -23.62)
    """
    node = node_longitude(rgt)
    east, lat = _shape(step_km)
    return (node + east + 180.0) % 360.0 - 180.0, lat


@lru_cache(maxsize=4)
def _shape(step_km: float) -> tuple[Floats, Floats]:
    """Degrees east of the ascending node, and latitude, over one revolution."""
    orbit = reference_orbit()
    # the ground runs at most 1/cos(2 deg) + Earth's rotation faster than the argument of latitude says: 1.1 is ample
    phase = np.linspace(0.0, 2 * np.pi, int(1.1 * 2 * np.pi * _MAJOR / 1000 / step_km) + 1)
    # perigee over the north: the spacecraft is ahead of its mean motion on the way up, behind on the way down
    u = phase + 2 * orbit.eccentricity * (1 - np.cos(phase))
    inclination = np.radians(INCLINATION)
    turned = (_EARTH_RATE - orbit.node_drift) * orbit.revolution * phase / (2 * np.pi)
    lon = np.arctan2(np.cos(inclination) * np.sin(u), np.cos(u)) - turned
    lat = np.arcsin(np.sin(inclination) * np.sin(u))
    radius = orbit.semi_major_axis * (1 - orbit.eccentricity * np.sin(u))
    return np.degrees(lon), _geodetic_latitude(radius * np.cos(lat), radius * np.sin(lat))


def _geodetic_latitude(flat: Floats, z: Floats) -> Floats:
    """Geodetic latitude in degrees of points above the ellipsoid, from their distance to the axis and z in metres."""
    squared = _FLATTENING * (2 - _FLATTENING)
    lat = np.arctan2(z, flat * (1 - squared))
    for _ in range(4):  # each step gains two digits at 500 km
        normal = _MAJOR / np.sqrt(1 - squared * np.sin(lat) ** 2)
        lat = np.arctan2(z + squared * normal * np.sin(lat), flat)
    return np.asarray(np.degrees(lat), dtype=np.float64)


def rgts_crossing(area: Region | RegionMask | tuple[float, float], tolerance_km: float = TOLERANCE_KM) -> list[int]:
    """Find the reference ground tracks that pass an area, to narrow a search by ``rgt``.

    Parameters
    ----------
    area
        A region, or one position (longitude, latitude) in degrees.
    tolerance_km
        How far a track may pass from the area; see the module for how far granules lie from their tracks. Every
        track that comes as near is found, and none that stays a fifth farther off.

    Returns
    -------
    Numbers of the tracks, ascending; none where ICESat-2 never comes, beyond 88 degrees.

    Raises
    ------
    InputError
        When the tolerance or the position is none.

    Examples
    --------
    >>> rgts_crossing((-108.05, 39.0), tolerance_km=5)
    [737, 1156]
    """
    if not 0 < tolerance_km <= 1000:
        raise InputError(f"tolerance_km is {tolerance_km}; more than 0 and at most 1000 km are possible")
    step = min(tolerance_km / 10, 5.0)
    nodes: Floats = (FIRST_NODE - np.arange(TRACKS, dtype=np.float64) * NODE_STEP) % 360.0
    order = np.argsort(nodes)
    lon, lat, whole = _outline(area, step, nodes)
    # nearest points of track and outline may lie half a step from the points that are compared
    starts, widths = _node_spans(lon, lat, tolerance_km + step, step)
    passed = np.zeros(TRACKS, dtype=np.bool_)
    passed[order] = _within_spans(float(nodes[order[0]]), starts, widths)
    return [int(track) + 1 for track in np.flatnonzero(passed | whole)]


def _outline(
    area: Region | RegionMask | tuple[float, float], step: float, nodes: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Points along the outline of an area, and which nodes lie in it.

    A track that passes through the area crosses its outline, unless all of the track lies in it, and its node too.
    """
    if isinstance(area, tuple):
        lon, lat = area
        if not (-180 <= lon <= 360 and -90 <= lat <= 90):
            raise InputError(f"({lon}, {lat}) is no position (longitude, latitude) in degrees")
        return np.array([float(lon)]), np.array([float(lat)]), np.zeros(TRACKS, dtype=np.bool_)
    region = area.region if hasattr(area, "region") else area
    rings = [_densified(ring, region.proj, step) for polygon in region.polygons() for ring in polygon]
    points = np.concatenate(rings)
    return points[:, 0], points[:, 1], region.contains((nodes + 180.0) % 360.0 - 180.0, np.zeros(TRACKS))


def _densified(ring: Floats, projection: str, step: float) -> Floats:
    """Longitude and latitude of points along a ring, not farther than ``step`` km from each other."""
    first = np.column_stack(project(projection, *ring.T))
    along = np.roll(first, -1, axis=0) - first
    metres = metres_per_unit(projection, np.zeros(1), np.zeros(1))[0]
    pieces = np.ceil(np.hypot(*along.T) * metres / 1000 / step).astype(np.int64) + 1
    edge = np.repeat(np.arange(len(ring)), pieces)
    part = (np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[edge]
    return np.column_stack(unproject(projection, *(first[edge] + part[:, None] * along[edge]).T))


def _node_spans(lon: Floats, lat: Floats, reach: float, step: float) -> tuple[Floats, Floats]:
    """Where the ascending node of a track lies if the track comes within ``reach`` km of any of the points.

    All tracks have one shape: each point of it that is near in latitude gives a span of nodes, start and width in
    degrees.
    """
    east, track = _shape(step)
    order = np.argsort(track)
    angle = reach / _LEAST_RADIUS_KM
    first = np.searchsorted(track[order], lat - np.degrees(angle))
    count = np.searchsorted(track[order], lat + np.degrees(angle)) - first
    point = np.repeat(np.arange(len(lat)), count)
    near = order[np.arange(len(point)) - np.repeat(np.cumsum(count) - count - first, count)]
    there, here = np.radians(lat[point]), np.radians(track[near])
    # haversine, solved for the difference of longitude
    square = np.sin(angle / 2) ** 2 - np.sin((there - here) / 2) ** 2
    square /= np.maximum(np.cos(there) * np.cos(here), 1e-12)
    half = np.degrees(2 * np.arcsin(np.sqrt(np.clip(square, 0, 1))))
    return lon[point] - half - east[near], 2 * half


def _within_spans(first_node: float, starts: Floats, widths: Floats) -> NDArray[np.bool_]:
    """Which of 1,387 evenly spaced nodes, counted eastward from one of them, lie in any span."""
    spacing = 360.0 / TRACKS
    begin = np.ceil((starts - first_node) / spacing).astype(np.int64)
    end = np.minimum(np.floor((starts + widths - first_node) / spacing).astype(np.int64), begin + TRACKS - 1) + 1
    filled = end > begin
    begin, end = begin[filled] % TRACKS, end[filled] - begin[filled] // TRACKS * TRACKS
    # spans may run on into a second turn
    change = np.bincount(begin, minlength=2 * TRACKS + 1) - np.bincount(end, minlength=2 * TRACKS + 1)
    covered = np.cumsum(change)[: 2 * TRACKS].reshape(2, TRACKS)
    return np.asarray((covered > 0).any(axis=0), dtype=np.bool_)
