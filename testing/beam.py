"""One beam of an ATL03 granule as arrays: every dataset of its groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import labels, layout
from .orbit import ACROSS, GROUND_SPEED, Track
from .photons import (
    BACKGROUND,
    ECHO,
    LIGHT,
    SHOTS_PER_COUNT,
    SHOTS_PER_FRAME,
    SHOTS_PER_SECOND,
    WINDOW,
    Floats,
    Integers,
    Photons,
    Segments,
    background_rate,
    draw,
    shot_distance,
)
from .scene import Scene, generator
from .terrain import Terrain

#: Values of the datasets of a group by name, and of groups by name.
Columns: TypeAlias = dict[str, NDArray[Any]]
Tables: TypeAlias = dict[str, Columns]

#: Start of ATLAS time.
EPOCH: Final = datetime(2018, 1, 1, tzinfo=UTC)

_COUNT_HEIGHT: Final = 750.0  # m over which the background is counted
_MARGIN: Final = 100  # 50-shot counts before and after the segments: the group is not clipped with them
_FIRST_FRAME: Final = 40_000_000
_ALTITUDE: Final = 496_000.0
_SUN: Final = {True: 24.0, False: -22.0}


@dataclass(frozen=True)
class Beam:
    """A simulated beam.

    Attributes
    ----------
    name
        ``gt1l`` to ``gt3r``.
    segments, photons
        What was drawn.
    first_photon
        Index of the first photon of each segment, with the total at the end.
    tables
        The datasets of the ATL03 groups.
    """

    name: str
    segments: Segments
    photons: Photons
    first_photon: Integers
    tables: Tables


def start_time(scene: Scene) -> float:
    """Seconds between the start of ATLAS time and the first shot (there was no leap second since)."""
    return (scene.time - EPOCH).total_seconds()


def simulate_beam(scene: Scene, granule: int, name: str, track: Track, terrain: Terrain) -> Beam:
    """Simulate one beam; nothing of it depends on which other beams or granules are simulated."""
    segments = Segments.of(scene, track.segments(scene.kilometres * 1000.0))
    random = generator(scene, granule, name)
    photons = draw(scene, name, segments, terrain, random)
    count = np.bincount(photons.segment, minlength=segments.id.size)
    first = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    heights = _heights(scene, name, segments, photons, track, terrain, random)
    reference = _reference(segments, photons, first)
    geolocation = _geolocation(scene, name, segments, heights, first, reference, track, terrain)
    tables = {
        "heights": heights,
        "geolocation": geolocation,
        "geophys_corr": _geophys_corr(name, segments, geolocation, terrain),
        "bckgrd_atlas": _bckgrd_atlas(scene, name, segments, photons, terrain, random),
    }
    return Beam(name, segments, photons, first, tables)


def _shot_time(scene: Scene, shot: NDArray[Any]) -> Floats:
    return start_time(scene) + shot / SHOTS_PER_SECOND


def _heights(
    scene: Scene,
    beam: str,
    segments: Segments,
    photons: Photons,
    track: Track,
    terrain: Terrain,
    random: np.random.Generator,
) -> Columns:
    along = photons.x - segments.distance[photons.segment]
    latitude, longitude = _locate(beam, segments, photons, along, track)
    first_of_shot = np.flatnonzero(np.diff(photons.shot, prepend=-1))
    shot_row = np.cumsum(np.diff(photons.shot, prepend=-1) > 0) - 1
    in_shot = np.arange(photons.shot.size) - first_of_shot[shot_row]
    # Strong beams have 16 receive channels, weak ones 4 (numbered behind them).
    first_channel, channels = (1, 16) if scene.strong(beam) else (77, 4)
    return {
        "delta_time": _shot_time(scene, photons.shot),
        "dist_ph_across": photons.across,
        "dist_ph_along": along,
        "h_ph": photons.height,
        "lat_ph": latitude,
        "lon_ph": longitude,
        "pce_mframe_cnt": _FIRST_FRAME + photons.shot // SHOTS_PER_FRAME,
        "ph_id_channel": first_channel + random.integers(0, channels, photons.shot.size, dtype=np.uint8),
        "ph_id_count": np.minimum(in_shot + 1, 255),
        "ph_id_pulse": photons.shot % SHOTS_PER_FRAME,
        "quality_ph": labels.quality(scene, photons, random),
        "signal_conf_ph": labels.confidence(scene, beam, photons, terrain),
        "weight_ph": labels.weight(scene, photons),
    }


def _locate(beam: str, segments: Segments, photons: Photons, along: Floats, track: Track) -> tuple[Floats, Floats]:
    """Latitude and longitude of photons: linear within a segment, which is exact to 1 mm below 88 degrees."""
    y = ACROSS[beam]
    start = track.ground(segments.distance, y)
    ahead = track.ground(segments.distance + segments.length, y)
    left = track.ground(segments.distance, y + 10.0)
    off = photons.across - y

    def line(here: Floats, there: Floats, beside: Floats) -> Floats:
        per_along = _turn(there - here) / segments.length
        per_across = _turn(beside - here) / 10.0
        row = photons.segment
        return here[row] + per_along[row] * along + per_across[row] * off

    latitude = line(start.latitude, ahead.latitude, left.latitude)
    return latitude, _turn(line(start.longitude, ahead.longitude, left.longitude))


def _turn(degrees: Floats) -> Floats:
    """Degrees brought into -180 to 180; small differences keep all their digits."""
    return degrees - 360.0 * np.round(degrees / 360.0)


def _reference(segments: Segments, photons: Photons, first: Integers) -> Integers:
    """Index of each segment's reference photon: the surface photon nearest its middle; -1 without photons."""
    reference = np.full(segments.id.size, -1, dtype=np.int64)
    if not photons.shot.size:
        return reference
    middle = (segments.distance + segments.length / 2)[photons.segment]
    merit = -np.abs(photons.x - middle) - 100.0 * ((photons.label == BACKGROUND) | (photons.label == ECHO))
    filled = np.flatnonzero(np.diff(first))
    best = np.maximum.reduceat(merit, first[filled])
    found = np.flatnonzero(merit == np.repeat(best, np.diff(first)[filled]))
    # Photons that tie for a segment: the first of them.
    rows, at = np.unique(photons.segment[found], return_index=True)
    reference[rows] = found[at]
    return reference


