"""SlideRule's own tables, job by job, from granule to frame: heights, photons and vegetation."""

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
SERVER_YAPC: dict[str, Any] = {"version": 0}

IDENTITY = {"extent_id", "segment_id", "rgt", "cycle", "region", "spot", "gt", "track", "pair", "sc_orient"}
PHOTON = {"atl08_class", "atl03_cnf", "quality_ph", "yapc_score", "snowcover"}
COUNTS = {"n_fit_photons", "pflags", "ph_count", "gnd_ph_count", "veg_ph_count"}
IDENTICAL = IDENTITY | PHOTON | COUNTS
ABSOLUTE = {"h_mean": 1e-6, "latitude": 1e-9, "longitude": 1e-9, "segment_dist": 1e-6}
# The simulated ATL08 holds its land cover in one byte, the real one in two, and SlideRule reads two whatever is there:
# of the former it gets numbers that the file does not hold. The kernels' tests follow that misreading; what a file
# says is compared on the real pair.
MISREAD = {("synth_s1", "landcover")}
TIME_TOLERANCE = np.timedelta64(100, "us")
# A fit of 7 photons within half a metre (pflags 2, slope -3.9), whose weights are so large that SlideRule's sum of
# 1.5e18 ns is 132 us off; `test_truth` holds our times within 1 us of the exact line.
TIMES_BEYOND = {("synth_s1", "atl06p_srt3_cnf0_maxi1_invalid"): 1}


def _index() -> dict[str, dict[str, Any]]:
    folder = Path(os.environ.get("NUNATAK_SHARED") or Path(__file__).parents[2] / "shared")
    index = folder / "golden" / "index.json"
    return json.loads(index.read_text()) if index.is_file() else {}  # type: ignore[no-any-return]


def _jobs() -> list[tuple[str, str]]:
    """All jobs but those whose tables still show a defect that is mended here."""
    return [(granule, job) for granule, jobs in _index().items() for job in jobs if "follows_defect" not in jobs[job]]


def test_there_are_jobs(shared: Path) -> None:
    counted = pd.Series([job.split("_")[0] for _, job in _jobs()]).value_counts()
    assert counted.to_dict() == {"atl06p": 47, "atl03p": 16, "atl08p": 8}


@pytest.mark.parametrize(("granule", "job"), _jobs())
def test_every_table_equals_sliderules(shared: Path, granule: str, job: str) -> None:
    about = _index()[granule][job]
    ours = run(shared, granule, job, about["parameters"])
    assert len(ours) == about["rows"]
    if not about["rows"]:
        return
    theirs = pd.read_parquet(shared / "golden" / about["file"]).sort_values("extent_id", kind="stable")
    for column in set(theirs.columns) - {"time"}:
        if (granule, column) not in MISREAD:
            compare(column, job, ours[column], theirs[column])
    compared = theirs["n_fit_photons"].to_numpy() >= 5 if "n_fit_photons" in theirs else np.ones(len(theirs), bool)
    apart = np.abs(ours["time"].to_numpy() - theirs["time"].to_numpy().view("datetime64[ns]"))[compared]
    assert (apart > TIME_TOLERANCE).sum() == TIMES_BEYOND.get((granule, job), 0)


def run(shared: Path, granule: str, job: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """Run a job by the public path; rows by extent, photons of an extent as the file has them."""
    request = SERVER_DEFAULTS | parameters
    if "yapc" in request:
        request["yapc"] = SERVER_YAPC | request["yapc"]
    source = shared / "data" / "granules" / GRANULES[granule]
    plan = nunatak.plan(job[:5], source, request, keep_id=True)
    rows = plan.lazy().frame.compute(scheduler="sync")
    return rows.reset_index().sort_values("extent_id", kind="stable", ignore_index=True)


def compare(column: str, job: str, ours: pd.Series, theirs: pd.Series) -> None:
    if column in IDENTICAL or column == "landcover":
        np.testing.assert_array_equal(ours.astype("int64"), theirs.astype("int64"), column)
        return
    if column == "canopy_h_metrics":
        listed = np.array([[float(number) for number in text.split()] for text in theirs])
        assert near(np.stack(ours.to_numpy()), listed), column
        return
    tolerance = ABSOLUTE.get(column)
    if column == "x_atc" and not job.startswith("atl03p"):
        tolerance = 1.0  # theirs is a float32 of the distance from the equator; of photons, from the extent's centre
    if tolerance is None:
        assert near(ours.to_numpy(np.float64), theirs.to_numpy(np.float64)), column
    else:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=column)


def near(ours: Any, theirs: Any) -> bool:
    """Say whether either tolerance of float32 columns is enough: 1e-5 relative, or 1e-6 absolute; NaN where NaN is."""
    relative = np.isclose(ours, theirs, rtol=1e-5, atol=0, equal_nan=True)
    return bool(np.all(relative | (np.abs(ours - theirs) <= 1e-6)))


def test_doubled_deflate_changes_nothing(shared: Path) -> None:
    folder = shared / "data" / "granules"
    once, twice = (
        nunatak.atl06(path, SERVER_DEFAULTS, beams=["gt1r"]).compute(scheduler="sync")
        for path in (folder / GRANULES["real_0150"], folder / "double_deflate" / GRANULES["real_0150"])
    )
    pd.testing.assert_frame_equal(once, twice)


@pytest.mark.parametrize("folder", [".", "double_deflate"])
def test_every_photon_of_the_real_atl08_is_matched(shared: Path, folder: str) -> None:
    source = shared / "data" / "granules" / folder / GRANULES["real_0150"]
    everything = {"srt": -1, "cnf": -2, "quality_ph": list(range(26)), "cnt": 0, "ats": 0, "pass_invalid": True}
    photons = nunatak.atl03(source, everything, res=40, phoreal={}, atl08_class=[0, 1, 2, 3, 4], beams="gt1r")
    rows = photons.compute(scheduler="sync")
    assert len(rows) == 6809
    assert (rows["landcover"] != 255).sum() == (rows["atl08_class"] != 4).sum() == 1610
