"""The notebooks run from top to bottom, and what is stored in them is what comes out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))  # docs/ is no package
from make_images import run_notebook  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BY_NAME = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)

# Where people and machines keep their files; nothing of that belongs into an output.
PLACES = re.compile(r"(?<![\w.])(/(home|root|tmp|Users|var|opt|usr|mnt|work|private)/|[A-Z]:\\\\)")


def outputs(notebook: Any) -> dict[str, list[Any]]:
    """By cell: what was printed, and the forms of what was shown."""
    return {
        cell.id: [o.text if o.output_type == "stream" else sorted(o.data) for o in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == ["first_heights.ipynb"]


@pytest.mark.slow
@BY_NAME
def test_it_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    fresh = run_notebook(path, tmp_path)
    stored = nbformat.read(path, as_version=4)
    assert outputs(fresh) == outputs(stored), "run docs/make_images.py"
    assert (tmp_path / "heights.parquet").exists()


@BY_NAME
def test_what_is_stored_in_it(path: Path) -> None:
    """Outputs of one run from the first cell to the last, without times of day and paths of a machine."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any("execution" in cell.metadata for cell in code), "times of day"
    shown = [o for cell in code for o in cell.outputs]
    assert not [o for o in shown if o.output_type == "error" or o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for o in shown) >= 2
    texts = [o.get("text", "") + "".join(t for m, t in o.get("data", {}).items() if "image" not in m) for o in shown]
    for text in [*texts, *(cell.source for cell in notebook.cells)]:
        assert not PLACES.search(text), text
        assert str(ROOT) not in text
        assert sys.prefix not in text
