"""The pages of docs/ do what they say: their code runs, prints what they show, and makes their pictures."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))  # docs/ is no package
from make_images import IMAGES, blocks, pictures, run_page  # noqa: E402

PAGES = sorted((ROOT / "docs").glob("*.md"))
RUNNABLE = [page for page in PAGES if any(language == "python" for language, _ in blocks(page))]


def test_there_are_pages_to_run() -> None:
    assert "vegetation.md" in [page.name for page in RUNNABLE]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_blocks_run_one_after_the_other(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for shown, printed in run_page(page):
        assert printed == shown
    for name in pictures(page):
        assert size(tmp_path / name) == size(IMAGES / name), "run docs/make_images.py"


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(((?!https?:|#)[^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
