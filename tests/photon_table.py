"""What a pair of granules holds, photon by photon, as h5py reads it: the expectation that products are held to."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from nunatak.pipeline.granule import BEAMS, GROUND_TRACK

#: A request that gives each photon of a granule once, whatever is said of it.
EVERYTHING = {
    "srt": "land", "cnf": -2, "quality_ph": list(range(26)), "len": 40, "res": 40, "cnt": 0, "ats": 0,
    "pass_invalid": True,
}  # fmt: skip


def photon_table(atl03: Path, atl08: Path | None = None) -> pd.DataFrame:
    """List all photons of a granule in the order of its beams, with the names of the product atl03.

    Besides: ``cnf0`` to ``cnf4``; ``row`` and ``segment``, the photon's rows of its beam's datasets; ``x``, m along
    track; ``reference``, latitude of its segment's reference photon; of ATL08 ``found`` and ``land``, its rows of
    signal_photons and land_segments (-1 none).
    """
    with h5py.File(atl03) as file:
        beams = [_beam(file, beam) for beam in BEAMS if beam in file]
    if atl08 is None:
        return pd.concat(beams, ignore_index=True)
    with h5py.File(atl08) as file:
        return pd.concat([_classified(file, beam) for beam in beams], ignore_index=True)


def _beam(file: h5py.File, beam: str) -> pd.DataFrame:
    heights, geolocation = file[beam]["heights"], file[beam]["geolocation"]
    count = geolocation["segment_ph_cnt"][:]
    segment = np.repeat(np.arange(len(count)), count)
    confidence = heights["signal_conf_ph"][:]
    names = {"latitude": "lat_ph", "longitude": "lon_ph", "height": "h_ph", "y_atc": "dist_ph_across"}
    names |= {name: name for name in ("delta_time", "dist_ph_along", "quality_ph", "weight_ph") if name in heights}
    return pd.DataFrame(
        {
            "beam": beam,
            "gt": GROUND_TRACK[beam],
            "spot": int(file[beam].attrs["atlas_spot_number"]),
            "row": np.arange(len(segment)),
            "segment": segment,
            "number": np.arange(len(segment)) - np.repeat(np.cumsum(count) - count, count) + 1,
            "segment_id": geolocation["segment_id"][:][segment],
            "reference": geolocation["reference_photon_lat"][:][segment],
            "solar_elevation": geolocation["solar_elevation"][:][segment],
            "x": geolocation["segment_dist_x"][:][segment] + heights["dist_ph_along"][:].astype(np.float64),
            **{name: heights[dataset][:] for name, dataset in names.items()},
            **{f"cnf{i}": confidence[:, i] for i in range(5)},
        }
    )


def _classified(file: h5py.File, photons: pd.DataFrame) -> pd.DataFrame:
    signal, land = file[photons["beam"].iloc[0]]["signal_photons"], file[photons["beam"].iloc[0]]["land_segments"]
    listed = pd.DataFrame(
        {
            "segment_id": signal["ph_segment_id"][:],
            "number": signal["classed_pc_indx"][:],
            "atl08_class": signal["classed_pc_flag"][:],
            "relief": signal["ph_h"][:],
            "found": np.arange(len(signal["ph_h"])),
        }
    )
    joined = photons.merge(listed, how="left", on=["segment_id", "number"], validate="one_to_one")
    begin = land["segment_id_beg"][:]
    # a photon belongs to the last land segment that begins at its segment or before it
    last = np.maximum(np.searchsorted(begin, joined["segment_id"], side="right") - 1, 0)
    none = {"atl08_class": 4, "relief": 0.0, "found": -1}
    joined = joined.fillna(none).astype({"atl08_class": "uint8", "relief": "float32", "found": "int64"})
    joined["land"] = np.where(joined["found"] >= 0, last, -1)
    return joined


def same_photons(rows: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Hold rows of the product atl03, each photon once, to photons of a table."""
    key = ["gt", "latitude", "longitude", "height"]
    ours, theirs = (frame[key].sort_values(key).to_numpy(np.float64) for frame in (rows, expected))
    assert len(ours) == len(theirs)
    np.testing.assert_array_equal(ours, theirs)


def paired(rows: pd.DataFrame, photons: pd.DataFrame) -> pd.DataFrame:
    """Find the photon of each row of the product atl03, by beam and place; in the order of the rows."""
    key = ["gt", "latitude", "longitude", "height"]
    unique = photons.drop_duplicates(key, keep=False)
    found = rows[key].astype({"gt": "int64"}).merge(unique, how="left", on=key)
    assert found["row"].notna().all(), "a row whose photon is not in the file, or there twice"
    return found
