"""What the local CMR finds: the filters of a granule search, over documents in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, Final

import shapely

from ..pipeline.granule import GranuleName

_PAGE_LIMIT: Final = 2000
_ALWAYS: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class RefusedError(Exception):
    """A request that CMR answers with status 400."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document, with what searches look at; what it lacks does not keep it from being found."""

    text: bytes
    file: str
    name: GranuleName | None
    provider: str
    span: tuple[datetime, datetime]
    outline: Any
    key: tuple[str, str, str]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Entry:
        """Take a document's text and what is searched for in it."""
        umm, meta = document.get("umm", {}), document.get("meta", {})
        file = str(_at(umm, "DataGranule", "Identifiers", 0, "Identifier") or umm.get("GranuleUR", ""))
        span = _at(umm, "TemporalExtent", "RangeDateTime") or {}
        return cls(
            text=json.dumps(document).encode(),
            file=file,
            name=GranuleName.find(file),
            provider=str(meta.get("provider-id", "")),
            span=(_time(span["BeginningDateTime"]), _time(span["EndingDateTime"])) if span else _ALWAYS,
            outline=_outline(umm),
            key=(str(span.get("BeginningDateTime", "")), file, str(meta.get("concept-id", ""))),
        )

    @property
    def cursor(self) -> str:
        """Value of ``CMR-Search-After`` after which the next page begins."""
        return json.dumps(self.key)


def search(
    entries: Sequence[Entry], parameters: Mapping[str, list[str]], after: str | None
) -> tuple[list[Entry], list[Entry]]:
    """Find entries, and cut the page out of them that follows a cursor.

    Parameters
    ----------
    entries
        Sorted by key.
    parameters
        Name -> values, as sent.
    after
        Cursor of the page before; None for the first.

    Raises
    ------
    RefusedError
        When CMR would refuse the request.
    """
    filters = [_filter(name, values) for name, values in parameters.items() if not _only_form(name, values)]
    found = [entry for entry in entries if all(meets(entry) for meets in filters)]
    size = int(parameters.get("page_size", ["10"])[0])
    if size > _PAGE_LIMIT:
        raise RefusedError(f"page_size must be a number between 0 and {_PAGE_LIMIT}")
    rest = found if after is None else [entry for entry in found if entry.key > tuple(json.loads(after))]
    return found, rest[:size]


def _only_form(name: str, values: list[str]) -> bool:
    """Whether a parameter says how to answer, and not what."""
    if name == "sort_key[]" and values != ["start_date", "producer_granule_id"]:
        raise RefusedError(f"{values} is not the order that this server sorts by: start_date, producer_granule_id")
    options = {"options[producer_granule_id][pattern]", "options[polygon][or]"}
    if name in options and values != ["true"]:
        raise RefusedError(f"{name}={values}: this server knows only true")
    return name in {"page_size", "sort_key[]", *options}


def _filter(name: str, values: list[str]) -> Callable[[Entry], bool]:
    match name.removesuffix("[]"):
        case "provider":
            return lambda entry: entry.provider in values
        case "short_name":
            return lambda entry: entry.name is None or entry.name.product in values
        case "version":
            return lambda entry: entry.name is None or entry.name.release in values
        case "producer_granule_id":
            # CMR's patterns know no brackets
            patterns = [value.lower().replace("[", "[[]") for value in values]
            return lambda entry: any(fnmatchcase(entry.file.lower(), pattern) for pattern in patterns)
        case "temporal":
            spans = [_span(value) for value in values]
            return lambda entry: any(a <= entry.span[1] and entry.span[0] <= b for a, b in spans)
        case "polygon":
            area = shapely.union_all([_polygon(value) for value in values])
            return lambda entry: entry.outline is None or area.intersects(entry.outline)
    raise RefusedError(f"Parameter [{name}] was not recognized.")


def _at(value: Any, *path: str | int) -> Any:
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _span(text: str) -> tuple[datetime, datetime]:
    begin, _, end = text.partition(",")
    return (_time(begin) if begin else _ALWAYS[0]), (_time(end) if end else _ALWAYS[1])


def _outline(umm: Mapping[str, Any]) -> Any:
    """Give the outline, planar; None, which meets every area, where it spans more than half the globe."""
    points = _at(umm, "SpatialExtent", "HorizontalSpatialDomain", "Geometry", "GPolygons", 0, "Boundary", "Points")
    try:
        ring = [(point["Longitude"], point["Latitude"]) for point in points or ()]
    except (LookupError, TypeError):
        return None
    longitudes = [lon for lon, _ in ring]
    return shapely.Polygon(ring) if len(ring) > 3 and max(longitudes) - min(longitudes) < 180 else None


def _polygon(text: str) -> Any:
    numbers = [float(number) for number in text.split(",")]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    if points[0] != points[-1]:
        raise RefusedError("The last point of the polygon boundary does not equal its first point")
    if any(a == b for a, b in pairwise(points)):
        raise RefusedError("The polygon boundary contained duplicate points")
    if not shapely.LinearRing(points).is_ccw:
        raise RefusedError("The polygon boundary points are listed in clockwise order, not counter-clockwise")
    return shapely.Polygon(points)
