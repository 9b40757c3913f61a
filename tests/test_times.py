"""Time conversions against the calendar of the standard library and whole-number arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak.pipeline.errors import InputError
from nunatak.pipeline.times import gps_to_sdp, gps_to_utc, sdp_to_gps, sdp_to_utc, utc_to_gps, utc_to_sdp

SDP_EPOCH = datetime(2018, 1, 1, tzinfo=UTC)
GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# leap seconds between the GPS epoch and 2017-01-01, after which there was none (IERS Bulletin C)
LEAP_SECONDS = 18

# ICESat-2's times: from the last leap second to the end of the century
seconds = st.floats(-365 * 86400 + 1, 2.5e9)


def exact_ns(delta_time: float) -> int:
    """Unix nanoseconds by exact arithmetic, halves to even as numpy rounds."""
    whole = int(delta_time // 1)
    return (int((SDP_EPOCH - UNIX_EPOCH).total_seconds()) + whole) * 10**9 + round(
        (Fraction(delta_time) - whole) * 10**9
    )


@given(seconds)
def test_sdp_to_utc_is_exact_to_the_nanosecond(delta_time: float) -> None:
    # the fraction of a float64 second is a multiple of 2**-22 or finer here; its product with 1e9 may round once
    assert abs(int(sdp_to_utc(delta_time).astype(np.int64)) - exact_ns(delta_time)) <= 1


@given(st.integers(-31_535_999, 2_500_000_000), st.integers(0, 2**21 - 1))
def test_what_a_float_holds_exactly_comes_out_exactly(whole: int, part: int) -> None:
    delta_time = whole + part / 2**21
    assert int(sdp_to_utc(delta_time).astype(np.int64)) == exact_ns(delta_time)


@given(st.integers(-31_535_999, 2_500_000_000))
def test_calendar(whole: int) -> None:
    expected = (SDP_EPOCH + timedelta(seconds=whole)).replace(tzinfo=None)
    assert sdp_to_utc(whole).astype("datetime64[s]").item() == expected
    assert utc_to_sdp(np.datetime64(expected)) == whole


@given(st.integers(-31_535_999 * 10**9, 1_000_000_000 * 10**9))
def test_round_trip_from_utc(ns: int) -> None:
    utc = np.datetime64(ns + 1_514_764_800 * 10**9, "ns")
    # a float64 of 1e9 s has steps of 119 ns
    assert abs((sdp_to_utc(utc_to_sdp(utc)) - utc).astype(np.int64)) <= 60
    assert abs((gps_to_utc(utc_to_gps(utc)) - utc).astype(np.int64)) <= 256


@given(st.lists(seconds, max_size=20))
def test_round_trip_from_sdp(values: list[float]) -> None:
    delta_time = np.array(values, np.float64)
    np.testing.assert_allclose(utc_to_sdp(sdp_to_utc(delta_time)), delta_time, rtol=0, atol=1e-9 + 2.4e-7)
    np.testing.assert_allclose(gps_to_sdp(sdp_to_gps(delta_time)), delta_time, rtol=0, atol=2.4e-7 * 2)


def test_epochs() -> None:
    assert sdp_to_utc(0.0) == np.datetime64("2018-01-01T00:00:00")
    assert sdp_to_gps(0.0) == (SDP_EPOCH - GPS_EPOCH).total_seconds() + LEAP_SECONDS == 1198800018
    assert gps_to_utc(1198800018.0) == np.datetime64("2018-01-01T00:00:00")
    assert utc_to_gps("2018-01-01T00:00:00") == 1198800018
    assert utc_to_sdp("2019-01-01") == 365 * 86400


def test_known_granule() -> None:
    # ATL03_20181019065445_03150111: its first photons are of 2018-10-19 06:54:45
    delta_time = (datetime(2018, 10, 19, 6, 54, 45, tzinfo=UTC) - SDP_EPOCH).total_seconds()
    assert str(sdp_to_utc(delta_time)) == "2018-10-19T06:54:45.000000000"


def test_every_form_and_shape() -> None:
    wanted = np.array([["2018-01-01T00:00:01.5", "2018-01-01T00:00:02"]], "datetime64[ns]")
    np.testing.assert_array_equal(sdp_to_utc([[1.5, 2]]), wanted)
    np.testing.assert_array_equal(utc_to_sdp(wanted), [[1.5, 2.0]])
    assert sdp_to_utc([]).shape == (0,)
    assert sdp_to_utc([]).dtype == np.dtype("datetime64[ns]")
    assert sdp_to_utc(np.float32(0.5)) == sdp_to_utc(0.5) == np.datetime64("2018-01-01T00:00:00.5")
    assert utc_to_sdp(datetime(2018, 1, 1, 0, 0, 1)) == 1
    assert utc_to_sdp(["2018-01-01", "2018-01-01T00:00:01.000000001"]).tolist() == [0.0, 1.000000001]


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, np.finfo(np.float64).max, np.finfo(np.float32).max, -31_536_000.5, 7.7e9, 1e300]
)
def test_what_is_no_time_is_an_error_and_not_some_date(value: float) -> None:
    with pytest.raises(InputError, match=r"^time .*: not from 2017 to 2261"):
        sdp_to_utc([0.0, value])
    with pytest.raises(InputError):
        gps_to_utc(value + 1198800018)


@pytest.mark.parametrize("value", ["2016-12-31T23:59:59", "NaT", "2500-01-01", "1980-01-06"])
def test_what_is_no_utc_time_of_the_mission(value: str) -> None:
    with pytest.raises(InputError, match=r"^time .*: not from 2017 to 2261"):
        utc_to_sdp(value)


@pytest.mark.parametrize("value", ["yesterday", "2018-13-01", ["2018-01-01", "x"]])
def test_text_that_is_no_time(value: str) -> None:
    with pytest.raises(InputError, match=r"no time; it is written as in 2019-12-20T02:00:00"):
        utc_to_sdp(value)


def test_the_ends_of_what_is_converted() -> None:
    assert str(sdp_to_utc(-31_536_000.0)) == "2017-01-01T00:00:00.000000000"
    assert utc_to_sdp("2017-01-01") == -31_536_000
    assert str(sdp_to_utc(7_699_881_599.0)).startswith("2261-12-31T23:59:59")
