"""The column table of a product: one place that drives meta, empty partitions, casts, units and docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: ITRF2014, the frame of ICESat-2's latitudes, longitudes and heights above the WGS 84 ellipsoid.
CRS: Final = "EPSG:7912"
INDEX: Final = "time"
#: The type of a column that holds a list of numbers in each row.
LIST: Final = "list<float32>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a product.

    Attributes
    ----------
    name
        As in SlideRule's records.
    dtype
        numpy's name of the type, or `LIST` for several numbers a row.
    units
        UDUNITS text; ``"1"`` for counts and ratios.
    meaning
        One line, in the words of the field.
    source
        Dataset of the granule that it comes from, or the step that computes it.
    alias
        The user guide's spelling, where it is another.
    computed
        The product's own name of it, where a request gives it another.
    """

    name: str
    dtype: str
    units: str
    meaning: str
    source: str
    alias: str = ""
    computed: str = ""

    @property
    def array(self) -> str:
        """The name by which the product computes it."""
        return self.computed or self.name


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a product's table, in their order; `INDEX` becomes the index, longitude and latitude the point."""

    columns: tuple[Column, ...]

    def renamed(self, names: Mapping[str, str]) -> Schema:
        """Give columns other names: old -> new; the arrays that they are made of keep theirs."""
        return Schema(
            tuple(
                replace(column, name=names[column.name], computed=column.array) if column.name in names else column
                for column in self.columns
            )
        )

    def plus(self, columns: Iterable[Column]) -> Schema:
        """Add columns at the end."""
        return Schema((*self.columns, *columns))

    def without(self, *names: str) -> Schema:
        """Leave columns out."""
        return Schema(tuple(column for column in self.columns if column.name not in names))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(column.name for column in self.columns)

    def table(self, arrays: Mapping[str, Any]) -> pd.DataFrame:
        """Cast arrays, by the names that a product computes them under, into a table: so rows travel between tasks.

        Raises
        ------
        KeyError
            When an array is missing.
        """
        import pandas as pd

        data = {c.name: _cast(arrays[c.array], c.dtype) for c in self.columns}
        index = pd.DatetimeIndex(data.pop(INDEX), name=INDEX)
        return pd.DataFrame(data, index=index, copy=False)

    def empty(self) -> pd.DataFrame:
        """Give the table without rows."""
        return self.table({c.array: np.empty((0, 1) if c.dtype == LIST else 0, _numpy(c)) for c in self.columns})

    def frame(self, table: pd.DataFrame) -> gpd.GeoDataFrame:
        """Make the GeoDataFrame of a table: its columns, and points in `CRS`."""
        import geopandas as gpd

        named = {column.array: column.name for column in self.columns}
        points = gpd.points_from_xy(table[named["longitude"]], table[named["latitude"]], crs=CRS)
        return gpd.GeoDataFrame(table, geometry=points)

    def meta(self) -> gpd.GeoDataFrame:
        """Give the GeoDataFrame without rows that dask plans with."""
        return self.frame(self.empty())

    def describe(self) -> list[dict[str, str]]:
        """Give the columns as plain records, for metadata and docs."""
        return [{n: getattr(c, n) for n in Column.__slots__ if getattr(c, n)} for c in self.columns]


def _numpy(column: Column) -> str:
    return "float32" if column.dtype == LIST else column.dtype


def _cast(values: Any, dtype: str) -> Any:
    """Cast a column; a list column comes as rows (N, k), or as (first, values) of lists one behind the other.

    Lists become arrays in a column of objects: pandas' own type for them can't be read back from a Parquet file.
    """
    if dtype != LIST:
        return np.asarray(values).astype(dtype, copy=False)
    if isinstance(values, tuple):
        first, flat = np.asarray(values[0]), np.asarray(values[1], np.float32)
    else:
        rows = np.asarray(values, np.float32)
        first, flat = np.arange(len(rows) + 1) * rows.shape[1], rows.ravel()
    lists = np.empty(len(first) - 1, object)
    for row in range(len(lists)):
        lists[row] = flat[first[row] : first[row + 1]]
    return lists
