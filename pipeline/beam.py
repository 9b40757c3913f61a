"""One beam of an open granule, as a product's computation sees it."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .errors import LayoutError, MissingDatasetError
from .granule import GranuleName, spot_of
from .reading.granule_file import GranuleFile, Want

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Beam:
    """A beam of a granule: its identity, its file, and the time that reading took.

    Parameters
    ----------
    name
        The granule's name; rgt, cycle and region come from it.
    beam
        ``"gt1l"`` to ``"gt3r"``.
    file
        The open granule.
    """

    def __init__(self, name: GranuleName, beam: str, file: GranuleFile) -> None:
        self.name = name
        self.beam = beam
        self.file = file
        self.read_seconds = 0.0

    def read(self, wants: Mapping[str, Want]) -> dict[str, NDArray[Any]]:
        """Read datasets of the granule in one planned fetch; see `GranuleFile.read`."""
        started = perf_counter()
        try:
            return self.file.read(wants)
        finally:
            self.read_seconds += perf_counter() - started

    def path(self, dataset: str) -> str:
        """Give the path of a dataset of this beam."""
        return f"{self.beam}/{dataset}"

    def length(self, dataset: str) -> int:
        """Give the number of rows of a dataset of this beam."""
        shape = self.file.describe(self.path(dataset)).shape
        if not shape:
            raise self.layout_error(dataset, "a single number where rows are expected")
        return int(shape[0])

    def sc_orient(self) -> int:
        """Read the spacecraft orientation: 0 backward, 1 forward, 2 in transition (the granule's first entry)."""
        values = self.read({"sc_orient": Want("orbit_info/sc_orient", dtype="i1")})["sc_orient"].ravel()
        if values.size == 0:
            raise MissingDatasetError("no entry", self.file.address, self.beam, "orbit_info/sc_orient")
        return int(values[0])

    def spot(self) -> int:
        """Give the spot number of this beam in this granule, 1 to 6; 0 while the spacecraft turns."""
        return spot_of(self.beam, self.sc_orient())

    def layout_error(self, dataset: str, reason: str) -> LayoutError:
        """Make the error for a dataset of this beam that is not as the product has it."""
        return LayoutError(reason, self.file.address, self.beam, self.path(dataset))
