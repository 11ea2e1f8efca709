# SPDX-License-Identifier: Apache-2.0
"""Reads HDF5 files as h5py writes them by default, from bytes that are not trusted.

HDF5's own library crashes on damaged files, follows links to other files and loads filters from disk, so this reads
the format itself (https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html): groups, arrays of numbers in one piece, and
attributes of text. Anything else is refused: links, data in other files, virtual arrays, chunks and filters. Every read
is checked against the bytes that are there, and all reads together have a budget.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1
_MAX_STRUCTURES = 2**17
_MAX_RANK = 32
_SLACK = 2**22
"""Bytes that may be read on top of twice the file, for what is looked up more than once."""

_DATASPACE, _LINK_INFO, _DATATYPE, _LINK, _EXTERNAL, _LAYOUT, _FILTERS = 0x1, 0x2, 0x3, 0x6, 0x7, 0x8, 0xB
_ATTRIBUTE, _CONTINUATION, _SYMBOLS, _ATTRIBUTE_INFO = 0xC, 0x10, 0x11, 0x15
_FIXED, _FLOAT, _STRING, _OPAQUE, _VARIABLE = 0, 1, 3, 5, 9
_FLOATS = {
    (2, 15, 10, 5, 0, 10, 15): "f2",
    (2, 15, 7, 8, 0, 7, 127): "bfloat16",
    (4, 31, 23, 8, 0, 23, 127): "f4",
    (8, 63, 52, 11, 0, 52, 1023): "f8",
}
"""Size, then the places and sizes of sign, exponent and mantissa, and the exponent's bias."""


class HDF5Error(ValueError):
    """Half a sentence: what is wrong with the file, or what it holds that is refused."""


def parse(content: bytes) -> "Group":
    """The root group of a file. Raises HDF5Error, here and in all that is read later."""
    file = _File(content, budget=2 * len(content) + _SLACK)
    if file.bytes_at(0, 8) != SIGNATURE:
        raise HDF5Error("it is no HDF5 file")
    version = file.bytes_at(8, 1)[0]
    if version in (0, 1):
        sizes, start = file.bytes_at(13, 2), 24 + 4 * version
        base, root = file.numbers("<Q", start)[0], file.numbers("<Q", start + 40)[0]
    elif version in (2, 3):
        sizes = file.bytes_at(9, 2)
        base, _, _, root = file.numbers("<QQQQ", 12)
    else:
        raise HDF5Error(f"its HDF5 superblock has the unknown version {version}")
    if sizes != b"\x08\x08" or base:
        raise HDF5Error("its HDF5 addresses are not what h5py writes")
    return file.group(root)


class Group:
    """A group; its members are looked up when asked for."""

    def __init__(self, file: "_File", address: int) -> None:
        self._file = file
        self._messages = file.messages(address)
        self._members = self._links()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __len__(self) -> int:
        return len(self._members)

    def group(self, path: str) -> "Group":
        """The group at a path of names with slashes between them."""
        found = self
        for name in path.split("/"):
            found = self._file.group(found._address(name))
        return found

    def array(self, path: str) -> npt.NDArray[Any]:
        """The numbers of a dataset, in the machine's byte order; bfloat16 as float32."""
        *groups, name = path.split("/")
        holder = self.group("/".join(groups)) if groups else self
        return _array(self._file, self._file.messages(holder._address(name)), name)

    def text(self, name: str) -> str | None:
        """An attribute that is one string, or None where there is none of that name."""
        values = self._attribute(name)
        if values is None:
            return None
        if len(values) != 1:
            raise HDF5Error(f"its attribute {name[:40]!r} is not one text")
        return values[0]

    def texts(self, name: str) -> tuple[str, ...] | None:
        """An attribute that is a list of strings, or None where there is none of that name.

        A list too long for one attribute is split over those called `name` with 0, 1, 2 behind it.
        """
        whole = self._attribute(name)
        if whole is not None:
            return whole
        parts: list[str] = []
        for number in range(_MAX_STRUCTURES):
            part = self._attribute(f"{name}{number}")
            if part is None:
                return tuple(parts) if number else None
            parts.extend(part)
        raise HDF5Error(f"its attribute {name[:40]!r} has too many parts")

    def _address(self, name: str) -> int:
        if name not in self._members:
            raise HDF5Error(f"it has no {name[:80]!r} where one is expected")
        address = self._members[name]
        if address is None:
            raise HDF5Error(f"{name[:80]!r} is a link to somewhere else, which is refused")
        return address

    def _links(self) -> dict[str, int | None]:
        """Addresses by name; None for one that leads away."""
        found: dict[str, int | None] = {}
        for kind, body in self._messages:
            if kind == _SYMBOLS:
                tree, heap = body.numbers("<QQ")
                found.update(_symbols(self._file, tree, heap))
            elif kind == _LINK_INFO:
                _refuse_dense(body.again())
            elif kind == _LINK:
                name, address = _link(body)
                found[name] = address
            elif kind in (_DATATYPE, _LAYOUT):
                raise HDF5Error("it has an array where a group is expected")
        return found

    def _attribute(self, wanted: str) -> tuple[str, ...] | None:
        for kind, body in self._messages:
            if kind == _ATTRIBUTE_INFO:
                _refuse_dense(body.again())
            if kind == _ATTRIBUTE:
                name, rest = _attribute_head(body)
                if name == wanted:
                    return _texts(self._file, name, *rest)
        return None


