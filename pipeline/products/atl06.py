"""ATL06-SR: the height of each extent, by a line fitted to its photons (SlideRule, endpoint atl06p)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...kernels.fit import Fits, fit_extents
from ..ancillary import HONOURS as ANCILLARY
from ..ancillary import read_fields
from ..extents import HONOURS as EXTENTS
from ..extents import BeamExtents, read_extents
from . import common
from .product import Computed, Product
from .schema import Column, Schema

if TYPE_CHECKING:
    from ..beam import Beam
    from ..task import Request

_FIT: Final = "fitted to the extent's photons, at its centre"

SCHEMA: Final = Schema(
    (
        common.time(f"heights/delta_time, {_FIT}"),
        common.EXTENT_ID,
        common.SEGMENT_ID,
        Column("n_fit_photons", "int32", "1", "photons of the last fit", "computed"),
        Column("pflags", "uint16", "1", "1 spread too short, 2 too few photons, 4 maxi reached, 8 dispersion undefined", "computed"),
        *common.IDENTITY,
        common.X_ATC,
        Column("y_atc", "float32", "m", "across-track distance from the reference ground track", f"heights/dist_ph_across, {_FIT}"),
        common.latitude(f"heights/lat_ph, {_FIT}"),
        common.longitude(f"heights/lon_ph, {_FIT}"),
        Column("h_mean", "float64", "m", "height above the WGS 84 ellipsoid", f"heights/h_ph, {_FIT}"),
        Column("dh_fit_dx", "float32", "1", "along-track slope", f"heights/h_ph, {_FIT}"),
        Column("h_sigma", "float32", "m", "error estimate of h_mean; 0 where the fit failed (pflags 1, 2, 8)", "computed"),
        Column("rms_misfit", "float32", "m", "root mean square of the residuals; 0 where the fit failed", "computed"),
        Column("w_surface_window_final", "float32", "m", "height of the window of the last pass", "computed"),
    )
)  # fmt: skip


def compute(beam: Beam, request: Request) -> Computed | None:
    """Compute the heights of a beam; None when nothing of it is in the region.

    Raises
    ------
    ReadError
        With granule, beam and dataset.
    """
    parameters = request.parameters
    cut = read_extents(beam, parameters)
    if cut is None:
        return None
    photons = cut.photons
    ancillary = read_fields(beam, photons, cut.classes, request.fields)
    fits = fit_extents(
        cut.extents,
        photons["segment_dist_x"],
        cut.background(),
        photons["velocity_sc"],
        photons["along"],
        photons["height"],
        photons["latitude"],
        photons["longitude"],
        photons["delta_time"],
        photons["across"],
        fields=np.stack([field.of_all().astype(np.float64) for field in ancillary]) if ancillary else None,
        min_photons=parameters.cnt,
        min_spread=parameters.ats,
        max_iterations=parameters.maxi,
        min_window=parameters.H_min_win,
        max_dispersion=parameters.sigma_r_max,
    )
    fitted = {field.field.column: fits.fields[:, i] for i, field in enumerate(ancillary)}
    notes = cut.notes({"rows whose photons do not determine a line": fits.undetermined})
    return Computed({**_columns(cut, fits), **fitted}, len(photons["height"]), len(cut.selection.photon), notes)


def _columns(cut: BeamExtents, fits: Fits) -> dict[str, Any]:
    fitted = {c.name: getattr(fits, c.name) for c in SCHEMA.columns if c.name in Fits._fields}
    return {**fitted, **cut.identity(fits.extent, fitted=True), "x_atc": cut.extents.centre[fits.extent]}


PRODUCT: Final = Product(
    "atl06", 1, "ATL03", SCHEMA, EXTENTS | ANCILLARY | {"H_min_win", "maxi", "sigma_r_max"}, compute
)
