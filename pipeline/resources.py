"""RESOURCE: the granules that a path or a folder contributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .catalog.query import Found
from .errors import ResourceError
from .granule import GranuleName
from .vocabulary import shown


@dataclass(frozen=True, slots=True)
class Resource:
    """A granule's file.

    Attributes
    ----------
    name
        What its name says.
    address
        Absolute path.
    size
        Bytes.
    companion_addresses
        Product -> address of the granule of another product over the same ground, found beside it.
    """

    name: GranuleName
    address: str
    size: int
    companion_addresses: tuple[tuple[str, str], ...] = ()

    def found(self) -> Found:
        """Give it as a catalog would."""
        companions = {
            product: Found(GranuleName.parse(address), {"file": address})
            for product, address in self.companion_addresses
        }
        return Found(self.name, {"file": self.address}, self.size, companions=companions)


@dataclass(frozen=True, slots=True)
class Resources:
    """The granules of a request, sorted by time, and what was left out of the folders, with the reason."""

    granules: tuple[Resource, ...]
    left_out: tuple[str, ...] = ()


def find_resources(resources: str | Path | Iterable[str | Path], product: str) -> Resources:
    """Find the granules of a product that paths and folders name.

    A path is a granule and must be one of the product. A folder contributes its granules of the product, whatever
    prefix their names carry; subfolders are not searched. Where a folder holds a second file of a granule that is
    also named by its path, the path decides.

    Parameters
    ----------
    resources
        Paths of granules and folders.
    product
        Short name of the product that is read, ``"ATL03"``.

    Raises
    ------
    ResourceError
        A path that is not there or is no granule of the product, a folder without any, or two files of one granule.
    """
    folders = _Folders()
    named: list[Resource] = []
    from_folders: list[Resource] = []
    left_out: set[str] = set()
    for resource in _each(resources):
        with _looking_at(resource):
            path = Path(resource).expanduser()
            if path.is_dir():
                granules, rest = _of_folder(path, product, folders)
                from_folders += granules
                left_out.update(rest)
            else:
                named.append(_of_path(path, product, folders))
    known = {granule.name.acquisition: granule.address for granule in named}
    for granule in from_folders:
        by_path = known.get(granule.name.acquisition, granule.address)
        if by_path == granule.address:
            named.append(granule)
        else:
            left_out.add(f"{granule.address} (another file of this granule is named by its path: {by_path})")
    unique = sorted({granule.address: granule for granule in named}.values(), key=lambda g: (g.name, g.address))
    _refuse_duplicates(unique)
    return Resources(tuple(unique), tuple(sorted(left_out)))


def _each(resources: Any) -> Iterator[str | Path]:
    """Give single paths of whatever was handed over."""
    several = [resources] if isinstance(resources, str | Path) or not hasattr(resources, "__iter__") else resources
    for resource in several:
        if not isinstance(resource, str | Path):
            raise ResourceError(f"{shown(resource)}: a resource is the path of a granule or of a folder")
        yield resource


@contextmanager
def _looking_at(resource: str | Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of a user that is not there
        raise ResourceError(f"{resource}: can't be looked at: {getattr(error, 'strerror', error)}") from error


@dataclass(slots=True)
class _Folders:
    """What lies in the folders of a request; each is listed once, however many paths name it."""

    listed: dict[Path, list[tuple[GranuleName, Path]]] = field(default_factory=dict)
    acquired: dict[Path, dict[tuple[object, ...], dict[str, str]]] = field(default_factory=dict)

    def granules(self, folder: Path) -> list[tuple[GranuleName, Path]]:
        if folder not in self.listed:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".h5" and path.is_file())
            self.listed[folder] = [(name, path) for path in files if (name := GranuleName.find(path.name))]
        return self.listed[folder]

    def resource(self, name: GranuleName, path: Path) -> Resource:
        beside = self._acquisitions(path.parent).get(name.acquisition, {})
        companions = sorted((product, address) for product, address in beside.items() if product != name.product)
        return Resource(name, str(path.absolute()), path.stat().st_size, tuple(companions))

    def _acquisitions(self, folder: Path) -> dict[tuple[object, ...], dict[str, str]]:
        """Sort files by acquisition and product; of several revisions the last stands."""
        if folder not in self.acquired:
            sorted_files: dict[tuple[object, ...], dict[str, str]] = {}
            for name, path in sorted(self.granules(folder)):
                sorted_files.setdefault(name.acquisition, {})[name.product] = str(path.absolute())
            self.acquired[folder] = sorted_files
        return self.acquired[folder]


def _of_path(path: Path, product: str, folders: _Folders) -> Resource:
    if not path.is_file():
        raise ResourceError(f"{path}: there is no such file or folder")
    name = GranuleName.parse(path.name)
    if name.product != product:
        raise ResourceError(f"{path}: an {name.product} granule; {product} is needed here")
    return folders.resource(name, path)


def _of_folder(folder: Path, product: str, folders: _Folders) -> tuple[list[Resource], list[str]]:
    there = folders.granules(folder)
    granules = [folders.resource(name, path) for name, path in there if name.product == product]
    if not granules:
        others = ", ".join(sorted({name.product for name, _ in there}))
        found = (
            f"it holds {others}" if others else "a name such as ATL03_20181017222812_02950102_006_02.h5 is looked for"
        )
        raise ResourceError(f"{folder}: no {product} granule in this folder ({found})")
    return granules, _left_out(folder, there, {granule.name.acquisition for granule in granules}, product)


def _left_out(
    folder: Path, there: Sequence[tuple[GranuleName, Path]], used: set[tuple[object, ...]], product: str
) -> list[str]:
    """Name what lies in a folder and is neither a granule of the product nor a companion of one."""
    others = [
        f"{path} ({name.product})" for name, path in there if name.product != product and name.acquisition not in used
    ]
    unnamed = [
        f"{path} (not the name of a granule)" for path in sorted(folder.glob("*.h5")) if not GranuleName.find(path.name)
    ]
    deeper = [f"{sub} (a subfolder)" for sub in sorted(folder.iterdir()) if sub.is_dir() and any(sub.rglob("*ATL*.h5"))]
    return [*others, *unnamed, *deeper]


def _refuse_duplicates(granules: Sequence[Resource]) -> None:
    seen: dict[tuple[object, ...], Resource] = {}
    for granule in granules:
        other = seen.setdefault(granule.name.acquisition, granule)
        if other is not granule:
            raise ResourceError(
                f"two files of one granule: {other.address} and {granule.address}; "
                "name the one that is meant by its path"
            )
