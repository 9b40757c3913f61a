"""A folder of granules as a catalog: its index answers what CMR would, without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CatalogError, ReadError, ResourceError
from ..granule import BEAMS
from .index_file import Index, open_index
from .indexing import read_positions
from .query import Found, Query
from .supersede import resolve
from .touching import touch

if TYPE_CHECKING:
    from ..region import Region, RegionMask

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LocalCatalog:
    """Granules of a folder, by its index (``nunatak index FOLDER``).

    Where CMR finds granules by outlines that are wider than their beams, this finds exactly those that have a position
    in the region: for ATL03, the reference photon of a segment with photons. Simplified tracks decide nearly all;
    where a track grazes the region's border, the granule is looked into (docs/decisions/0004-local-index.md). A
    granule whose positions can't be known is found, with a note.

    Parameters
    ----------
    source
        The folder, or its index.
    prefer
        Which of several files of one granule counts: their paths or folders, the first that tells them apart.

    Examples
    --------
    >>> import tempfile
    >>> from nunatak.pipeline.catalog.update import update_index
    >>> from nunatak.pipeline.region import Region
    >>> from nunatak.testing.granules import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = simulate(folder, kilometres=1, terrain="flat", beams=("gt1l",), seed=1)
    ...     _ = update_index(folder)
    ...     found = LocalCatalog(folder).find(Query(area=Region.of((-50, 69, -48, 70)), companions=("ATL08",)))
    >>> for granule in found:
    ...     print(granule.name, sorted(granule.tracks), sorted(granule.companions))
    ATL03_20191220020000_01000503_006_01.h5 ['gt1l'] ['ATL08']
    """

    source: str | Path
    prefer: Sequence[str | Path] = ()

    def find(self, query: Query) -> list[Found]:
        """Give every granule that meets the query, sorted by name, each acquisition once, all of one release.

        Raises
        ------
        ResourceError
            When there is no index, or two files of one granule are found and `prefer` does not tell which counts.
        CatalogError
            When the index is not up to date with a granule that it found, or is none.

        Warns
        -----
        CatalogNotice
            When an older release has acquisitions that the newest one lacks (`nunatak.pipeline.catalog.supersede`).
        """
        index = open_index(self.source)
        rows, notes = _touching(index, _named(index, query), query.area)
        for row in rows:
            _check_current(index, row)
        files = _by_granule(index, rows)
        chosen = {name: _choose(index, copies, self.prefer) for name, copies in files.items()}
        found = [
            _found(index, copies[0] if row is None else row, notes)
            for (copies, row) in zip(files.values(), chosen.values(), strict=True)
        ]
        kept = resolve(found, query.release)
        for one in kept:
            if chosen[str(one.name)] is None:
                raise _ambiguous(index, files[str(one.name)])
        return [self._with_companions(index, one, query.companions) for one in kept]

    def describe(self) -> dict[str, Any]:
        """Say what was searched, for the plan's record."""
        index = open_index(self.source)
        return {"catalog": "local", "index": str(index.path), "folder": str(index.root), "granules": len(index)}

    def _with_companions(self, index: Index, one: Found, products: Iterable[str]) -> Found:
        companions: dict[str, Found] = {}
        notes: list[str] = []
        for product in set(products) - {one.name.product}:
            rows = index.acquisitions.get((product, *one.name.acquisition), [])
            same = [row for row in rows if index.names[row].release == one.name.release]
            if same:
                companions[product] = self._companion(index, one, same)
            elif rows:
                others = ", ".join(sorted({index.names[row].release for row in rows}))
                notes.append(f"its {product} is there in release {others} only, and is not used")
        return replace(one, companions=companions, notes=(*one.notes, *notes)) if products else one

    def _companion(self, index: Index, one: Found, rows: list[int]) -> Found:
        """Take the newest revision; of its copies the one beside the granule, if none is preferred."""
        newest = max(index.names[row].revision for row in rows)
        copies = [row for row in rows if index.names[row].revision == newest]
        row = _choose(index, copies, (*self.prefer, Path(one.addresses["file"]).parent))
        if row is None:
            raise _ambiguous(index, copies)
        _check_current(index, row)
        return _found(index, row, {})


# what is asked -------------------------------------------------------------------------------------------------------


def _named(index: Index, query: Query) -> Flags:
    """Granules that meet all of a query that names and times decide."""
    columns = index.columns
    wanted = columns["product"] == query.product
    for name in ("rgt", "cycle", "region"):
        if numbers := getattr(query, name):
            wanted &= np.isin(columns[name], numbers)
    if query.t0 is not None:
        wanted &= index.t1 >= _nanoseconds(query.t0)
    if query.t1 is not None:
        wanted &= index.t0 <= _nanoseconds(query.t1)
    if query.name_pattern is not None:
        for row in np.flatnonzero(wanted):
            wanted[row] = fnmatchcase(str(index.names[row]), query.name_pattern)
    return np.asarray(wanted, dtype=np.bool_)


