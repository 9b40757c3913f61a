"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest

# A machine that does other work besides is no reason for a test to fail: speed is measured in benchmarks/.
hypothesis.settings.register_profile("nunatak", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("nunatak")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real granules and golden tables, beside the repository or where NUNATAK_SHARED says."""
    folder = Path(os.environ.get("NUNATAK_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "data" / "granules").is_dir():
        pytest.skip(f"no real granules: {folder} is not there (NUNATAK_SHARED names another folder)")
    return folder


@pytest.fixture(scope="session")
def granule_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two simulated granules with their ATL08, 2.5 km of three beams; the second has no gt1r.

    It belongs to all tests: what a test changes, it changes in a copy.
    """
    from nunatak.testing.granules import simulate

    folder = tmp_path_factory.mktemp("granules")
    simulate(folder, 2, kilometres=2.5, beams=("gt1l", "gt1r", "gt2l"), absent={2: ["gt1r"]}, seed=1)
    return folder


@pytest.fixture(scope="session")
def granule(granule_folder: Path) -> Path:
    """The first granule of `granule_folder`."""
    return min(granule_folder.glob("ATL03_*.h5"))


@pytest.fixture
def closed() -> Callable[[Path], AbstractContextManager[None]]:
    """A context in which a file or folder may not be read; root, who may read everything, is nobody meanwhile."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no permissions of that kind")

    @contextmanager
    def close(path: Path) -> Iterator[None]:
        mode, root = path.stat().st_mode, os.geteuid() == 0
        path.chmod(0)
        if root:
            os.seteuid(65534)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)
            path.chmod(mode)

    return close
