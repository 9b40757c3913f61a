"""What the messages of an object header say: shape, type, layout, filters, fill value, attributes.

Field by field after the HDF5 File Format Specification, version 3.0, IV.A.2 ("Header Messages"). A form that is valid
but not read here is no error before somebody wants the values: it is named in `Dataset.problem`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CorruptError, UnsupportedError

if TYPE_CHECKING:
    from .headers import ObjectHeader

#: The address of what was never written.
UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF

DATASPACE, DATATYPE, FILL_OLD, FILL, EXTERNAL, LAYOUT, FILTERS = 0x1, 0x3, 0x4, 0x5, 0x7, 0x8, 0xB
DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3

_FILTER_NAMES = {
    DEFLATE: "deflate",
    SHUFFLE: "shuffle",
    FLETCHER32: "fletcher32",
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    32000: "lzf",
}
_CLASS_NAMES = {
    2: "time",
    3: "string",
    4: "bit field",
    5: "opaque",
    6: "compound",
    7: "reference",
    8: "enumeration",
    9: "variable-length",
    10: "array",
}
_LAYOUT_NAMES = {0: "compact", 1: "contiguous", 2: "chunked", 3: "virtual"}
#: Size -> (sign's place, exponent's place and size, mantissa's place and size, exponent's bias) of IEEE 754.
_IEEE = {2: (15, 10, 5, 0, 10, 15), 4: (31, 23, 8, 0, 23, 127), 8: (63, 52, 11, 0, 52, 1023)}


@dataclass(frozen=True, slots=True)
class Datatype:
    """A stored type: its size in bytes and, where it is a plain number, the numpy type with its byte order."""

    name: str
    size: int
    dtype: np.dtype[np.generic] | None = None
    is_variable_string: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One stage of the pipeline that chunks went through when they were written."""

    number: int
    values: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The filter's usual name."""
        return _FILTER_NAMES.get(self.number, f"filter {self.number}")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as its object header describes it.

    Attributes
    ----------
    shape
        Elements along each dimension; () for a scalar.
    layout
        compact, contiguous, chunked or virtual.
    address
        Of the values (compact, contiguous) or of the chunk B-tree; None if nothing was ever written.
    size
        Bytes of the values (compact, contiguous).
    chunks
        Elements of a chunk along each dimension.
    filters
        In the order in which they were applied.
    fill
        The value, as stored bytes, of what was never written; empty for zero.
    problem
        Why the values can't be read; empty if they can.
    """

    path: str
    shape: tuple[int, ...]
    datatype: Datatype
    layout: str
    address: int | None
    size: int
    chunks: tuple[int, ...] | None
    filters: tuple[Filter, ...]
    fill: bytes
    problem: str = ""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The stored numpy type."""
        if self.datatype.dtype is None:
            raise UnsupportedError(self.problem, dataset=self.path)
        return self.datatype.dtype


def dataset(path: str, header: ObjectHeader) -> Dataset:
    """Put together the description of a dataset from the messages of its header.

    Raises
    ------
    UnsupportedError, CorruptError
        The object is no dataset, or its messages make no sense.
    struct.error, IndexError, ValueError
        A message ends too early (`headers.typed_faults` makes errors of ours of these).
    """
    if missing := {DATASPACE, DATATYPE, LAYOUT} - header.messages.keys():
        raise UnsupportedError(f"not a dataset: its header has no message {min(missing):#x}", dataset=path)
    contents = {number: content for number, (_, content) in header.messages.items()}
    problems = [_FILTER_PROBLEM.get(number, "") for number in header.shared]
    shape, space_problem = dataspace(contents[DATASPACE])
    stored = Datatype("committed", 0) if DATATYPE in header.shared else datatype(contents[DATATYPE])
    layout, address, size, chunks, layout_problem = _layout(header.messages[LAYOUT])
    filters = _filters(contents[FILTERS]) if FILTERS in contents and FILTERS not in header.shared else ()
    fill = _fill(contents) if FILL not in header.shared else b""
    if stored.dtype is None:
        problems.append(f"values of type {stored.name} are not read, only integers and IEEE floats")
    if EXTERNAL in contents:
        problems.append("values in external files are not read")
    problems += [space_problem, layout_problem]
    problems += [f"filter {stage.name} is not read" for stage in filters if stage.number not in {1, 2, 3}]
    if filters and chunks is None:
        problems.append("filters without chunks are not read")
    if chunks is not None:
        _check_chunks(path, shape, stored, chunks)
        chunks = chunks[:-1]
    problem = next((problem for problem in problems if problem), "")
    return Dataset(path, shape, stored, layout, address, size, chunks, filters, fill, problem)


