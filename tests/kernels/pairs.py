"""A beam of an ATL03 granule and its ATL08, as nunatak reads them, and PhoREAL's whole path over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nunatak.kernels.classification import land_rows, land_rows_of_photons, match_classes, take_rows
from nunatak.kernels.extents import Extents, form_extents
from nunatak.kernels.phoreal import Vegetation, vegetation
from nunatak.kernels.segments import find_runs, split_at_gaps
from nunatak.kernels.selection import select_photons, value_table
from nunatak.pipeline.reading.granule_file import GranuleFile, Want

ATL03 = (
    "geolocation/segment_id", "geolocation/segment_ph_cnt", "geolocation/segment_dist_x",
    "geolocation/solar_elevation", "heights/dist_ph_along", "heights/h_ph", "heights/lat_ph", "heights/lon_ph",
    "heights/delta_time", "heights/quality_ph", "heights/signal_conf_ph",
)  # fmt: skip
ATL08 = (
    "signal_photons/ph_segment_id", "signal_photons/classed_pc_indx", "signal_photons/classed_pc_flag",
    "signal_photons/ph_h", "land_segments/segment_id_beg", "land_segments/segment_landcover",
    "land_segments/segment_snowcover",
)  # fmt: skip
CLASSES = ("atl08_noise", "atl08_ground", "atl08_canopy", "atl08_top_of_canopy", "atl08_unclassified")


class Pair(NamedTuple):
    """One beam of both granules; datasets by their last name."""

    photons: dict[str, NDArray[Any]]
    land: dict[str, NDArray[Any]]
    atl08_class: NDArray[np.uint8]
    row: NDArray[np.int32]
    relief: NDArray[np.float32]
    land_row: NDArray[np.int32]


class Rows(NamedTuple):
    extents: Extents
    table: Vegetation


def read_pair(atl03: Path, beam: str) -> Pair:
    atl08 = atl03.with_name(atl03.name.replace("ATL03", "ATL08"))
    tables = []
    for path, names in ((atl03, ATL03), (atl08, ATL08)):
        with GranuleFile(str(path)) as granule:
            tables.append(granule.read({name.split("/")[1]: Want(f"{beam}/{name}") for name in names}))
    photons, land = tables
    identity, count = photons["segment_id"], photons["segment_ph_cnt"]
    matches = match_classes(
        identity, count, land["ph_segment_id"], land["classed_pc_indx"], land["classed_pc_flag"])  # fmt: skip
    of_segment = land_rows(identity, land["segment_id_beg"])
    return Pair(
        photons, land, *matches, take_rows(land["ph_h"], matches.row, 0.0),
        land_rows_of_photons(matches.row, count, of_segment))  # fmt: skip


def cut(pair: Pair, parameters: dict[str, Any]) -> Extents:
    """Extents with the defaults of the server that computed the golden tables."""
    asked: dict[str, Any] = {"srt": -1, "cnf": 2, "len": 40.0, "res": 20.0, "cnt": 10, "ats": 20.0, "quality_ph": [0]}
    asked |= parameters
    chosen = [CLASSES.index(name) for name in asked.get("atl08_class", CLASSES[1:4])]
    confidence, count = pair.photons["signal_conf_ph"], pair.photons["segment_ph_cnt"]
    selection = select_photons(
        count, confidence if asked["srt"] < 0 else confidence[:, asked["srt"]], pair.photons["quality_ph"],
        value_table(range(asked["cnf"], 5)), value_table(asked["quality_ph"]),
        np.isin(pair.atl08_class, chosen))  # fmt: skip
    identity = pair.photons["segment_id"]
    pieces = split_at_gaps(identity, find_runs(np.ones(len(count), bool), count))
    return form_extents(
        selection, pieces, pair.photons["dist_ph_along"], pair.photons["segment_dist_x"], identity,
        length=asked["len"], step=asked["res"], min_photons=asked["cnt"], min_spread=asked["ats"],
        pass_invalid=asked.get("pass_invalid", False))  # fmt: skip


def phoreal(pair: Pair, parameters: dict[str, Any]) -> Rows:
    extents = cut(pair, parameters)
    options = {"binsize": 1.0, "geoloc": "median"} | parameters["phoreal"]
    photons = pair.photons
    return Rows(extents, vegetation(
        extents, photons["h_ph"], pair.relief, pair.atl08_class, photons["lat_ph"], photons["lon_ph"],
        photons["delta_time"], photons["segment_dist_x"], photons["dist_ph_along"], **options))  # fmt: skip


def extent_ids(atl03: Path, beam: str, counter: NDArray[np.int64]) -> NDArray[np.int64]:
    """SlideRule's ids of photon extents; those of results have 2 besides."""
    rgt, cycle, region = (int(atl03.name[a:b]) for a, b in ((21, 25), (25, 27), (27, 29)))
    return (rgt << 52 | cycle << 36 | region << 32 | int(beam[2]) << 30 | (beam[3] == "r")) + counter * 4
