"""Run what the pages show, and keep the pictures and outputs that come of it: ``python docs/make_images.py``.

The pictures in docs/images are made by the code of the pages that show them, the notebooks' outputs by their cells, and
the README's picture by the demo; all of it on simulated granules. Needs ``pip install -e '.[test]'``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"


class Printed(NamedTuple):
    """What a page says that a block prints, and what it printed."""

    shown: str
    printed: str


def blocks(page: Path) -> list[tuple[str, str]]:
    """Give the blocks of a page that can be run or compared: language and text."""
    return re.findall(r"^```(python|sh|text)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def pictures(page: Path) -> list[str]:
    """Name the pictures of docs/images that a page shows."""
    return re.findall(r"\]\((?:docs/)?images/([^)]+)\)", page.read_text(encoding="utf-8"))


def run_page(page: Path) -> list[Printed]:
    """Run a page in the current folder: its Python in one namespace, and its ``nunatak`` commands, in their order.

    Raises
    ------
    RuntimeError
        When a command ends with another code than 0; a failing Python block raises what it raises.
    """
    names: dict[str, Any] = {}
    printed, compared = "", []
    for language, text in blocks(page):
        if language == "text":
            compared.append(Printed(text, printed))
            continue
        with contextlib.redirect_stdout(io.StringIO()) as output:
            if language == "python":
                exec(compile(text, f"{page.name}, a block", "exec"), names)
            else:
                _run_commands(text)
        printed = output.getvalue()
    return compared


def _run_commands(text: str) -> None:
    from nunatak.cli import main

    for line in text.splitlines():
        if line.startswith("nunatak ") and (code := main(shlex.split(line)[1:])):
            raise RuntimeError(f"{line}: exit code {code}")


def run_notebook(path: Path, folder: Path) -> Any:
    """Run a notebook from top to bottom in a folder; give it with its outputs."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    return notebook


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def main() -> int:
    """Make all pictures and outputs again."""
    import nbformat

    from nunatak.testing import demo

    for page in sorted((ROOT / "docs").glob("*.md")):
        if made := pictures(page):
            with _temporary_folder() as folder:
                run_page(page)
                for name in made:
                    (folder / name).replace(IMAGES / name)
    with _temporary_folder() as folder:
        demo.main(["demo"])
        (folder / "demo" / "profile.png").replace(IMAGES / "profile.png")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        with _temporary_folder() as folder:
            nbformat.write(run_notebook(path, folder), path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
