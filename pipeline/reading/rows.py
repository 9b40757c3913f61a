"""Which rows of a dataset are wanted, and where chunks cut them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import LayoutError

Ints = npt.NDArray[np.int64]


class Rows:
    """The wanted rows of a dataset: ranges, put one after the other.

    Nothing here takes time or memory by the number of rows: a damaged file may claim any number.

    Parameters
    ----------
    ranges
        (first, last + 1) of each range, in the order in which they are wanted; None for all rows.
    length
        Rows of the dataset.

    Attributes
    ----------
    count
        Wanted rows.

    Raises
    ------
    LayoutError
        A range does not lie inside the dataset.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Rows([(8, 12), (0, 2)], length=20)
    >>> rows.count
    6
    >>> rows.spans(10)
    (array([0]), array([2]))
    >>> rows.pieces(10, np.array([0, 1]))
    {0: [(8, 10, 0), (0, 2, 4)], 1: [(0, 2, 2)]}
    """

    def __init__(self, ranges: Sequence[tuple[int, int]] | None, length: int) -> None:
        self._ranges = [(0, length)] if ranges is None else [(int(first), int(stop)) for first, stop in ranges]
        for first, stop in self._ranges:
            if not 0 <= first <= stop <= length:
                raise LayoutError(f"rows {first} to {stop} were asked for, the dataset has rows 0 to {length}")
        self.count = sum(stop - first for first, stop in self._ranges)

    def spans(self, chunk_rows: int) -> tuple[Ints, Ints]:
        """Return the chunks that hold wanted rows, as ranges of their numbers along the rows.

        Returns
        -------
        first, stop
            int64: sorted, disjoint ranges (first, last + 1).
        """
        first: list[int] = []
        stop: list[int] = []
        for low, high in sorted((low, high) for low, high in self._ranges if low < high):
            start, end = low // chunk_rows, -(-high // chunk_rows)
            if stop and start <= stop[-1]:
                stop[-1] = max(stop[-1], end)
            else:
                first.append(start)
                stop.append(end)
        return np.array(first, np.int64), np.array(stop, np.int64)

    def pieces(self, chunk_rows: int, numbers: Ints) -> dict[int, list[tuple[int, int, int]]]:
        """Cut the ranges where chunks end, for the chunks that are there.

        Parameters
        ----------
        numbers
            int64, sorted, each once: the chunks' numbers along the rows.

        Returns
        -------
        dict
            Number -> (first, last + 1, at): these rows of the chunk go to row `at` of the output.
        """
        pieces: dict[int, list[tuple[int, int, int]]] = {}
        at = 0
        for first, stop in self._ranges:
            low, high = np.searchsorted(numbers, (first // chunk_rows, -(-stop // chunk_rows)))
            for number in numbers[low:high].tolist():
                start = number * chunk_rows
                begin, end = max(first, start), min(stop, start + chunk_rows)
                if begin < end:
                    pieces.setdefault(number, []).append((begin - start, end - start, at + begin - first))
            at += stop - first
        return pieces
