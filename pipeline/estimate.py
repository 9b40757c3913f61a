"""What a task will cost, before anything is read: photons, bytes, memory, seconds.

Estimates are for planning: they come from a granule's size and from how much of it lies in the region, with the
constants below, which `benchmarks/estimates.py` holds against what tasks took. What it really
took stands in a task's outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Geometry

    from .catalog.query import Found
    from .products.product import Effort
    from .region import Region, RegionMask

#: Bytes of an ATL03 granule for each of its photons, all groups together, where photons are not counted.
FILE_BYTES_PER_PHOTON: Final = 34.0
#: Of them, at most, what a task fetches for a photon: eight fields, compressed.
READ_BYTES_PER_PHOTON: Final = 21.0
#: Bytes that a task fetches whatever it reads: metadata, the segments' positions, the background rate.
READ_BYTES_AT_LEAST: Final = 800_000
#: Bytes more for a region: chunks that reach beyond it at both ends, and what lies between ranges fetched as one.
READ_BYTES_AT_ENDS: Final = 1_000_000
#: Bytes of memory of a task without photons: segments, background, one fetched range and its chunks.
MEMORY_AT_LEAST: Final = 24_000_000
#: Seconds to open a granule and to find the rows.
SECONDS_AT_LEAST: Final = 0.008

# Points of a track that are asked whether they lie in the region.
_SAMPLES: Final = 24
# Degrees of latitude.
_MARGIN: Final = 0.01

Bounds = tuple[float, float, float, float]


class Cost(NamedTuple):
    """What one task will cost.

    Attributes
    ----------
    photons
        In the region, before any filter.
    bytes_read
        From the granule.
    memory
        Bytes, at the peak.
    seconds
        On one core, from a local disk.
    """

    photons: int
    bytes_read: int
    memory: int
    seconds: float


class Content(NamedTuple):
    """What a beam holds: photons, and bytes that are fetched for each of them."""

    photons: float
    bytes_each: float


def content_of(found: Found, beam: str) -> Content:
    """Estimate what a beam holds: as counted by the catalog, or an equal part by the granule's size."""
    if found.photons is None:
        return Content((found.size or 0) / FILE_BYTES_PER_PHOTON / len(found.tracks or range(6)), READ_BYTES_PER_PHOTON)
    each = (found.size or 0) / max(1, sum(found.photons.values()))
    return Content(float(found.photons.get(beam, 0)), min(each, READ_BYTES_PER_PHOTON))


def cost_of(content: Content, share: float, effort: Effort) -> Cost:
    """Estimate the cost of a task over a share of a beam."""
    photons = content.photons * share
    whole = content.photons * content.bytes_each
    part = photons * content.bytes_each + READ_BYTES_AT_ENDS
    return Cost(
        round(photons),
        round(READ_BYTES_AT_LEAST + min(part, whole) * effort.reads),
        round(MEMORY_AT_LEAST + photons * effort.memory),
        round(SECONDS_AT_LEAST + photons / effort.per_second, 4),
    )


def shares_inside(shapes: Sequence[Geometry | None], area: Region | RegionMask | None) -> NDArray[np.float64]:
    """Estimate how much of each track, or outline, lies in a region; what is not known counts as all.

    Parameters
    ----------
    shapes
        Tracks (lines) or outlines (polygons), longitude and latitude.
    area
        The region; None is everywhere.

    Returns
    -------
    ndarray of float64, 0 to 1
    """
    shares = np.ones(len(shapes))
    if area is None:
        return shares
    points, owner = _samples(shapes)
    if len(points):
        inside = area.contains(points[:, 0], points[:, 1])
        taken = np.bincount(owner, minlength=len(shapes))
        held = np.bincount(owner, weights=inside, minlength=len(shapes))
        # a region smaller than the step between samples may lie between them: half a sample at least
        known = taken > 0
        shares[known] = np.maximum(held[known], 0.5) / taken[known]
    return shares


