"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import nunatak

ROOMS = ("kernels", "pipeline", "cluster", "views", "testing")


def modules() -> list[str]:
    assert nunatak.__file__
    root = Path(nunatak.__file__).parent
    names = ["nunatak", "nunatak.cli"]
    for room in ROOMS:
        names += [f"nunatak.{room}"]
        names += [info.name for info in pkgutil.walk_packages([str(root / room)], f"nunatak.{room}.")]
    return names


@pytest.mark.parametrize("name", modules())
def test_examples_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
