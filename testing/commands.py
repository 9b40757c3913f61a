"""The command ``nunatak simulate``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from ..pipeline.granule import BEAMS

if TYPE_CHECKING:
    from .granules import SimulatedGranule


# Options that are values of the scene, under their names there.
_SCENE: Final = (
    "kilometres", "seed", "terrain", "slope", "release", "beams", "day", "background", "signal", "gaps", "blanks",
    "start", "ascending",
)  # fmt: skip


def add_parsers(subparsers: Any) -> None:
    """Add ``simulate`` to the commands of the command line.

    Options that are not given are left to the defaults of `nunatak.testing.scene.Scene`.
    """
    parser = subparsers.add_parser(
        "simulate",
        help="write simulated granules with known truth",
        description="Write simulated ATL03 granules, with their ATL08, in NASA's layout; the truth lies beside them.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("folder", metavar="FOLDER", help="where the granules go; made where it is missing")
    parser.add_argument("--granules", type=int, default=1, metavar="N", help="how many (1)")
    parser.add_argument("--km", type=float, dest="kilometres", metavar="N", help="length of each track (20)")
    parser.add_argument("--seed", type=int, metavar="N", help="of all random numbers (0)")
    parser.add_argument(
        "--terrain", help="flat, slope, rough, crevassed, canopy, water, several joined by +, or mixed (mixed)"
    )
    parser.add_argument("--slope", type=float, metavar="DEGREES", help="slope of the terrain 'slope' (1)")
    parser.add_argument("--release", choices=("006", "007"), help="layout of the files (006)")
    parser.add_argument("--beams", nargs="+", choices=BEAMS, metavar="BEAM", help="beams of the granules (all six)")
    parser.add_argument(
        "--absent", action="append", type=_absent, default=[], metavar="N:BEAM",
        help="leave a beam out of the granule number N, counted from 1; may be repeated",
    )  # fmt: skip
    light = parser.add_mutually_exclusive_group()
    light.add_argument("--day", dest="day", action="store_true", help="sunlit: 4 MHz of background")
    light.add_argument("--night", dest="day", action="store_false", help="dark: 5 kHz of background (default)")
    parser.add_argument("--background", type=float, metavar="HZ", help="background rate of a strong beam")
    parser.add_argument("--signal", type=float, metavar="N", help="surface photons per shot of a strong beam (6)")
    parser.add_argument(
        "--gap", action="append", type=_stretch, dest="gaps", metavar="START:STOP",
        help="leave out the segments between these metres from the start; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--blank", action="append", type=_stretch, dest="blanks", metavar="START:STOP",
        help="leave these segments without photons; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--start", nargs=2, type=float, metavar=("LON", "LAT"), help="where the track begins (-49 69.2)"
    )
    parser.add_argument("--descending", dest="ascending", action="store_false", help="fly south")
    parser.add_argument("--no-atl08", dest="with_atl08", action="store_false", default=True, help="ATL03 only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate what the command line asks for, print what was written and return the exit code."""
    from .granules import simulate

    given = vars(args)
    changes = {name: given[name] for name in _SCENE if name in given}
    changes = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
    absent: dict[int, list[str]] = {}
    for number, beam in args.absent:
        absent.setdefault(number, []).append(beam)
    written = simulate(args.folder, args.granules, with_atl08=args.with_atl08, absent=absent, **changes)
    for granule in written:
        print(describe(granule))
    return 0


def describe(granule: SimulatedGranule) -> str:
    """Say in a line what was written for a granule."""
    total = sum(granule.photons.values())
    companion = f", with {granule.atl08_path.name}" if granule.atl08_path else ""
    beams = " ".join(granule.photons) or "no beam"
    return f"{granule.path}: {total:,} photons in {beams}{companion}"


def _stretch(text: str) -> tuple[float, float]:
    try:
        start, stop = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: START:STOP in metres is needed, such as 3000:4500") from error
    return start, stop


def _absent(text: str) -> tuple[int, str]:
    number, _, beam = text.partition(":")
    if not number.isdigit() or beam not in BEAMS:
        raise argparse.ArgumentTypeError(f"{text!r}: N:BEAM is needed, such as 2:gt2r")
    return int(number), beam
