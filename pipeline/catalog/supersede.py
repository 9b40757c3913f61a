"""One granule for each acquisition: which copy, revision and release of those that a catalog found."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from .query import Found

Acquired: TypeAlias = tuple[object, ...]


class CatalogNotice(UserWarning):
    """Something about the answer of a catalog that its user should know: what was left out, and why."""


def resolve(found: Iterable[Found], release: str | None = None) -> list[Found]:
    """Keep one granule of each acquisition, all of one release.

    Of several revisions the highest is kept. Of several copies of one file the larger one is kept (a smaller one
    is a part of it), then the first by address. Both are said in the notes of the granule that is kept; the same
    address twice is no copy. Products are kept apart.

    Parameters
    ----------
    found
        Granules in any order, with copies, revisions and releases side by side.
    release
        The release that is wanted, ``"006"``; None takes the newest one of all that were found.

    Returns
    -------
    list of Found
        Sorted by name.

    Warns
    -----
    CatalogNotice
        When acquisitions are left out because only an older release has them, or when the release that was asked
        for is not there while others are.

    Examples
    --------
    >>> from nunatak.pipeline.catalog.query import Found
    >>> from nunatak.pipeline.catalog.supersede import resolve
    >>> from nunatak.pipeline.granule import GranuleName
    >>> files = [f"ATL03_20181017222812_02950102_006_0{revision}.h5" for revision in (1, 2)]
    >>> kept = resolve(Found(GranuleName.parse(file), {"file": file}) for file in files)
    >>> [(str(one.name), one.notes) for one in kept]
    [('ATL03_20181017222812_02950102_006_02.h5', ('supersedes revision 01',))]
    """
    offered = list(found)
    chosen = release or max((one.name.release for one in offered), default="")
    kept = [one for one in offered if one.name.release == chosen]
    notice = _only_older(offered, kept, chosen) if release is None else _only_others(offered, kept, chosen)
    if notice:
        warnings.warn(notice, CatalogNotice, stacklevel=3)  # who asked the catalog
    groups: dict[Acquired, list[Found]] = {}
    for one in kept:
        groups.setdefault(_acquired(one), []).append(one)
    return sorted((_newest(group) for group in groups.values()), key=lambda one: one.name)


def _acquired(one: Found) -> Acquired:
    return one.name.product, *one.name.acquisition


def _only_older(offered: list[Found], kept: list[Found], newest: str) -> str:
    """Say how many acquisitions the newest release lacks: a reprocessing under way must not look whole."""
    present = {_acquired(one) for one in kept}
    older: dict[Acquired, Found] = {}
    for one in sorted(offered, key=lambda one: one.name.release):
        if _acquired(one) not in present:
            older[_acquired(one)] = one
    if not older:
        return ""
    first = min(older.values(), key=lambda one: one.name)
    counts = Counter(one.name.release for one in older.values())
    where = ", ".join(f"{count} in {release}" for release, count in sorted(counts.items(), reverse=True))
    return (
        f"release {newest} is the newest and the one taken; {len(older)} of {len(older) + len(present)} "
        f"acquisitions are only in an older release and are left out ({where}; the first is {first.name}); "
        f"release={first.name.release!r} asks for the older one"
    )


def _only_others(offered: list[Found], kept: list[Found], asked: str) -> str:
    if kept or not offered:
        return ""
    others = ", ".join(sorted({one.name.release for one in offered}))
    return f"release {asked} was asked for and has nothing here; there is {others}"


def _newest(group: list[Found]) -> Found:
    """Take the highest revision, and of its copies the larger one."""
    best = min(group, key=lambda one: (-int(one.name.revision), -(one.size or 0), _address(one)))
    revisions = sorted({one.name.revision for one in group} - {best.name.revision})
    copies = sorted(
        {_address(one) for one in group if one.name.revision == best.name.revision} - {_address(best)},
    )
    notes = [f"supersedes revision {revision}" for revision in revisions]
    notes += [f"a second copy is not used: {copy}" for copy in copies]
    return replace(best, notes=(*best.notes, *notes)) if notes else best


def _address(one: Found) -> str:
    return min(one.addresses.values(), default="")
