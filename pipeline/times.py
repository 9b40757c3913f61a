"""Times: ATLAS SDP, GPS and UTC, converted here and nowhere else.

- **SDP** time is what ``delta_time`` holds: seconds since 2018-01-01T00:00:00 UTC (``atlas_sdp_gps_epoch``).
- **GPS** time is seconds since 1980-01-06T00:00:00 UTC without leap seconds: SDP + 1198800018 s.
- **UTC** is what results carry: nanoseconds since 1970-01-01 without leap seconds, as ``datetime64[ns]``.

Since 2017-01-01 GPS has been 18 s ahead of UTC, so for all of ICESat-2 the offsets are constants; a time before
that date is an error here (SlideRule: TimeLib.cpp, getleapsecs; Icesat2Fields.h, deltatime2timestamp).
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

#: GPS seconds at the ATLAS SDP epoch.
SDP_EPOCH_GPS: Final = 1198800018
#: Unix seconds at the ATLAS SDP epoch.
SDP_EPOCH_UNIX: Final = 1514764800
# From the last leap second to where int64 nanoseconds end.
_FIRST: Final = np.datetime64("2017-01-01T00:00:00", "s")
_END: Final = np.datetime64("2262-01-01T00:00:00", "s")

Floats: TypeAlias = NDArray[np.float64]
Nanoseconds: TypeAlias = NDArray[Any]  # datetime64[ns]


def sdp_to_utc(delta_time: ArrayLike) -> Nanoseconds:
    """Convert ATLAS SDP seconds to UTC, exactly to the nanosecond that float64 seconds can say.

    Parameters
    ----------
    delta_time
        Seconds since the SDP epoch, any shape.

    Returns
    -------
    ndarray of datetime64[ns]

    Raises
    ------
    InputError
        For what is no time from 2017 to 2261: not finite, or a fill value.

    Examples
    --------
    >>> from nunatak.pipeline.times import sdp_to_utc
    >>> sdp_to_utc([0.0, 86400.5])
    array(['2018-01-01T00:00:00.000000000', '2018-01-02T00:00:00.500000000'],
          dtype='datetime64[ns]')
    """
    seconds = np.asarray(delta_time, dtype=np.float64)
    first, end = ((limit.astype(np.int64) - SDP_EPOCH_UNIX) for limit in (_FIRST, _END))
    _refuse(seconds, ~((seconds >= first) & (seconds < end)), " s since 2018-01-01")
    whole = np.floor(seconds)
    # whole and fraction apart: 1e17 ns in one float64 would be a multiple of 16 ns
    ns = (whole.astype(np.int64) + SDP_EPOCH_UNIX) * 1_000_000_000
    ns += np.rint((seconds - whole) * 1e9).astype(np.int64)
    return ns.view("datetime64[ns]")


def utc_to_sdp(utc: ArrayLike) -> Floats:
    """Convert UTC (datetime64, or text that numpy reads as such) to ATLAS SDP seconds.

    Raises
    ------
    InputError
        For what is no time from 2017 to 2261.
    """
    try:
        times = np.asarray(utc, dtype="datetime64")
    except ValueError as error:
        raise InputError(f"time {utc!r}: no time; it is written as in 2019-12-20T02:00:00") from error
    _refuse(times, ~((times >= _FIRST) & (times < _END)))
    ns: NDArray[np.int64] = times.astype("datetime64[ns]").astype(np.int64) - SDP_EPOCH_UNIX * 1_000_000_000
    seconds = ns // 1_000_000_000
    return np.asarray(seconds + (ns - seconds * 1_000_000_000) / 1e9, dtype=np.float64)


def sdp_to_gps(delta_time: ArrayLike) -> Floats:
    """Convert ATLAS SDP seconds to GPS seconds."""
    return np.asarray(delta_time, dtype=np.float64) + SDP_EPOCH_GPS


def gps_to_sdp(gps: ArrayLike) -> Floats:
    """Convert GPS seconds to ATLAS SDP seconds."""
    return np.asarray(gps, dtype=np.float64) - SDP_EPOCH_GPS


def gps_to_utc(gps: ArrayLike) -> Nanoseconds:
    """Convert GPS seconds to UTC.

    Examples
    --------
    >>> from nunatak.pipeline.times import gps_to_utc
    >>> str(gps_to_utc(1198800018.0))
    '2018-01-01T00:00:00.000000000'
    """
    return sdp_to_utc(gps_to_sdp(gps))


def utc_to_gps(utc: ArrayLike) -> Floats:
    """Convert UTC to GPS seconds."""
    return sdp_to_gps(utc_to_sdp(utc))


def _refuse(times: NDArray[Any], wrong: NDArray[np.bool_], units: str = "") -> None:
    if np.any(wrong):
        raise InputError(
            f"time {times[wrong].ravel()[0]}{units}: not from 2017 to 2261. Before 2017 GPS and UTC differ by another "
            "number of leap seconds; ICESat-2 flies since 2018"
        )
