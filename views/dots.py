"""Photons in a profile: the same few arrays from rows of atl03 or from a file, and the colours they are drawn in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ..pipeline.errors import InputError
from ..pipeline.photons import Photons
from .frames import check_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

Colour = Literal["confidence", "atl08_class", "yapc_score"]

# What photons are coloured by -> the column of atl03 that holds it.
_COLUMNS: Final = {"confidence": "atl03_cnf", "atl08_class": "atl08_class", "yapc_score": "yapc_score"}
# Value -> label and colour, from what is drawn first to what lies on top; what is not signal stays pale.
_LABELS: Final = {
    "confidence": {
        -2: ("TEP", "#f2e6d9"),
        -1: ("not considered", "#ebebeb"),
        0: ("background", "#d9d9d9"),
        1: ("buffer", "#b5b5b5"),
        2: ("low", "#9ecae1"),
        3: ("medium", "#3182bd"),
        4: ("high", "#08519c"),
    },
    "atl08_class": {
        4: ("unclassified", "#dedede"),
        0: ("noise", "#a8a8a8"),
        2: ("canopy", "#7fbc41"),
        3: ("top of canopy", "#276419"),
        1: ("ground", "#b35806"),
    },
}

_GROUND_OR_CANOPY: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Dots:
    """The photons of a beam as a profile draws them.

    Attributes
    ----------
    along
        Along-track distance from the equator, float64 (N,), m.
    height
        Height above the ellipsoid, float32 (N,), m.
    value
        What they are coloured by, (N,).
    colour
        What that is.
    """

    along: NDArray[np.float64]
    height: NDArray[np.float32]
    value: NDArray[Any]
    colour: Colour

    def between(self, low: float, high: float) -> Dots:
        """Give the photons of a stretch of the track."""
        here = (self.along >= low) & (self.along <= high)
        return Dots(self.along[here], self.height[here], self.value[here], self.colour)

    def classified_range(self) -> tuple[float, ...]:
        """Give the heights between which ground and canopy lie, where classes say so."""
        if self.colour != "atl08_class" or not (known := np.isin(self.value, _GROUND_OR_CANOPY)).any():
            return ()
        return float(self.height[known].min()) - 3.0, float(self.height[known].max()) + 3.0


def check_colour(colour: str) -> None:
    """Make sure that photons can be coloured so."""
    if colour not in _COLUMNS:
        raise InputError(f"colour {colour!r}: photons have {', '.join(_COLUMNS)}")


def dots_of_rows(rows: pd.DataFrame, colour: Colour) -> Dots:
    """Take the photons from rows of the product atl03.

    Raises
    ------
    InputError
        When the rows lack a column, or have no YAPC score.
    """
    column = _COLUMNS[colour]
    check_frame(rows, "photons", ("segment_dist", "x_atc", "height", column))
    value = rows[column].to_numpy()
    if colour == "yapc_score" and not value.any():
        raise InputError("the photons have no YAPC score; ask atl03 for it with yapc={'version': 3}")
    along = rows["segment_dist"].to_numpy() + rows["x_atc"].to_numpy(np.float64)
    return Dots(along, rows["height"].to_numpy(), value, colour)


def dots_of_file(photons: Photons, colour: Colour) -> Dots:
    """Take the photons as they were read from a file, before any classifier.

    Raises
    ------
    InputError
        When they are to be coloured by what a classifier says.
    """
    if colour != "confidence":
        raise InputError(
            f"photons as they are read have no {colour}; give rows of the product atl03, or colour them by confidence"
        )
    along = np.repeat(photons["segment_dist_x"], photons.photon_count) + photons["along"]
    confidence: NDArray[Any] = photons["confidence"]
    if confidence.ndim == 2:
        confidence = confidence.max(axis=1)
    return Dots(along, photons["height"], confidence, colour)


def draw_dots(axes: Axes, dots: Dots, x0: float) -> None:
    """Draw photons at their distance from `x0` in m: classes with a legend, scores with a colour bar."""
    if dots.colour == "yapc_score":
        # the densest on top
        order = np.argsort(dots.value, kind="stable")
        points = axes.scatter(
            dots.along[order] - x0, dots.height[order], s=5, c=dots.value[order], cmap="viridis_r", linewidths=0, vmin=0
        )
        axes.figure.colorbar(points, ax=axes, label="YAPC score", pad=0.01)
        return
    for value, (label, colour) in _LABELS[dots.colour].items():
        chosen = dots.value == value
        if chosen.any():
            axes.plot(
                dots.along[chosen] - x0,
                dots.height[chosen],
                ".",
                markersize=3,
                markeredgewidth=0,
                color=colour,
                label=label,
            )
