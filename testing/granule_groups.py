"""What a granule says of itself as a whole: root attributes, ancillary_data, orbit_info, quality_assessment."""

from __future__ import annotations

import math
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..pipeline.times import SDP_EPOCH_GPS
from . import layout
from .beam import EPOCH, Columns, start_time
from .orbit import GROUND_SPEED, Track, segment_distance
from .scene import Scene
from .writing import GranuleWriter

_GPS_WEEK: Final = 604800.0
_LEVELS: Final = {"ATL03": "L2", "ATL08": "L3A"}


def write_granule_groups(writer: GranuleWriter, product: str, scene: Scene, track: Track) -> None:
    """Write the groups that all beams of a granule share, and its root attributes."""
    name = scene.name(product)
    start, end = scene.time, _end(scene, track)
    # Made of the name and the seed, not of the clock: equal arguments give equal files.
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"nunatak:{name}:{scene.seed}"))
    writer.attributes(
        "/",
        {
            "Conventions": "CF-1.6",
            "date_created": _utc(end),
            "date_type": "UTC",
            "description": f"Simulated {product} granule with known truth",
            "featureType": "trajectory",
            "granule_type": product,
            "history": f"{_utc(end)};{identity};Created by nunatak simulate",
            "identifier_file_uuid": identity,
            "identifier_product_type": product,
            "institution": "none: simulated",
            "level": _LEVELS[product],
            "platform": "simulation of ICESat-2 > Ice, Cloud, and land Elevation Satellite-2",
            "short_name": product,
            "source": "Simulation",
            "time_coverage_duration": (end - start).total_seconds(),
            "time_coverage_end": _utc(end),
            "time_coverage_start": _utc(start),
            "time_type": "CCSDS UTC-A",
            "title": f"Simulated {product}",
        },
    )
    writer.attributes(
        "METADATA/DatasetIdentification",
        {
            "VersionID": scene.release,
            "creationDate": _utc(end),
            "fileName": str(name),
            "shortName": product,
            "uuid": identity,
        },
    )
    columns = {
        "ancillary_data": _ancillary_data(scene, track, start, end),
        "orbit_info": _orbit_info(scene, track),
        "quality_assessment": {
            "qa_granule_fail_reason": np.array([0]),
            "qa_granule_pass_fail": np.array([0]),
        },
    }
    for group, fields in layout.GRANULE_GROUPS.items():
        writer.group(group, fields, columns[group])


def _ancillary_data(scene: Scene, track: Track, start: datetime, end: datetime) -> Columns:
    segments = track.segments(scene.kilometres * 1000.0)
    region = scene.name().region
    values: dict[str, str | float] = {
        "atlas_sdp_gps_epoch": float(SDP_EPOCH_GPS),
        "control": "nunatak simulate",
        "release": scene.release,
        "version": scene.revision,
    }
    for side, time, segment in (("start", start, segments[0]), ("end", end, segments[-1])):
        seconds = (time - EPOCH).total_seconds()
        week, of_week = divmod(seconds + SDP_EPOCH_GPS, _GPS_WEEK)
        values |= {
            f"data_{side}_utc": _utc(time),
            f"granule_{side}_utc": _utc(time),
            f"{side}_cycle": scene.cycle,
            f"{side}_delta_time": seconds,
            f"{side}_geoseg": int(segment),
            f"{side}_gpssow": of_week,
            f"{side}_gpsweek": week,
            f"{side}_orbit": _orbit_number(scene),
            f"{side}_region": region,
            f"{side}_rgt": scene.rgt,
        }
    return {name: _one(value) for name, value in values.items()}


def _orbit_info(scene: Scene, track: Track) -> Columns:
    travelled = float(segment_distance(track.segments(1000.0)[:1])[0]) / GROUND_SPEED
    values = {
        "crossing_time": start_time(scene) - travelled,
        "cycle_number": scene.cycle,
        "lan": track.node_longitude,
        "orbit_number": _orbit_number(scene),
        "rgt": scene.rgt,
        "sc_orient": scene.sc_orient,
        "sc_orient_time": start_time(scene) - 20 * 86400.0,
    }
    return {name: _one(value) for name, value in values.items()}


def _end(scene: Scene, track: Track) -> datetime:
    """Time at which the last segment ends, rounded up to the microseconds of a date."""
    segments = track.segments(scene.kilometres * 1000.0)
    first, stop = segment_distance(segments[[0, -1]] + np.array([0, 1]))
    return scene.time + timedelta(microseconds=math.ceil((stop - first) / GROUND_SPEED * 1e6))


def _one(value: str | float) -> NDArray[Any]:
    return np.array([value.encode() if isinstance(value, str) else value])


def _orbit_number(scene: Scene) -> int:
    """Orbits since launch: cycle 1 began with orbit 202 (granules of cycles 15 and 20 agree)."""
    return (scene.cycle - 1) * 1387 + scene.rgt + 201


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"