def _geolocation(
    scene: Scene,
    beam: str,
    segments: Segments,
    heights: Columns,
    first: Integers,
    reference: Integers,
    track: Track,
    terrain: Terrain,
) -> Columns:
    x = segments.distance
    size = x.size
    count = np.diff(first)
    filled = reference >= 0
    # Without photons the reference is the middle of the segment on the reference ground track.
    middle = track.ground(x + segments.length / 2, 0.0)
    latitude, longitude = middle.latitude.copy(), middle.longitude.copy()
    time = _shot_time(scene, (x - segments.origin + segments.length / 2) / GROUND_SPEED * SHOTS_PER_SECOND)
    for column, name in ((latitude, "lat_ph"), (longitude, "lon_ph"), (time, "delta_time")):
        column[filled] = heights[name][reference[filled]]
    azimuth = np.radians(track.azimuth(x))
    velocity = GROUND_SPEED * np.stack([np.sin(azimuth), np.cos(azimuth), np.full(size, -0.0015)], axis=1)
    surface = terrain.height(x, np.full(size, ACROSS[beam]))
    constants = {
        "bounce_time_offset": 0.00162,
        "full_sat_fract": 0.0,
        "knn": 12,
        "near_sat_fract": 0.0,
        "neutat_delay_derivative": -0.000224,
        "neutat_delay_total": 1.95,
        "pitch": -0.034,
        "podppd_flag": 0,
        "range_bias_corr": 3.94,
        "ref_elev": 1.55,
        "roll": -0.05,
        "sigma_across": 5.0,
        "sigma_along": 5.0,
        "sigma_h": 0.144,
        "sigma_lat": 6.3e-5,
        "tx_pulse_energy": 9.1e-5 if scene.strong(beam) else 2.3e-5,
        "tx_pulse_skew_est": 0.0,
        "tx_pulse_width_lower": 1.25e-9,
        "tx_pulse_width_upper": 4.0e-10,
        "solar_azimuth": 120.0,
        "yaw": 180.0 if scene.sc_orient == 0 else 0.0,
    }
    return {name: np.full(size, value) for name, value in constants.items()} | {
        "altitude_sc": _ALTITUDE + 0.001 * (x - segments.origin),
        "delta_time": time,
        "neutat_ht": surface,
        "ph_index_beg": np.where(count > 0, first[:-1] + 1, 0),
        "ref_azimuth": azimuth - np.pi / 2,
        "reference_photon_index": np.where(filled, reference - first[:-1] + 1, 0),
        "reference_photon_lat": latitude,
        "reference_photon_lon": longitude,
        "segment_dist_x": x,
        "segment_id": segments.id,
        "segment_length": segments.length,
        "segment_ph_cnt": count,
        "sigma_lon": 6.3e-5 / np.cos(np.radians(latitude)),
        "solar_elevation": _SUN[scene.day] + (x - segments.origin) * 1e-5,
        "surf_type": labels.surface_types(terrain, x),
        "velocity_sc": velocity,
    }


