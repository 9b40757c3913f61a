"""The column table of a product: one place that drives meta, empty partitions, casts, units and docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: ITRF2014, the frame of ICESat-2's latitudes, longitudes and heights above the WGS 84 ellipsoid.
CRS: Final = "EPSG:7912"
INDEX: Final = "time"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a product.

    Attributes
    ----------
    name
        As in SlideRule's records.
    dtype
        numpy's name of the type.
    units
        UDUNITS text; ``"1"`` for counts and ratios.
    meaning
        One line, in the words of the field.
    source
        Dataset of the granule that it comes from, or the step that computes it.
    alias
        The user guide's spelling, where it is another.
    """

    name: str
    dtype: str
    units: str
    meaning: str
    source: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a product's table, in their order; `INDEX` becomes the index, longitude and latitude the point."""

    columns: tuple[Column, ...]

    def without(self, *names: str) -> Schema:
        """Leave columns out."""
        return Schema(tuple(column for column in self.columns if column.name not in names))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(column.name for column in self.columns)

    def table(self, arrays: Mapping[str, Any]) -> pd.DataFrame:
        """Cast arrays into a plain table, the form in which rows travel between tasks.

        Raises
        ------
        KeyError
            When an array is missing.
        """
        import pandas as pd

        data = {c.name: np.asarray(arrays[c.name]).astype(c.dtype, copy=False) for c in self.columns}
        index = pd.DatetimeIndex(data.pop(INDEX), name=INDEX)
        return pd.DataFrame(data, index=index, copy=False)

    def empty(self) -> pd.DataFrame:
        """Give the table without rows."""
        return self.table({column.name: np.empty(0, column.dtype) for column in self.columns})

    def frame(self, table: pd.DataFrame) -> gpd.GeoDataFrame:
        """Make the GeoDataFrame of a table: its columns, and points in `CRS`."""
        import geopandas as gpd

        points = gpd.points_from_xy(table["longitude"], table["latitude"], crs=CRS)
        return gpd.GeoDataFrame(table, geometry=points)

    def meta(self) -> gpd.GeoDataFrame:
        """Give the GeoDataFrame without rows that dask plans with."""
        return self.frame(self.empty())

    def describe(self) -> list[dict[str, str]]:
        """Give the columns as plain records, for metadata and docs."""
        return [{n: getattr(c, n) for n in Column.__slots__ if getattr(c, n)} for c in self.columns]
