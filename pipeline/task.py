"""The one task function: a beam of a granule in, rows and an outcome out. It never raises for what a granule holds."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from .ancillary import AncillaryField
from .beam import Beam
from .errors import MissingDatasetError, ReadError, WrongProductError
from .granule import GranuleName
from .outcome import Outcome, Status
from .parameters import Parameters
from .products import product_named
from .reading.granule_file import GranuleFile

if TYPE_CHECKING:
    import pandas as pd

    from .products.product import Product
    from .products.schema import Schema

# Groups of a beam in ATL03; others in their place are those of another product.
_ATL03_GROUPS: Final = frozenset({"bckgrd_atlas", "geolocation", "geophys_corr", "heights", "signal_find_output"})
_NEEDED_GROUPS: Final = frozenset({"geolocation", "heights"})


@dataclass(frozen=True, slots=True)
class Request:
    """What all tasks of a plan share: product, parameters, whether extent ids are kept, and ancillary fields."""

    product: str
    parameters: Parameters
    keep_id: bool = False
    fields: tuple[AncillaryField, ...] = ()

    def schema(self) -> Schema:
        """Give the columns that the request's rows have."""
        return product_named(self.product).schema_for(self)


def run_task(address: str, granule: str, beam: str, atl08: str, request: Request) -> tuple[pd.DataFrame, Outcome]:
    """Do one task.

    Parameters
    ----------
    address, granule, beam
        Where the granule is, its name, and which of its beams.
    atl08
        Where the ATL08 granule is that goes with it; empty where none is needed or known.
    request
        What all tasks share.

    Returns
    -------
    table, outcome
        Rows as the request's schema has them (none unless the outcome is ok), and how the task ended.
    """
    schema = request.schema()
    used: dict[str, Any] = {}
    started = perf_counter()
    try:
        table, ending = _do(address, granule, beam, atl08, request, used)
    except ReadError as error:
        table, ending = schema.empty(), _failure(error)
    except Exception as error:  # noqa: BLE001 - no task without an outcome: what nobody foresaw comes with its traceback
        table, ending = schema.empty(), _surprise(error)
    used["compute_seconds"] = perf_counter() - started - used.get("read_seconds", 0.0)
    return table, Outcome(granule=granule, beam=beam, address=address, rows=len(table), **ending, **used)


def _do(
    address: str, granule: str, beam: str, atl08: str, request: Request, used: dict[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Open, compute, close; `used` is filled in whatever happens."""
    product, schema = product_named(request.product), request.schema()
    with GranuleFile(address) as file:
        source = Beam(GranuleName.parse(granule), beam, file, atl08)
        try:
            if not _is_present(source, product):
                return schema.empty(), {"status": Status.ABSENT}
            computed = product.compute(source, request)
        except ReadError as error:
            error.beam = error.beam or beam
            raise
        finally:
            used.update(
                bytes_read=file.bytes_read + source.atl08_bytes,
                requests=file.requests + source.atl08_requests,
                read_seconds=source.read_seconds,
            )
    if computed is None:
        return schema.empty(), {"status": Status.EMPTY}
    table = schema.table(computed.columns)
    return table, {
        "status": Status.OK if len(table) else Status.EMPTY,
        "photons": computed.photons,
        "photons_kept": computed.photons_kept,
        "notes": computed.notes,
    }


def _is_present(source: Beam, product: Product) -> bool:
    """Say whether the beam is in the granule, once it is sure that it is a granule of the right product."""
    file = source.file
    groups = set(file.groups(source.beam)) if source.beam in file.beams else set()
    if groups >= _NEEDED_GROUPS:
        return True
    found = _short_name(source)
    if found and found != product.reads:
        raise WrongProductError(f"an {found} granule where {product.reads} is needed", file.address, source.beam)
    if not found and (not file.beams or groups - _ATL03_GROUPS):
        inside = ", ".join(sorted(groups or file.groups("/"))) or "nothing"
        raise WrongProductError(f"not an {product.reads} granule: it holds {inside}", file.address, source.beam)
    return "heights" in groups  # photons that can't be placed are no absent beam: reading them says what is missing


def _short_name(source: Beam) -> str:
    """Give the product that the file names itself; empty where it does not."""
    try:
        value = source.file.attribute("/", "short_name")
    except MissingDatasetError:
        return ""
    return value if isinstance(value, str) else ""


def _failure(error: ReadError) -> dict[str, Any]:
    return {"status": Status.FAILED, "kind": error.kind, "message": str(error), "dataset": error.dataset}


def _surprise(error: Exception) -> dict[str, Any]:
    return {
        "status": Status.FAILED,
        "kind": "unexpected",
        "message": f"{type(error).__name__}: {error}",
        "detail": "".join(traceback.format_exception(error)),
    }
