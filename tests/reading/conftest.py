"""Small HDF5 files in both versions of the superblock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from hdf5_forms import SUPERBLOCKS


@pytest.fixture(params=sorted(SUPERBLOCKS), ids=lambda version: f"superblock{version}")
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[h5py.File], object]], Path]:
    """Write a file with what a function puts into it, in either superblock version."""

    def write(fill: Callable[[h5py.File], object]) -> Path:
        path = tmp_path / "granule.h5"
        with h5py.File(path, "w", libver=SUPERBLOCKS[request.param]) as file:
            fill(file)
        assert path.read_bytes()[8] == request.param
        return path

    return write
