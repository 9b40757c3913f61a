"""What the project says of itself in several places is the same in all of them."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import yaml
from packaging.requirements import Requirement

import nunatak
from nunatak.pipeline.products import PRODUCTS
from nunatak.pipeline.reference import product_reference

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# PyPI's name -> conda-forge's, where they differ.
CONDA_NAMES = {"dask": "dask-core", "matplotlib": "matplotlib-base"}
PACKAGES = ("kernels", "pipeline", "cluster", "views", "testing")


def test_environment_lists_the_same_dependencies() -> None:
    named = {}
    extras = PROJECT["project"]["optional-dependencies"]
    for line in [*PROJECT["project"]["dependencies"], *(line for extra in extras.values() for line in extra)]:
        requirement = Requirement(line)
        if requirement.name != "nunatak":
            named[CONDA_NAMES.get(requirement.name, requirement.name)] = requirement.specifier
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *plain, by_pip = environment["dependencies"]
    conda = {r.name: r.specifier for r in map(Requirement, [*plain, *by_pip["pip"]]) if r.name != "pip"}
    assert str(conda.pop("python")) == PROJECT["project"]["requires-python"]
    assert conda == named


def test_constraints_meet_the_dependencies() -> None:
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    for line in PROJECT["project"]["dependencies"]:
        requirement = Requirement(line)
        assert pinned[requirement.name.lower()] in requirement.specifier


def test_one_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert nunatak.__version__ == PROJECT["project"]["version"] == str(citation["version"]) == newest[1]


def test_every_folder_with_modules_is_packaged() -> None:
    folders = {path.parent for room in PACKAGES for path in (ROOT / room).rglob("*.py")}
    expected = {"nunatak", *("nunatak." + ".".join(folder.relative_to(ROOT).parts) for folder in folders)}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == expected
    where = PROJECT["tool"]["setuptools"]["package-dir"]
    assert {name: name.replace("nunatak.", "").replace(".", "/") for name in expected - {"nunatak"}} | {
        "nunatak": "."
    } == where


def test_public_names_are_the_ones_that_type_checkers_see() -> None:
    """The lazy table and the imports for type checkers are two lists of the same names."""
    for module in (nunatak, import_module("nunatak.testing"), import_module("nunatak.views")):
        assert module.__file__
        tree = ast.parse(Path(module.__file__).read_text())
        block = next(node for node in tree.body if isinstance(node, ast.If))
        seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert seen == set(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None


def test_imports_run_one_way() -> None:
    """Kernels know nobody, the pipeline knows kernels, and so on up; the face may use all."""
    floors = {"kernels": 0, "pipeline": 1, "cluster": 2, "views": 3, "testing": 4}
    for room, floor in floors.items():
        for path in (ROOT / room).rglob("*.py"):
            depth = len(path.relative_to(ROOT).parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.level:
                    assert node.level <= depth
                    target = (node.module or "").split(".")[0] if node.level == depth else room
                    assert floors.get(target, 99) <= floor, f"{path} imports {node.module} at line {node.lineno}"
                elif isinstance(node, ast.Import):
                    assert not any(alias.name.split(".")[0] == "nunatak" for alias in node.names), path


def test_the_reference_is_up_to_date() -> None:
    """`python -m nunatak.pipeline.reference atl06 > docs/atl06.md` writes it again."""
    for name in PRODUCTS:
        assert (ROOT / "docs" / f"{name}.md").read_text() == product_reference(name) + "\n"
