"""An HDF5 granule as its readers see it: named datasets in, arrays or typed errors out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..errors import (
    CorruptError,
    LayoutError,
    MissingDatasetError,
    ReadError,
    TruncatedError,
    UnsupportedError,
)
from ..granule import BEAMS
from . import messages
from .chunks import Fetch, chunk_table, merge, stored_bytes
from .drivers import Driver, FileDriver
from .headers import Metadata, ObjectHeader, read_header, read_variable_string, root_address, typed_faults
from .inflate import Target


@dataclass(frozen=True, slots=True)
class Want:
    """One dataset to read, and which part of it.

    Attributes
    ----------
    path
        From the root: ``gt1l/heights/h_ph``.
    dtype
        The type that the product expects (``"f4"``). Another stored type is cast where that loses nothing, and is a
        `LayoutError` where it would. None: as stored.
    rows
        Row ranges, (first, last + 1), which are put one after the other; None for all rows.
    column
        Of a 2-D dataset, the one column that comes out, as a 1-D array; None for whole rows.
    required
        Whether a granule without this dataset is an error. If not, it is absent from what `GranuleFile.read` returns.
    """

    path: str
    dtype: str | None = None
    rows: Sequence[tuple[int, int]] | None = None
    column: int | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What can be said of a dataset without reading its values.

    Attributes
    ----------
    shape
        Elements along each dimension; () for a scalar.
    dtype
        The stored type: ``"<f4"``, or a name such as ``"string"`` where it is no plain number.
    chunks
        Elements of a chunk along each dimension; None without chunks.
    filters
        Their names, in the order in which they were applied.
    layout
        compact, contiguous, chunked or virtual.
    storage
        Bytes that the values take in the file.
    problem
        Why `GranuleFile.read` would refuse it; empty if it would not.
    """

    shape: tuple[int, ...]
    dtype: str
    chunks: tuple[int, ...] | None
    filters: tuple[str, ...]
    layout: str
    storage: int
    problem: str = ""


