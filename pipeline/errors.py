"""Errors, arranged by what a handler does with them.

An `InputError` is mended by the user before anything runs (exit code 2). A `ReadError` belongs to one granule: it
becomes the outcome of a task. A `TaskFailedError` is how a failed task is felt by who asked for its rows (exit code 3).
An `OutputError` loses the result and not its cause: with room on the disk the same request succeeds (exit code 1).
Every class has a stable ``kind``, which outcomes and reports count by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


class NunatakError(Exception):
    """Whatever nunatak raises on purpose."""

    kind: ClassVar[str] = "error"


class InputError(NunatakError, ValueError):
    """A request that can't be carried out as it stands: a name, a value, a path."""

    kind = "input"


class ParameterError(InputError):
    """A parameter that does not exist, or a value that it can't have."""

    kind = "parameter"


class RegionError(InputError):
    """A region that is no region: self-crossing, empty, without a CRS, unreadable."""

    kind = "region"


class ResourceError(InputError):
    """A resource that is no granule of the product, is missing, or is there twice."""

    kind = "resource"


class CatalogError(NunatakError):
    """A catalog that could not give a whole answer."""

    kind = "catalog"


class OutputError(NunatakError):
    """A result that could not be written: the disk is full or fails. Nothing half-written is left."""

    kind = "output"


class MissingExtraError(NunatakError, ImportError):
    """An optional dependency is needed here and not installed; the message says how to install it."""

    kind = "missing_extra"


@dataclass(eq=False)
class ReadError(NunatakError):
    """A granule that could not be read.

    Attributes
    ----------
    reason
        What is wrong, and what would be right.
    address
        The granule's path or URL.
    beam, dataset
        Where in the granule, as far as it is known.
    """

    reason: str
    address: str = ""
    beam: str = ""
    dataset: str = ""

    kind: ClassVar[str] = "read"
    #: Whether the same read may succeed if it is tried again.
    transient: ClassVar[bool] = False

    def __str__(self) -> str:
        where = [self.address, self.beam and f"beam {self.beam}", self.dataset and f"dataset {self.dataset}"]
        return f"{', '.join(part for part in where if part)}: {self.reason}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.address, self.beam, self.dataset)


class NotFoundError(ReadError):
    """There is nothing at this address."""

    kind = "not_found"


class AccessError(ReadError):
    """The address may not be read."""

    kind = "forbidden"


class InputOutputError(ReadError):
    """The disk or the network failed while bytes were read."""

    kind = "io"
    transient = True


class NotHDF5Error(ReadError):
    """The file does not begin as an HDF5 file does."""

    kind = "not_hdf5"


class TruncatedError(ReadError):
    """The file ends before the bytes that its own addresses name."""

    kind = "truncated"


class CorruptError(ReadError):
    """Bytes that are not what the file says they are: a chunk that does not inflate, a wrong checksum."""

    kind = "corrupt"


class UnsupportedError(ReadError):
    """Valid HDF5 in a form that is not read here."""

    kind = "unsupported"


class MissingDatasetError(ReadError):
    """A dataset that the product needs is not in the granule."""

    kind = "missing_dataset"


class MissingCompanionError(ReadError):
    """A granule of another product is needed beside this one, and there is none."""

    kind = "missing_companion"


class WrongProductError(ReadError):
    """The file is a granule of another product."""

    kind = "wrong_product"


class LayoutError(ReadError):
    """A dataset whose shape or type is not that of the product: rows that do not add up, text for numbers."""

    kind = "layout"
