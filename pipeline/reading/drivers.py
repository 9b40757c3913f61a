"""Where bytes come from: the seam between the readers and a disk (or, behind the same Protocol, a network)."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from ..errors import (
    AccessError,
    InputOutputError,
    NotFoundError,
    NotHDF5Error,
    ReadError,
    TruncatedError,
    UnsupportedError,
)


class Driver(Protocol):
    """Gives byte ranges of one file; says in a typed error why it can't.

    A driver may be asked from several threads at once. Who opens a driver closes it.
    """

    @property
    def address(self) -> str:
        """The path or URL, for errors."""

    @property
    def size(self) -> int:
        """Length of the file in bytes."""

    @property
    def line(self) -> int:
        """How many bytes a request for metadata should fetch: small where requests are cheap."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, or raise a `ReadError`."""

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""


class FileDriver:
    """A file on a disk of this machine.

    ``pread`` keeps no position, so threads need no lock, and it frees the GIL.

    Raises
    ------
    NotFoundError, AccessError, NotHDF5Error, InputOutputError, UnsupportedError
        There is no such file, it may not be read, it is a folder or a device, the disk fails, or it is the address
        of a server.

    Examples
    --------
    >>> import tempfile
    >>> from nunatak.pipeline.reading.drivers import FileDriver
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(b"photons")
    ...     file.flush()
    ...     driver = FileDriver(file.name)
    ...     print(driver.size, driver.read(0, 3))
    ...     driver.close()
    7 b'pho'
    """

    # A page of metadata: reading more of a local file costs more than asking twice.
    line = 1 << 15

    def __init__(self, address: str) -> None:
        self.address = address
        self._descriptor = -1
        if "://" in address:
            raise UnsupportedError(
                "this version reads files of this machine; download the granule (earthaccess.download asks for an "
                "Earthdata login: EARTHDATA_TOKEN, or ~/.netrc), and name it or its folder",
                address,
            )
        try:
            # Looked at before it is opened: opening a pipe would wait for somebody to write into it.
            mode = Path(address).stat().st_mode
            if not stat.S_ISREG(mode):
                form = "a folder" if stat.S_ISDIR(mode) else "no regular file"
                raise NotHDF5Error(f"this is {form}; a granule is an HDF5 file", address)
            self._descriptor = os.open(address, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            self.size = os.fstat(self._descriptor).st_size
        except (OSError, ValueError) as fault:
            raise _typed(fault, address) from fault

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`."""
        try:
            data = os.pread(self._descriptor, length, offset)
            while len(data) < length:  # a signal, a network disk, or 2 GiB at once
                more = os.pread(self._descriptor, length - len(data), offset + len(data))
                if not more:
                    raise TruncatedError(
                        f"the file ends at byte {offset + len(data):,}, before byte {offset + length:,}",
                        self.address,
                    )
                data += more
        except OSError as fault:
            raise _typed(fault, self.address) from fault
        return data

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _typed(fault: OSError | ValueError, address: str) -> ReadError:
    """Say what the operating system said, by what can be done about it."""
    if isinstance(fault, FileNotFoundError | NotADirectoryError | ValueError):  # ValueError: a path with a NUL
        return NotFoundError("there is no such file", address)
    if isinstance(fault, PermissionError):
        return AccessError("the file may not be read by this user", address)
    return InputOutputError(f"the disk gave an error: {fault.strerror or fault}", address)
