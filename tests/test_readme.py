"""The README's code and commands do what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from nunatak.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text()
MAKEFILE = (Path(__file__).parents[1] / "Makefile").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_python_blocks_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    code = blocks("python")
    assert len(code) == 4
    for block in code:
        exec(block, names)
    assert len(names["gdf"]) > 1000
    assert set(names["outcomes"]["status"]) == {"ok"}


@pytest.mark.slow
def test_commands_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("nunatak ")]
    assert len(commands) == 6
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0, command
    assert "gt1l, spot" in capsys.readouterr().out
    assert len(gpd.read_parquet("heights.parquet")) > 1000


def test_make_targets_are_there() -> None:
    for target in re.findall(r"^make (\w+)$", README, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def test_files_that_are_named_are_there() -> None:
    root = Path(__file__).parents[1]
    for path in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (root / path).exists(), path
