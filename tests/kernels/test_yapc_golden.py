"""YAPC scores against those of every photon in the tables that SlideRule computed, and heights of the chosen ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from test_kernels_golden import GRANULES, read_beam
from twin import Beam

from nunatak.kernels.background import background_rate
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.fit import fit_extents
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import select_photons, value_table
from nunatak.kernels.yapc import yapc_scores

QUALITIES = range(26)
JOBS = [
    *(("real_0150", f"atl03p_yapc{job}") for job in ("1", "2", "2_knn5_winh3", "3", "3_score100")),
    *(("synth_s1", f"atl03p_yapc{job}") for job in ("2", "2_knn5_winh3", "3", "3_score100")),
]
HEIGHTS = [(granule, f"atl06p_yapc{version}_score50") for granule in GRANULES for version in (1, 2)]


def score_of(beam: Beam, pieces: Any, parameters: dict[str, Any]) -> Any:
    yapc = {name: value for name, value in parameters["yapc"].items() if name not in {"version", "score"}}
    return yapc_scores(
        parameters["yapc"]["version"], beam.count, beam.distance, beam.along, beam.height, pieces,
        min_photons=parameters.get("cnt", 10), **yapc)  # fmt: skip


def extents_of(beam: Beam, pieces: Any, score: Any, parameters: dict[str, Any]) -> Extents:
    """The extents of the photons whose score is high enough."""
    lowest = parameters["cnf"]
    kept = select_photons(
        beam.count, beam.confidence, beam.quality, value_table(range(lowest, 5)),
        value_table(parameters.get("quality_ph", [0])), score >= parameters["yapc"]["score"])  # fmt: skip
    return form_extents(
        kept, pieces, beam.along, beam.distance, beam.segment_id,
        length=parameters.get("len", 40.0), step=parameters.get("res", 20.0),
        min_photons=parameters.get("cnt", 10), min_spread=parameters.get("ats", 20.0),
        pass_invalid=parameters.get("pass_invalid", False))  # fmt: skip


def beams_of(shared: Path, granule: str, names: list[str] | None) -> Any:
    """Each beam with what its extent ids begin with."""
    path = shared / "data" / "granules" / GRANULES[granule]
    rgt, cycle, region = (int(path.name[a:b]) for a, b in ((21, 25), (25, 27), (27, 29)))
    index = json.loads((shared / "golden" / "index.json").read_text())[granule]
    with h5py.File(path) as file:
        for name in names or [n for n in file if n.startswith("gt")]:
            beam_id = rgt << 52 | cycle << 36 | region << 32 | int(name[2]) << 30 | int(name[3] == "r")
            beam = read_beam(file[name], index["atl06p_yapc1_score50"]["parameters"]["srt"])
            yield beam_id, beam, split_at_gaps(beam.segment_id, find_runs(np.ones(len(beam.count), bool), beam.count))


@pytest.mark.parametrize(("granule", "job"), JOBS)
def test_every_photon_has_sliderules_score(shared: Path, granule: str, job: str) -> None:
    entry = json.loads((shared / "golden" / "index.json").read_text())[granule][job]
    theirs = pd.read_parquet(shared / "golden" / entry["file"])
    rows = 0
    for beam_id, beam, pieces in beams_of(shared, granule, entry["parameters"]["beams"]):
        score = score_of(beam, pieces, entry["parameters"])
        extents = extents_of(beam, pieces, score, entry["parameters"])
        photons = np.concatenate([extents.kept.photon[a:b] for a, b in zip(extents.first, extents.end, strict=True)])
        identity = np.repeat(beam_id + extents.counter * 4, extents.end - extents.first)
        table = theirs[theirs.extent_id.isin(identity)]
        assert_array_equal(table.extent_id, identity)
        # heights identify a photon; within an extent theirs are in the order of the file
        assert_array_equal(table.height.to_numpy(np.float32), beam.height[photons])
        assert_array_equal(table.yapc_score, score[photons])
        rows += len(table)
    assert rows == entry["rows"] == len(theirs)


@pytest.mark.parametrize(("granule", "job"), HEIGHTS)
def test_heights_of_the_photons_with_a_score(shared: Path, granule: str, job: str) -> None:
    entry = json.loads((shared / "golden" / "index.json").read_text())[granule][job]
    theirs = pd.read_parquet(shared / "golden" / entry["file"]).sort_values("extent_id", ignore_index=True)
    tables = []
    for beam_id, beam, pieces in beams_of(shared, granule, entry["parameters"].get("beams")):
        extents = extents_of(beam, pieces, score_of(beam, pieces, entry["parameters"]), entry["parameters"])
        rate = background_rate(beam.segment_time[extents.segment], beam.background_time, beam.background_rate)
        fits = fit_extents(extents, beam.distance, rate, beam.velocity, beam.along, beam.height, beam.latitude,
                           beam.longitude, beam.delta_time, beam.across)  # fmt: skip
        identity = beam_id + extents.counter[fits.extent] * 4 + 2
        tables.append(
            pd.DataFrame({
                "extent_id": identity, "h_mean": fits.h_mean, "n_fit_photons": fits.n_fit_photons, "pflags": fits.pflags
            })
        )  # fmt: skip
    ours = pd.concat(tables).sort_values("extent_id", ignore_index=True)
    assert len(ours) == entry["rows"]
    for name in ("extent_id", "n_fit_photons", "pflags"):
        assert_array_equal(ours[name].astype(np.int64), theirs[name].astype(np.int64), name)
    np.testing.assert_allclose(ours.h_mean, theirs.h_mean, atol=1e-6, rtol=0)
