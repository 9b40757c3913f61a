"""The photons of one beam: surface, canopy, background and transmitter echo, shot by shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..pipeline.errors import InputError
from ..pipeline.granule import spot_of
from .orbit import ACROSS, GROUND_SPEED, segment_distance
from .scene import Scene, Stretch
from .terrain import BRIGHTNESS, Terrain

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

LIGHT: Final = 299792458.0
#: Laser shots a second, and what the background is counted over.
SHOTS_PER_SECOND: Final = 10_000
SHOTS_PER_COUNT: Final = 50
SHOTS_PER_FRAME: Final = 200

#: Scatter of a photon over a flat surface (0.68 ns of pulse) and of the spot's light over the ground, m
#: (ATL06 ATBD, expected return-time dispersion; the same values as in the ATL06-SR fit).
SIGMA_PULSE: Final = LIGHT / 2 * 0.68e-9
SIGMA_FOOTPRINT: Final = 4.25

#: Heights that are sent down, m: the window follows the terrain from frame to frame.
WINDOW: Final = 120.0

#: What a photon is.
BACKGROUND: Final = 0
GROUND: Final = 1
CANOPY: Final = 2
CANOPY_TOP: Final = 3
ECHO: Final = 4

# A photon's place on the ground moves with its height, because the beam is not quite vertical: m/m (a granule of
# release 006 shows 1.3 m over 480 m along the track). Hence photons are not in along-track order in a file.
_TILT_ALONG: Final = 0.0028
_TILT_ACROSS: Final = 0.006

_WEAK: Final = 0.25
_GROUND_SHARE: Final = 0.35  # of the photons under trees
_TOP_SHARE: Final = 0.2
_ECHO_HEIGHT: Final = 25.0  # m over the middle of the window
_ECHO_SIGMA: Final = 0.4


@dataclass(frozen=True)
class Segments:
    """The geolocation segments of a beam, those in gaps left out.

    Attributes
    ----------
    id, distance, length
        Segment ids, the along-track distance of their starts and their lengths, m.
    blank
        Segments that hold no photons.
    origin, stop
        Distance at which the track starts and ends, gaps or not, m.
    """

    id: Integers
    distance: Floats
    length: Floats
    blank: NDArray[np.bool_]
    origin: float
    stop: float

    @classmethod
    def of(cls, scene: Scene, ids: Integers) -> Segments:
        """Lay out the segments of a scene from the ids of an unbroken track.

        Raises
        ------
        InputError
            When gaps take all of them.
        """
        distance = segment_distance(ids)
        middle = distance - distance[0] + 10.0
        kept = ~_within(middle, scene.gaps)
        if not kept.any():
            raise InputError(f"gaps {scene.gaps} leave nothing of a track of {scene.kilometres:g} km")
        ends = segment_distance(ids + 1)
        blank = _within(middle, scene.blanks)[kept]
        return cls(ids[kept], distance[kept], (ends - distance)[kept], blank, float(distance[0]), float(ends[-1]))


@dataclass(frozen=True)
class Photons:
    """Photons of one beam in file order.

    Attributes
    ----------
    sent
        Numbers of the laser shots whose window is in the file, counted from the start of the track.
    shot
        Number of each photon's shot.
    segment
        Row of the segment in `Segments`.
    x, across, height
        Distance along and across the track and height over the ellipsoid, m.
    label
        What the photon is: BACKGROUND, GROUND, CANOPY, CANOPY_TOP or ECHO.
    ground, canopy, spread
        True height of the ground at the shot, height of the canopy over it and scatter of surface photons, m.
    rate
        Expected surface photons per shot.
    window
        Middle of the telemetry window, m.
    """

    sent: Integers
    shot: Integers
    segment: Integers
    x: Floats
    across: Floats
    height: Floats
    label: NDArray[np.int8]
    ground: Floats
    canopy: Floats
    spread: Floats
    rate: Floats
    window: Floats


def shot_distance(shot: Integers, first: float) -> Floats:
    """Along-track distance of shots, m; ``first`` is that of shot 0."""
    return first + shot.astype(np.float64) * (GROUND_SPEED / SHOTS_PER_SECOND)


def background_rate(scene: Scene, beam: str, x: Floats, x_start: float) -> Floats:
    """Give the true background count rate of a beam, Hz: it drifts by a tenth over some kilometres."""
    strength = 1.0 if scene.strong(beam) else _WEAK
    return scene.background_rate * strength * (1.0 + 0.1 * np.sin((x - x_start) / 3000.0))


def draw(scene: Scene, beam: str, segments: Segments, terrain: Terrain, random: np.random.Generator) -> Photons:
    """Draw all photons of a beam.

    The numbers of surface, background and echo photons of a shot are independent Poisson numbers. They are drawn
    as one number and then told apart at random, which is the same and leaves the kinds mixed within a shot, as in
    real files. There is no dead time, hence no first-photon bias: heights are unbiased.
    """
    shots, x, segment = _shots(segments)
    y = np.full(x.shape, ACROSS[beam])
    surface_rate, noise_rate, echo_rate = _rates(scene, beam, terrain, x)
    total = surface_rate + noise_rate + echo_rate
    row = np.repeat(np.arange(shots.size), random.poisson(total))
    pick = random.random(row.size) * total[row]
    surface = pick < surface_rate[row]
    echo = ~surface & (pick >= (surface_rate + noise_rate)[row])
    label = np.where(echo, ECHO, BACKGROUND).astype(np.int8)

    window = _window(shots, x, y, terrain)
    ground = terrain.height(x, y)
    canopy = terrain.canopy(x, y)
    lit = row[surface]
    label[surface], over_ground = _returns(canopy[lit], random)
    height = window[row] + WINDOW * (random.random(row.size) - 0.5)
    height[echo] = window[row][echo] + random.normal(_ECHO_HEIGHT, _ECHO_SIGMA, int(echo.sum()))
    # The photon's place first, from the height that is expected there, then the true height of that very place:
    # so the tilt of the beam moves photons without making their heights wrong.
    height[surface] = ground[lit] + over_ground
    tilt = height - window[row]
    along = x[row] + _TILT_ALONG * tilt
    across = y[row] + _TILT_ACROSS * tilt
    foot = random.normal(0.0, SIGMA_FOOTPRINT, (2, lit.size))
    reached = terrain.height(along[surface] + foot[0], across[surface] + foot[1])
    height[surface] = reached + over_ground + random.normal(0.0, SIGMA_PULSE, lit.size)
    return Photons(
        sent=shots,
        shot=shots[row],
        segment=segment[row],
        x=along,
        across=across,
        height=height,
        label=label,
        ground=ground[row],
        canopy=canopy[row],
        spread=np.hypot(SIGMA_PULSE, SIGMA_FOOTPRINT * terrain.slope(x, y))[row],
        rate=surface_rate[row],
        window=window[row],
    )


def _shots(segments: Segments) -> tuple[Integers, Floats, Integers]:
    """Shots whose photons are in the file: their numbers, their distances and their segments."""
    count = int((segments.stop - segments.origin) / GROUND_SPEED * SHOTS_PER_SECOND)
    shots = np.arange(count, dtype=np.int64)
    x = shot_distance(shots, segments.origin)
    segment = np.maximum(np.searchsorted(segments.distance, x, side="right") - 1, 0)
    start = segments.distance[segment]
    sent = (x >= start) & (x < start + segments.length[segment]) & ~segments.blank[segment]
    return shots[sent], x[sent], segment[sent]


def _rates(scene: Scene, beam: str, terrain: Terrain, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean photons per shot from the surface, the background and the transmitter echo path."""
    strength = 1.0 if scene.strong(beam) else _WEAK
    surface = scene.signal * strength * terrain.per_stretch(BRIGHTNESS, x)
    noise = background_rate(scene, beam, x, terrain.x_start) * WINDOW * 2 / LIGHT
    echo = scene.tep if spot_of(beam, scene.sc_orient) in {1, 3} else 0.0
    return surface, noise, np.full(x.shape, echo)


