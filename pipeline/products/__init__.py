"""The products, one module each, and their registry: the only switch between them."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from ..errors import InputError
from ..vocabulary import nearest
from .product import Product

# The module that holds a product as PRODUCT; imported when it is asked for.
_MODULES: Final = {"atl03": ".atl03", "atl03v": ".atl03v", "atl06": ".atl06", "atl08": ".atl08"}

#: Product -> what it is, in a line.
PRODUCTS: Final = {
    "atl03": "photons by extent, with their classes and scores",
    "atl03v": "the fast view of a track: one row a segment, no photon is read",
    "atl06": "surface heights: SlideRule's ATL06-SR, a line fitted to the photons of each extent",
    "atl08": "vegetation metrics: PhoREAL's canopy and terrain heights of each extent",
}


def product_named(name: str) -> Product:
    """Find a product.

    Raises
    ------
    InputError
        When there is none of this name; says which there are.

    Examples
    --------
    >>> from nunatak.pipeline.products import product_named
    >>> product_named("atl06").reads
    'ATL03'
    """
    if name not in _MODULES:
        known = ", ".join(_MODULES)
        raise InputError(f"{name!r} is no product (there is {known}){nearest(name, _MODULES)}")
    product: Product = import_module(_MODULES[name], __name__).PRODUCT
    return product


__all__ = ["PRODUCTS", "Product", "product_named"]
