"""Joining the products of one request by their extents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_ID: Final = "extent_id"
# Results of a fit set this bit of an extent's id, photons do not (SlideRule, generateExtentId).
_FITTED: Final = np.uint64(0x2)
# What both sides say of an extent; the left side's is kept.
_SHARED: Final = ("rgt", "cycle", "region", "spot", "gt", "segment_id", "track", "pair", "sc_orient", "geometry")


def merge_extents(
    left: Any, right: Any, *, how: Literal["inner", "left"] = "inner", suffixes: tuple[str, str] = ("_left", "_right")
) -> Any:
    """Join the results of two products of one request, extent by extent.

    The extents of atl03, atl06 and atl08 are the same where granules, region, `len`, `res` and `dist_in_seg` are;
    their ids differ only in a bit that says whether a row is the result of a fit.

    Parameters
    ----------
    left, right
        Frames with the column ``extent_id`` (``keep_id=True``): both computed, or both lazy and of equal plans. Of a
        side with one row an extent (atl06, atl08) every row of the other finds its match.
    how
        ``"inner"`` keeps extents that both have, ``"left"`` all of the left.
    suffixes
        For columns that both have and that may differ, such as ``latitude`` of a fit and of PhoREAL.

    Returns
    -------
    The left frame, its index, geometry and identity columns, with the columns of the right one; as lazy as they were.

    Raises
    ------
    InputError
        When a side lacks ``extent_id``, both have several rows of one extent, or lazy frames are of different plans.

    Examples
    --------
    >>> import nunatak, tempfile
    >>> from nunatak.testing import simulate
    >>> folder = tempfile.mkdtemp()
    >>> granules = simulate(folder, kilometres=2, beams=["gt1r"], seed=1, terrain="canopy")
    >>> request = {"len": 100, "res": 100, "srt": "land", "beams": "gt1r"}
    >>> heights = nunatak.atl06(folder, request, keep_id=True).compute()
    >>> canopy = nunatak.atl08(folder, request, keep_id=True).compute()
    >>> both = nunatak.merge_extents(heights, canopy)
    >>> {"h_mean", "h_canopy"} <= set(both.columns)
    True
    """
    lazy = [hasattr(frame, "map_partitions") for frame in (left, right)]
    if any(lazy):
        if not all(lazy) or left.npartitions != right.npartitions:
            raise InputError("both frames are computed, or both are lazy and of plans with the same tasks")
        _check_ids(left, right)
        meta = _merged(left._meta, right._meta, how, suffixes)
        return left.map_partitions(_merged, right, how, suffixes, meta=meta)
    _check_ids(left, right)
    return _merged(left, right, how, suffixes)


def _check_ids(left: Any, right: Any) -> None:
    for name, frame in (("left", left), ("right", right)):
        if _ID not in frame.columns:
            raise InputError(f"the {name} frame has no column {_ID}; ask for it with keep_id=True")


def _merged(left: pd.DataFrame, right: pd.DataFrame, how: Literal["inner", "left"], suffixes: tuple[str, str]) -> Any:
    keyed = left.reset_index().assign(_key=_key_of(left))
    other = right.reset_index().assign(_key=_key_of(right))
    other = other.drop(columns=[_ID, *(name for name in _SHARED if name in left.columns and name in right.columns)])
    if keyed["_key"].duplicated().any() and other["_key"].duplicated().any():
        raise InputError("both frames have several rows of one extent; one side of a merge has one row an extent")
    joined = keyed.merge(other, how=how, on="_key", suffixes=suffixes).drop(columns="_key")
    index = str(left.index.name)
    return joined.set_index(index if index in joined.columns else f"{index}{suffixes[0]}").rename_axis(index)


def _key_of(frame: pd.DataFrame) -> Any:
    """Give the ids of extents, whether fitted or not."""
    return frame[_ID].to_numpy() | _FITTED