@dataclass
class _File:
    """The bytes, and how much may still be taken from them."""

    content: bytes
    budget: int
    structures: int = _MAX_STRUCTURES
    groups: dict[int, Group] = field(default_factory=dict)

    def group(self, address: int) -> Group:
        if address not in self.groups:
            self.groups[address] = Group(self, address)
        return self.groups[address]

    def bytes_at(self, address: int, size: int) -> bytes:
        if address + size > len(self.content):
            raise HDF5Error("it is cut short or damaged")
        self.structures -= 1
        self.budget -= size
        if self.structures < 0 or self.budget < 0:
            raise HDF5Error("its structures lead in circles or are far too many")
        return self.content[address : address + size]

    def numbers(self, layout: str, address: int) -> tuple[Any, ...]:
        return struct.unpack(layout, self.bytes_at(address, struct.calcsize(layout)))

    def messages(self, address: int) -> list[tuple[int, "_Body"]]:
        """Kind and content of all messages in an object header."""
        if self.bytes_at(address, 4) == b"OHDR":
            return list(self._messages_2(address))
        return list(self._messages_1(address))

    def _messages_1(self, address: int) -> Iterator[tuple[int, "_Body"]]:
        version, _, count, _, size = self.numbers("<BBHII", address)
        if version != 1:
            raise HDF5Error("it is damaged: an object header has an unknown version")
        blocks = [(address + 16, size)]
        for start, size in blocks:
            block = _Body(self.bytes_at(start, size))
            while block.left >= 8 and count:
                kind, length, flags = block.numbers("<HHB3x")
                body = block.part(length)
                count -= 1
                yield from _message(kind, flags, body, blocks)

    def _messages_2(self, address: int) -> Iterator[tuple[int, "_Body"]]:
        flags = self.bytes_at(address + 5, 1)[0]
        start = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(self.bytes_at(start, width), "little")
        order = 2 if flags & 4 else 0
        blocks = [(start + width, size)]
        for number, (begin, length) in enumerate(blocks):
            # Blocks behind the first have a signature and a check sum around them.
            signature, around = (4, 8) if number else (0, 0)
            block = _Body(self.bytes_at(begin + signature, max(length - around, 0)))
            while block.left >= 4 + order:
                kind, size, flags = block.numbers("<BHB")
                block.take(order)
                yield from _message(kind, flags, block.part(size), blocks)


def _message(kind: int, flags: int, body: "_Body", blocks: list[tuple[int, int]]) -> Iterator[tuple[int, "_Body"]]:
    if kind == _CONTINUATION:
        blocks.append(body.numbers("<QQ"))
    elif kind and flags & 2:
        raise HDF5Error("it shares parts between objects, as h5py does on request only")
    elif kind:
        yield kind, body


