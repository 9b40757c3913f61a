"""A plan as one file: Parquet, one row a granule, the request in its metadata."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .ancillary import AncillaryField
from .errors import InputError
from .estimate import Cost
from .granule import GranuleName
from .parameters import Parameters
from .plan import Plan, PlannedBeam, PlannedGranule
from .task import Request
from .writers.whole import checked_output, whole_file

if TYPE_CHECKING:
    import pyarrow as pa

_KEY: Final = b"nunatak-plan"
_FORMAT: Final = 1


def save_plan(plan: Plan, path: str | Path) -> None:
    """Save a plan; see `Plan.save`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {
        "format": _FORMAT,
        "product": plan.request.product,
        "keep_id": plan.request.keep_id,
        "fields": [asdict(field) for field in plan.request.fields],
        "parameters": json.loads(plan.request.parameters.to_json()),
        "left_out": plan.left_out,
        "origin": plan.origin,
    }
    table = pa.Table.from_pylist([_row(granule) for granule in plan.granules], schema=_schema())
    table = table.replace_schema_metadata({_KEY: json.dumps(about)})
    with whole_file(checked_output(path)) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")


def load_plan(path: str | Path) -> Plan:
    """Load a plan; see `Plan.load`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: no plan can be read from it: {error}") from error
    about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    if about.get("format") != _FORMAT:
        raise InputError(f"{path}: not a plan of this version of nunatak (nunatak plan ... --save FILE makes one)")
    fields = tuple(AncillaryField(**field) for field in about["fields"])
    request = Request(about["product"], Parameters.of(about["parameters"]), about["keep_id"], fields)
    granules = tuple(_granule(row) for row in table.to_pylist())
    return Plan(request, granules, tuple(about["left_out"]), about["origin"])


def _schema() -> pa.Schema:
    import pyarrow as pa

    beam = [("beam", pa.string()), ("photons", pa.int64()), ("bytes_read", pa.int64()), ("memory", pa.int64())]
    beam += [("seconds", pa.float64()), ("bounds", pa.list_(pa.float64()))]
    return pa.schema(
        [
            ("product", pa.string()),
            ("time", pa.timestamp("s", tz="UTC")),
            *((name, pa.int16()) for name in ("rgt", "cycle", "region")),
            *((name, pa.string()) for name in ("release", "revision", "addresses", "companions")),
            ("size", pa.int64()),
            ("notes", pa.list_(pa.string())),
            ("beams", pa.list_(pa.struct(beam))),
        ]
    )


def _row(granule: PlannedGranule) -> dict[str, Any]:
    name = {field: getattr(granule.name, field) for field in GranuleName.__slots__}
    beams = [{"beam": beam.beam, **beam.cost._asdict(), "bounds": beam.bounds} for beam in granule.beams]
    return name | {
        "addresses": json.dumps(dict(granule.addresses)),
        "companions": json.dumps({product: dict(where) for product, where in granule.companions.items()}),
        "size": granule.size,
        "notes": granule.notes,
        "beams": beams,
    }


def _granule(row: dict[str, Any]) -> PlannedGranule:
    time: datetime = row["time"]
    name = GranuleName(
        **{field: row[field] for field in GranuleName.__slots__ if field != "time"}, time=time.astimezone(UTC)
    )
    return PlannedGranule(
        name,
        json.loads(row["addresses"]),
        tuple(_beam(beam) for beam in row["beams"]),
        row["size"],
        json.loads(row["companions"]),
        tuple(row["notes"]),
    )


def _beam(record: dict[str, Any]) -> PlannedBeam:
    bounds = record["bounds"]
    cost = Cost(*(record[field] for field in Cost._fields))
    return PlannedBeam(record["beam"], cost, None if bounds is None else tuple(bounds))
