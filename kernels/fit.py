"""ATL06-SR: the height of each extent by an iterative straight-line fit, as SlideRule's Atl06Dispatch makes it.

The algorithm is that of the product ATL06 (robust dispersion, window, iteration) with SlideRule's choices; numbers
that it stores as float32 and reads again within the iteration are rounded here too. The order of operations is this
module's own: photons stay in file order, heights are relative to the extent's first photon, and hardly any pass
sorts (`quantiles`).
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Float32s, Float64s, Int, Int32s, Int64s, Real, as_input
from .extents import Extents
from .policy import kernel
from .quantiles import signal_quartiles, surely_narrow, working_space
from .steps import (
    ANTIMERIDIAN,
    count_inside,
    extremes,
    keep_inside,
    larger,
    load_extent,
    longitude_around_180,
    nearly_singular_line,
    sort_into,
    sorted_quartiles,
    spread_at_least,
    straight_line,
    unix_nanoseconds,
)
from .sums import sum_of_squares, weighted_sums

SPEED_OF_LIGHT = 299792458.0
"""m/s."""
PULSE_RATE = 10000.0
"""Pulses per second of ATLAS."""
DISPERSION_SCALE = 1.3490
"""From the distance of the quartiles to a standard deviation, for a normal distribution."""
BEAM_SIGMA = 4.25
"""m, spread of the beam's footprint."""
PULSE_SIGMA = SPEED_OF_LIGHT / 2 * 0.68e-9
"""m, the transmitted pulse's duration as a height."""
SINGULAR = 25.0
"""Variance factor of the height beyond which a fit is nearly singular: its photons lie almost at one place."""

UNDETERMINED = 1e9
"""Photons times variance factor from which a line is not determined: the determinant is so small a part of what it is
the difference of that fewer than seven digits of it are left."""

SPREAD_TOO_SHORT, TOO_FEW_PHOTONS, MAX_ITERATIONS_REACHED, NO_DISPERSION = 1, 2, 4, 8


class Fits(NamedTuple):
    """One row per extent that has photons (N)."""

    extent: NDArray[np.int64]
    """(N,) row of the extent."""
    h_mean: NDArray[np.float64]
    """(N,) m, height at the extent's centre; NaN if the fit is not determined."""
    dh_fit_dx: NDArray[np.float32]
    """(N,) slope along track."""
    h_sigma: NDArray[np.float32]
    """(N,) m, error of h_mean; 0 in rows that failed (pflags 1, 2 or 8)."""
    rms_misfit: NDArray[np.float32]
    """(N,) m; 0 in rows that failed."""
    w_surface_window_final: NDArray[np.float32]
    """(N,) m, height of the last window."""
    latitude: NDArray[np.float64]
    """(N,) degrees, at the centre."""
    longitude: NDArray[np.float64]
    """(N,) degrees, at the centre."""
    time: NDArray[np.int64]
    """(N,) ns since the Unix epoch, at the centre; the first photon's if the fit is not determined."""
    y_atc: NDArray[np.float32]
    """(N,) m, across track."""
    n_fit_photons: NDArray[np.int32]
    """(N,) photons of the last fit."""
    pflags: NDArray[np.uint16]
    """(N,) 1 spread too short, 2 too few photons, 4 max iterations reached, 8 no dispersion."""
    determined: NDArray[np.bool_]
    """(N,) False where the photons do not determine a line: one photon, or all at one place. Such a height is NaN, or
    what rounding left of it; SlideRule gives these rows too, and no flag of its own says so."""
    fields: NDArray[np.float64]
    """(N, F) further quantities of the photons, at the centre."""

    @property
    def undetermined(self) -> int:
        """Rows whose photons do not determine a line."""
        return int(np.count_nonzero(~self.determined))