class _Body:
    """Bytes that are read from front to back."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def left(self) -> int:
        return len(self._content) - self._at

    def part(self, size: int) -> "_Body":
        return _Body(self.take(size))

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise HDF5Error("it is damaged: a part is longer than what it is in")
        self._at += size
        return self._content[self._at - size : self._at]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def again(self) -> "_Body":
        """The same bytes from the front."""
        return _Body(self._content)


def _refuse_dense(body: _Body) -> None:
    """Link and attribute info: version, flags, maximum order where flags say so, address of a fractal heap."""
    _, flags = body.numbers("<BB")
    body.take(0 if not flags & 1 else 8 if body.left >= 24 else 2)
    if body.numbers("<Q")[0] != _UNDEFINED:
        raise HDF5Error("it is in the form of HDF5 that h5py writes with libver='latest', which is not read")


def _symbols(file: _File, tree: int, heap: int) -> Iterator[tuple[str, int | None]]:
    """Members of a group by its B-tree of symbol tables."""
    signature, size, _, start = file.numbers("<8sQQQ", heap)
    if not signature.startswith(b"HEAP"):
        raise HDF5Error("it is damaged: a group has no names")
    names = file.bytes_at(start, size)
    for node in _leaves(file, tree, 256):
        signature, count = file.numbers("<4s2xH", node)
        if signature != b"SNOD":
            raise HDF5Error("it is damaged: a group has no members")
        for i in range(count):
            name, address, kind = file.numbers("<QQI", node + 8 + 40 * i)
            end = names.find(b"\0", name)
            if end < 0:
                raise HDF5Error("it is damaged: a name has no end")
            yield _decoded(names[name:end]), None if kind == 2 else address


def _leaves(file: _File, node: int, above: int) -> Iterator[int]:
    signature, kind, level, count = file.numbers("<4sBBH", node)
    if signature != b"TREE" or kind or level >= above:
        raise HDF5Error("it is damaged: a group's tree of members is none")
    for i in range(count):
        (child,) = file.numbers("<Q", node + 32 + 16 * i)
        if level:
            yield from _leaves(file, child, level)
        else:
            yield child


def _link(body: _Body) -> tuple[str, int | None]:
    version, flags = body.numbers("<BB")
    if version != 1:
        raise HDF5Error("it is damaged: a link has an unknown version")
    kind = body.take(1)[0] if flags & 8 else 0
    body.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = _decoded(body.take(int.from_bytes(body.take(1 << (flags & 3)), "little")))
    return name, None if kind else body.numbers("<Q")[0]


@dataclass(frozen=True)
class _Type:
    """kind: number, bfloat16, string, variable (a string of any length); code: of the NumPy dtype."""

    kind: str
    size: int
    code: str


def _datatype(body: _Body) -> _Type:
    head, bits, size = body.numbers("<B3sI")
    flags = int.from_bytes(bits, "little")
    kind, order = head & 15, ">" if flags & 1 else "<"
    if kind == _FIXED and size in (1, 2, 4, 8) and body.numbers("<HH") == (0, 8 * size):
        return _Type("number", size, f"{order}{'i' if flags & 8 else 'u'}{size}")
    if kind == _FLOAT and not flags & 64:
        offset, precision, *fields = body.numbers("<HHBBBBI")
        code = _FLOATS.get((size, flags >> 8 & 255, *fields), "")
        if code and (offset, precision) == (0, 8 * size):
            return _Type("bfloat16" if code == "bfloat16" else "number", size, order + code)
    if kind == _STRING and size:
        return _Type("string", size, "")
    if kind == _VARIABLE and flags & 15 == 1 and size == 16:
        return _Type("variable", size, "")
    if kind == _OPAQUE and size == 2:
        # ml_dtypes' bfloat16, which h5py takes for two bytes without a meaning.
        return _Type("bfloat16", size, "<")
    raise HDF5Error("it has values that are neither plain numbers nor texts")


def _shape(body: _Body) -> tuple[int, ...]:
    version, rank, flags = body.numbers("<BBB")
    if version == 1:
        body.take(5)
    elif version != 2 or body.take(1)[0] == 2:
        raise HDF5Error("it has an array without a shape")
    if rank > _MAX_RANK:
        raise HDF5Error("it is damaged: an array has more than 32 dimensions")
    return tuple(body.numbers(f"<{rank}Q"))


def _array(file: _File, messages: list[tuple[int, _Body]], name: str) -> npt.NDArray[Any]:
    parts = {kind: body.again() for kind, body in messages}
    if _EXTERNAL in parts:
        raise HDF5Error(f"the values of {name[:80]!r} are in another file, which is refused")
    if not {_DATASPACE, _DATATYPE, _LAYOUT} <= set(parts):
        raise HDF5Error(f"it has a group or something else at {name[:80]!r} where an array is expected")
    shape, dtype = _shape(parts[_DATASPACE]), _datatype(parts[_DATATYPE])
    if dtype.kind not in ("number", "bfloat16"):
        raise HDF5Error(f"{name[:80]!r} holds text where numbers are expected")
    if _FILTERS in parts:
        raise HDF5Error(f"{name[:80]!r} is compressed; only plain arrays are read, as Keras writes them")
    content = _stored(file, parts[_LAYOUT], math.prod(shape) * dtype.size, name)
    if dtype.kind == "number":
        return np.frombuffer(content, dtype.code).astype(dtype.code[1:]).reshape(shape)
    halves = np.frombuffer(content, dtype.code[0] + "u2").astype(np.uint32)
    return (halves << 16).view(np.float32).reshape(shape)


def _stored(file: _File, layout: _Body, size: int, name: str) -> bytes:
    """The bytes of an array that is in one piece."""
    version, kind = layout.numbers("<BB")
    if version not in (3, 4) or kind > 1:
        raise HDF5Error(
            f"{name[:80]!r} is in chunks or virtual; only arrays in one piece are read, as Keras writes them"
        )
    if kind == 0:
        content = layout.take(layout.numbers("<H")[0])
    else:
        address, length = layout.numbers("<QQ")
        if length == size == 0:
            return b""
        if address == _UNDEFINED or length != size:
            raise HDF5Error(f"{name[:80]!r} declares {size} bytes, which the file does not hold")
        content = file.bytes_at(address, length)
    if len(content) < size:
        raise HDF5Error(f"{name[:80]!r} declares {size} bytes, which the file does not hold")
    return content[:size]


def _attribute_head(body: _Body) -> tuple[str, tuple[_Body, _Body, _Body]]:
    """Name; datatype, dataspace, values."""
    body = body.again()
    version, flags, *sizes = body.numbers("<BBHHH")
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise HDF5Error("it is damaged: an attribute has an unknown version")
    body.take(1 if version == 3 else 0)
    name, datatype, dataspace = (body.part(-(-size // 8) * 8 if version == 1 else size) for size in sizes)
    return _decoded(name.take(name.left).split(b"\0")[0]), (datatype, dataspace, body)


def _texts(file: _File, name: str, datatype: _Body, dataspace: _Body, values: _Body) -> tuple[str, ...]:
    """An empty list has numbers for a type, as NumPy gives it."""
    shape, dtype = _shape(dataspace), _datatype(datatype)
    count = math.prod(shape)
    if not count:
        return ()
    if len(shape) > 1 or dtype.kind not in ("string", "variable"):
        raise HDF5Error(f"its attribute {name[:40]!r} is no text")
    if count * dtype.size > values.left:
        raise HDF5Error(f"its attribute {name[:40]!r} is damaged")
    if dtype.kind == "string":
        return tuple(_decoded(values.take(dtype.size).rstrip(b"\0 ")) for _ in range(count))
    return tuple(_decoded(_variable(file, *values.numbers("<IQI"))) for _ in range(count))


def _variable(file: _File, length: int, address: int, index: int) -> bytes:
    """An object of a global heap collection."""
    if not length:
        return b""
    signature, size = file.numbers("<8sQ", address)
    if not signature.startswith(b"GCOL"):
        raise HDF5Error("it is damaged: a text is missing")
    at, end = address + 16, address + size
    while at + 16 <= end:
        number, stored = file.numbers("<H6xQ", at)
        if number == index:
            if length > stored:
                break
            return file.bytes_at(at + 16, length)
        if not number:
            break
        at += 16 + -(-stored // 8) * 8
    raise HDF5Error("it is damaged: a text is missing")


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise HDF5Error("it is damaged: a name or a text is not UTF-8") from None
