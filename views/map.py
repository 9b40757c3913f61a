"""A map: the rows of any product as points, coloured by a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..pipeline.errors import InputError
from ..pipeline.products import PRODUCTS, product_named
from ..pipeline.products.schema import CRS
from ..pipeline.region import Region
from .frames import check_frame, figure_class
from .plane import Box, Plane

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_LONG_SIDE: Final = 7.0  # inches
_NARROWEST: Final = 0.4  # of the long side: a track of 6 km by 2,000 km shall leave room for its axes
_QUIET: Final = "#7a7a7a"
# Whether values lie below and above the colours -> the arrows of the colour bar.
_EXTEND: Final = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}


def plot_map(
    frame: pd.DataFrame,
    column: str = "h_mean",
    *,
    region: Any = None,
    crs: Any = None,
    percentiles: tuple[float, float] = (2.0, 98.0),
    size: float = 6.0,
    cmap: str = "viridis",
    title: str = "",
) -> Figure:
    """Plot rows on a map, coloured by a column.

    Parameters
    ----------
    frame
        Rows of any product. A GeoDataFrame is drawn by its geometry, other frames by longitude and latitude.
    column
        A column of numbers; its units are looked up in the products' tables. Rows without a value are left out, and
        the map says how many.
    region
        An area whose outline is drawn, in any form that `Region.of` takes.
    crs
        The plane to draw in: anything that pyproj takes. By default the polar stereographic of NSIDC's grids beyond 60
        degrees (EPSG:3413, EPSG:3031), else an equal-area projection around the middle of the rows. Both are whole
        across the antimeridian.
    percentiles
        Of the column: where the colours begin and end; values beyond have the last colours.
    size
        Area of a point, in square points of a 72nd of an inch.
    cmap
        matplotlib's name of the colours.
    title
        What stands over the map.

    Returns
    -------
    matplotlib.figure.Figure
        ``figure.savefig("map.png")`` writes it; in a notebook it is shown after ``%matplotlib inline``.

    Raises
    ------
    InputError
        When there is nothing to map, the frame is lazy, or a name or value is not right.
    RegionError
        When the region is none.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> import nunatak, tempfile
    >>> from nunatak.testing import simulate
    >>> from nunatak.views import plot_map
    >>> folder = tempfile.mkdtemp()
    >>> granules = simulate(folder, kilometres=2, beams=["gt2l"], seed=1)
    >>> heights = nunatak.atl06(folder, beams="gt2l").compute()
    >>> plot_map(heights, "h_mean").axes[0].get_xlabel()
    'x in EPSG:3413, km'
    """
    make_figure = figure_class()
    lon, lat, values, missing = _points(frame, column)
    limits = _limits(column, values, percentiles)
    plane = Plane.of(crs, lon, lat)
    x, y = plane.project(lon, lat)
    if lost := int((~(np.isfinite(x) & np.isfinite(y))).sum()):
        raise InputError(f"{lost} of {len(x)} rows have no place in crs {crs!r}; choose another, or none")
    rings = [] if region is None else plane.outline(Region.of(region))
    box = _box(plane, [(x, y), *rings])
    figure = make_figure(figsize=_figure_size(plane, box), layout="compressed")
    axes = figure.add_subplot()
    points = axes.scatter(
        x, y, c=values, s=size, cmap=cmap, vmin=limits[0], vmax=limits[1], linewidths=0, rasterized=True
    )
    for ring in rings:
        axes.plot(*ring, color="#d7301f", linewidth=1.2)
    axes.set(xlabel=plane.labels[0], ylabel=plane.labels[1], xlim=box[::2], ylim=box[1::2], aspect=plane.aspect)
    if plane.crs.is_geographic:
        # the axis goes on beyond 180 degrees where the rows do; its numbers don't
        axes.xaxis.set_major_formatter(lambda lon, _: f"{round((lon + 180) % 360 - 180, 6):g}")
    _draw_graticule(axes, plane, box)
    beyond = _EXTEND[bool(values.min() < limits[0]), bool(values.max() > limits[1])]
    figure.colorbar(points, ax=axes, label=_label(column), extend=beyond, shrink=0.8, pad=0.02, aspect=30)
    left_out = f"{missing:,} of {missing + len(values):,} rows without a value left out" if missing else ""
    axes.set_title("\n".join(line for line in (title, left_out) if line), fontsize="medium")
    return figure


def _points(frame: Any, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    """Give longitude, latitude and value of the rows that have one, and how many have none."""
    from pandas.api.types import is_numeric_dtype

    check_frame(frame, "rows", (column,))
    if not is_numeric_dtype(frame[column]):
        raise InputError(f"column {column!r} holds {frame[column].dtype}; a map is coloured by numbers")
    values = frame[column].to_numpy(np.float64)
    there = np.isfinite(values)
    if not there.any():
        raise InputError(f"none of {len(values)} rows has a value of {column!r}: nothing to map")
    lon, lat = _positions(frame)
    return lon[there], lat[there], values[there], int((~there).sum())


def _positions(frame: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give longitude and latitude, from the geometry where there is one: a merge or a new CRS leaves it right."""
    if getattr(frame, "crs", None) is not None:
        points = frame.geometry.to_crs(CRS)
        return points.x.to_numpy(), points.y.to_numpy()
    check_frame(frame, "rows", ("longitude", "latitude"))
    return frame["longitude"].to_numpy(np.float64), frame["latitude"].to_numpy(np.float64)


