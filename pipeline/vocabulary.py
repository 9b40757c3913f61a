"""The words of a SlideRule request: enumerations with their spellings, old names, and names that concern the service.

Source: SlideRule user guide (ICESat-2 module, section 2) and Icesat2Fields.h.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from numbers import Real
from reprlib import Repr
from typing import Any, Final

SURFACE_TYPES: Final = {"dynamic": -1, "land": 0, "ocean": 1, "sea_ice": 2, "land_ice": 3, "inland_water": 4}

CONFIDENCES: Final = {
    "atl03_tep": -2,
    "atl03_not_considered": -1,
    "atl03_background": 0,
    "atl03_within_10m": 1,
    "atl03_low": 2,
    "atl03_medium": 3,
    "atl03_high": 4,
}

QUALITIES: Final = {
    "atl03_quality_nominal": 0,
    "atl03_quality_afterpulse": 1,
    "atl03_quality_impulse_response": 2,
    "atl03_quality_tep": 3,
}
CLASSES: Final = {
    "atl08_noise": 0,
    "atl08_ground": 1,
    "atl08_canopy": 2,
    "atl08_top_of_canopy": 3,
    "atl08_unclassified": 4,
}

GEOLOCATIONS: Final = {"mean": 0, "median": 1, "center": 2}

#: quality_ph of the releases before 007.
HIGHEST_OLD_QUALITY: Final = 3
#: Release 007 combines flags in quality_ph; its values reach 25.
HIGHEST_QUALITY: Final = 25

PROJECTIONS: Final = {"north_polar": 0, "south_polar": 1, "plate_carree": 2, "auto": 3}

#: The guide's spelling of a name -> the name.
ALIASES: Final = {"beam": "beams", "raster": "region_mask", "version": "release"}

#: Names that tell a service how to serve; nothing here depends on them.
SERVICE_NAMES: Final = frozenset(
    {
        "asset",
        "cluster_size_hint",
        "ignore_poly_for_cmr",
        "key_space",
        "max_resources",
        "node-timeout",
        "node_timeout",
        "read-timeout",
        "read_timeout",
        "rqst-timeout",
        "rqst_timeout",
        "timeout",
    }
)


#: Names of SlideRule's vocabulary that nothing here honours. A request that carries one is refused, because its rows
#: would not be those that were asked for.
KNOWN_ELSEWHERE: Final = frozenset(
    {
        "atl03_corr_fields",
        "atl06_fields",
        "atl13_fields",
        "cmr",
        "day",
        "fit",
        "month",
        "output",
        "resource",
        "resources",
        "samples",
        "short_name",
        "year",
    }
)

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shown(value: Any) -> str:
    """Show a value in an error; a long one is shortened.

    Examples
    --------
    >>> from nunatak.pipeline.vocabulary import shown
    >>> shown(list(range(1000)))
    '[0, 1, 2, 3, 4, 5, ...]'
    """
    return _SHORT.repr(value)


def nearest(word: str, words: Iterable[str]) -> str:
    """Name what was probably meant, as the end of a sentence; empty when nothing is near.

    Examples
    --------
    >>> from nunatak.pipeline.vocabulary import nearest
    >>> nearest("sigma_r", ["sigma_r_max", "maxi"])
    "; did you mean 'sigma_r_max'?"
    """
    by_lower = {candidate.lower(): candidate for candidate in words}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def member(value: Any, names: Mapping[str, int], allowed: Iterable[int] | None = None) -> int:
    """Read one member of an enumeration, given by number or by name, with or without its prefix.

    Raises
    ------
    ValueError
        With the names and numbers that would be right.

    Examples
    --------
    >>> from nunatak.pipeline.vocabulary import CONFIDENCES, member
    >>> member("atl03_high", CONFIDENCES), member("high", CONFIDENCES), member(4.0, CONFIDENCES)
    (4, 4, 4)
    """
    numbers = set(names.values()) if allowed is None else set(allowed)
    number = _number_of(value, names)
    if number in numbers:
        return int(number)
    known = ", ".join(f"{number} {name}" for name, number in names.items())
    others = sorted(numbers - set(names.values()))
    more = f", and the numbers up to {others[-1]}" if others else ""
    spellings = [spelling for name in names for spelling in _spellings(name)]
    hint = nearest(value, spellings) if isinstance(value, str) else ""
    raise ValueError(f"{shown(value)} is none of {known}{more}{hint}")


def _number_of(value: Any, names: Mapping[str, int]) -> Any:
    """Give the number that a name, a text or a number of any library stands for; None where it is none."""
    if isinstance(value, str):
        wanted = value.strip().lower()
        for name, number in names.items():
            if wanted in _spellings(name):
                return number
        try:
            return float(wanted)
        except ValueError:
            return None
    return value if isinstance(value, Real) and not isinstance(value, bool) else None


def _spellings(name: str) -> tuple[str, ...]:
    return name, *(name.removeprefix(prefix) for prefix in ("atl03_", "atl08_", "atl03_quality_"))


def members(value: Any, names: Mapping[str, int], allowed: Iterable[int] | None = None) -> tuple[tuple[int, ...], bool]:
    """Read a list of members, or a single one.

    Returns
    -------
    members, single
        Sorted members without repetition, and whether a bare value was given and not a list.

    Raises
    ------
    ValueError
        For what is no member, no list of them, or an empty list.
    """
    if isinstance(value, str | Real):
        return (member(value, names, allowed),), True
    if isinstance(value, bytes | Mapping) or not hasattr(value, "__iter__") or getattr(value, "shape", None) == ():
        raise ValueError(f"{shown(value)} is neither a name, a number nor a list of them")
    chosen = {member(v, names, allowed) for v in value}
    if not chosen:
        raise ValueError("an empty list selects nothing; leave the parameter out for its default")
    return tuple(sorted(chosen)), False
