"""The one place that says how kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a function with the policy that all kernels share.

    - ``nogil``: a worker's threads run kernels side by side.
    - ``cache``: compiled once per machine and kind of CPU, then read from disk (``NUMBA_CACHE_DIR`` says where).
    - ``error_model="numpy"``: a division by zero gives NaN or infinity, as SlideRule's does, not an exception.
    - no ``fastmath``: a sum has one order, so the bits are the same on every kind of CPU. Where a sum should use
      SIMD its partial sums are written out.

    Examples
    --------
    A module of kernels says (the cache needs a module that is a file)::

        @kernel
        def half(x):
            return x / 2
    """
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(function))
