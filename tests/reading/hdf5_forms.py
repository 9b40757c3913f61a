"""Helpers of these tests: datasets in every form, and how they are compared with h5py's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nunatak.pipeline.reading.granule_file import GranuleFile, Want

#: h5py's bounds on format versions that give superblock 0 (symbol tables) and 2 (link messages, dense groups).
SUPERBLOCKS = {0: ("earliest", "v108"), 2: ("v108", "v108")}


def same(ours: np.ndarray[Any, Any], theirs: Any) -> None:
    """Assert that two arrays agree in shape, type (but for the byte order) and every bit."""
    expected = np.asarray(theirs)
    expected = expected.astype(expected.dtype.newbyteorder("="))
    assert ours.shape == expected.shape
    assert ours.dtype == expected.dtype
    assert ours.dtype.isnative
    assert ours.tobytes() == expected.tobytes()


def read_one(path: Path, dataset: str, **options: Any) -> np.ndarray[Any, Any]:
    with GranuleFile(str(path)) as granule:
        return granule.read({"values": Want(dataset, **options)})["values"]


def create(
    file: h5py.File,
    name: str,
    values: np.ndarray[Any, Any],
    *,
    chunks: tuple[int, ...] | None = None,
    filters: tuple[str, ...] = (),
    maxshape: tuple[int | None, ...] | None = None,
    compact: bool = False,
    properties: Callable[[h5py.h5p.PropDCID], object] | None = None,
) -> h5py.Dataset:
    """Create a dataset with filters in any order and number, which h5py's own interface does not offer."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if compact:
        plist.set_layout(h5py.h5d.COMPACT)
    if chunks is not None:
        plist.set_chunk(chunks)
    for name_of_filter in filters:
        {
            "deflate": lambda: plist.set_deflate(6),
            "shuffle": plist.set_shuffle,
            "fletcher32": plist.set_fletcher32,
        }[name_of_filter]()
    if properties is not None:
        properties(plist)
    limits = None if maxshape is None else tuple(h5py.h5s.UNLIMITED if n is None else n for n in maxshape)
    space = h5py.h5s.create_simple(values.shape, limits) if values.shape else h5py.h5s.create(h5py.h5s.SCALAR)
    group = file.require_group(name.rpartition("/")[0] or "/")
    kind = h5py.h5t.py_create(values.dtype, logical=True)
    h5py.h5d.create(group.id, name.rpartition("/")[2].encode(), kind, space, plist)
    file[name][...] = values
    return file[name]
