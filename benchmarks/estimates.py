"""What plans estimate beside what their tasks took, over simulated granules of several kinds.

python benchmarks/estimates.py
"""

from __future__ import annotations

import tempfile
from typing import Any

import dask

import nunatak
from nunatak.pipeline.catalog.update import update_index
from nunatak.testing import simulate

KINDS: list[dict[str, Any]] = [
    {"kilometres": 12},
    {"kilometres": 60},
    {"kilometres": 60, "release": "007"},
    {"kilometres": 60, "day": True},
    {"kilometres": 400, "beams": ["gt1l", "gt1r"]},
]
REGIONS: dict[str, Any] = {"whole": None, "part": (-60, 69.25, -40, 69.5)}


def main() -> None:
    """Print estimate / truth for photons, bytes and seconds."""
    print(f"{'granule':52}{'region':8}{'photons':>12}{'photons':>10}{'bytes':>8}{'seconds':>9}   (estimate / taken)")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            simulate(folder, seed=1, with_atl08=False, **kind)
            update_index(folder)
            for where, poly in REGIONS.items():
                plan = nunatak.plan("atl06", catalog=folder, poly=poly, t0="2018-01-01")
                both = plan.lazy()
                dask.compute(both.frame, scheduler="sync")  # the file is warm and the kernels compiled
                _, taken = dask.compute(both.frame, both.outcomes, scheduler="sync")
                table = plan.table()
                seconds = (taken["read_seconds"] + taken["compute_seconds"]).sum()
                print(
                    f"{kind!s:52}{where:8}{taken['photons'].sum():12,}"
                    f"{table['photons'].sum() / taken['photons'].sum():10.2f}"
                    f"{table['bytes_read'].sum() / taken['bytes_read'].sum():8.2f}"
                    f"{table['seconds'].sum() / seconds:9.2f}"
                )


if __name__ == "__main__":
    main()