def fit_extents(
    extents: Extents,
    segment_distance: ArrayLike,
    background: ArrayLike,
    spacecraft_velocity: ArrayLike,
    along: ArrayLike,
    height: ArrayLike,
    latitude: ArrayLike,
    longitude: ArrayLike,
    delta_time: ArrayLike,
    across: ArrayLike,
    *,
    fields: ArrayLike | None = None,
    min_photons: int = 10,
    min_spread: float = 20.0,
    max_iterations: int = 5,
    min_window: float = 3.0,
    max_dispersion: float = 5.0,
) -> Fits:
    """Fit every extent that has photons; no row is dropped for its flags.

    Parameters
    ----------
    extents
        From `form_extents`.
    segment_distance
        float64 (S,), m: `segment_dist_x`.
    background
        float64 (E,), 1/s: background rate of each extent, from `background_rate`.
    spacecraft_velocity
        float32 (S, 3), m/s: `velocity_sc`.
    along, height, latitude, longitude, delta_time, across
        (P,) of all photons: `dist_ph_along` and `h_ph`, float32, in m; `lat_ph` and `lon_ph`, float64, in degrees;
        `delta_time`, float64, in s since 2018-01-01; `dist_ph_across`, float32, in m.
    fields
        float64 (F, P): further quantities, one row each, of all photons. They are weighed as the height is, each value
        with its own photon; SlideRule pairs them with others once photons are sorted (docs/differences.md, 11).
    min_photons, min_spread
        `cnt`, and `ats` in m: an iteration that leaves fewer photons, or less distance along track, fails.
    max_iterations
        `maxi`: the first fit counts, so 1 is one fit and nothing removed.
    min_window, max_dispersion
        `H_min_win` and `sigma_r_max` in m; the latter caps the dispersion, it rejects nothing.

    Raises
    ------
    ValueError
        If an array has the wrong length.
    """
    kept = extents.kept
    segments, photons = len(kept.first_kept) - 1, int(kept.first_photon[-1])
    velocity = np.asarray(spacecraft_velocity, np.float64)
    if velocity.shape != (segments, 3):
        raise ValueError(f"spacecraft_velocity has shape {velocity.shape}; ({segments}, 3) is needed")
    rows = np.flatnonzero(extents.end > extents.first)
    vx, vy, vz = velocity[extents.segment[rows]].T
    speed = np.sqrt(vx * vx + vy * vy + vz * vz).astype(np.float32).astype(np.float64)
    rate = as_input(background, np.float64, "background", len(extents.first))[rows]
    with np.errstate(all="ignore"):
        density = extents.length * PULSE_RATE / speed * rate / (SPEED_OF_LIGHT / 2)
    more = np.ascontiguousarray(np.empty((0, photons)) if fields is None else fields, np.float64).view()
    if more.ndim != 2 or more.shape[1] != photons:
        raise ValueError(f"fields has shape {more.shape}; (fields, {photons}) is needed")
    more.flags.writeable = False
    fits = _empty(rows, len(more))
    _fit(
        as_input(extents.first[rows], np.int64, "extents"),
        as_input(extents.end[rows], np.int64, "extents"),
        as_input(extents.segment[rows], np.int64, "extents"),
        as_input(extents.start[rows], np.float64, "extents"),
        as_input(density, np.float64, "density"),
        as_input(kept.photon, np.int32, "kept"),
        as_input(kept.first_kept, np.int32, "kept"),
        as_input(segment_distance, np.float64, "segment_distance", segments),
        as_input(along, np.float32, "along", photons),
        as_input(height, np.float32, "height", photons),
        as_input(latitude, np.float64, "latitude", photons),
        as_input(longitude, np.float64, "longitude", photons),
        as_input(delta_time, np.float64, "delta_time", photons),
        as_input(across, np.float32, "across", photons),
        more,
        extents.length / 2,
        int(min_photons),
        float(min_spread),
        int(max_iterations),
        float(min_window),
        float(max_dispersion),
        fits,
    )
    return fits


def _empty(extent: NDArray[np.int64], fields: int) -> Fits:
    """Make the table that the kernel fills."""
    n = len(extent)
    columns = [np.zeros(n, dtype) for dtype in ("f8", "f4", "f4", "f4", "f4", "f8", "f8", "i8", "f4", "i4", "u2", "?")]
    return Fits._make([extent, *columns, np.zeros((n, fields))])


