"""Photons by extent (SlideRule, endpoint atl03sp): every photon that passed the filters, with its extent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..ancillary import HONOURS as ANCILLARY
from ..ancillary import AncillaryField, as_planned, read_fields
from ..classification import UNCLASSIFIED
from ..extents import HONOURS as EXTENTS
from ..extents import BeamExtents, read_extents
from ..granule import pair_of, track_of
from ..times import sdp_to_utc
from . import common
from .product import Computed, Effort, Product, usual_effort
from .schema import Column, Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..beam import Beam
    from ..parameters import Parameters
    from ..task import Request

SCHEMA: Final = Schema(
    (
        common.time("heights/delta_time"),
        common.EXTENT_ID,
        common.SEGMENT_ID,
        Column(
            "segment_dist", "float64", "m", "along-track distance from the equator to the centre of the extent", "geolocation/segment_dist_x"
        ),
        common.TRACK,
        common.PAIR,
        common.SC_ORIENT,
        *common.IDENTITY,
        Column("x_atc", "float32", "m", "along-track distance from the centre of the extent", "heights/dist_ph_along"),
        Column("y_atc", "float32", "m", "across-track distance", "heights/dist_ph_across", alias="across"),
        common.latitude("heights/lat_ph"),
        common.longitude("heights/lon_ph"),
        Column("height", "float32", "m", "height above the WGS 84 ellipsoid", "heights/h_ph"),
        common.SOLAR_ELEVATION,
        Column("background_rate", "float64", "1/s", "background photons a second at the extent", "bckgrd_atlas/bckgrd_rate"),
        Column("atl08_class", "uint8", "1", "0 noise, 1 ground, 2 canopy, 3 top of canopy, 4 unclassified", "ATL08 classed_pc_flag"),
        Column("atl03_cnf", "int8", "1", "confidence for the surface type: -2 TEP to 4 high", "heights/signal_conf_ph"),
        Column("quality_ph", "uint8", "1", "0 nominal, 1 afterpulse, 2 impulse response, 3 TEP; more in 007", "heights/quality_ph"),
        Column("yapc_score", "uint16", "1", "density of photons around it; 0 where YAPC is not asked", "computed, or heights/weight_ph"),
        Column("relief", "float32", "m", "height above the ground; 0 without phoreal or unknown", "ATL08 ph_h"),
        common.LANDCOVER,
        common.SNOWCOVER,
    )
)  # fmt: skip


def compute(beam: Beam, request: Request) -> Computed | None:
    """Give the photons of a beam by extent; None when nothing of it is in the region.

    Raises
    ------
    ReadError
        With granule, beam and dataset.
    """
    cut = read_extents(beam, request.parameters)
    if cut is None:
        return None
    ancillary = read_fields(beam, cut.photons, cut.classes, request.fields)
    extent, member = _members(cut, once=request.parameters.each_photon_once)
    photon = cut.extents.kept.photon[member]
    columns = {**_of_extents(cut, extent), **_of_photons(cut, extent, photon)}
    for field in ancillary:
        columns[field.field.column] = as_planned(beam, field.field, field.of(photon), _as_stored(field.field))
    return Computed(columns, len(cut.photons["height"]), len(cut.selection.photon), cut.notes({}))


def _members(cut: BeamExtents, *, once: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the photons of all extents: the extent of each row, and its place among the kept photons."""
    first, end = cut.extents.first, cut.extents.end
    if once:
        # extents follow each other: a photon that came before the end of an earlier one has been given
        reached = np.maximum.accumulate(np.concatenate(([0], end[:-1]))) if len(end) else end
        first = np.minimum(np.maximum(first, reached), end)
    count = end - first
    extent = np.repeat(np.arange(len(count)), count)
    start = np.concatenate(([0], np.cumsum(count)[:-1])) if len(count) else count
    return extent, np.arange(int(count.sum())) + np.repeat(first - start, count)


def _of_extents(cut: BeamExtents, extent: NDArray[np.int64]) -> dict[str, Any]:
    beam, extents = cut.beam, cut.extents
    alike = {"track": track_of(beam.beam), "pair": pair_of(beam.beam), "sc_orient": beam.sc_orient()}
    return {
        **cut.identity(extent, fitted=False),
        **{name: np.full(len(extent), value) for name, value in alike.items()},
        "segment_dist": extents.centre[extent],
        "solar_elevation": cut.photons["solar_elevation"][extents.segment[extent]],
        "background_rate": cut.background()[extent],
    }


def _of_photons(cut: BeamExtents, extent: NDArray[np.int64], photon: NDArray[np.int32]) -> dict[str, Any]:
    photons, classes, extents = cut.photons, cut.classes, cut.extents
    segment = np.repeat(np.arange(len(photons.photon_count), dtype=np.int32), photons.photon_count)[photon]
    # in the order of SlideRule's operations, so that the float32 is the same
    along = (photons["segment_dist_x"][segment] - extents.start[extent]) + photons["along"][photon].astype(np.float64)
    confidence = photons["confidence"] if photons["confidence"].ndim == 1 else photons["confidence"].max(axis=1)
    unknown = np.uint8(255)
    return {
        "time": sdp_to_utc(photons["delta_time"][photon]),
        "x_atc": (along - extents.length / 2).astype(np.float32),
        "y_atc": photons["across"][photon],
        "latitude": photons["latitude"][photon],
        "longitude": photons["longitude"][photon],
        "height": photons["height"][photon],
        "atl03_cnf": confidence[photon],
        "quality_ph": photons["quality"][photon].view(np.uint8),
        "atl08_class": _taken(classes.atl08_class, photon, np.uint8(UNCLASSIFIED)),
        "yapc_score": _taken(classes.yapc_score, photon, np.uint16(0)),
        "relief": _taken(classes.relief, photon, np.float32(0)),
        "landcover": _taken(classes.landcover, photon, unknown),
        "snowcover": _taken(classes.snowcover, photon, unknown),
    }


def _taken(values: NDArray[Any] | None, photon: NDArray[np.int32], otherwise: Any) -> NDArray[Any]:
    """Take the values of photons; where no classifier was asked, what stands for that."""
    return np.full(len(photon), otherwise) if values is None else values[photon]


def _as_stored(field: AncillaryField) -> str:
    return field.dtype


def _effort(parameters: Parameters) -> Effort:
    """Count the rows: one for each photon of each extent, of about 430 bytes with its point."""
    copies = 1 if parameters.each_photon_once else max(1.0, parameters.len / parameters.res)
    usual = usual_effort(parameters)
    return usual._replace(memory=usual.memory + 430.0 * copies, per_second=min(usual.per_second, 2e6 / copies))


PRODUCT: Final = Product(
    "atl03",
    1,
    "ATL03",
    SCHEMA,
    EXTENTS | ANCILLARY | {"each_photon_once"},
    compute,
    effort=_effort,
    field_dtype=_as_stored,
)
