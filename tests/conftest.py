"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real granules and golden tables, beside the repository or where NUNATAK_SHARED says."""
    folder = Path(os.environ.get("NUNATAK_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "data" / "granules").is_dir():
        pytest.skip(f"no real granules: {folder} is not there (NUNATAK_SHARED names another folder)")
    return folder