def _nanoseconds(time: datetime) -> int:
    utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return int(np.datetime64(utc.astimezone(UTC).replace(tzinfo=None), "ns").astype(np.int64))


def _touching(index: Index, wanted: Flags, area: Region | RegionMask | None) -> tuple[list[int], dict[int, str]]:
    """Rows that have a position in the area, and what is to be said of some."""
    if area is None:
        return np.flatnonzero(wanted).tolist(), {}
    touched = touch(index.tracks, wanted, area)
    rows = np.flatnonzero(touched.certain).tolist()
    notes: dict[int, str] = {}
    for row, beams in touched.doubtful.items():
        if _has_position_in(index, row, [BEAMS[beam] for beam in beams], area):
            rows.append(row)
    known = set(rows)
    for row in np.flatnonzero(wanted).tolist():
        if row not in known and index.unlocated[row]:
            rows.append(row)
            notes[row] = (
                f"its index knows no positions of {', '.join(index.unlocated[row])}: it may have none in the region"
            )
    return sorted(rows), notes


def _has_position_in(index: Index, row: int, beams: list[str], area: Region | RegionMask) -> bool:
    """Look into a granule whose tracks alone don't tell."""
    _check_current(index, row)
    try:
        return any(
            area.contains(*read_positions(index.paths[row], index.names[row].product, beam)).any() for beam in beams
        )
    except ReadError as error:
        raise CatalogError(
            f"a track of {index.names[row]} grazes the region, and the granule can't be looked into: {error}"
        ) from error


# what is there -------------------------------------------------------------------------------------------------------


def _check_current(index: Index, row: int) -> None:
    path = index.paths[row]
    try:
        size = path.stat().st_size
    except OSError:
        size = None
    if size != index.sizes[row]:
        what = "is not there any more" if size is None else "has changed"
        raise CatalogError(
            f"{path} {what}: the index is out of date; `nunatak index {index.root}` brings it up to date"
        )


def _by_granule(index: Index, rows: Iterable[int]) -> dict[str, list[int]]:
    files: dict[str, list[int]] = {}
    for row in rows:
        files.setdefault(str(index.names[row]), []).append(row)
    return files


def _choose(index: Index, copies: list[int], prefer: Sequence[str | Path]) -> int | None:
    """Tell which of several files of one granule counts, or None where nothing tells."""
    if len(copies) == 1:
        return copies[0]
    for preferred in prefer:
        place = Path(preferred).expanduser().absolute()
        # a folder stands for what lies in it, and only then for what lies in its subfolders
        here = [row for row in copies if place in {index.paths[row], index.paths[row].parent}]
        below = here or [row for row in copies if place in index.paths[row].parents]
        if len(below) == 1:
            return below[0]
    return None


def _ambiguous(index: Index, copies: list[int]) -> ResourceError:
    paths = " and ".join(str(index.paths[row]) for row in copies)
    return ResourceError(f"{paths}: {len(copies)} files of one granule; say which counts (prefer=)")


def _found(index: Index, row: int, notes: dict[int, str]) -> Found:
    tracks = None if index.unlocated[row] else _beam_tracks(index, row)
    return Found(
        name=index.names[row],
        addresses={"file": str(index.paths[row])},
        size=index.sizes[row],
        outline=None if tracks is None else _united(tracks),
        tracks=tracks,
        photons=_counted(index, row),
        notes=(*index.notes[row], *([notes[row]] if row in notes else [])),
    )


def _counted(index: Index, row: int) -> dict[str, int] | None:
    """Give the photons of each beam, where all of them are counted."""
    counts = dict(zip(index.beams[row], index.photons[row], strict=True))
    known = {beam: count for beam, count in counts.items() if count is not None}
    return known if len(known) == len(counts) else None


def _beam_tracks(index: Index, row: int) -> dict[str, Any]:
    """Give a MultiLineString for each beam of a granule; an empty one for a beam without positions."""
    import shapely

    tracks = index.tracks
    first, last = np.searchsorted(tracks.granule, [row, row + 1])
    points = np.column_stack([tracks.lon[first:last], tracks.lat[first:last]])
    cuts = np.flatnonzero(tracks.ends[first:last]) + 1
    parts: dict[str, list[Any]] = {beam: [] for beam in index.beams[row]}
    for part, beam in zip(np.split(points, cuts)[:-1], tracks.beam[first + cuts - 1], strict=True):
        parts[BEAMS[beam]].append(part if len(part) > 1 else part.repeat(2, axis=0))
    return {beam: shapely.MultiLineString(lines) for beam, lines in parts.items()}


def _united(tracks: dict[str, Any]) -> Any:
    import shapely

    return shapely.MultiLineString([line for shape in tracks.values() for line in shape.geoms])
