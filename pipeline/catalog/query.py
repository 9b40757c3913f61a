"""What is asked of a catalog, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from ..granule import GranuleName

if TYPE_CHECKING:
    from shapely import Geometry

    from ..region import Region, RegionMask


@dataclass(frozen=True, slots=True)
class Query:
    """Which granules are wanted; what is None does not narrow the search.

    Attributes
    ----------
    product
        Short name, ``"ATL03"``.
    area
        Granules that may hold data in this region.
    t0, t1
        Granules whose time span meets this one, UTC; both ends belong to it.
    rgt, cycle, region
        As in the granule's name; any of the numbers given.
    release
        ``"006"``; None takes the newest release that the catalog has for the request, never two of them.
    name_pattern
        File name pattern with ``*`` and ``?``.
    companions
        Short names of products that are wanted beside each granule (``"ATL08"``).
    """

    product: str = "ATL03"
    area: Region | RegionMask | None = None
    t0: datetime | None = None
    t1: datetime | None = None
    rgt: tuple[int, ...] = ()
    cycle: tuple[int, ...] = ()
    region: tuple[int, ...] = ()
    release: str | None = None
    name_pattern: str | None = None
    companions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One granule that a catalog found.

    Attributes
    ----------
    name
        What its name says.
    addresses
        Where it can be read, by the way of access: ``{"https": ..., "s3": ...}`` or ``{"file": path}``.
    size
        Bytes, if the catalog knows.
    outline
        Where it may hold data (longitude, latitude; may have several parts), if the catalog knows.
    tracks
        Simplified ground track of each beam that it holds, if the catalog knows; a beam that is not in it is absent.
    photons
        Photons of each beam that it holds, if the catalog has counted them.
    companions
        Product -> the granule that goes with this one, as far as there is one.
    notes
        What the user should be told: another revision, a second copy.
    """

    name: GranuleName
    addresses: Mapping[str, str]
    size: int | None = None
    outline: Geometry | None = None
    tracks: Mapping[str, Geometry] | None = None
    photons: Mapping[str, int] | None = None
    companions: Mapping[str, Found] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Catalog(Protocol):
    """Where granules are found."""

    def find(self, query: Query) -> list[Found]:
        """Give every granule that meets the query, sorted by name, each acquisition once.

        Raises
        ------
        CatalogError
            When the answer would not be whole.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Say what was searched, for the plan's record."""
        ...
