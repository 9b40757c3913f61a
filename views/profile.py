"""A beam's profile: the photons, the heights made of them, and how far they are from a known surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..pipeline.errors import InputError
from ..pipeline.granule import GROUND_TRACK
from ..pipeline.photons import Photons
from ..pipeline.vocabulary import nearest
from .dots import Colour, Dots, check_colour, dots_of_file, dots_of_rows, draw_dots
from .frames import check_frame, check_one_granule, figure_class

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Surface = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_FAILED: Final = 0x1 | 0x2
_HEIGHT: Final = "height above the ellipsoid, m"
_TRUTH, _MEAN, _FIT, _GROUND, _CANOPY = "#d95f02", "#08306b", "#d7301f", "#5c2d03", "#0b3d1b"
_PLACE: Final = ("gt", "rgt", "cycle", "x_atc")


@dataclass(frozen=True, slots=True)
class _Rows:
    """What was made of the photons of the beam: rows of atl06 and of atl08 along the track; None was not given."""

    heights: pd.DataFrame | None
    vegetation: pd.DataFrame | None

    @property
    def surfaces(self) -> dict[str, pd.DataFrame]:
        """Column of a ground's height -> the rows that have it."""
        named = {"h_mean": self.heights, "h_te_median": self.vegetation}
        return {column: rows for column, rows in named.items() if rows is not None}

    def between(self, low: float, high: float) -> _Rows:
        """Give the rows of a stretch of the track."""
        near = {column: rows[rows["x_atc"].between(low, high)] for column, rows in self.surfaces.items()}
        return _Rows(near.get("h_mean"), near.get("h_te_median"))

    def __len__(self) -> int:
        return sum(map(len, self.surfaces.values()))


