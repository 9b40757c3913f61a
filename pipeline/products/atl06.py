"""ATL06-SR: the height of each extent, by a line fitted to its photons (SlideRule, endpoint atl06p)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...kernels.background import background_rate
from ...kernels.extents import Extents, form_extents
from ...kernels.fit import Fits, fit_extents
from ...kernels.selection import Selection, select_photons, value_table
from ..granule import GROUND_TRACK, extent_id_base
from ..photons import Photons, read_photons
from .product import Computed, Product
from .schema import Column, Schema

if TYPE_CHECKING:
    from ..beam import Beam
    from ..parameters import Parameters

_FIT: Final = "fitted to the extent's photons, at its centre"
_NAME: Final = "granule name"

SCHEMA: Final = Schema(
    (
        Column(
            "time",
            "datetime64[ns]",
            "ns",
            "UTC since 1970-01-01 without leap seconds",
            f"heights/delta_time, {_FIT}",
        ),
        Column(
            "extent_id",
            "uint64",
            "1",
            "rgt, cycle, region, track, number of the extent and pair in one number",
            "computed",
        ),
        Column(
            "segment_id",
            "uint32",
            "1",
            "ATL03 segment at the centre of the extent, as in ATL06",
            "geolocation/segment_id",
        ),
        Column("n_fit_photons", "int32", "1", "photons of the last fit", "computed"),
        Column(
            "pflags",
            "uint16",
            "1",
            "1 spread too short, 2 too few photons, 4 maxi reached, 8 dispersion undefined",
            "computed",
        ),
        Column("rgt", "uint16", "1", "reference ground track", _NAME),
        Column("cycle", "uint8", "1", "91-day repeat cycle", _NAME),
        Column("region", "uint8", "1", "granule region", _NAME),
        Column(
            "spot",
            "uint8",
            "1",
            "laser spot 1 to 6, odd ones strong; 0 while the spacecraft turns",
            "orbit_info/sc_orient",
        ),
        Column("gt", "uint8", "1", "ground track: 10 gt1l, 20 gt1r, 30 gt2l, 40 gt2r, 50 gt3l, 60 gt3r", "beam"),
        Column(
            "x_atc",
            "float64",
            "m",
            "along-track distance from the equator to the centre of the extent",
            "geolocation/segment_dist_x",
        ),
        Column(
            "y_atc",
            "float32",
            "m",
            "across-track distance from the reference ground track",
            f"heights/dist_ph_across, {_FIT}",
        ),
        Column("latitude", "float64", "degrees_north", "latitude", f"heights/lat_ph, {_FIT}", alias="lat"),
        Column("longitude", "float64", "degrees_east", "longitude", f"heights/lon_ph, {_FIT}", alias="lon"),
        Column("h_mean", "float64", "m", "height above the WGS 84 ellipsoid", f"heights/h_ph, {_FIT}"),
        Column("dh_fit_dx", "float32", "1", "along-track slope", f"heights/h_ph, {_FIT}"),
        Column(
            "h_sigma",
            "float32",
            "m",
            "error estimate of h_mean; 0 where the fit failed (pflags 1, 2, 8)",
            "computed",
        ),
        Column(
            "rms_misfit",
            "float32",
            "m",
            "root mean square of the residuals; 0 where the fit failed",
            "computed",
        ),
        Column("w_surface_window_final", "float32", "m", "height of the window of the last pass", "computed"),
    )
)

HONOURS: Final = frozenset(
    {
        "H_min_win", "ats", "beams", "cnf", "cnt", "dist_in_seg", "len", "maxi", "pass_invalid", "poly", "proj",
        "quality_ph", "region_mask", "res", "sigma_r_max", "srt", "track",
    }
)  # fmt: skip


def compute(beam: Beam, parameters: Parameters) -> Computed | None:
    """Compute the heights of a beam; None when nothing of it is in the region.

    Raises
    ------
    ReadError
        With granule, beam and dataset.
    """
    photons = read_photons(beam, parameters)
    if photons is None:
        return None
    selection = select(photons, parameters)
    extents = cut(beam, photons, selection, parameters)
    background = background_rate(
        photons["segment_delta_time"][extents.segment], photons["background_time"], photons["background_rate"]
    )
    fits = fit_extents(
        extents,
        photons["segment_dist_x"],
        background,
        photons["velocity_sc"],
        photons["along"],
        photons["height"],
        photons["latitude"],
        photons["longitude"],
        photons["delta_time"],
        photons["across"],
        min_photons=parameters.cnt,
        min_spread=parameters.ats,
        max_iterations=parameters.maxi,
        min_window=parameters.H_min_win,
        max_dispersion=parameters.sigma_r_max,
    )
    return Computed(
        _columns(beam, extents, fits), len(photons["height"]), len(selection.photon), _notes(selection, fits)
    )


def select(photons: Photons, parameters: Parameters) -> Selection:
    """Apply the photon filters of the request."""
    return select_photons(
        photons.photon_count,
        photons["confidence"],
        photons["quality"],
        value_table(parameters.cnf),
        value_table(parameters.quality_ph),
        photons.keep,
    )


def cut(beam: Beam, photons: Photons, selection: Selection, parameters: Parameters) -> Extents:
    """Cut the selected photons into the extents of the request."""
    try:
        return form_extents(
            selection,
            photons.pieces,
            photons["along"],
            photons["segment_dist_x"],
            photons["segment_id"],
            length=parameters.len,
            step=parameters.res,
            in_segments=parameters.dist_in_seg,
            min_photons=parameters.cnt,
            min_spread=parameters.ats,
            pass_invalid=parameters.pass_invalid,
        )
    except ValueError as error:  # distances that no track has
        raise beam.layout_error("geolocation/segment_dist_x", str(error)) from error


def _columns(beam: Beam, extents: Extents, fits: Fits) -> dict[str, Any]:
    rows, name = fits.extent, beam.name
    base = np.uint64(extent_id_base(name, beam.beam) | 0x2)  # the bit of fitted results
    alike = {
        "rgt": name.rgt,
        "cycle": name.cycle,
        "region": name.region,
        "spot": beam.spot(),
        "gt": GROUND_TRACK[beam.beam],
    }
    fitted = {c.name: getattr(fits, c.name) for c in SCHEMA.columns if c.name in Fits._fields}
    return {
        **fitted,
        **{column: np.full(len(rows), value) for column, value in alike.items()},
        "extent_id": base | extents.counter[rows].astype(np.uint64) << np.uint64(2),
        "segment_id": extents.segment_id[rows],
        "x_atc": extents.centre[rows],
    }


def _notes(selection: Selection, fits: Fits) -> tuple[str, ...]:
    counted = {
        "rows whose photons do not determine a line": fits.undetermined,
        "photons with a confidence outside -2 to 4, not selected": selection.odd_confidence,
        "photons with a quality outside 0 to 25, not selected": selection.odd_quality,
    }
    return tuple(f"{count} {what}" for what, count in counted.items() if count)


PRODUCT: Final = Product("atl06", 1, "ATL03", SCHEMA, HONOURS, compute)
