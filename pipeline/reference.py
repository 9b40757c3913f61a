"""The reference of a product, written from its schema and the parameters (``python -m nunatak.pipeline.reference``)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from pydantic_core import PydanticUndefined

from .parameters import SEARCH, Parameters
from .products import PRODUCTS, product_named
from .products.schema import CRS, INDEX


def product_reference(name: str) -> str:
    """Write the columns and parameters of a product as Markdown.

    Raises
    ------
    InputError
        When there is no such product.
    """
    product, title = product_named(name), PRODUCTS[name]
    columns = [
        (f"`{c.name}`" + (f" (guide: `{c.alias}`)" if c.alias else ""), c.dtype, c.units, c.meaning, c.source)
        for c in product.schema.columns
    ]
    return "\n\n".join(
        [
            f"# {product.name}",
            f"{title[0].upper()}{title[1:]}. Reads {product.reads}; algorithm version {product.version}.",
            f"This page is written from the code: `python -m nunatak.pipeline.reference {name}`.",
            "## Columns",
            (
                f"`{INDEX}` is the index; the geometry is the point of longitude and latitude in {CRS}. "
                "`extent_id` is there on request (`keep_id=True`, `--keep-id`)."
            ),
            _table(("column", "type", "units", "meaning", "from"), columns),
            "## Parameters",
            _table(("parameter", "default", "meaning"), _parameters(sorted(product.honours))),
            "## Parameters of the search",
            "These say which granules a catalog is asked for; they change no row of a granule.",
            _table(("parameter", "default", "meaning"), _parameters(sorted(SEARCH))),
        ]
    )


def _parameters(names: Sequence[str]) -> list[tuple[str, str, str]]:
    fields = Parameters.model_fields
    return [(f"`{name}`", _default(fields[name].default), str(fields[name].description)) for name in names]


def _default(value: object) -> str:
    if value in (None, (), PydanticUndefined):
        return ""
    return (
        ", ".join(str(v) for v in value)
        if isinstance(value, tuple)
        else str(value).lower()
        if value is False
        else str(value)
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    print(product_reference(sys.argv[1]))