def plot_profile(
    heights: pd.DataFrame | None,
    beam: str,
    *,
    photons: pd.DataFrame | Photons | None = None,
    vegetation: pd.DataFrame | None = None,
    colour: Colour = "confidence",
    truth: Surface | None = None,
    extent_length: float = 40.0,
    window: float = 500.0,
    at: float | None = None,
    title: str = "",
) -> Figure:
    """Plot one beam of one granule along its track: the whole of it, and a close-up with its photons.

    Parameters
    ----------
    heights
        Rows of the product atl06; those of the beam are taken, without failed fits. None where there is `vegetation`.
    beam
        ``"gt1l"`` to ``"gt3r"``.
    photons
        Rows of the product atl03 (best with ``each_photon_once=True``), or the beam's photons as `read_photons` gives
        them, which know their confidence only.
    vegetation
        Rows of the product atl08: a bar from the ground's median height to the top of the canopy. Rows without ground
        photons are left out.
    colour
        What photons are coloured by: ``"confidence"``, ``"atl08_class"`` or ``"yapc_score"``.
    truth
        The true height of the ground in m at along-track distances in m, where it is known.
    extent_length
        `len` of the request in m: how long the fitted lines are drawn.
    window
        Length of the close-up in m.
    at
        Middle of the close-up, in km along the track from the beam's first row; the middle row where it is left out.
    title
        What stands over the picture.

    Returns
    -------
    matplotlib.figure.Figure
        ``figure.savefig("profile.png")`` writes it; in a notebook it is shown after ``%matplotlib inline``.

    Raises
    ------
    InputError
        When there is nothing to plot, a frame is lazy or lacks a column, or rows are of several granules.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> import nunatak, tempfile
    >>> from nunatak.testing import simulate
    >>> from nunatak.views import plot_profile
    >>> folder = tempfile.mkdtemp()
    >>> granules = simulate(folder, kilometres=2, beams=["gt2l"], seed=1)
    >>> heights = nunatak.atl06(folder, beams="gt2l").compute()
    >>> photons = nunatak.atl03(folder, beams="gt2l", each_photon_once=True).compute()
    >>> figure = plot_profile(heights, "gt2l", photons=photons)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['height above the ellipsoid, m', 'height above the ellipsoid, m']
    """
    make_figure = figure_class()
    check_colour(colour)
    rows, dots = _taken(heights, vegetation, photons, beam, colour)
    surface, first = next(iter(rows.surfaces.items()))
    x0 = min(float(part["x_atc"].iloc[0]) for part in rows.surfaces.values())
    middle = float(first["x_atc"].iloc[len(first) // 2]) if at is None else x0 + 1000 * at
    figure = make_figure(figsize=(11, 7), layout="constrained")
    figure.suptitle(title or _title(rows, beam))
    grid = figure.add_gridspec(2, 2 if truth else 1, width_ratios=[2.5, 1] if truth else [1])
    _draw_whole(figure.add_subplot(grid[0, 0]), rows, x0, truth)
    _draw_close_up(figure.add_subplot(grid[1, :]), rows, dots, x0, middle, extent_length, window)
    if truth:
        _draw_errors(figure.add_subplot(grid[0, 1]), first, surface, truth)
    return figure


def _taken(heights: Any, vegetation: Any, photons: Any, beam: str, colour: Colour) -> tuple[_Rows, Dots | None]:
    """Take what belongs to the beam out of what was given."""
    if beam not in GROUND_TRACK:
        raise InputError(f"beam {beam!r}: there are {', '.join(GROUND_TRACK)}{nearest(beam, GROUND_TRACK)}")
    frames = []
    if heights is not None:
        fitted = _of_beam(heights, "heights", beam, ("h_mean", "dh_fit_dx", "w_surface_window_final", "pflags"))
        heights = fitted[fitted["pflags"] & _FAILED == 0]
        frames.append(heights)
    if vegetation is not None:
        measured = _of_beam(vegetation, "vegetation rows", beam, ("h_te_median", "h_canopy", "gnd_ph_count"))
        vegetation = measured[measured["gnd_ph_count"] > 0]
        frames.append(vegetation)
    rows = _Rows(*(frame if frame is not None and len(frame) else None for frame in (heights, vegetation)))
    if not rows.surfaces:
        raise InputError(f"no heights of beam {beam}: nothing to plot")
    dots = None
    if isinstance(photons, Photons):
        dots = dots_of_file(photons, colour)
    elif photons is not None:
        frames.append(_of_beam(photons, "photons", beam, ()))
        dots = dots_of_rows(frames[-1], colour)
    check_one_granule(frames)
    return rows, dots


def _of_beam(frame: Any, what: str, beam: str, columns: tuple[str, ...]) -> Any:
    check_frame(frame, what, (*_PLACE, *columns))
    return frame[frame["gt"] == GROUND_TRACK[beam]].sort_values("x_atc")


def _title(rows: _Rows, beam: str) -> str:
    names = {"h_mean": "ATL06-SR heights", "h_te_median": "PhoREAL vegetation"}
    return f"{' and '.join(names[column] for column in rows.surfaces)}, beam {beam}"


def _draw_whole(axes: Axes, rows: _Rows, x0: float, truth: Surface | None) -> None:
    if truth:
        first = next(iter(rows.surfaces.values()))["x_atc"]
        x = np.linspace(first.iloc[0], first.iloc[-1], 2000)
        axes.plot((x - x0) / 1000, truth(x), color=_TRUTH, linewidth=2.5, alpha=0.6, label="truth")
    if rows.vegetation is not None:
        x = (rows.vegetation["x_atc"].to_numpy() - x0) / 1000
        top = rows.vegetation["h_te_median"] + rows.vegetation["h_canopy"]
        axes.vlines(x, rows.vegetation["h_te_median"], top, color="#7fbc41", linewidth=1, label="canopy")
        axes.plot(x, rows.vegetation["h_te_median"], ".", markersize=2.5, color=_GROUND, label="h_te_median")
    if rows.heights is not None:
        x = (rows.heights["x_atc"].to_numpy() - x0) / 1000
        axes.plot(x, rows.heights["h_mean"], ".", markersize=2.5, color=_MEAN, label="h_mean")
    axes.set(xlabel="along track, km", ylabel=_HEIGHT)
    axes.grid(alpha=0.3)
    _put_legend(axes)


def _put_legend(axes: Axes) -> None:
    """Put the legend above the axes, where it covers nothing, with dots that can be told apart."""
    from matplotlib.lines import Line2D

    legend = axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        frameon=False,
        fontsize="small",
        ncols=8,
        columnspacing=1.2,
        handletextpad=0.4,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(11 if handle.get_marker() == "." else 7)


def _draw_close_up(
    axes: Axes, rows: _Rows, dots: Dots | None, x0: float, middle: float, extent_length: float, window: float
) -> None:
    """Show a stretch photon by photon, with what was made of each extent."""
    low, high = middle - window / 2, middle + window / 2
    near = rows.between(low, high)
    if not len(near):
        raise InputError(f"no heights within {window:g} m of {(middle - x0) / 1000:g} km: choose another place by at")
    limits: list[float] = []
    if dots is not None:
        here = dots.between(low, high)
        draw_dots(axes, here, x0)
        limits += here.classified_range()
    if near.heights is not None and len(near.heights):
        limits += _draw_fits(axes, near.heights, x0, extent_length / 2)
    if near.vegetation is not None and len(near.vegetation):
        limits += _draw_vegetation(axes, near.vegetation, x0)
    axes.set(
        xlabel="along track, m",
        ylabel=_HEIGHT,
        xlim=(low - x0, high - x0),
        ylim=(min(limits), max(limits)),
    )
    _put_legend(axes)


def _draw_fits(axes: Axes, fits: pd.DataFrame, x0: float, half: float) -> tuple[float, float]:
    """Draw the line of every extent; give the heights between which they want to be seen."""
    height = fits["h_mean"].to_numpy()
    x = np.stack([fits["x_atc"] - half, fits["x_atc"] + half]) - x0
    rise = half * fits["dh_fit_dx"].to_numpy(np.float64)
    axes.plot(x, np.stack([height - rise, height + rise]), color=_FIT, linewidth=1.2)
    axes.plot([], [], color=_FIT, linewidth=1, label="fit of an extent")
    spread = max(3.0, 1.5 * float(fits["w_surface_window_final"].median()))
    return height.min() - spread, height.max() + spread


def _draw_vegetation(axes: Axes, rows: pd.DataFrame, x0: float) -> tuple[float, float]:
    """Draw ground and canopy of every extent; give the heights between which they want to be seen."""
    x = rows["x_atc"].to_numpy() - x0
    ground = rows["h_te_median"].to_numpy()
    top = ground + rows["h_canopy"].to_numpy()
    grown = top > ground
    axes.vlines(x, ground, top, color="black", linewidth=1)
    if grown.any():
        axes.plot(x[grown], top[grown], "v", markersize=5, color=_CANOPY, label="h_canopy over ground")
    axes.plot(x, ground, "^", markersize=5, color=_GROUND, label="h_te_median")
    return ground.min() - 3.0, top.max() + 3.0


def _draw_errors(axes: Axes, rows: pd.DataFrame, column: str, truth: Surface) -> None:
    error = 100 * (rows[column].to_numpy() - truth(rows["x_atc"].to_numpy()))
    error = error[np.isfinite(error)]
    low, high = np.percentile(error, [5, 95])
    axes.hist(error, bins=60, range=(low, high), color="#3182bd")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel=f"{column} - truth, cm (middle 90 %)", ylabel="extents")
    axes.set_title(f"median {np.median(error):+.2f} cm", fontsize="medium")