_FILTER_PROBLEM = {
    DATASPACE: "a shared dataspace is not read",
    DATATYPE: "a committed datatype is not read",
    FILL: "a shared fill value is not read",
    FILTERS: "a shared filter pipeline is not read",
    LAYOUT: "a shared layout is not read",
}


def _check_chunks(path: str, shape: tuple[int, ...], stored: Datatype, chunks: tuple[int, ...]) -> None:
    """Compare a chunk's dimensions (the last is the size of an element) with those of the dataset."""
    if len(chunks) != len(shape) + 1 or 0 in chunks:
        raise CorruptError(f"chunks of {chunks[:-1]} elements for a dataset of {shape}", dataset=path)
    if stored.size and chunks[-1] != stored.size:
        raise CorruptError(f"chunks of {chunks[-1]}-byte elements for {stored.size}-byte values", dataset=path)


def dataspace(content: memoryview) -> tuple[tuple[int, ...], str]:
    """Return the shape, and why it can't be read."""
    version, dimensions, flags = content[0], content[1], content[2]
    if version == 1:
        start, problem = 8, "dimensions in permuted order are not read" if flags & 0x2 else ""
    elif version == 2:
        start, problem = 4, "an empty dataspace has no values" if content[3] == 2 else ""
    else:
        return (), f"dataspace version {version} is not read"
    shape = struct.unpack_from(f"<{dimensions}Q", content, start)
    if dimensions > 32 or math.prod(shape) >= 1 << 56:  # HDF5 has at most 32 dimensions, no disk 2^56 numbers
        raise CorruptError(f"a shape of {shape[:32]}")
    return shape, problem


def datatype(content: memoryview) -> Datatype:
    """Return the stored type; one that is no plain number only has a name."""
    kind, bits, size = (
        content[0] & 0x0F,
        int.from_bytes(content[1:4], "little"),
        *struct.unpack_from("<I", content, 4),
    )
    order = ">" if bits & 0x1 else "<"
    if kind == 0:
        offset, precision = struct.unpack_from("<HH", content, 8)
        if size in {1, 2, 4, 8} and (offset, precision) == (0, 8 * size):
            letter = "i" if bits & 0x8 else "u"
            return Datatype(f"{letter}{size}", size, np.dtype(f"{order}{letter}{size}"))
        return Datatype(f"{precision}-bit integer in {size} bytes", size)
    if kind == 1:
        offset, precision, *places = struct.unpack_from("<HH4BI", content, 8)
        ieee = (bits >> 8, *places) == _IEEE.get(size) and (offset, precision) == (0, 8 * size)
        implied_one, vax = (bits >> 4) & 0x3 == 2, bool(bits & 0x40)
        if ieee and implied_one and not vax:
            return Datatype(f"f{size}", size, np.dtype(f"{order}f{size}"))
        return Datatype(f"{precision}-bit float that is not IEEE's", size)
    name = _CLASS_NAMES.get(kind, f"class {kind}")
    is_variable_string = kind == 9 and bits & 0xF == 1
    return Datatype("variable-length string" if is_variable_string else name, size, None, is_variable_string)


