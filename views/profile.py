"""A beam's profile: the photons, the heights fitted to them, and how far they are from a known surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..pipeline.errors import InputError, MissingExtraError
from ..pipeline.granule import GROUND_TRACK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ..pipeline.photons import Photons

    Surface = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# Confidence of signal_conf_ph -> label and colour; what is not signal stays pale.
_CONFIDENCES: Final = {
    4: ("high", "#08519c"),
    3: ("medium", "#3182bd"),
    2: ("low", "#9ecae1"),
    1: ("buffer", "#d0d0d0"),
    0: ("background", "#d0d0d0"),
}
_FAILED: Final = 0x1 | 0x2


def plot_profile(
    heights: pd.DataFrame,
    beam: str,
    *,
    photons: Photons | None = None,
    truth: Surface | None = None,
    extent_length: float = 40.0,
    window: float = 500.0,
    title: str = "",
) -> Figure:
    """Plot the heights of one beam of one granule along its track.

    Parameters
    ----------
    heights
        Rows of the product atl06 of one granule; those of the beam are taken.
    beam
        ``"gt1l"`` to ``"gt3r"``.
    photons
        The beam's photons, as `read_photons` gives them; they are shown in the close-up.
    truth
        The true height in m at along-track distances in m, where it is known.
    extent_length
        `len` of the request in m: how long the fitted lines are drawn.
    window
        Length of the close-up in m.
    title
        What stands over the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When there are no heights of this beam.
    MissingExtraError
        When matplotlib is not installed.
    """
    figure_class = _figure_class()
    rows = heights[(heights["gt"] == GROUND_TRACK[beam]) & (heights["pflags"] & _FAILED == 0)].sort_values("x_atc")
    if not len(rows):
        raise InputError(f"no heights of beam {beam}: nothing to plot")
    x0 = float(rows["x_atc"].iloc[0])
    figure = figure_class(figsize=(11, 7), layout="constrained")
    figure.suptitle(title or f"ATL06-SR heights, beam {beam}")
    grid = figure.add_gridspec(2, 2 if truth else 1, width_ratios=[2, 1] if truth else [1])
    _draw_whole(figure.add_subplot(grid[0, :]), rows, x0, truth)
    _draw_close_up(figure.add_subplot(grid[1, 0]), rows, x0, photons, extent_length, window)
    if truth:
        _draw_errors(figure.add_subplot(grid[1, 1]), rows, truth)
    return figure


def _figure_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("pictures need matplotlib: pip install 'nunatak[plot]'") from error
    return Figure


def _draw_whole(axes: Axes, rows: pd.DataFrame, x0: float, truth: Surface | None) -> None:
    x = rows["x_atc"].to_numpy()
    if truth:
        axes.plot((x - x0) / 1000, truth(x), color="#d95f02", linewidth=2.5, alpha=0.6, label="truth")
    axes.plot((x - x0) / 1000, rows["h_mean"], ".", markersize=2.5, color="#08306b", label="h_mean")
    axes.set(xlabel="along track, km", ylabel="height above the ellipsoid, m")
    axes.legend(loc="best", markerscale=3)
    axes.grid(alpha=0.3)


def _draw_close_up(
    axes: Axes, rows: pd.DataFrame, x0: float, photons: Photons | None, extent_length: float, window: float
) -> None:
    """Show a stretch in the middle, photon by photon, with the line of every extent."""
    middle = float(rows["x_atc"].iloc[len(rows) // 2])
    low, high = middle - window / 2, middle + window / 2
    near = rows[rows["x_atc"].between(low, high)]
    if photons is not None:
        _draw_photons(axes, photons, x0, low, high)
    half = extent_length / 2
    x = np.stack([near["x_atc"] - half, near["x_atc"] + half]) - x0
    rise = half * near["dh_fit_dx"].to_numpy(np.float64)
    axes.plot(x, np.stack([near["h_mean"] - rise, near["h_mean"] + rise]), color="#d7301f", linewidth=1)
    axes.plot([], [], color="#d7301f", linewidth=1, label="fit of an extent")
    spread = max(3.0, 1.5 * float(near["w_surface_window_final"].max()))
    axes.set(
        xlabel="along track, m",
        ylabel="height above the ellipsoid, m",
        xlim=(low - x0, high - x0),
        ylim=(near["h_mean"].min() - spread, near["h_mean"].max() + spread),
    )
    axes.legend(loc="upper right", fontsize="small", markerscale=2, ncols=2)


def _draw_photons(axes: Axes, photons: Photons, x0: float, low: float, high: float) -> None:
    x = np.repeat(photons["segment_dist_x"], photons.photon_count) + photons["along"]
    confidence: Any = photons["confidence"]
    if confidence.ndim == 2:
        confidence = confidence.max(axis=1)
    here = (x >= low) & (x <= high)
    for value, (label, colour) in sorted(_CONFIDENCES.items()):
        chosen = here & (confidence == value)
        if chosen.any():
            axes.plot(x[chosen] - x0, photons["height"][chosen], ".", markersize=2, markeredgewidth=0, color=colour)
            axes.plot([], [], ".", color=colour, label=label)


def _draw_errors(axes: Axes, rows: pd.DataFrame, truth: Surface) -> None:
    error = 100 * (rows["h_mean"].to_numpy() - truth(rows["x_atc"].to_numpy()))
    error = error[np.isfinite(error)]
    low, high = np.percentile(error, [5, 95])
    axes.hist(error, bins=60, range=(low, high), color="#3182bd")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel="h_mean - truth, cm", ylabel="extents")
    axes.set_title(f"median {np.median(error):+.2f} cm, the middle 90 % of the rows", fontsize="medium")
