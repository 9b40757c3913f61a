"""The heights of SlideRule's own tables, job by job, from granule to frame."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nunatak

GRANULES = {
    "synth_s1": "ATL03_20181115123456_07850103_006_02.h5",
    "real_0150": "ATL03_20220401221822_01501506_006_02.h5",
}
# What the server that made the tables assumed where a job leaves a parameter out.
SERVER_DEFAULTS: dict[str, Any] = {"srt": -1, "cnf": [2, 3, 4], "quality_ph": [0]}
IDENTICAL = ["extent_id", "segment_id", "n_fit_photons", "pflags", "spot", "gt", "rgt", "cycle", "region"]
ABSOLUTE = {"h_mean": 1e-6, "latitude": 1e-9, "longitude": 1e-9, "x_atc": 1.0}
FLOAT32 = ["dh_fit_dx", "h_sigma", "rms_misfit", "w_surface_window_final", "y_atc"]
TIME_TOLERANCE = np.timedelta64(100, "us")
# A fit of 7 photons within half a metre (pflags 2, slope -3.9), whose weights are so large that SlideRule's sum of
# 1.5e18 ns is 132 us off; `test_truth` holds our times within 1 us of the exact line.
TIMES_BEYOND = {("synth_s1", "atl06p_srt3_cnf0_maxi1_invalid"): 1}


def _folder() -> Path:
    return Path(os.environ.get("NUNATAK_SHARED") or Path(__file__).parents[2] / "shared")


def _jobs() -> list[tuple[str, str]]:
    """All ATL06-SR jobs that need neither YAPC nor an ATL08 class."""
    index = _folder() / "golden" / "index.json"
    if not index.is_file():
        return []
    return [
        (granule, job)
        for granule, jobs in json.loads(index.read_text()).items()
        for job, about in jobs.items()
        if job.startswith("atl06p_") and not {"yapc", "atl08_class"} & set(about["parameters"])
    ]


def test_there_are_jobs(shared: Path) -> None:
    assert len(_jobs()) == 41


@pytest.mark.parametrize(("granule", "job"), _jobs())
def test_heights_equal_sliderule(shared: Path, granule: str, job: str) -> None:
    about = json.loads((shared / "golden" / "index.json").read_text())[granule][job]
    source = shared / "data" / "granules" / GRANULES[granule]
    ours = nunatak.atl06(source, SERVER_DEFAULTS | about["parameters"], keep_id=True).compute(scheduler="sync")
    assert len(ours) == about["rows"]
    if not about["rows"]:
        return
    ours = ours.reset_index().sort_values("extent_id", ignore_index=True)
    theirs = pd.read_parquet(shared / "golden" / about["file"])
    for column in IDENTICAL:
        np.testing.assert_array_equal(ours[column].astype("int64"), theirs[column], column)
    for column, tolerance in ABSOLUTE.items():
        np.testing.assert_allclose(ours[column], theirs[column], rtol=0, atol=tolerance, err_msg=column)
    for column in FLOAT32:
        # either tolerance is enough: 1e-5 relative or 1e-6 absolute
        relative = np.isclose(ours[column], theirs[column], rtol=1e-5, atol=0, equal_nan=True)
        assert np.all(relative | (np.abs(ours[column] - theirs[column]) <= 1e-6)), column
    compared = theirs["n_fit_photons"] >= 5
    apart = np.abs(ours["time"] - theirs["time"].to_numpy().view("datetime64[ns]"))[compared]
    assert (apart > TIME_TOLERANCE).sum() == TIMES_BEYOND.get((granule, job), 0)


def test_doubled_deflate_changes_nothing(shared: Path) -> None:
    folder = shared / "data" / "granules"
    once, twice = (
        nunatak.atl06(path, SERVER_DEFAULTS, beams=["gt1r"]).compute(scheduler="sync")
        for path in (folder / GRANULES["real_0150"], folder / "double_deflate" / GRANULES["real_0150"])
    )
    pd.testing.assert_frame_equal(once, twice)