def _layout(message: tuple[int, memoryview]) -> tuple[str, int | None, int, tuple[int, ...] | None, str]:
    """Return the layout's name, address, size, chunk dimensions with the element's size, and problem."""
    at, content = message
    version, kind = content[0], content[1]
    if version != 3 or kind > 2:
        # Version 4 and virtual datasets come with the "latest" format; 1 and 2 with HDF5 before 1.6.3.
        form = _LAYOUT_NAMES.get(kind, f"class {kind}") if version >= 3 else f"of version {version}"
        return form, None, 0, None, f"layout version {version}, {form}, is not read, only version 3"
    if kind == 0:
        (size,) = struct.unpack_from("<H", content, 2)
        return "compact", at + 4, min(size, len(content) - 4), None, ""
    if kind == 1:
        address, size = struct.unpack_from("<QQ", content, 2)
        return "contiguous", _defined(address), size, None, ""
    dimensions = content[2]
    address, *chunks = struct.unpack_from(f"<Q{dimensions}I", content, 3)
    return "chunked", _defined(address), 0, tuple(chunks), ""


def _defined(address: int) -> int | None:
    return None if address == UNDEFINED else address


def _filters(content: memoryview) -> tuple[Filter, ...]:
    version, count = content[0], content[1]
    if version not in {1, 2}:
        raise CorruptError(f"filter pipeline version {version}")
    at = 8 if version == 1 else 2
    filters = []
    for _ in range(count):
        (number,) = struct.unpack_from("<H", content, at)
        named = version == 1 or number >= 256
        name_length = struct.unpack_from("<H", content, at + 2)[0] if named else 0
        _, values = struct.unpack_from("<HH", content, at + (4 if named else 2))
        at += (8 if named else 6) + (-(-name_length // 8) * 8 if version == 1 else name_length)
        filters.append(Filter(number, struct.unpack_from(f"<{values}I", content, at)))
        at += 4 * values + (4 if version == 1 and values % 2 else 0)
    return tuple(filters)


def _fill(contents: dict[int, memoryview]) -> bytes:
    """Return the fill value's bytes; nothing stands for zero.

    A fill value that is never to be written counts as zero: the format leaves such values open, h5py gives zeros.
    """
    if FILL not in contents:
        return _sized(contents[FILL_OLD], 0) if FILL_OLD in contents else b""
    content = contents[FILL]
    if content[0] == 3:
        never, defined = (content[1] >> 2) & 0x3 == 1, bool(content[1] & 0x20)
        at = 2
    elif content[0] in {1, 2}:
        never, defined = content[2] == 1, bool(content[3]) or content[0] == 1
        at = 4
    else:
        raise CorruptError(f"fill value version {content[0]}")
    return _sized(content, at) if defined and not never else b""


def _sized(content: memoryview, at: int) -> bytes:
    (size,) = struct.unpack_from("<I", content, at)
    return bytes(content[at + 4 : at + 4 + size])


def link(content: memoryview) -> tuple[int, str]:
    """Return the kind (0 for a hard link) and the name that a link message gives."""
    flags = content[1]
    at = 2
    kind = content[at] if flags & 0x8 else 0
    at += (flags & 0x8 != 0) + 8 * (flags & 0x4 != 0) + (flags & 0x10 != 0)
    width = 1 << (flags & 0x3)
    length = int.from_bytes(content[at : at + width], "little")
    return kind, bytes(content[at + width : at + width + length]).decode()


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute's message: its name, type and shape, and where in the message its values start."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    start: int

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.datatype.size


def attribute(content: memoryview) -> Attribute:
    """Read an attribute message as far as its values.

    Raises
    ------
    UnsupportedError
        Its type or dataspace is shared, or its version is newer.
    """
    version, flags, name_size, type_size, space_size = struct.unpack_from("<BBHHH", content)
    if version not in {1, 2, 3}:
        raise UnsupportedError(f"attribute version {version} is not read")
    step = 8 if version == 1 else 1  # only version 1 pads
    start = 9 if version == 3 else 8
    name = bytes(content[start : start + name_size]).split(b"\0")[0].decode()
    start += -(-name_size // step) * step
    if version > 1 and flags:
        raise UnsupportedError(f"attribute {name!r} has a committed type or a shared dataspace")
    stored = datatype(content[start:])
    start += -(-type_size // step) * step
    shape, problem = dataspace(content[start:])
    if problem:
        raise UnsupportedError(f"attribute {name!r}: {problem}")
    start += -(-space_size // step) * step
    return Attribute(name, stored, shape, start)
