"""What nunatak uses of h5coro's internals: if this fails after an update, read pipeline/reading/headers.py."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
import pytest
from h5coro.h5coro import H5Coro
from h5coro.h5dataset import FatalError, H5Dataset
from hdf5_forms import SUPERBLOCKS

from nunatak.pipeline.reading import headers, messages


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_the_version_is_one_that_was_looked_at() -> None:
    assert version("h5coro").startswith("1.0.")


def test_signatures_of_what_is_overridden_or_called() -> None:
    assert parameters(H5Coro.ioRequest) == ["self", "pos", "size", "caching", "prefetch"]
    assert parameters(H5Coro.__init__)[:3] == ["self", "resource", "driverClass"]
    assert parameters(H5Dataset.__init__) == [
        "self", "resourceObject", "dataset", "hyperslice", "makeNull", "enableFill", "earlyExit", "metaOnly",
        "enableAttributes",
    ]  # fmt: skip
    handler = ["self", "msg_size", "obj_hdr_flags", "dlvl"]
    for name in ("linkMsgHandler", "linkinfoMsgHandler", "attributeinfoMsgHandler", "symboltableMsgHandler",
                 "headercontMsgHandler"):  # fmt: skip
        assert parameters(getattr(H5Dataset, name)) == handler
    assert parameters(H5Dataset.readMessage) == ["self", "msg_type", "msg_size", "obj_hdr_flags", "dlvl"]
    assert parameters(H5Dataset.readMessagesV0) == ["self", "end_of_hdr", "obj_hdr_flags", "dlvl"]
    assert parameters(H5Dataset.readDirectBlock) == ["self", "heap_info", "block_size", "obj_hdr_flags", "dlvl"]
    assert parameters(H5Dataset.readObjHdr) == ["self", "dlvl"]
    assert parameters(H5Dataset.readField) == parameters(H5Dataset.readArray) == ["self", "size"]
    assert parameters(H5Dataset.readVLString) == ["self", "address"]


def test_numbers_of_messages_and_flags() -> None:
    assert H5Dataset.CUSTOM_V1_FLAG == 0x80
    assert (H5Dataset.LINK_INFO_MSG, H5Dataset.LINK_MSG, H5Dataset.SYMBOL_TABLE_MSG) == (0x2, 0x6, 0x11)
    assert (H5Dataset.HEADER_CONT_MSG, H5Dataset.ATTRIBUTE_MSG, H5Dataset.ATTRIBUTE_INFO_MSG) == (0x10, 0xC, 0x15)
    assert (H5Dataset.DATASPACE_MSG, H5Dataset.DATATYPE_MSG) == (messages.DATASPACE, messages.DATATYPE)
    assert (H5Dataset.FILL_VALUE_MSG, H5Dataset.DATA_LAYOUT_MSG) == (messages.FILL, messages.LAYOUT)
    assert H5Dataset.FILTER_MSG == messages.FILTERS


def test_an_error_of_format_is_a_runtime_error_that_says_unsupported() -> None:
    """`typed_faults` tells UnsupportedError from CorruptError by it."""
    assert issubclass(FatalError, RuntimeError)
    source = inspect.getsource(H5Dataset)
    for message in ("unsupported header version", "unsupported link info version", "unsupported version of heap"):
        assert message in source


@pytest.mark.parametrize("superblock", sorted(SUPERBLOCKS))
@pytest.mark.parametrize("children", [3, 30])
def test_a_walk_finds_links_messages_and_flags(tmp_path: Path, superblock: int, children: int) -> None:
    """The walk itself: h5coro calls our overrides, fills pathAddresses, and follows no link."""
    path = tmp_path / "walk.h5"
    with h5py.File(path, "w", libver=SUPERBLOCKS[superblock]) as file:
        for i in range(children):
            file.create_dataset(f"d{i}", data=np.arange(7, dtype="i2"), fillvalue=9)
            file[f"d{i}"].attrs["units"] = "meters"
        expected = {name: h5py.h5o.get_info(item.id).addr for name, item in file.items()}
    content = path.read_bytes()
    metadata = headers.Metadata(lambda start, length: content[start : start + length], len(content), 512)
    assert (metadata.offsetSize, metadata.lengthSize, metadata.baseAddress) == (8, 8, 0)
    root = headers.read_header(metadata, headers.root_address(metadata))
    assert root.is_group
    assert root.links == expected
    header = headers.read_header(metadata, expected["d2"])
    assert not header.is_group
    assert not header.links
    assert {messages.DATASPACE, messages.DATATYPE, messages.LAYOUT, messages.FILL} <= set(header.messages)
    assert [messages.attribute(attribute).name for _, attribute in header.attributes] == ["units"]
    dataset = messages.dataset("d2", header)
    assert (dataset.shape, dataset.dtype, dataset.fill) == ((7,), np.dtype("<i2"), b"\x09\x00")