@kernel
def _fit(
    first: Int64s, end: Int64s, segment: Int64s, start: Float64s, density: Float64s, kept_photon: Int32s,
    first_kept: Int32s, distance: Float64s, along: Float32s, height_of: Float32s, latitude: Float64s,
    longitude: Float64s, delta_time: Float64s, across: Float32s, fields: Float64s, half_length: Real, min_photons: Int,
    min_spread: Real, max_iterations: Int, min_window: Real, max_dispersion: Real, fits: Fits,
) -> None:  # fmt: skip
    """Fit one extent after the other, in working memory that is made once."""
    most = np.int64(8)
    for e in range(len(first)):
        most = max(most, end[e] - first[e])
    room = (most + 15) // 16 * 16
    x = np.empty(room)
    z = np.empty(room)
    r = np.empty(room)
    ordered = np.empty(room)
    photon = np.empty(room, np.int32)
    partial = np.empty((4, room))
    space = working_space(room)
    bits = r.view(np.int64)
    cell = np.empty(2)
    cell_bits = cell.view(np.int64)

    for e in range(len(first)):
        n = end[e] - first[e]
        shift = np.float64(height_of[kept_photon[first[e]]])
        load_extent(
            first[e], end[e], segment[e], start[e], half_length, shift,
            kept_photon, first_kept, distance, along, height_of, x, z, photon)  # fmt: skip
        window = 0.0
        iteration = 0
        flags = 0
        failed = False
        while True:
            a, b, height, slope = straight_line(x, z, n, partial)
            regular = a < SINGULAR
            if not regular:
                a, b, height, slope = nearly_singular_line(x, z, shift, n)
            slope32 = np.float64(np.float32(slope))
            for i in range(n):
                r[i] = z[i] - (height + x[i] * slope)
            # the robust dispersion, with the background's share taken off
            if regular:
                lowest, highest = extremes(bits, n, cell, cell_bits)
            else:
                sort_into(r, ordered, n)
                lowest, highest = ordered[0], ordered[n - 1]
            if iteration == 0:
                z0, z1 = lowest, highest
                n_background = density[e] * (z1 - z0)
            else:
                z0, z1 = -window / 2, window / 2
                n_background = density[e] * window
            rate = n_background / (z1 - z0)
            n_signal = n - n_background
            expected = sqrt(PULSE_SIGMA * PULSE_SIGMA + BEAM_SIGMA * BEAM_SIGMA * (slope32 * slope32))
            least_window = larger(larger(min_window, 6 * expected), 0.75 * window)
            # up to the least window the dispersion has no say, and need not be known
            narrow = least_window / 6 * DISPERSION_SCALE * 0.999999
            dispersion = 0.0
            if n_signal <= 1:
                dispersion = (z1 - z0) / n
            elif not (regular and rate >= 0 and surely_narrow(r, n, lowest, highest, n_signal, z0, rate, narrow)):
                quarter = 0.25 * n_signal
                three_quarters = 0.75 * n_signal
                i0, i1 = 0, -1
                interquartile = 0.0
                sure = False
                if regular and rate >= 0:
                    i0, i1, interquartile, sure = signal_quartiles(
                        r, n, lowest, highest, quarter, three_quarters, z0, rate, space)  # fmt: skip
                if not sure or i1 < i0:
                    if regular:
                        sort_into(r, ordered, n)
                    i0, i1, interquartile = sorted_quartiles(ordered, n, n_signal, quarter, three_quarters, z0, rate)
                if i0 >= 0 and i1 < n:
                    dispersion = interquartile / DISPERSION_SCALE
                else:
                    flags |= NO_DISPERSION
                    failed = True
            dispersion = max_dispersion if max_dispersion < dispersion else dispersion
            wanted = larger(larger(min_window, 6 * expected), 6 * dispersion)
            window = np.float64(np.float32(larger(wanted, 0.75 * window)))
            # which photons stay
            half = window / 2
            inside = count_inside(r, n, half)
            if inside < min_photons:
                flags |= TOO_FEW_PHOTONS
                failed = True
                break
            if not spread_at_least(x, r, n, half, min_spread):
                flags |= SPREAD_TOO_SHORT
                failed = True
                break
            if inside == n:
                break
            iteration += 1
            if iteration >= max_iterations:
                flags |= MAX_ITERATIONS_REACHED
                break
            keep_inside(x, z, photon, r, n, half)
            n = inside

        if not failed and n > 0:
            rms = np.float32(sqrt(sum_of_squares(r, n) / n))
            fits.rms_misfit[e] = rms
            # the variance factor: the sum of the squared weights a + b*x is a itself
            fits.h_sigma[e] = np.float32(rms * np.float32(sqrt(a)))
        fits.h_mean[e] = height + shift
        fits.dh_fit_dx[e] = slope32
        fits.w_surface_window_final[e] = window
        fits.n_fit_photons[e] = n
        fits.pflags[e] = flags
        fits.determined[e] = n * a < UNDETERMINED and np.isfinite(height)
        # place and time at the centre, by the weights of the height, relative to the first photon's; nearly singular
        # fits take the values as they are, since that is what SlideRule's digits come from
        origin = photon[0]
        near = 1.0 if regular else 0.0
        reference_latitude = near * latitude[origin]
        reference_longitude = near * longitude[origin]
        reference_across = near * np.float64(across[origin])
        north, east, later, beside = weighted_sums(
            x, photon, n, a, b, latitude, longitude, delta_time, across,
            reference_latitude, reference_longitude, delta_time[origin], reference_across)  # fmt: skip
        if abs(longitude[origin]) > ANTIMERIDIAN:
            fits.longitude[e] = longitude_around_180(longitude, photon, x, n, a, b)
        else:
            fits.longitude[e] = reference_longitude + east
        fits.latitude[e] = reference_latitude + north
        fits.y_atc[e] = np.float32(reference_across + beside)
        fits.time[e] = unix_nanoseconds(delta_time[origin], later)
        for f in range(len(fields)):
            total = 0.0
            for i in range(n):
                total += (a + b * x[i]) * fields[f, photon[i]]
            fits.fields[e, f] = total
