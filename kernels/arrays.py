"""What every kernel may rely on: inputs of one dtype, contiguous and read-only, so that each is compiled once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Float64s: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Int64s: TypeAlias = NDArray[np.int64]
Int32s: TypeAlias = NDArray[np.int32]
Bytes: TypeAlias = NDArray[np.uint8]
# a kernel's scalars: their widths are inferred by numba from what comes in, Python's or numpy's numbers
Int: TypeAlias = Any
Real: TypeAlias = Any


def as_input(values: ArrayLike, dtype: DTypeLike, name: str, length: int | None = None) -> NDArray[Any]:
    """Give an array in the one form that kernels take: this dtype, contiguous, and marked as read-only.

    Numba compiles a kernel anew for every dtype, layout and writability that it meets; a second form would cost
    seconds in the middle of a run. Values are copied only where the dtype or the layout differ.

    Parameters
    ----------
    values
        One-dimensional array.
    dtype
        What the kernel wants. Converting must keep the kind of number: integers are not made of floats.
    name
        The array's name, for errors.
    length
        How many elements it must have, where that is known.

    Raises
    ------
    ValueError
        If the array has another shape, or holds another kind of number.

    Examples
    --------
    >>> import numpy as np
    >>> as_input([1, 2], np.float64, "distance").flags.writeable
    False
    """
    array = np.asarray(values)
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "one dimension" if length is None else f"shape ({length},)"
        raise ValueError(f"{name} has shape {array.shape}; {wanted} is needed")
    if array.size and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ValueError(f"{name} has dtype {array.dtype}; {np.dtype(dtype)} is needed")
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


def as_bytes(values: ArrayLike, name: str, length: int | None = None) -> NDArray[np.uint8]:
    """Give one-byte values (int8, uint8 or bool) as unsigned bytes, in the form of `as_input`.

    Raises
    ------
    ValueError
        If the values are wider than a byte, or the shape is another.

    Examples
    --------
    >>> import numpy as np
    >>> as_bytes(np.array([-2, 4], np.int8), "signal_conf_ph")
    array([254,   4], dtype=uint8)
    """
    array = np.asarray(values)
    if array.dtype.itemsize != 1:
        raise ValueError(f"{name} has dtype {array.dtype}; int8 or uint8 is needed")
    return as_input(np.ascontiguousarray(array).view(np.uint8), np.uint8, name, length)
