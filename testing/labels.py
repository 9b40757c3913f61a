"""What ATL03 says about each photon: signal confidence, quality and weight."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .photons import ECHO, LIGHT, WINDOW, Floats, Photons, background_rate
from .scene import Scene
from .terrain import Terrain

#: Surface types of each kind of terrain, in the order land, ocean, sea ice, land ice, inland water.
_ICE: Final = (1, 0, 0, 1, 0)
_SURFACES: Final = {
    "flat": _ICE,
    "slope": _ICE,
    "rough": _ICE,
    "crevassed": _ICE,
    "canopy": (1, 0, 0, 0, 0),
    "water": (0, 1, 0, 0, 1),
}
_LAKE_ON_ICE: Final = (1, 0, 0, 1, 1)

# Signal to noise ratios of medium and of high confidence (ATL03 ATBD, Section 5: snrlow, snrmed).
_MEDIUM_SNR: Final = 20.0
_HIGH_SNR: Final = 100.0
_BUFFER: Final = 10.0  # m beside the surface that are taken along as a buffer

_QUALITY_ECHO: Final = 3
_QUALITY_PART_SATURATED: Final = 10  # release 007 tells partly saturated shots apart
_PART_SATURATED: Final = 0.002  # of all shots


def surface_types(terrain: Terrain, x: Floats) -> NDArray[np.int8]:
    """Give the flags (n, 5) of the surface types at each distance; water among ice is a lake on the ice."""
    table = dict(_SURFACES)
    if any(_SURFACES[kind] == _ICE for kind in terrain.kinds):
        table["water"] = _LAKE_ON_ICE
    return np.array([table[kind] for kind in terrain.stretches], dtype=np.int8)[terrain.kind(x)]


def above_surface(photons: Photons) -> Floats:
    """Distance of each photon from the surface, m; 0 between the ground and the canopy's top."""
    over = photons.height - photons.ground
    return np.maximum(np.maximum(-over, over - photons.canopy), 0.0)


def surface_width(photons: Photons) -> Floats:
    """How far from the surface a photon counts as signal, m."""
    return np.maximum(1.0, 3.0 * photons.spread)


def confidence(scene: Scene, beam: str, photons: Photons, terrain: Terrain) -> NDArray[np.int8]:
    """Rate signal confidence (n, 5): by distance from the surface and by how far signal exceeds background.

    As in real granules a background photon near the surface passes for signal, the confidence is -1 where a
    photon has no business with a surface type, and -2 for transmitter echoes.
    """
    distance, width = above_surface(photons), surface_width(photons)
    noise = background_rate(scene, beam, photons.x, terrain.x_start) * (2 * width + photons.canopy) * 2 / LIGHT
    ratio = photons.rate / np.maximum(noise, 1e-9)
    best = np.select([ratio >= _HIGH_SNR, ratio >= _MEDIUM_SNR], [4, 3], 2)
    value = np.select(
        [distance <= width, distance <= 1.5 * width, distance <= 2 * width, distance <= _BUFFER + width],
        [best, np.maximum(best - 1, 2), np.full(best.shape, 2), np.full(best.shape, 1)],
        0,
    ).astype(np.int8)
    table = np.where(surface_types(terrain, photons.x) == 1, value[:, None], np.int8(-1)).astype(np.int8)
    table[photons.label == ECHO] = -2
    return table


def quality(scene: Scene, photons: Photons, random: np.random.Generator) -> NDArray[np.int8]:
    """Rate the quality of photons: nominal but for echoes and, in release 007, shots that saturate the detector."""
    flags = np.zeros(photons.shot.size, dtype=np.int8)
    if scene.release == "007" and photons.shot.size:
        saturated = random.random(int(photons.shot[-1]) + 1) < _PART_SATURATED
        flags[saturated[photons.shot]] = _QUALITY_PART_SATURATED
    flags[photons.label == ECHO] = _QUALITY_ECHO
    return flags


def weight(scene: Scene, photons: Photons) -> NDArray[Any]:
    """Weigh each photon by its neighbours: those within the segment and 3 m of height.

    It stands for the YAPC weight of the product (0 to 255, from release 007 to 65535) in what it tells apart, not
    in its numbers.
    """
    dtype, scale = (np.uint16, 65535) if scene.release == "007" else (np.uint8, 255)
    if not photons.shot.size:
        return np.zeros(0, dtype)
    bins = int(WINDOW) + 2
    level = np.clip(photons.height - photons.window + WINDOW / 2, 0, bins - 3).astype(np.int64) + 1
    cell = photons.segment * bins + level
    counts = np.bincount(cell, minlength=(int(photons.segment[-1]) + 1) * bins)
    near = counts + np.roll(counts, 1) + np.roll(counts, -1)
    peak = near.reshape(-1, bins).max(axis=1)[photons.segment]
    share = (near[cell] - 1) / np.maximum(peak - 1, 20)
    weights: NDArray[Any] = (scale * share).astype(dtype)
    return weights