def _limits(column: str, values: NDArray[np.float64], percentiles: tuple[float, float]) -> tuple[float, float]:
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise InputError(f"percentiles {percentiles!r} of {column}: two numbers from 0 to 100, the lower one first")
    first, last = (float(value) for value in np.percentile(values, percentiles))
    return (first, last) if first < last else (first - 0.5, last + 0.5)


def _box(plane: Plane, parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Box:
    """Put a box around all that is drawn, with a margin, and wide enough for its axes."""
    x, y = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    width, height = np.ptp(x), np.ptp(y) * plane.aspect
    least = max(_NARROWEST * max(width, height), 0.001)
    half_width, half_height = 0.55 * max(width, least), 0.55 * max(height, least) / plane.aspect
    middle_x, middle_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    return Box(
        float(middle_x - half_width),
        float(middle_y - half_height),
        float(middle_x + half_width),
        float(middle_y + half_height),
    )


def _figure_size(plane: Plane, box: Box) -> tuple[float, float]:
    width, height = box.right - box.left, (box.top - box.bottom) * plane.aspect
    scale = _LONG_SIDE / max(width, height)
    # room for the labels of the axes, and for the colour bar
    return width * scale + 2.2, height * scale + 0.9


def _draw_graticule(axes: Axes, plane: Plane, box: Box) -> None:
    """Draw meridians and parallels; name each where it leaves: meridians at the top, parallels on the right, if any."""
    top: dict[float, str] = {}
    right: dict[float, str] = {}
    for line in plane.graticule(box):
        axes.plot(line.x, line.y, color=_QUIET, linewidth=0.5, alpha=0.6, zorder=0)
        up = dict.fromkeys(_crossings(line.y, line.x, box.top, box.left, box.right), line.label)
        out = dict.fromkeys(_crossings(line.x, line.y, box.right, box.bottom, box.top), line.label)
        if up and (line.meridian or not out):
            top |= up
        else:
            right |= out
    for place, edge in ((top, axes.secondary_xaxis("top")), (right, axes.secondary_yaxis("right"))):
        edge.set_ticks(list(place), labels=list(place.values()))
        edge.tick_params(colors=_QUIET, length=3, labelsize="small")


def _crossings(u: NDArray[np.float64], v: NDArray[np.float64], edge: float, low: float, high: float) -> list[float]:
    """Find where a line crosses the edge u = edge between two values of v."""
    beyond = u > edge
    steps = np.flatnonzero((beyond[1:] != beyond[:-1]) & np.isfinite(u[1:] + u[:-1]))
    share = (edge - u[steps]) / (u[steps + 1] - u[steps])
    at = v[steps] + share * (v[steps + 1] - v[steps])
    return [float(place) for place in at if low < place < high]


def _label(column: str) -> str:
    """Name a column with its units, which are the same in every product that has it."""
    for name in PRODUCTS:
        for known in product_named(name).schema.columns:
            if known.name == column:
                return column if known.units in {"", "1"} else f"{column}, {known.units}"
    return column
