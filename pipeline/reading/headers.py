"""Object headers and groups, walked by h5coro: where things are in a file.

h5coro finds its way through superblocks, object headers of both versions, continuation blocks, symbol tables, link
messages and fractal heaps. What a message says is read in ``messages``, because h5coro drops what decides about right
and wrong values: byte order, the order and number of filters, shared messages, external storage.

h5coro trusts the file: on a damaged one it raises anything, or walks in circles. Every walk here has a budget of steps
and ends in a typed error.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from h5coro.h5coro import H5Coro
from h5coro.h5dataset import H5Dataset

from ..errors import CorruptError, NotHDF5Error, ReadError, TruncatedError, UnsupportedError
from . import messages
from .messages import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: Fields that one walk may read. The largest group of an ICESat-2 granule needs about a thousand.
STEPS = 2_000_000
#: Bytes that one piece of metadata may have: a message has 64 KiB at most, a B-tree node about as much.
LONGEST = 1 << 24

#: What h5coro raises on bytes that make no sense.
_FAULTS = (
    RuntimeError,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)

Fetch = Callable[[int, int], bytes]


class Metadata(H5Coro):  # type: ignore[misc]
    """h5coro's resource, with metadata read in lines of `line` bytes through `fetch`, which raises typed errors.

    h5coro's own ``ioRequest`` turns a short read into an unpacking error, or into a loop that never ends.
    """

    def __init__(self, fetch: Fetch, size: int, line: int) -> None:
        self.fetch = fetch
        self.size = size
        self.line = line
        self.lines: dict[int, memoryview] = {}
        self.steps = 0
        self._check_superblock()
        with typed_faults():
            # No driver: h5coro would close it when this object goes, and it is the granule file's to close.
            super().__init__("", lambda *_: None)
        if self.baseAddress != 0:
            raise UnsupportedError(f"addresses count from byte {self.baseAddress}, not from the file's beginning")

    def ioRequest(self, pos: int, size: int, caching: bool = True, prefetch: bool = False) -> memoryview:  # noqa: ARG002
        """Return `size` bytes at `pos`, from lines that are fetched once."""
        self.steps += 1
        if self.steps > STEPS:
            raise CorruptError("the metadata lead in circles")
        if size > LONGEST:
            raise CorruptError(f"a piece of metadata claims to be {size:,} bytes long")
        if pos < 0 or pos + size > self.size:
            raise TruncatedError(f"metadata at byte {pos:,} lie outside the file, which has {self.size:,} bytes")
        number = pos // self.line
        line = self.lines.get(number) or self._line(number)
        start = pos - number * self.line
        part = line[start : start + size]
        if len(part) == size:
            return part
        whole = bytearray(part)
        while len(whole) < size:
            number += 1
            whole += self._line(number)[: size - len(whole)]
        return memoryview(bytes(whole))

    def _line(self, number: int) -> memoryview:
        if number not in self.lines:
            start = number * self.line
            self.lines[number] = memoryview(self.fetch(start, min(self.line, self.size - start)))
        return self.lines[number]

    def _check_superblock(self) -> None:
        """Refuse what h5coro would misread: another format, another version, a file cut short."""
        head = bytes(self.ioRequest(0, min(self.size, 4096)))
        if not head.startswith(SIGNATURE):
            # The format lets a program put a block of its own before the superblock.
            if any(head[start:].startswith(SIGNATURE) for start in (512, 1024, 2048)):
                raise UnsupportedError("a user block stands before the HDF5 superblock")
            raise NotHDF5Error(f"the file does not begin as HDF5 does, but with {head[:8]!r}")
        version = head[8] if len(head) > 8 else 0
        if version not in {0, 2}:
            raise UnsupportedError(f"superblock version {version} is not read, only versions 0 and 2")
        sizes_at, end_at = (13, 40) if version == 0 else (9, 28)
        if len(head) < end_at + 8:
            raise TruncatedError(f"the file has {self.size} bytes and ends in its superblock")
        if head[sizes_at : sizes_at + 2] != b"\x08\x08":
            raise UnsupportedError("addresses and lengths in this file do not have 8 bytes")
        end = int.from_bytes(head[end_at : end_at + 8], "little")
        if end > self.size:
            raise TruncatedError(f"the file has {self.size:,} bytes of the {end:,} that it was written with")


@dataclass(slots=True)
class ObjectHeader:
    """What stands in the header of one group or dataset.

    Attributes
    ----------
    messages
        Type of message -> (address, content), the first of each type.
    shared
        Types of those messages that only point to another place of the file.
    attributes
        (address, content) of each attribute message.
    links
        Name -> address of the children of a group; None for a soft or external link.
    is_group
        Whether the header has the messages of a group.
    unread
        Links or attributes that are stored in a form that is not read: attributes of more than 64 KiB.
    """

    messages: dict[int, tuple[int, memoryview]] = field(default_factory=dict)
    shared: set[int] = field(default_factory=set)
    attributes: list[tuple[int, memoryview]] = field(default_factory=list)
    links: dict[str, int | None] = field(default_factory=dict)
    is_group: bool = False
    unread: int = 0


def read_header(metadata: Metadata, address: int, *, dense_attributes: bool = False) -> ObjectHeader:
    """Walk the object header at `address`.

    Attributes outside the header (a fractal heap, from 9 attributes in newer files) are only read on request.

    Raises
    ------
    UnsupportedError, CorruptError, TruncatedError
    """
    metadata.steps = 0
    metadata.pathAddresses = {}  # h5coro puts the links that it meets here
    with typed_faults():
        walk = _Walk(metadata, address, dense_attributes)
        walk.readObjHdr(0)
    header: ObjectHeader = walk.header
    for name, child in metadata.pathAddresses.items():
        header.links[name] = None if child == UNDEFINED else child
    return header


def read_variable_string(metadata: Metadata, address: int) -> bytes:
    """Return the bytes of a variable-length string, whose reference stands at `address`."""
    metadata.steps = 0
    with typed_faults():
        if not int.from_bytes(metadata.ioRequest(address, 4), "little"):
            return b""  # an empty string refers to nothing
        content = _Walk(metadata, address, False).readVLString(address)
    if content is None:
        raise CorruptError("a variable-length string is not in the heap that it refers to")
    return bytes(content)


@contextmanager
def typed_faults() -> Iterator[None]:
    """Turn whatever h5coro raises on a damaged or foreign file into a typed error."""
    try:
        yield
    except ReadError:
        raise
    except RecursionError as fault:
        raise CorruptError("the metadata lead in circles") from fault
    except _FAULTS as fault:
        if "unsupported" in str(fault):
            raise UnsupportedError(f"h5coro does not read this: {fault}") from fault
        raise CorruptError(f"the metadata make no sense: {fault}") from fault


class _Walk(H5Dataset):  # type: ignore[misc]
    """h5coro's walk through one object header, with the messages kept as they are and no link followed."""

    _STRUCTURE = frozenset(
        {
            H5Dataset.LINK_INFO_MSG,
            H5Dataset.LINK_MSG,
            H5Dataset.HEADER_CONT_MSG,
            H5Dataset.SYMBOL_TABLE_MSG,
            H5Dataset.ATTRIBUTE_INFO_MSG,
        }
    )

    def __init__(self, metadata: Metadata, address: int, dense_attributes: bool) -> None:
        super().__init__(metadata, "", makeNull=True, earlyExit=False, metaOnly=True, enableAttributes=dense_attributes)
        self.pos = address
        self.header = ObjectHeader()
        self._blocks: list[_Block] = []

    def readField(self, size: int) -> int:
        field_bytes = self.resourceObject.ioRequest(self.pos, size)
        self.pos += size
        return int.from_bytes(field_bytes, "little")

    def readMessagesV0(self, end_of_hdr: int, obj_hdr_flags: int, dlvl: int) -> int:
        """Read the messages of a newer header up to its gap.

        A gap too short for a message may stand before the checksum; h5coro takes it for one.
        """
        start = self.pos
        prefix = 6 if obj_hdr_flags & 0x4 else 4  # type, size, flags, and the order of creation if it is kept
        while end_of_hdr - self.pos >= prefix:
            kind, size, _ = struct.unpack("<BHB", self.readArray(4))
            self.pos += prefix - 4
            end = self.pos + size
            self.readMessage(kind, size, obj_hdr_flags, dlvl)
            self.pos = end
        self.pos = end_of_hdr
        return end_of_hdr - start

    def readMessage(self, msg_type: int, msg_size: int, obj_hdr_flags: int, dlvl: int) -> int:
        if msg_type in self._STRUCTURE:
            if msg_type in {H5Dataset.LINK_INFO_MSG, H5Dataset.LINK_MSG, H5Dataset.SYMBOL_TABLE_MSG}:
                self.header.is_group = True
            size: int = super().readMessage(msg_type, msg_size, obj_hdr_flags, dlvl)
            return size
        address = self.pos
        content = self.readArray(msg_size)
        if msg_type == H5Dataset.ATTRIBUTE_MSG:
            self.header.attributes.append((address, content))
        elif msg_type not in self.header.messages:
            self.header.messages[msg_type] = (address, content)
            if self._message_flags(address, obj_hdr_flags) & 0x2:
                self.header.shared.add(msg_type)
        return msg_size

    def _message_flags(self, address: int, obj_hdr_flags: int) -> int:
        """Read the flags of the message again that h5coro has read and dropped."""
        if obj_hdr_flags & self.CUSTOM_V1_FLAG:
            at = address - 4  # flags, three reserved bytes
        else:
            at = address - (3 if obj_hdr_flags & 0x4 else 1)  # flags, creation order if it is kept
        flags: int = self.resourceObject.ioRequest(at, 1)[0]
        return flags

    def linkMsgHandler(self, msg_size: int, obj_hdr_flags: int, dlvl: int) -> int:
        """Note soft and external links too, which h5coro leaves out, so that their absence is not a riddle."""
        start = self.pos
        size: int = super().linkMsgHandler(msg_size, obj_hdr_flags, dlvl)
        kind, name = messages.link(self.resourceObject.ioRequest(start, size))
        if kind != 0:
            self.header.links[name] = None
        return size

    def linkinfoMsgHandler(self, msg_size: int, obj_hdr_flags: int, dlvl: int) -> int:
        start = self.pos
        self._blocks = []
        size: int = super().linkinfoMsgHandler(msg_size, obj_hdr_flags, dlvl)
        for address, length in self._dense_objects(start, order_size=8, heap_id=slice(4, 11)):
            self.pos = address
            super().readMessage(H5Dataset.LINK_MSG, length, obj_hdr_flags, dlvl)
        self.pos = start + size
        return size

    def attributeinfoMsgHandler(self, msg_size: int, obj_hdr_flags: int, dlvl: int) -> int:
        start = self.pos
        self._blocks = []
        size: int = super().attributeinfoMsgHandler(msg_size, obj_hdr_flags, dlvl)
        for address, length in self._dense_objects(start, order_size=2, heap_id=slice(8)):
            self.header.attributes.append((address, self.resourceObject.ioRequest(address, length)))
        return size

    def readDirectBlock(self, heap_info: dict[str, int], block_size: int, *_: int) -> int:
        """Note where a block of a fractal heap is; h5coro would read it from the front.

        Without the heap's index that finds objects which were deleted, and stops at the first gap.
        """
        content = self.resourceObject.ioRequest(self.pos, 21)
        if bytes(content[:5]) != b"FHDB\x00":
            raise CorruptError("a block of a fractal heap does not begin as one does")
        width = heap_info["blk_offset_size"]
        self._blocks.append(_Block(int.from_bytes(content[13 : 13 + width], "little"), block_size, self.pos, width))
        return block_size

    def _dense_objects(self, info_at: int, order_size: int, heap_id: slice) -> Iterator[tuple[int, int]]:
        """Give address and length of each object in the fractal heap that an info message at `info_at` names.

        Parameters
        ----------
        order_size
            Bytes of the message's optional creation order.
        heap_id
            Where in a record of the index the object's heap ID stands: flags, offset in the heap, length.
        """
        flags = self.resourceObject.ioRequest(info_at + 1, 1)[0]
        heap_at = info_at + 2 + (order_size if flags & 0x1 else 0)
        heap, index = struct.unpack("<QQ", self.resourceObject.ioRequest(heap_at, 16))
        if heap == UNDEFINED:
            return
        for record in index_records(self.resourceObject.ioRequest, index):
            flags, place = record[heap_id][0], record[heap_id][1:]
            if flags & 0x30:  # "huge" and "tiny" objects are stored elsewhere
                self.header.unread += 1
                continue
            width = self._blocks[0].width if self._blocks else 0
            offset, length = (int.from_bytes(part, "little") for part in (place[:width], place[width:]))
            block = next((block for block in self._blocks if 0 <= offset - block.offset < block.size), None)
            if block is None:
                raise CorruptError("the index of a fractal heap names an object outside the heap")
            yield block.address + offset - block.offset, length