def _samples(shapes: Sequence[Geometry | None]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Spread points over tracks and outlines; give them, and the shape that each belongs to."""
    import shapely

    geometries: NDArray[np.object_] = np.array(shapes, dtype=object)
    areal = shapely.area(geometries) > 0
    lines = geometries.copy()
    lines[areal] = None
    steps = np.nan_to_num(shapely.length(lines)) / _SAMPLES
    along, owner = shapely.get_coordinates(shapely.segmentize(lines, np.maximum(steps, 1e-6)), return_index=True)
    grids = [(_inside_outline(geometries[i]), i) for i in np.flatnonzero(areal)]
    points = np.concatenate([along, *(grid for grid, _ in grids)])
    return points, np.concatenate([owner, *(np.full(len(grid), i) for grid, i in grids)]).astype(np.int64)


def _inside_outline(shape: Geometry) -> NDArray[np.float64]:
    """Take the points of a grid over an outline that lie in it."""
    import shapely

    west, south, east, north = shape.bounds
    # granules are long and narrow, and mostly run north to south
    columns, rows = 8, 4 * _SAMPLES
    x = west + (east - west) * (np.arange(columns) + 0.5) / columns
    y = south + (north - south) * (np.arange(rows) + 0.5) / rows
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    inside: NDArray[np.float64] = points[shapely.contains_xy(shape, points)]
    return inside


def task_bounds(shapes: Sequence[Geometry | None], area: Region | RegionMask | None) -> list[Bounds | None]:
    """Give a box for each track or outline that certainly holds the rows of its task; None where nothing is known.

    Parameters
    ----------
    shapes
        Tracks (lines) or outlines (polygons), longitude and latitude.
    area
        The region; None is everywhere.

    Returns
    -------
    list of (west, south, east, north) or None
    """
    import shapely

    boxes = shapely.bounds(np.array(shapes, dtype=object))
    if area is not None:
        wests, souths, easts, norths = np.array(area.bounds).T
        outer = np.array([wests.min(), souths.min(), easts.max(), norths.max()])
        boxes = np.where(np.isnan(boxes), outer, boxes)
        boxes = np.column_stack([np.maximum(boxes[:, :2], outer[:2]), np.minimum(boxes[:, 2:], outer[2:])])
    return [None if np.isnan(box).any() else _widened(*box) for box in boxes]


def _widened(west: float, south: float, east: float, north: float) -> Bounds:
    """Widen a box by a kilometre: an extent's centre lies a little beyond its segments' reference photons."""
    south, north = max(-90.0, south - _MARGIN), min(90.0, north + _MARGIN)
    poleward = max(abs(south), abs(north))
    if poleward > 89:
        return -180.0, float(south), 180.0, float(north)
    aside = _MARGIN / np.cos(np.radians(poleward))
    return float(max(-180.0, west - aside)), float(south), float(min(180.0, east + aside)), float(north)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a whole plan will cost.

    Attributes
    ----------
    granules, tasks
        How many.
    photons, bytes_read
        Sums over all tasks.
    memory
        Of the largest task, bytes.
    seconds
        Sum over all tasks on one core, reading from a local disk.
    granule_bytes
        What a download of all granules would be; the plan reads parts.
    sized
        How many granules have a known size; the others count as nothing here.
    """

    granules: int
    tasks: int
    photons: int
    bytes_read: int
    memory: int
    seconds: float
    granule_bytes: int
    sized: int

    def __str__(self) -> str:
        unsized = self.granules - self.sized
        return "\n".join(
            [
                f"{self.granules:,} granules, {self.tasks:,} tasks",
                f"about {self.photons:,.3g} photons in the region" if self.photons else "photons: not known",
                f"about {in_bytes(self.bytes_read)} to read, of {in_bytes(self.granule_bytes)} that the granules hold",
                f"at most about {in_bytes(self.memory)} of memory for a task",
                f"about {in_time(self.seconds)} on one core reading from a local disk",
                *([f"{unsized:,} granules are of unknown size and not in these numbers"] if unsized else []),
            ]
        )


def in_bytes(count: float) -> str:
    """Say a number of bytes in words.

    Examples
    --------
    >>> in_bytes(1_234_567)
    '1.2 MB'
    """
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"


def in_time(seconds: float) -> str:
    """Say a time in words.

    Examples
    --------
    >>> in_time(5400)
    '1.5 hours'
    """
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length or (seconds >= length and unit == "hours"):
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.2g} s"