class GranuleFile:
    """One granule, opened for as long as the ``with`` block lasts.

    It can't be pickled: a task gets the address, and opens and closes the file itself. One thread uses it at a time.

    Parameters
    ----------
    address
        The granule's path.
    driver
        Where its bytes come from, opened and closed by the caller; None for a file of this machine.

    Attributes
    ----------
    bytes_read, requests
        What was asked of the driver so far.

    Raises
    ------
    ReadError
        All methods, with the granule's address and, where there is one, the beam and dataset. On opening:
        `NotFoundError`, `AccessError`, `InputOutputError`, `NotHDF5Error`, `TruncatedError`, `UnsupportedError`.

    Examples
    --------
    >>> import h5py, numpy as np, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "granule.h5"
    >>> with h5py.File(path, "w") as file:
    ...     file["gt1l/heights/h_ph"] = np.arange(10, dtype="f4")
    >>> with GranuleFile(str(path)) as granule:
    ...     print(granule.beams)
    ...     granule.read({"h_ph": Want("gt1l/heights/h_ph", dtype="f4", rows=[(2, 4), (8, 10)])})
    ('gt1l',)
    {'h_ph': array([2., 3., 8., 9.], dtype=float32)}
    """

    def __init__(self, address: str, driver: Driver | None = None) -> None:
        self.address = address
        self.bytes_read = 0
        self.requests = 0
        self._given = driver
        self._own: FileDriver | None = None
        self._headers: dict[str, ObjectHeader] = {}

    def __enter__(self) -> Self:
        if self._given is None:
            self._own = FileDriver(self.address)
        self._driver: Driver = self._given or self._own  # type: ignore[assignment]
        try:
            with self._located():
                self._metadata = Metadata(self._fetch, self._driver.size, self._driver.line)
                self._headers[""] = read_header(self._metadata, root_address(self._metadata))
        except ReadError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._headers.clear()
        if self._own is not None:
            self._own.close()

    def _fetch(self, start: int, length: int) -> bytes:
        """Ask the driver for a range, count it, and take nothing for granted."""
        self.requests += 1
        self.bytes_read += length
        content = self._driver.read(start, length)
        if len(content) != length:
            raise TruncatedError(f"{len(content):,} bytes came where {length:,} were asked for at byte {start:,}")
        return content

    @contextmanager
    def _located(self, dataset: str = "") -> Iterator[None]:
        """Say in every error where it happened."""
        try:
            yield
        except ReadError as error:
            error.address = error.address or self.address
            error.dataset = error.dataset or dataset
            beam = error.dataset.split("/")[0]
            error.beam = error.beam or (beam if beam in BEAMS else "")
            raise

    # -- what is there ------------------------------------------------------------------------------------------------

    @property
    def beams(self) -> tuple[str, ...]:
        """The beams that the granule has, gt1l to gt3r."""
        links = self._headers[""].links
        return tuple(beam for beam in BEAMS if beam in links and self._header(beam).is_group)

    def groups(self, path: str = "/") -> tuple[str, ...]:
        """Return the names of the groups in a group, sorted."""
        return tuple(name for name, header in self._children(path) if header.is_group)

    def datasets(self, path: str = "/") -> tuple[str, ...]:
        """Return the names of the datasets in a group, sorted."""
        return tuple(name for name, header in self._children(path) if not header.is_group)

    def _children(self, path: str) -> Iterator[tuple[str, ObjectHeader]]:
        path = _clean(path)
        parent = self._header(path)
        for name, child in sorted(parent.links.items()):
            if child is not None:  # soft and external links have no header of their own
                yield name, self._header(f"{path}/{name}" if path else name)

    def exists(self, path: str) -> bool:
        """Return whether there is a group or dataset at this path."""
        try:
            self._header(_clean(path))
        except MissingDatasetError:
            return False
        return True

    def describe(self, path: str) -> DatasetInfo:
        """Describe a dataset without reading its values; forms that are not read can be described as well."""
        path = _clean(path)
        dataset = self._dataset(path)
        with self._located(path):
            storage = stored_bytes(dataset, self._metadata.ioRequest)
        return DatasetInfo(
            shape=dataset.shape,
            dtype=dataset.datatype.name if dataset.datatype.dtype is None else dataset.datatype.dtype.str,
            chunks=dataset.chunks,
            filters=tuple(stage.name for stage in dataset.filters),
            layout=dataset.layout,
            storage=storage,
            problem=dataset.problem,
        )

    def attribute(self, path: str, name: str) -> str | npt.NDArray[Any]:
        """Return an attribute of a group or dataset: text as str, numbers as an array of the attribute's shape.

        Raises
        ------
        MissingDatasetError, UnsupportedError
            There is no such attribute, or it is neither text nor numbers.
        """
        path = _clean(path)
        address = self._address(path)
        with self._located(path), typed_faults():
            header = read_header(self._metadata, address, dense_attributes=True)
            names = []
            for at, content in header.attributes:
                attribute = messages.attribute(content)
                if attribute.name == name:
                    return self._attribute_value(attribute, at, content)
                names.append(attribute.name)
            if header.unread:
                raise UnsupportedError(
                    f"attribute {name!r} is not among those shorter than 64 KiB, others are not read"
                )
            raise MissingDatasetError(f"no attribute {name!r}{_nearest(name, names)}")

    def _attribute_value(self, attribute: messages.Attribute, at: int, content: memoryview) -> str | npt.NDArray[Any]:
        stored, values = attribute.datatype, bytes(content[attribute.start :][: attribute.size])
        if len(values) != attribute.size:
            raise CorruptError(f"attribute {attribute.name!r} is longer than its message")
        if stored.dtype is not None:
            array = np.frombuffer(values, stored.dtype).reshape(attribute.shape)
            return array.astype(stored.dtype.newbyteorder("="))
        if attribute.size == stored.size and stored.name == "string":
            return values.rstrip(b"\0 ").decode()
        if attribute.size == stored.size and stored.is_variable_string:
            return read_variable_string(self._metadata, at + attribute.start).rstrip(b"\0").decode()
        raise UnsupportedError(f"attribute {attribute.name!r} of type {stored.name} is not read")

    # -- finding ------------------------------------------------------------------------------------------------------

    def _address(self, path: str) -> int:
        """Find the header of a group or dataset by listing each group of its path once."""
        if not path:
            return root_address(self._metadata)
        parent, _, name = path.rpartition("/")
        links = self._header(parent).links
        with self._located(path):
            if name not in links:
                raise MissingDatasetError(f"{_group(parent)} has no {name}{_nearest(name, links)}")
            address = links[name]
            if address is None:
                raise UnsupportedError("a soft or external link is not followed")
        return address

    def _header(self, path: str) -> ObjectHeader:
        header = self._headers.get(path)
        if header is None:
            address = self._address(path)
            with self._located(path):
                header = read_header(self._metadata, address)
            self._headers[path] = header
        return header

    def _dataset(self, path: str) -> messages.Dataset:
        header = self._header(path)
        with self._located(path):
            if header.is_group:
                raise LayoutError("this is a group, not a dataset")
            with typed_faults():
                return messages.dataset(path, header)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, wants: Mapping[str, Want]) -> dict[str, npt.NDArray[Any]]:
        """Read datasets, or rows and columns of them, in one planned pass over the file.

        Parameters
        ----------
        wants
            A name of the caller's -> what is wanted. All are planned together: chunks of different datasets that lie
            near each other in the file come with one request.

        Returns
        -------
        dict
            The caller's name -> array, of the stored shape with the wanted rows, in this machine's byte order. Absent:
            datasets that are not in the file and are not required.

        Raises
        ------
        MissingDatasetError, LayoutError, UnsupportedError, CorruptError, TruncatedError, InputOutputError
        """
        targets = {}
        for name, want in wants.items():
            if want.required or self.exists(want.path):
                targets[name] = self._target(want)
        ordered = list(targets.values())
        for fetch in merge([target.table for target in ordered]):
            self._carry_out(fetch, ordered)
        return {name: target.result() for name, target in targets.items()}

    def _target(self, want: Want) -> Target:
        """Look up one dataset, find its chunks and make room for its values."""
        path = _clean(want.path)
        dataset = self._dataset(path)
        with self._located(path):
            if dataset.problem:
                raise UnsupportedError(dataset.problem)
            target = Target(dataset, want.rows, want.column, want.dtype)
            self._metadata.steps = 0
            table = chunk_table(dataset, target.rows, want.column, self._metadata.ioRequest, self._driver.size)
            target.allocate(table)
        return target

    def _carry_out(self, fetch: Fetch, targets: Sequence[Target]) -> None:
        """Fetch one range and put its chunks where they belong."""
        dataset = targets[fetch.chunks[0].table].dataset
        try:
            content = memoryview(self._fetch(fetch.start, fetch.stop - fetch.start))
            for chunk in fetch.chunks:
                target = targets[chunk.table]
                dataset = target.dataset
                target.put(content[chunk.start - fetch.start : chunk.stop - fetch.start], chunk.mask, chunk.offset)
        except ReadError:
            with self._located(dataset.path):
                raise


def _clean(path: str) -> str:
    return re.sub("/+", "/", path).strip("/")


def _group(path: str) -> str:
    return f"group {path}" if path else "the file"


def _nearest(name: str, names: Sequence[str] | Mapping[str, Any]) -> str:
    """Suggest names that are like the one that is not there, or all where they are few."""
    near = difflib.get_close_matches(name, list(names), n=3) or (sorted(names) if len(names) <= 8 else [])
    return f"; near it are {', '.join(near)}" if near else ""
