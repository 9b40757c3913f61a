"""One beam of an open granule, as a product's computation sees it."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .errors import LayoutError, MissingCompanionError, MissingDatasetError
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
    atl08
        Where the ATL08 granule is that goes with it; empty where none was found. It is opened when it is needed.
    """

    def __init__(self, name: GranuleName, beam: str, file: GranuleFile, atl08: str = "") -> None:
        self.name = name
        self.beam = beam
        self.file = file
        self.atl08 = atl08
        self.read_seconds = 0.0
        self.atl08_bytes = 0
        self.atl08_requests = 0

    def read(self, wants: Mapping[str, Want]) -> dict[str, NDArray[Any]]:
        """Read datasets of the granule in one planned fetch; see `GranuleFile.read`."""
        started = perf_counter()
        try:
            return self.file.read(wants)
        finally:
            self.read_seconds += perf_counter() - started

    def read_atl08(self, wants: Mapping[str, Want]) -> dict[str, NDArray[Any]]:
        """Read datasets of the ATL08 granule that goes with this one.

        Raises
        ------
        MissingCompanionError
            When there is none.
        ReadError
            When it can't be read, or lacks a dataset.
        """
        if not self.atl08:
            raise MissingCompanionError(
                f"the request needs {self.name.companion('ATL08')} (atl08_class, phoreal or atl08_fields); put it "
                "beside the granule, or search a catalog that has it",
                self.file.address,
                self.beam,
            )
        started = perf_counter()
        try:
            with GranuleFile(self.atl08) as file:
                try:
                    return file.read(wants)
                finally:
                    self.atl08_bytes += file.bytes_read
                    self.atl08_requests += file.requests
        finally:
            self.read_seconds += perf_counter() - started

    @property
    def atl08_notes(self) -> tuple[str, ...]:
        """Say that ATL08 is of another release or revision than the granule, if it is."""
        name = GranuleName.find(self.atl08) if self.atl08 else None
        if name is None or (name.release, name.revision) == (self.name.release, self.name.revision):
            return ()
        return (f"its ATL08 granule is {name}, not {self.name.companion('ATL08')}",)

    def path(self, dataset: str) -> str:
        """Give the path of a dataset of this beam."""
        return f"{self.beam}/{dataset}"

    def length(self, dataset: str) -> int:
        """Give the number of rows of a dataset of this beam."""
        shape = self.file.describe(self.path(dataset)).shape
        if not shape:
            raise self.layout_error(dataset, "a single number where rows are expected")
        return int(shape[0])

    def first_column(self, dataset: str) -> int | None:
        """Give the first column of a dataset that has columns; None of one that has none."""
        return 0 if len(self.file.describe(self.path(dataset)).shape) > 1 else None

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
