"""What is simulated for one granule: where, when, over what terrain, seen how."""

from __future__ import annotations

import difflib
import math
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import numpy as np

from ..pipeline.errors import InputError
from ..pipeline.granule import BEAMS, GranuleName, spot_of

#: The kinds of surface that a track can run over; "mixed" is the ice part of them in turn.
KINDS: Final = ("flat", "slope", "rough", "crevassed", "canopy", "water")
MIXED: Final = ("flat", "slope", "rough", "crevassed", "water")

#: Background count rates of a strong beam, Hz, where none is given: dark counts at night, sunlit snow by day.
NIGHT_RATE: Final = 5.0e3
DAY_RATE: Final = 4.0e6

# ICESat-2 flies at 92 degrees inclination: this is the geodetic latitude that it turns at.
_HIGHEST_LATITUDE: Final = 88.0

# Granules of one run are neighbouring tracks: near-repeats within a cycle are 29 days (442 orbits) apart.
_NEXT_TRACK: Final = (442, timedelta(days=29), 0.5)
_TRACKS: Final = 1387

Stretch: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """All that decides what a simulated granule holds: two equal scenes give equal granules.

    Parameters
    ----------
    kilometres
        Length of the track.
    start
        Longitude and latitude where the track begins, degrees.
    ascending
        Whether the spacecraft flies north there.
    terrain
        A kind (flat, slope, rough, crevassed, canopy, water), several joined by ``+``, which follow each other
        in stretches, or ``mixed`` for all kinds of ice with a lake.
    slope
        Along-track slope of the kind ``slope``, degrees.
    height
        Ellipsoidal height of the terrain at the start, m; by default 1500, and 30 for water alone.
    beams
        The beams of the granule; groups of other beams are absent.
    hollow
        Beams whose groups are there but hold no rows.
    day, background
        Sun above the horizon or not, and the background count rate of a strong beam in Hz (by default 4 MHz
        by day, 5 kHz at night); a weak beam sees a quarter of it.
    signal
        Mean number of surface photons per shot of a strong beam over snow; a weak beam gets a quarter.
    tep
        Photons per shot of the transmitter echo path in spots 1 and 3, which alone have one.
    gaps
        Stretches (start, stop) in m from the start whose segments are missing from the file.
    blanks
        Stretches whose segments are there without a photon.
    release, revision, time, rgt, cycle, region, sc_orient
        As in a granule's name and its orbit_info. The region follows from the start unless it is given.
    seed
        Of all random numbers.

    Raises
    ------
    InputError
        For a value that can't be simulated.
    """

    kilometres: float = 20.0
    start: tuple[float, float] = (-49.0, 69.2)
    ascending: bool = True
    terrain: str = "mixed"
    slope: float = 1.0
    height: float | None = None
    beams: tuple[str, ...] = BEAMS
    hollow: tuple[str, ...] = ()
    day: bool = False
    background: float | None = None
    signal: float = 6.0
    tep: float = 0.01
    gaps: tuple[Stretch, ...] = ()
    blanks: tuple[Stretch, ...] = ()
    release: str = "006"
    revision: str = "01"
    time: datetime = datetime(2019, 12, 20, 2, 0, tzinfo=UTC)
    rgt: int = 100
    cycle: int = 5
    region: int | None = None
    sc_orient: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        _check(0.1 <= self.kilometres <= 10_000, "kilometres", self.kilometres, "0.1 to 10000")
        _check(abs(self.start[0]) <= 180, "start longitude", self.start[0], "-180 to 180")
        _check(
            abs(self.start[1]) < _HIGHEST_LATITUDE,
            "start latitude",
            self.start[1],
            "between -88 and 88, where ICESat-2 flies",
        )
        _check(
            set(self.kinds) <= set(KINDS),
            "terrain",
            self.terrain,
            f"mixed, or {', '.join(KINDS)} joined by +",
        )
        _check(abs(self.slope) < 60, "slope", self.slope, "less than 60 degrees")
        for name in ("beams", "hollow"):
            _check(
                set(getattr(self, name)) <= set(BEAMS),
                name,
                getattr(self, name),
                f"some of {', '.join(BEAMS)}",
            )
        _check(set(self.hollow) <= set(self.beams), "hollow", self.hollow, "some of the beams that are simulated")
        for name in ("signal", "tep", "background"):
            value = getattr(self, name)
            _check(value is None or 0 <= value < 1e8, name, value, "0 or more")
        for first, last in (*self.gaps, *self.blanks):
            _check(first < last, "gap", f"{first}:{last}", "a start before its stop, in m from the track's start")
        whole = self.time.tzinfo is not None and self.time.microsecond == 0
        _check(whole, "time", self.time.isoformat(), "a UTC time in whole seconds, as a granule's name has it")
        _check(self.release in {"006", "007"}, "release", self.release, "006 or 007")
        _check(len(self.revision) == 2 and self.revision.isdigit(), "revision", self.revision, "two digits")
        _check(1 <= self.rgt <= _TRACKS, "rgt", self.rgt, f"1 to {_TRACKS}")
        _check(1 <= self.cycle <= 99, "cycle", self.cycle, "1 to 99")
        _check(self.region is None or 1 <= self.region <= 14, "region", self.region, "1 to 14")
        _check(self.sc_orient in {0, 1, 2}, "sc_orient", self.sc_orient, "0 backward, 1 forward or 2 transition")
        _check(self.seed >= 0, "seed", self.seed, "0 or more")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of surface in the order of their stretches."""
        return MIXED if self.terrain == "mixed" else tuple(self.terrain.split("+"))

    @property
    def background_rate(self) -> float:
        """Background count rate of a strong beam, Hz."""
        if self.background is not None:
            return self.background
        return DAY_RATE if self.day else NIGHT_RATE

    def name(self, product: str = "ATL03") -> GranuleName:
        """Name of the granule."""
        return GranuleName(
            self.time,
            product,
            self.rgt,
            self.cycle,
            self.region or _region(self.start[1], ascending=self.ascending),
            self.release,
            self.revision,
        )

    def strong(self, beam: str) -> bool:
        """Whether a beam is a strong one; while the spacecraft turns the left ones count as strong."""
        spot = spot_of(beam, self.sc_orient)
        return spot % 2 == 1 if spot else beam.endswith("l")

    def changed(self, **changes: Any) -> Scene:
        """Give the scene with other values.

        Raises
        ------
        InputError
            For a name that a scene does not have, or a value that it can't have.
        """
        names = [field.name for field in fields(self)]
        for name in changes:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
                raise InputError(f"{name}: a simulated scene has no such value; {hint}")
        return replace(self, **changes)

    def next(self, steps: int) -> Scene:
        """Give the scene of a neighbouring track, so many near-repeats later."""
        orbits, later, east = _NEXT_TRACK
        cycles, track = divmod(self.rgt - 1 + steps * orbits, _TRACKS)
        longitude = math.remainder(self.start[0] + steps * east, 360.0)
        return replace(
            self,
            time=self.time + steps * later,
            rgt=track + 1,
            cycle=self.cycle + cycles,
            start=(longitude, self.start[1]),
        )

    def to_json(self) -> dict[str, Any]:
        """Give the scene as what JSON can hold."""
        return {**asdict(self), "time": self.time.isoformat()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scene:
        """Build a scene from what `to_json` gave."""
        pairs = {name: tuple(tuple(pair) for pair in values[name]) for name in ("gaps", "blanks")}
        lists = {name: tuple(values[name]) for name in ("start", "beams", "hollow")}
        return cls(**{**values, **pairs, **lists, "time": datetime.fromisoformat(values["time"])})


def generator(scene: Scene, granule: int, part: str) -> np.random.Generator:
    """Random numbers of one beam, or of the terrain, of one granule, whatever else is simulated."""
    number = BEAMS.index(part) if part in BEAMS else len(BEAMS)
    return np.random.default_rng(np.random.SeedSequence(scene.seed, spawn_key=(granule, number)))


def _check(right: bool, name: str, value: object, allowed: str) -> None:
    if not right:
        raise InputError(f"{name} {value!r} can't be simulated; it may be {allowed}")


def _region(latitude: float, *, ascending: bool) -> int:
    """Granule region 1 to 14 of a start (ATL03 ATBD, table of granule regions)."""
    north = int(np.searchsorted([0.0, 27.0, 59.5, 80.0], latitude))
    south = int(np.searchsorted([0.0, 27.0, 50.0, 79.0], -latitude))
    if latitude > 0:
        return north if ascending else 8 - north
    return 15 - max(south, 1) if ascending else 7 + max(south, 1)
