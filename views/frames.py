"""What every picture asks of the frames that it is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..pipeline.errors import InputError, MissingExtraError
from ..pipeline.vocabulary import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def figure_class() -> type[Figure]:
    """Give matplotlib's figure, which needs no window and no state of pyplot.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("pictures need matplotlib: pip install 'nunatak[plot]'") from error
    return Figure


def check_frame(frame: Any, what: str, columns: Iterable[str]) -> None:
    """Make sure that a frame is computed and has the columns that a picture draws.

    Raises
    ------
    InputError
        Names the frame and what it lacks.
    """
    if hasattr(frame, "compute"):
        raise InputError(f"the {what} are a lazy frame; a picture needs its rows: call .compute() first")
    known = list(getattr(frame, "columns", ()))
    for column in columns:
        if column not in known:
            raise InputError(f"the {what} have no column {column!r}{nearest(column, map(str, known))}")


def check_one_granule(frames: Iterable[pd.DataFrame]) -> None:
    """Make sure that all rows come from one pass over one track.

    Raises
    ------
    InputError
        Names the passes, and how to choose one.
    """
    passes: set[tuple[int, ...]] = set()
    for frame in frames:
        passes.update(map(tuple, frame[["rgt", "cycle"]].drop_duplicates().to_numpy().tolist()))
    if len(passes) > 1:
        named = ", ".join(f"rgt {rgt} cycle {cycle}" for rgt, cycle in sorted(passes)[:3])
        more = ", ..." if len(passes) > 3 else ""
        raise InputError(
            f"the rows are of {len(passes)} granules ({named}{more}), and a profile is of one: "
            f"choose it by the columns rgt and cycle"
        )