def _geophys_corr(beam: str, segments: Segments, geolocation: Columns, terrain: Terrain) -> Columns:
    x = segments.distance
    slow = (x - segments.origin) / 50_000.0
    surface = terrain.height(x + segments.length / 2, np.full(x.size, ACROSS[beam]))
    ocean = geolocation["surf_type"][:, 1] == 1
    constants = {
        "dem_flag": 3,
        "geoid_free2mean": -0.0405,
        "tide_earth_free2mean": -0.0192,
        "tide_load": -0.0050,
        "tide_oc_pole": 2.2e-5,
        "tide_pole": -0.00084,
    }
    return {name: np.full(x.size, value) for name, value in constants.items()} | {
        "dac": -0.042 - 0.001 * slow,
        "delta_time": geolocation["delta_time"],
        "dem_h": surface + 0.8 * np.sin(slow * 40.0),
        "geoid": 30.0 + 0.5 * slow,
        "tide_earth": 0.0098 + 0.001 * slow,
        # Ocean tides have no values on land.
        "tide_equilibrium": np.where(ocean, 0.012, layout.FILL_F4),
        "tide_ocean": np.where(ocean, 0.31 + 0.02 * slow, layout.FILL_F4),
    }


def _bckgrd_atlas(
    scene: Scene,
    beam: str,
    segments: Segments,
    photons: Photons,
    terrain: Terrain,
    random: np.random.Generator,
) -> Columns:
    """Background counts of every 50 shots, some before the first and after the last segment.

    The background photons of the file are among those counted; the rest of the counted height, which is not
    sent down, adds its own.
    """
    span = segments.stop - segments.origin
    rows = int(span / GROUND_SPEED * SHOTS_PER_SECOND) // SHOTS_PER_COUNT + 1 + 2 * _MARGIN
    first_shot = (np.arange(rows) - _MARGIN) * SHOTS_PER_COUNT
    row = photons.shot // SHOTS_PER_COUNT + _MARGIN
    sent = np.bincount(row[photons.label == BACKGROUND], minlength=rows)
    surface = np.bincount(row, minlength=rows) - sent
    # Shots in gaps and blanks sent nothing: their whole height is drawn here.
    shots_sent = np.bincount(photons.sent // SHOTS_PER_COUNT + _MARGIN, minlength=rows)
    x = shot_distance(first_shot, segments.origin)
    per_metre = background_rate(scene, beam, x, terrain.x_start) * 2 / LIGHT
    unseen = SHOTS_PER_COUNT * _COUNT_HEIGHT - shots_sent * WINDOW
    counts = sent + random.poisson(per_metre * unseen)
    middle = terrain.height(x, np.full(rows, ACROSS[beam]))
    return {
        "bckgrd_counts": counts + surface,
        "bckgrd_counts_reduced": counts,
        "bckgrd_hist_top": middle + _COUNT_HEIGHT / 2,
        "bckgrd_int_height": np.full(rows, _COUNT_HEIGHT),
        "bckgrd_int_height_reduced": np.full(rows, _COUNT_HEIGHT),
        "bckgrd_rate": counts / (SHOTS_PER_COUNT * _COUNT_HEIGHT * 2 / LIGHT),
        "delta_time": _shot_time(scene, first_shot),
        "pce_mframe_cnt": _FIRST_FRAME + first_shot // SHOTS_PER_FRAME,
        "tlm_height_band1": np.full(rows, WINDOW),
        "tlm_height_band2": np.zeros(rows),
        "tlm_top_band1": middle + WINDOW / 2,
        "tlm_top_band2": np.zeros(rows),
    }
