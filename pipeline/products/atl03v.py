"""The fast view of a track (SlideRule, endpoint atl03vp): one row a segment that has photons; no photon is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..extents import granule_columns
from ..granule import extent_id_base, pair_of, track_of
from ..photons import choose_segments
from ..reading.granule_file import Want
from ..times import sdp_to_utc
from . import common
from .product import Computed, Effort, Product
from .schema import Column, Schema

if TYPE_CHECKING:
    from ..beam import Beam
    from ..task import Request

_FIELDS: Final = {
    "delta_time": ("geolocation/delta_time", "f8"),
    "segment_id": ("geolocation/segment_id", "i4"),
    "segment_dist_x": ("geolocation/segment_dist_x", "f8"),
    "latitude": ("geolocation/reference_photon_lat", "f8"),
    "longitude": ("geolocation/reference_photon_lon", "f8"),
}

SCHEMA: Final = Schema(
    (
        common.time("geolocation/delta_time"),
        common.EXTENT_ID,
        Column("segment_id", "uint32", "1", "ATL03 segment", "geolocation/segment_id"),
        Column("segment_dist_x", "float64", "m", "along-track distance from the equator to the segment's start", "geolocation/segment_dist_x"),
        Column("segment_ph_cnt", "uint32", "1", "photons of the segment", "geolocation/segment_ph_cnt"),
        common.TRACK,
        common.PAIR,
        *common.IDENTITY,
        common.latitude("geolocation/reference_photon_lat"),
        common.longitude("geolocation/reference_photon_lon"),
    )
)  # fmt: skip


def compute(beam: Beam, request: Request) -> Computed | None:
    """Give the segments of a beam that lie in the region and have photons; None when there is none.

    Raises
    ------
    ReadError
        With granule, beam and dataset.
    """
    choice = choose_segments(beam, request.parameters)
    if not choice.photons:
        return None
    wants = {name: Want(beam.path(path), dtype, choice.segments) for name, (path, dtype) in _FIELDS.items()}
    fields = beam.read(wants)
    shown = choice.photon_count > 0
    if choice.in_mask is not None:
        shown &= choice.in_mask.astype(np.bool_)
    rows = np.flatnonzero(shown)
    base = np.uint64(extent_id_base(beam.name, beam.beam))
    columns = {
        **granule_columns(beam, len(rows)),
        **{name: values[rows] for name, values in fields.items()},
        "time": sdp_to_utc(fields["delta_time"][rows]),
        "extent_id": base | rows.astype(np.uint64) << np.uint64(2),
        "segment_ph_cnt": choice.photon_count[rows],
        "track": np.full(len(rows), track_of(beam.beam)),
        "pair": np.full(len(rows), pair_of(beam.beam)),
    }
    return Computed(columns, 0, 0)


PRODUCT: Final = Product(
    "atl03v",
    1,
    "ATL03",
    SCHEMA,
    frozenset({"beams", "poly", "proj", "region_mask", "track"}),
    compute,
    effort=lambda _: Effort(reads=False, memory=5.0, per_second=1e8),
)
