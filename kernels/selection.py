"""Which photons count: confidence, quality and any further mask; the kept ones are numbered once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Bytes, Int, Int32s, as_bytes, as_input
from .policy import kernel

LOWEST_CONFIDENCE, HIGHEST_CONFIDENCE = -2, 4
LOWEST_QUALITY, HIGHEST_QUALITY = 0, 25


class Selection(NamedTuple):
    """The kept photons of a beam (K of P), and where each of the S segments begins among all and among the kept."""

    photon: NDArray[np.int32]
    """(K,) position of each kept photon among all, rising."""
    first_photon: NDArray[np.int32]
    """(S + 1,) photons before each segment."""
    first_kept: NDArray[np.int32]
    """(S + 1,) kept photons before each segment."""
    odd_confidence: int
    """Photons whose confidence is outside -2..4: never selected (SlideRule gives the beam up)."""
    odd_quality: int
    """Photons whose quality is outside 0..25: never selected (SlideRule gives the beam up)."""


def value_table(values: Iterable[int]) -> NDArray[np.uint8]:
    """Make the table that `select_photons` looks values up in: 1 for a selected value, else 0.

    Raises
    ------
    ValueError
        If a value does not fit into a byte.

    Examples
    --------
    >>> table = value_table([-1, 4])
    >>> int(table[255]), int(table[4]), int(table[0])
    (1, 1, 0)
    """
    table = np.zeros(256, np.uint8)
    for value in values:
        if not -128 <= value <= 255:
            raise ValueError(f"{value} does not fit into a byte; -128..255 is possible")
        table[value & 0xFF] = 1
    return table


def select_photons(
    photon_count: ArrayLike,
    confidence: ArrayLike,
    quality: ArrayLike,
    confidence_table: ArrayLike,
    quality_table: ArrayLike,
    keep: ArrayLike | None = None,
) -> Selection:
    """Keep the photons whose confidence and quality are selected.

    The order of the tests is of no matter, they are joined by "and" (SlideRule, Atl03Reader: confidence, quality,
    ATL08 class, YAPC score, raster mask; the last three arrive here as `keep`). A value outside the range that
    ATL03 defines is not selected, whatever the tables say, and counted.

    Parameters
    ----------
    photon_count
        int (S,): `segment_ph_cnt`.
    confidence
        int8 (P,): one column of `signal_conf_ph`; or (P, 5): the largest of the five counts (srt -1).
    quality
        int8 (P,): `quality_ph`.
    confidence_table, quality_table
        uint8 (256,): as from `value_table`.
    keep
        uint8 or bool (P,): further mask, if any.

    Raises
    ------
    ValueError
        If the lengths do not agree, or a segment has less than no photons.

    Examples
    --------
    >>> import numpy as np
    >>> chosen = select_photons([2, 0, 2], np.array([4, 0, 4, 4], np.int8), np.zeros(4, np.int8),
    ...                         value_table([4]), value_table([0]))
    >>> chosen.photon, chosen.first_kept
    (array([0, 2, 3], dtype=int32), array([0, 1, 1, 3], dtype=int32))
    """
    count = as_input(photon_count, np.int32, "photon_count")
    total = int(count.sum(dtype=np.int64))
    if len(count) and count.min() < 0:
        raise ValueError(f"photon_count has {count.min()} at segment {count.argmin()}; it can't be negative")
    level = np.asarray(confidence)
    if level.ndim == 2:
        level = level.max(axis=1) if level.shape[1] else level
    level_bytes = as_bytes(level, "confidence", total)
    quality_bytes = as_bytes(quality, "quality", total)
    mask = as_bytes(np.zeros(0, np.uint8) if keep is None else keep, "keep", 0 if keep is None else total)
    first_photon = np.concatenate(([0], np.cumsum(count, dtype=np.int64))).astype(np.int32)
    # Room for all: what is not kept is never touched, so it costs address space and no memory. Numpy asks for huge
    # pages; a kernel's own allocation does not, and took four times as long. One place more: see _number_kept.
    photon = np.empty(total + 1, np.int32)
    kept = _number_kept(
        level_bytes,
        quality_bytes,
        _within(confidence_table, "confidence_table", LOWEST_CONFIDENCE, HIGHEST_CONFIDENCE),
        _within(quality_table, "quality_table", LOWEST_QUALITY, HIGHEST_QUALITY),
        mask,
        keep is not None,
        photon,
    )
    return Selection(
        photon[:kept],
        first_photon,
        count_before(photon[:kept], first_photon),
        int(_count_outside(level_bytes, LOWEST_CONFIDENCE, HIGHEST_CONFIDENCE)),
        int(_count_outside(quality_bytes, LOWEST_QUALITY, HIGHEST_QUALITY)),
    )


def count_before(photon: NDArray[np.int32], first_photon: NDArray[np.int32]) -> NDArray[np.int32]:
    """Count for each segment the photons of a rising list that come before its first one.

    Examples
    --------
    >>> import numpy as np
    >>> count_before(np.array([0, 2, 3], np.int32), np.array([0, 2, 2, 4], np.int32))
    array([0, 1, 1, 3], dtype=int32)
    """
    before = np.empty(len(first_photon), np.int32)
    _count_before(as_input(photon, np.int32, "photon"), as_input(first_photon, np.int32, "first_photon"), before)
    return before


def _within(table: ArrayLike, name: str, lowest: int, highest: int) -> NDArray[np.uint8]:
    """Take the values outside lowest..highest out of a table."""
    bounded = np.zeros(256, np.uint8)
    valid = np.arange(lowest, highest + 1) & 0xFF
    bounded[valid] = as_bytes(table, name, 256)[valid] != 0
    return as_bytes(bounded, name)


@kernel
def _number_kept(
    confidence: Bytes, quality: Bytes, confidence_table: Bytes, quality_table: Bytes, mask: Bytes,
    use_mask: bool, photon: Int32s,
) -> Int:  # fmt: skip
    """List the kept photons, in file order; give their number.

    Every photon is written, and the next one overwrites it unless it was kept: faster than to branch on what cannot
    be foreseen.
    """
    kept = np.int64(0)
    for k in range(len(confidence)):
        good = np.int64(confidence_table[confidence[k]] & quality_table[quality[k]])
        if use_mask:
            good &= np.int64(mask[k] != 0)
        photon[kept] = k
        kept += good
    return kept


@kernel
def _count_before(photon: Int32s, first_photon: Int32s, before: Int32s) -> None:
    """Search each segment's border behind the one before it; no more photons are kept than there are."""
    low: Int = 0
    for segment in range(len(first_photon)):
        border = np.int64(first_photon[segment])
        high: Int = min(border, len(photon))
        while low < high:
            middle = (low + high) >> 1
            if photon[middle] < border:
                low = middle + 1
            else:
                high = middle
        before[segment] = low


@kernel
def _count_outside(values: Bytes, lowest: Int, highest: Int) -> Int:
    """Count the values, as signed bytes, that are outside lowest..highest."""
    outside: Int = 0
    for k in range(len(values)):
        value = np.int8(values[k])
        outside += (value < lowest) | (value > highest)
    return outside
