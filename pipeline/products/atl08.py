"""Vegetation metrics of extents (SlideRule, endpoint atl08p): PhoREAL's canopy and terrain heights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...kernels.ancillary import reduce_field
from ...kernels.phoreal import Vegetation, vegetation
from ..ancillary import HONOURS as ANCILLARY
from ..ancillary import AncillaryField, as_planned, read_fields
from ..extents import HONOURS as EXTENTS
from ..extents import BeamExtents, read_extents
from . import common
from .product import Computed, Product
from .schema import LIST, Column, Schema

if TYPE_CHECKING:
    from ..beam import Beam
    from ..parameters import Parameters
    from ..task import Request

_GEOLOC: Final = "by phoreal.geoloc over the extent's photons"
_CANOPY: Final = "ATL08 ph_h of canopy and top-of-canopy photons"

SCHEMA: Final = Schema(
    (
        common.time(f"heights/delta_time, {_GEOLOC}"),
        common.EXTENT_ID,
        common.SEGMENT_ID,
        *common.IDENTITY,
        Column("ph_count", "uint32", "1", "photons of the extent", "computed"),
        Column("gnd_ph_count", "uint32", "1", "ground photons", "ATL08 classed_pc_flag", alias="gnd_count"),
        Column("veg_ph_count", "uint32", "1", "canopy and top-of-canopy photons", "ATL08 classed_pc_flag", alias="veg_count"),
        common.LANDCOVER,
        common.SNOWCOVER,
        Column("x_atc", "float64", "m", "along-track distance from the equator", f"geolocation/segment_dist_x, {_GEOLOC}"),
        common.latitude(f"heights/lat_ph, {_GEOLOC}"),
        common.longitude(f"heights/lon_ph, {_GEOLOC}"),
        common.SOLAR_ELEVATION,
        Column("h_te_median", "float32", "m", "median height of ground photons above the ellipsoid; 0 without any", "heights/h_ph"),
        Column("h_max_canopy", "float32", "m", "highest relief of the canopy; 0 without any", _CANOPY),
        Column("h_min_canopy", "float32", "m", "lowest relief of the canopy; 0 without any", _CANOPY),
        Column("h_mean_canopy", "float32", "m", "mean relief of the canopy", _CANOPY),
        Column("h_canopy", "float32", "m", "98th percentile of the canopy's reliefs, by bins; 0 without any", _CANOPY),
        Column("canopy_openness", "float32", "m", "standard deviation of the canopy's reliefs", _CANOPY),
        Column("canopy_h_metrics", LIST, "m", "5th to 95th percentile of the canopy's reliefs by 5, the last twice", _CANOPY),
    )
)  # fmt: skip

_WAVEFORM: Final = (
    Column("num_bins", "uint32", "1", "bins of the waveform", "computed"),
    Column("binsize", "float32", "m", "height of a bin", "phoreal.binsize"),
    Column("waveform", LIST, "1", "canopy photons of each bin as a share of the extent's photons", _CANOPY),
)


def compute(beam: Beam, request: Request) -> Computed | None:
    """Compute the vegetation metrics of a beam; None when nothing of it is in the region.

    Raises
    ------
    ReadError
        With granule, beam and dataset.
    """
    parameters = request.parameters
    cut, settings = read_extents(beam, parameters), parameters.phoreal
    if cut is None:
        return None
    photons, classes = cut.photons, cut.classes
    assert settings is not None  # the product assumes it
    assert classes.atl08_class is not None
    assert classes.relief is not None
    ancillary = read_fields(beam, photons, classes, request.fields)
    rows = vegetation(
        cut.extents,
        photons["height"],
        classes.relief,
        classes.atl08_class,
        photons["latitude"],
        photons["longitude"],
        photons["delta_time"],
        photons["segment_dist_x"],
        photons["along"],
        binsize=settings.binsize,
        geoloc=settings.geoloc,
        use_abs_h=settings.use_abs_h,
        with_waveform=settings.send_waveform,
    )
    columns = {**_columns(cut, rows), **_waveform(rows, settings.binsize)}
    for field in ancillary:
        kind = "mean" if field.field.mean else "mode"
        reduced = reduce_field(cut.extents, field.of_all(), kind)
        columns[field.field.column] = as_planned(beam, field.field, reduced, _reduced(field.field))
    return Computed(columns, len(photons["height"]), len(cut.selection.photon), cut.notes({}))


def _columns(cut: BeamExtents, rows: Vegetation) -> dict[str, Any]:
    classes = cut.classes
    assert classes.landcover is not None
    assert classes.snowcover is not None
    measured = {c.name: getattr(rows, c.name) for c in SCHEMA.columns if c.name in Vegetation._fields}
    return {
        **measured,
        **cut.identity(rows.extent, fitted=True),
        "solar_elevation": cut.photons["solar_elevation"][cut.extents.segment[rows.extent]],
        "landcover": classes.landcover[rows.nearest],
        "snowcover": classes.snowcover[rows.nearest],
    }


def _waveform(rows: Vegetation, binsize: float) -> dict[str, Any]:
    return {
        "num_bins": rows.num_bins,
        "binsize": np.full(len(rows.extent), binsize, np.float32),
        "waveform": (rows.first_bin, rows.waveform),
    }


def _waveform_columns(parameters: Parameters) -> tuple[Column, ...]:
    return _WAVEFORM if parameters.phoreal is not None and parameters.phoreal.send_waveform else ()


def _reduced(field: AncillaryField) -> str:
    return "float64" if np.dtype(field.dtype).kind == "f" else "int64"


PRODUCT: Final = Product(
    "atl08",
    1,
    "ATL03",
    SCHEMA,
    EXTENTS | ANCILLARY,
    compute,
    assumes={"phoreal": {}},
    extra=_waveform_columns,
    field_dtype=_reduced,
)
