"""The ATL08 companion of a simulated beam: classes of its photons and 100 m land segments, from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import labels, layout
from .beam import Beam, Columns, Tables
from .orbit import ACROSS, GROUND_SPEED
from .photons import CANOPY, CANOPY_TOP, ECHO, GROUND, SHOTS_PER_SECOND, Floats, Integers
from .scene import Scene
from .terrain import Terrain

_PER_LAND_SEGMENT: Final = 5  # ATL03 segments; land segments begin at ids 1, 6, 11, ...
_PERCENTILES: Final = np.arange(10, 96, 5) / 100.0
_ICE: Final = (70, 3, 0)
#: Copernicus land cover, snow cover (0 water, 1 snow-free, 2 snow, 3 ice) and water mask of each kind.
_COVER: Final = {
    "flat": _ICE,
    "slope": _ICE,
    "rough": _ICE,
    "crevassed": _ICE,
    "canopy": (111, 1, 0),
    "water": (80, 0, 1),
}


@dataclass(frozen=True)
class _Ranked:
    """Values sorted within groups, for order statistics of every group."""

    values: Floats
    count: Integers
    first: Integers

    @classmethod
    def of(cls, group: Integers, values: Floats, groups: int) -> _Ranked:
        count = np.bincount(group, minlength=groups)
        order = np.lexsort((values, group))
        return cls(values[order], count, np.cumsum(count) - count)

    def quantile(self, share: float) -> Floats:
        """Value below which this share of a group lies; the fill value in groups without members."""
        filled = self.count > 0
        result = np.full(self.count.shape, layout.FILL_F4)
        result[filled] = self.values[(self.first + np.rint(share * (self.count - 1)).astype(np.int64))[filled]]
        return result

    def mean(self) -> Floats:
        return self._per_member(self.values)

    def deviation(self) -> Floats:
        filled = self.count > 0
        away = self.values - np.repeat(self.mean(), self.count)
        return np.where(filled, np.sqrt(self._per_member(away**2)), layout.FILL_F4)

    def _per_member(self, values: Floats) -> Floats:
        group = np.repeat(np.arange(self.count.size), self.count)
        total = np.bincount(group, values, minlength=self.count.size)
        return np.where(self.count > 0, total / np.maximum(self.count, 1), layout.FILL_F4)


def land_tables(scene: Scene, beam: Beam, terrain: Terrain) -> Tables:
    """Build the datasets of the ATL08 groups of a beam; none where the beam sees no land.

    Classes are the truth: 1 ground, 2 canopy, 3 top of canopy for photons that came from there, 0 for background
    that lies so near the surface that it was taken for signal. Photons farther away are not listed, as in the
    product.
    """
    photons = beam.photons
    land = labels.surface_types(terrain, photons.x)[:, 0] == 1
    surface = (photons.label != ECHO) & (photons.label != 0)
    near = labels.above_surface(photons) <= labels.surface_width(photons)
    listed = np.flatnonzero(land & (surface | (near & (photons.label != ECHO))))
    if not listed.size:
        return {}
    segment = photons.segment[listed]
    signal_photons = {
        "classed_pc_flag": photons.label[listed],
        "classed_pc_indx": listed - beam.first_photon[segment] + 1,
        "d_flag": surface[listed],
        "delta_time": beam.tables["heights"]["delta_time"][listed],
        "ph_h": (photons.height - photons.ground)[listed],
        "ph_segment_id": beam.segments.id[segment],
    }
    number = (beam.segments.id[segment] - 1) // _PER_LAND_SEGMENT
    numbers, group = np.unique(number, return_inverse=True)
    return {
        "signal_photons": signal_photons,
        "land_segments": _land_segments(scene, beam, terrain, listed, numbers, group),
        "land_segments/terrain": _terrain(beam, terrain, listed, numbers, group),
        "land_segments/canopy": _canopy(beam, listed, group, numbers.size),
    }


def _middle(group: Integers, groups: int) -> tuple[Integers, Integers]:
    """Position of the first and of the middle member of every group."""
    count = np.bincount(group, minlength=groups)
    first = np.cumsum(count) - count
    return first, first + count // 2


def _land_segments(
    scene: Scene, beam: Beam, terrain: Terrain, listed: Integers, numbers: Integers, group: Integers
) -> Columns:
    heights, geolocation = beam.tables["heights"], beam.tables["geolocation"]
    size = numbers.size
    first, middle = _middle(group, size)
    last = np.append(first[1:], listed.size) - 1
    centre = listed[middle]
    row = beam.photons.segment[centre]
    kind = terrain.kind(beam.photons.x[centre])
    cover = np.array([_COVER[name] for name in terrain.stretches])[kind]
    dem = beam.tables["geophys_corr"]["dem_h"][row]
    ground = _ground(beam, listed, group, size)
    shots = 100.0 / GROUND_SPEED * SHOTS_PER_SECOND
    constants = {
        "atlas_pa": 0.006,
        "cloud_flag_atm": 0,
        "last_seg_extend": 0.0,
        "msw_flag": 0,
        "night_flag": int(not scene.day),
        "rgt": scene.rgt,
        "sigma_h": 0.144,
        "terrain_flg": 1,
        "urban_flag": 0,
    }
    photons_per_shot = np.bincount(group, beam.tables["heights"]["quality_ph"][listed] == 0, minlength=size) / shots
    noise = np.bincount(group, beam.photons.label[listed] == 0, minlength=size)
    return {name: np.full(size, value) for name, value in constants.items()} | {
        "asr": 0.9 * beam.photons.rate[centre] / max(scene.signal * (1.0 if scene.strong(beam.name) else 0.25), 1e-9),
        "beam_azimuth": geolocation["ref_azimuth"][row],
        "beam_coelev": geolocation["ref_elev"][row],
        "delta_time": heights["delta_time"][centre],
        "delta_time_beg": heights["delta_time"][listed[first]],
        "delta_time_end": heights["delta_time"][listed[last]],
        "dem_h": dem,
        "h_dif_ref": np.where(ground.count > 0, ground.quantile(0.5) - dem, layout.FILL_F4),
        "latitude": heights["lat_ph"][centre],
        "longitude": heights["lon_ph"][centre],
        "n_seg_ph": np.bincount(group, minlength=size),
        "ph_ndx_beg": first + 1,
        "segment_id_beg": numbers * _PER_LAND_SEGMENT + 1,
        "segment_id_end": (numbers + 1) * _PER_LAND_SEGMENT,
        "segment_landcover": cover[:, 0],
        "segment_snowcover": cover[:, 1],
        "segment_watermask": cover[:, 2],
        "snr": photons_per_shot * shots / np.maximum(noise, 1),
        "solar_azimuth": geolocation["solar_azimuth"][row],
        "solar_elevation": geolocation["solar_elevation"][row],
    }


def _ground(beam: Beam, listed: Integers, group: Integers, size: int) -> _Ranked:
    ground = beam.photons.label[listed] == GROUND
    return _Ranked.of(group[ground], beam.photons.height[listed][ground], size)


def _terrain(beam: Beam, terrain: Terrain, listed: Integers, numbers: Integers, group: Integers) -> Columns:
    size = numbers.size
    ground = _ground(beam, listed, group, size)
    x = beam.photons.x[listed[_middle(group, size)[1]]]
    y = np.full(size, ACROSS[beam.name])
    filled = ground.count > 0
    return {
        "h_te_best_fit": np.where(filled, terrain.height(x, y), layout.FILL_F4),
        "h_te_max": ground.quantile(1.0),
        "h_te_mean": ground.mean(),
        "h_te_median": ground.quantile(0.5),
        "h_te_min": ground.quantile(0.0),
        "h_te_std": ground.deviation(),
        "n_te_photons": ground.count,
        "terrain_slope": np.where(filled, terrain.slope(x, y), layout.FILL_F4),
    }


def _canopy(beam: Beam, listed: Integers, group: Integers, size: int) -> Columns:
    photons = beam.photons
    label = photons.label[listed]
    tree = (label == CANOPY) | (label == CANOPY_TOP)
    over_ground = (photons.height - photons.ground)[listed][tree]
    relative = _Ranked.of(group[tree], over_ground, size)
    absolute = _Ranked.of(group[tree], photons.height[listed][tree], size)
    metrics: NDArray[Any] = np.stack([relative.quantile(share) for share in _PERCENTILES], axis=1)
    return {
        "canopy_h_metrics": metrics,
        "canopy_openness": relative.deviation(),
        "h_canopy": relative.quantile(0.98),
        "h_canopy_abs": absolute.quantile(0.98),
        "h_max_canopy": relative.quantile(1.0),
        "h_mean_canopy": relative.mean(),
        "h_median_canopy": relative.quantile(0.5),
        "h_min_canopy": relative.quantile(0.0),
        "n_ca_photons": np.bincount(group[label == CANOPY], minlength=size),
        "n_toc_photons": np.bincount(group[label == CANOPY_TOP], minlength=size),
    }