class _Block(NamedTuple):
    """A direct block of a fractal heap: the heap's bytes from `offset` on stand at `address`."""

    offset: int
    size: int
    address: int
    width: int  # bytes of an offset in this heap


def index_records(read: Callable[[int, int], memoryview], address: int) -> list[memoryview]:
    """Return the records of a version 2 B-tree of one or two levels. HDF5 File Format Specification, III.A.2.

    Two levels hold a thousand names and more. h5coro does not read this tree.
    """
    head = read(address, 34)
    node_size, record_size, depth = struct.unpack_from("<IHH", head, 6)
    root, count, total = struct.unpack_from("<QHQ", head, 16)
    if bytes(head[:4]) != b"BTHD" or not record_size or depth > 1:
        raise UnsupportedError(f"the index of a fractal heap is no B-tree of one or two levels, but of {depth + 1}")

    def leaf(at: int, records: int) -> list[memoryview]:
        content = read(at, 6 + records * record_size)
        if bytes(content[:4]) not in {b"BTLF", b"BTIN"}:
            raise CorruptError("a node of the index of a fractal heap does not begin as one does")
        return [content[start : start + record_size] for start in range(6, len(content), record_size)]

    found = leaf(root, count) if root != UNDEFINED else []
    if depth == 1:
        # Between the records of the root hang leaves: address, and records in as many bytes as their number needs.
        width = (((node_size - 10) // record_size).bit_length() + 7) // 8
        children = read(root + 6 + count * record_size, (count + 1) * (8 + width))
        for at in range(0, len(children), 8 + width):
            (child,) = struct.unpack_from("<Q", children, at)
            found += leaf(child, int.from_bytes(children[at + 8 : at + 8 + width], "little"))
    if len(found) != total:
        raise CorruptError(f"the index of a fractal heap has {len(found)} records and counts {total}")
    return found


def root_address(metadata: Metadata) -> int:
    """Return the address of the root group's header."""
    address: Any = metadata.rootAddress
    return int(address)
