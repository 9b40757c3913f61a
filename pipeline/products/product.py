"""What a product is: its table, the parameters that it honours, and how a beam becomes rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .schema import Column, Schema

if TYPE_CHECKING:
    from ..ancillary import AncillaryField
    from ..beam import Beam
    from ..parameters import Parameters
    from ..task import Request


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


class Effort(NamedTuple):
    """What a product takes for each photon of a region, for estimates.

    Attributes
    ----------
    reads
        Whether photons are read at all.
    memory
        Bytes at the peak.
    per_second
        Photons that one core does in a second, from a local disk to the result.
    """

    reads: bool = True
    memory: float = 60.0
    per_second: float = 8e6


def usual_effort(parameters: Parameters) -> Effort:
    """Give the effort of selecting and fitting: the fields (38 bytes), what is kept of them, and the kernels' room."""
    yapc, classes = parameters.yapc is not None, parameters.classes is not None
    return Effort(memory=60.0 + 40.0 * yapc + 45.0 * classes, per_second=8e6 / (1 + 1.5 * yapc + 1.0 * classes))


def _no_more(_: Parameters) -> tuple[Column, ...]:
    return ()


def _as_fitted(_: AncillaryField) -> str:
    return "float64"


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
        A beam and a request to rows; None when nothing of the beam is in the region.
    assumes
        Parameters that hold for this product where a request does not give them.
    extra
        Further columns that parameters ask for.
    effort
        What it takes for each photon.
    field_dtype
        The type in which the product gives an ancillary field.
    """

    name: str
    version: int
    reads: str
    schema: Schema
    honours: frozenset[str]
    compute: Callable[[Beam, Request], Computed | None]
    assumes: Mapping[str, Any] = field(default_factory=dict)
    extra: Callable[[Parameters], tuple[Column, ...]] = _no_more
    effort: Callable[[Parameters], Effort] = usual_effort
    field_dtype: Callable[[AncillaryField], str] = _as_fitted

    def schema_for(self, request: Request) -> Schema:
        """Give the columns of a request: extent_id only if it is kept, and those that its parameters add."""
        from ..ancillary import renamed_columns

        schema = self.schema if request.keep_id else self.schema.without("extent_id")
        schema = schema.plus(self.extra(request.parameters))
        added = [
            Column(f.column, self.field_dtype(f), "", f"ancillary field of {f.source}s", f.dataset)
            for f in request.fields
        ]
        return schema.renamed(renamed_columns(schema.names, request.fields)).plus(added)