def _window(shots: Integers, x: Floats, y: Floats, terrain: Terrain) -> Floats:
    """Middle of the telemetry window: the terrain halfway through each major frame of 200 shots."""
    frame = shots // SHOTS_PER_FRAME
    frames, first, back = np.unique(frame, return_index=True, return_inverse=True)
    halfway = (frames * SHOTS_PER_FRAME + SHOTS_PER_FRAME // 2 - shots[first]) * (GROUND_SPEED / SHOTS_PER_SECOND)
    middle: Floats = terrain.height(x[first] + halfway, y[first])
    return middle[back]


def _returns(canopy: Floats, random: np.random.Generator) -> tuple[NDArray[np.int8], Floats]:
    """Tell from where under a canopy surface photons return: label and height over the ground, m."""
    label = np.full(canopy.shape, GROUND, dtype=np.int8)
    over_ground = np.zeros(canopy.shape)
    trees = np.flatnonzero(canopy > 0)
    share = random.random(trees.size)
    depth = random.beta(2.0, 1.5, trees.size)
    label[trees] = np.select([share < _GROUND_SHARE, share < 1 - _TOP_SHARE], [GROUND, CANOPY], CANOPY_TOP)
    fraction = np.select(
        [label[trees] == GROUND, label[trees] == CANOPY], [0.0 * depth, 0.9 * depth], 0.9 + 0.1 * depth
    )
    over_ground[trees] = fraction * canopy[trees]
    return label, over_ground


def _within(x: Floats, stretches: tuple[Stretch, ...]) -> NDArray[Any]:
    inside = np.zeros(x.shape, dtype=bool)
    for first, last in stretches:
        inside |= (x >= first) & (x < last)
    return inside
