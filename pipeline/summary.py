"""What came out, in a few lines: the range of every column, gathered table by table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .products.schema import INDEX, Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(slots=True)
class _Range:
    least: float = np.inf
    most: float = -np.inf
    total: float = 0.0
    count: int = 0


class ColumnSummary:
    """Gathers rows, time span, and least, mean and most of the columns that hold measured numbers."""

    def __init__(self, schema: Schema) -> None:
        measured = [column for column in schema.columns if column.dtype.startswith("float")]
        self._units = {column.name: column.units for column in measured}
        self._ranges = {column.name: _Range() for column in measured}
        self._first: pd.Timestamp | None = None
        self._last: pd.Timestamp | None = None
        self.rows = 0

    def add(self, table: pd.DataFrame) -> None:
        """Take the rows of a table in."""
        if not len(table):
            return
        self.rows += len(table)
        times = table.index
        self._first = times.min() if self._first is None else min(self._first, times.min())
        self._last = times.max() if self._last is None else max(self._last, times.max())
        for name, gathered in self._ranges.items():
            values = table[name].to_numpy(np.float64)
            values = values[np.isfinite(values)]
            if values.size:
                gathered.least = min(gathered.least, float(values.min()))
                gathered.most = max(gathered.most, float(values.max()))
                gathered.total += float(values.sum())
                gathered.count += values.size

    def __str__(self) -> str:
        if not self.rows:
            return "no rows"
        lines = [f"{self.rows:,} rows, {INDEX} {self._first} to {self._last}"]
        lines.append(f"  {'column':24}{'least':>16}{'mean':>16}{'most':>16}  units")
        for name, gathered in self._ranges.items():
            if gathered.count:
                mean = gathered.total / gathered.count
                numbers = "".join(f"{value:16.6g}" for value in (gathered.least, mean, gathered.most))
                lines.append(f"  {name:24}{numbers}  {self._units[name]}")
        return "\n".join(lines)
