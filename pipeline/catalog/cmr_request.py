"""What CMR is asked: a query as the parameters of a granule search."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from itertools import product as combinations
from typing import Final, TypeAlias

from ..errors import InputError
from ..granule import GranuleName
from .query import Query

Parameters: TypeAlias = list[tuple[str, str]]

#: Granules a page, the most that CMR gives.
PAGE: Final = 2000

_MISSION_START: Final = datetime(2018, 1, 1, tzinfo=UTC)
# Vertices of a polygon that is sent: one part stays within an address of 6,000 characters.
_VERTICES: Final = 200
# Name patterns in one request; a wider choice is narrowed here, by the names that come back.
_PATTERNS: Final = 100
# Digits in a granule's name, and the highest number.
_NUMBERS: Final = {"rgt": (4, 1387), "cycle": (2, 99), "region": (2, 14)}


def check(query: Query) -> None:
    """Refuse what no granule can have, before it becomes a search that finds nothing.

    Raises
    ------
    InputError
        Naming the value and what is possible.
    """
    for name in (query.product, *query.companions):
        if not re.fullmatch(r"ATL\d\d", name):
            raise InputError(f"product {name!r}: not a product of ICESat-2; the form is ATL03")
    if query.release is not None and not re.fullmatch(r"\d{3}", query.release):
        raise InputError(f"release {query.release!r}: three digits are needed, such as '006'")
    for name, (_, highest) in _NUMBERS.items():
        for number in getattr(query, name):
            if not 1 <= number <= highest:
                raise InputError(f"{name} {number}: 1 to {highest} is possible")
    if query.name_pattern is not None and not re.fullmatch(r"[\w.*?-]+", query.name_pattern, re.ASCII):
        raise InputError(
            f"name_pattern {query.name_pattern!r}: letters, digits, '_', '.', '-' and the wildcards '*' and '?' "
            "are possible"
        )
    if query.t0 and query.t1 and _utc(query.t0) > _utc(query.t1):
        raise InputError(f"t0 {query.t0} is later than t1 {query.t1}; the earlier one comes first")


def polygons(query: Query) -> list[str]:
    """Write the area as CMR wants it: outer rings that cover it, counter-clockwise and closed, 6 decimals."""
    if query.area is None:
        return []
    from shapely.geometry.polygon import orient

    parts = query.area.cover(max_vertices=_VERTICES)
    return [_ring([f"{lon:.6f},{lat:.6f}" for lon, lat in orient(part).exterior.coords]) for part in parts]


def _ring(points: list[str]) -> str:
    # CMR refuses a ring in which neighbours coincide
    return ",".join(point for point, _ in groupby(points))


def parameters(query: Query, provider: str, rings: Sequence[str]) -> Parameters:
    """Give the parameters of a search for one product.

    The same as SlideRule's, as far as one granule search goes (earth_data_query.lua); several parts of an area or
    several patterns are alternatives.

    Parameters
    ----------
    query
        A checked query.
    provider
        Whose granules.
    rings
        The query's `polygons`.
    """
    from earthaccess.search import DataGranules

    granules = DataGranules().parameters(short_name=query.product, temporal=_span(query))
    if query.release is not None:
        granules.version(query.release)
    asked: Parameters = [
        ("provider", provider),
        ("sort_key[]", "start_date"),
        ("sort_key[]", "producer_granule_id"),
        ("page_size", str(PAGE)),
    ]
    for name, value in granules.params.items():
        asked += [(f"{name}[]", text) for text in value] if isinstance(value, list) else [(name, value)]
    if len(rings) > 1:
        asked += [("options[polygon][or]", "true"), *(("polygon[]", ring) for ring in rings)]
    else:
        asked += [("polygon", ring) for ring in rings]
    if patterns := name_patterns(query):
        asked.append(("options[producer_granule_id][pattern]", "true"))
        asked += [("producer_granule_id[]", pattern) for pattern in patterns]
    return asked


def name_patterns(query: Query) -> list[str]:
    """Write rgt, cycle and region as patterns of the name (SlideRule's name filter), unless one is given.

    Examples
    --------
    >>> from nunatak.pipeline.catalog.cmr_request import name_patterns
    >>> from nunatak.pipeline.catalog.query import Query
    >>> name_patterns(Query(rgt=(295, 1387), region=(2,)))
    ['*_0295??02_*', '*_1387??02_*']
    """
    if query.name_pattern is not None:
        return [query.name_pattern]
    choices = {
        name: [f"{number:0{digits}d}" for number in sorted(set(getattr(query, name)))] or ["?" * digits]
        for name, (digits, _) in _NUMBERS.items()
    }
    while math.prod(len(texts) for texts in choices.values()) > _PATTERNS:
        widest = max(choices, key=lambda name: len(choices[name]))
        choices[widest] = ["?" * _NUMBERS[widest][0]]
    patterns = [f"*_{''.join(texts)}_*" for texts in combinations(*choices.values())]
    return [] if patterns == ["*_????????_*"] else patterns


def numbers_meet(name: GranuleName, query: Query) -> bool:
    """Tell whether rgt, cycle and region of a granule are among those asked for."""
    return all(getattr(name, number) in (getattr(query, number) or (getattr(name, number),)) for number in _NUMBERS)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _span(query: Query) -> tuple[datetime, datetime]:
    """Both ends in whole seconds, as they are sent: rounded outwards, so that no granule is lost between."""
    end = _utc(query.t1 or datetime.now(UTC)) + timedelta(microseconds=999_999)
    return _utc(query.t0 or _MISSION_START).replace(microsecond=0), end.replace(microsecond=0)
