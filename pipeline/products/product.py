"""What a product is: its table, the parameters that it honours, and how a beam becomes rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .schema import Schema

if TYPE_CHECKING:
    from ..beam import Beam
    from ..parameters import Parameters


@dataclass(frozen=True, slots=True)
class Computed:
    """What came out of a beam.

    Attributes
    ----------
    columns
        Name -> array, one row each; every column of the product's schema.
    photons, photons_kept
        Photons that were read, and those that passed the filters.
    notes
        What a careful reader wants to know: see `Outcome.notes`.
    """

    columns: Mapping[str, Any]
    photons: int
    photons_kept: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A product: what it reads, what it honours, what it gives.

    Attributes
    ----------
    name
        As on the command line: ``"atl06"``.
    version
        Of the algorithm; a new number where the same input gives other rows.
    reads
        The granules' product: ``"ATL03"``.
    schema
        The columns.
    honours
        Parameters that change its rows.
    compute
        A beam and parameters to rows; None when nothing of the beam is in the region.
    """

    name: str
    version: int
    reads: str
    schema: Schema
    honours: frozenset[str]
    compute: Callable[[Beam, Parameters], Computed | None]

    def schema_for(self, *, keep_id: bool) -> Schema:
        """Give the columns of a request; extent_id is there only if it is kept."""
        return self.schema if keep_id else self.schema.without("extent_id")
