"""Terrain with known truth: ground and canopy as functions of the distance along and across the track."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .scene import Scene, generator

Floats: TypeAlias = NDArray[np.float64]

#: Mean photons per shot relative to snow: rough ice sends less back, water mirrors most of it away.
BRIGHTNESS: Final = {"flat": 1.0, "slope": 1.0, "rough": 0.9, "crevassed": 0.7, "canopy": 0.5, "water": 0.35}

_DEFAULT_HEIGHT: Final = 1500.0
_SEA_LEVEL: Final = 30.0  # of the ellipsoid: a common geoid height
_STRETCH: Final = 4000.0  # m, where kinds take turns
_TAPER: Final = 150.0  # m, over which the relief of a kind fades at the ends of its stretch
_GRADE: Final = {"rough": 0.3, "crevassed": 0.5}  # degrees; the kind "slope" has its own

_CELLS: Final = 4096  # crevasses and crowns repeat after so many cells
_CREVASSE_SPACING: Final = 80.0
_CROWN_SPACING: Final = 7.0


@dataclass(frozen=True)
class _Waves:
    """A sum of plane waves: amplitudes in m, wave numbers along and across in rad/m, phases."""

    amplitude: Floats
    along: Floats
    across: Floats
    phase: Floats

    @classmethod
    def draw(cls, random: np.random.Generator, wavelengths: Floats, amplitude: Floats) -> _Waves:
        heading = random.uniform(-0.7, 0.7, wavelengths.size)
        number = 2 * np.pi / wavelengths
        phase = random.uniform(0, 2 * np.pi, wavelengths.size)
        return cls(amplitude, number * np.cos(heading), number * np.sin(heading), phase)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        total = np.zeros(x.shape)
        for amplitude, along, across, phase in zip(self.amplitude, self.along, self.across, self.phase, strict=True):
            total += amplitude * np.sin(along * x + across * y + phase)
        return total


class Terrain:
    """The ground of one granule, the same for all its beams.

    Parameters
    ----------
    scene
        Kinds, slope, height, length and seed are taken from it.
    granule
        Number of the granule among those simulated together.
    x_start
        Along-track distance at which the track begins, m.

    Notes
    -----
    Kinds follow each other in stretches of 4 km. Each contributes a grade, which makes one broken line of the
    whole track, and a relief on top of it, which fades towards the ends of its stretch: the ground has no jumps.
    """

    def __init__(self, scene: Scene, granule: int, x_start: float) -> None:
        self.x_start = x_start
        self.kinds = scene.kinds
        length = scene.kilometres * 1000.0
        count = max(round(length / _STRETCH), len(self.kinds)) if len(self.kinds) > 1 else 1
        #: Kind of each stretch, and where stretches begin and end, m from the start.
        self.stretches = tuple(self.kinds[i % len(self.kinds)] for i in range(count))
        self.edges = np.linspace(0.0, length, count + 1)
        grades = np.tan(np.radians([{**_GRADE, "slope": scene.slope}.get(kind, 0.0) for kind in self.stretches]))
        base = scene.height if scene.height is not None else _default_height(self.kinds)
        # The first and the last grade go on beyond the track's ends, where footprints and windows reach.
        beyond = np.concatenate(([-1e5], self.edges[1:-1], [length + 1e5]))
        rise = np.concatenate(([0.0], np.cumsum(np.diff(beyond) * grades)))
        self._grade = (beyond, rise + base - float(np.interp(0.0, beyond, rise)))
        random = generator(scene, granule, "terrain")
        self._rough = _waves(random, 60.0, 6000.0, 14, 10.0, 0.85)
        self._firn = _waves(random, 400.0, 5000.0, 6, 15.0, 1.0)
        self._swell = _waves(random, 40.0, 150.0, 5, 0.08, 1.0)
        self._stands = _waves(random, 50.0, 900.0, 8, 1.0, 0.15)
        self._crevasses = random.uniform([15.0, 3.0, 4.0], [65.0, 9.0, 20.0], (_CELLS, 3))  # place, half width, depth
        self._crowns = random.uniform(0.75, 1.0, _CELLS)

    def height(self, x: Floats, y: Floats) -> Floats:
        """Height of the ground (of the water, of the bottom of a crevasse) over the ellipsoid.

        Parameters
        ----------
        x, y
            Distance along the track, as ``segment_dist_x + dist_ph_along``, and across it, m.
        """
        local = x - self.x_start
        height = np.interp(local, *self._grade)
        reliefs: dict[str, Callable[[Floats, Floats], Floats]] = {
            "rough": self._rough,
            "crevassed": self._crevassed,
            "canopy": self._firn,
            "water": self._swell,
        }
        for i, kind in enumerate(self.stretches):
            if kind in reliefs:
                inside = self._inside(i, local)
                here = local[inside]
                height[inside] += self._fade(i, here) * reliefs[kind](here, y[inside])
        return height

    def canopy(self, x: Floats, y: Floats) -> Floats:
        """Height of the canopy's top over the ground, m; 0 where nothing grows."""
        local = x - self.x_start
        top = np.zeros(x.shape)
        for i, kind in enumerate(self.stretches):
            if kind == "canopy":
                inside = self._inside(i, local)
                here = local[inside]
                stand = np.clip(14.0 + 5.0 * self._stands(here, y[inside]), 0.0, 30.0)
                crown = self._crowns[np.floor(here / _CROWN_SPACING).astype(np.int64) % _CELLS]
                top[inside] = self._fade(i, here) * np.where(stand > 2.0, stand * crown, 0.0)
        return top

    def slope(self, x: Floats, y: Floats) -> Floats:
        """Slope of the ground along the track, m/m."""
        half = 0.01
        return (self.height(x + half, y) - self.height(x - half, y)) / (2 * half)

    def kind(self, x: Floats) -> NDArray[np.int64]:
        """Give the number of the stretch at each distance: an index into ``stretches``."""
        stretch = np.searchsorted(self.edges[1:-1], x - self.x_start, side="right")
        return stretch.astype(np.int64)

    def per_stretch(self, table: dict[str, float], x: Floats) -> Floats:
        """Value of each point's kind in a table of kinds."""
        return np.array([table[kind] for kind in self.stretches])[self.kind(x)]

    def _inside(self, i: int, local: Floats) -> NDArray[np.bool_]:
        first = -np.inf if i == 0 else self.edges[i]
        last = np.inf if i == len(self.stretches) - 1 else self.edges[i + 1]
        return (local >= first) & (local < last)

    def _fade(self, i: int, local: Floats) -> Floats:
        """1 inside a stretch, falling smoothly to 0 at its borders with others."""
        room = np.full(local.shape, _TAPER)
        if i > 0:
            room = np.minimum(room, local - self.edges[i])
        if i < len(self.stretches) - 1:
            room = np.minimum(room, self.edges[i + 1] - local)
        t: Floats = np.clip(room / _TAPER, 0.0, 1.0)
        return t * t * (3.0 - 2.0 * t)

    def _crevassed(self, x: Floats, y: Floats) -> Floats:
        """Wide swells cut by V-shaped crevasses that cross the track aslant, one in each cell of 80 m."""
        across = x + 0.35 * y
        cell = np.floor(across / _CREVASSE_SPACING)
        place, half_width, depth = self._crevasses[cell.astype(np.int64) % _CELLS].T
        distance = np.abs(across - cell * _CREVASSE_SPACING - place)
        cut: Floats = depth * np.maximum(0.0, 1.0 - distance / half_width)
        return self._firn(x, y) - cut


def _waves(
    random: np.random.Generator, shortest: float, longest: float, count: int, highest: float, power: float
) -> _Waves:
    """Waves from the shortest to the longest wavelength; their amplitudes grow as a power of it."""
    wavelengths = np.geomspace(shortest, longest, count)
    return _Waves.draw(random, wavelengths, highest * (wavelengths / longest) ** power)


def _default_height(kinds: tuple[str, ...]) -> float:
    return _SEA_LEVEL if set(kinds) == {"water"} else _DEFAULT_HEIGHT
