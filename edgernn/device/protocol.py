# SPDX-License-Identifier: Apache-2.0
"""The frames between host and device (docs/device.md; firmware_stubs/protocol.h on the other side).

A frame is COBS-encoded (Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999) and ended by a zero byte.
Decoded, little-endian: kind u8, sequence u8, length of the payload u16, payload, CRC-16/IBM-3740 of all that u16.
A reply has REPLY added to the request's kind, and its sequence.
"""

import binascii
import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from types import ModuleType

from edgernn.errors import DeviceError, MissingExtraError

VERSION = 2
REPLY = 0x80
FAILURE = 0xFF
"""The kind of a reply whose payload is an `Error`; its sequence is 0 where the request's could not be read."""
END = b"\0"


class Kind(IntEnum):
    """What a host asks for."""

    INFO = 1
    RESET = 2
    STEP = 3
    RUN = 4
    READ_STATE = 5
    WRITE_STATE = 6
    EXIT = 7

    @property
    def words(self) -> str:
        """For sentences."""
        return f"the request {self.name.lower().replace('_', ' ')!r}"


class Error(IntEnum):
    """Why a device refuses a request."""

    CORRUPT = 1
    LENGTH = 2
    TOO_LONG = 3
    KIND = 4
    PAYLOAD_SIZE = 5
    OPERAND = 6


class Ticks(IntEnum):
    """What a device counts: time, or cycles of its core."""

    OF_A_CLOCK = 0
    OF_THE_CORE = 1


@dataclass(frozen=True)
class Frame:
    """A frame's kind (`Kind`, or with REPLY, or FAILURE), sequence 0..255, and payload."""

    kind: int
    sequence: int
    payload: bytes


@dataclass(frozen=True)
class Info:
    """What a device says of itself and its model.

    operand_bytes: of an element of x; selftest: 0, or the first step that differs, from 1;
    stack_size, stack_used: in bytes, the most that was ever used, both 0 where unknown;
    model_hash: the first 16 digits of `edgernn.artifact.digest`; kernels: the family of those of its processor.
    """

    spec_version: int
    operand_bytes: int
    ticks: Ticks
    features: int
    outputs: int
    state_bytes: int
    ticks_per_second: int
    selftest: int
    stack_size: int
    stack_used: int
    model_hash: str
    board: str
    kernels: str


_HEAD, _CRC = struct.Struct("<BBH"), struct.Struct("<H")
_INFO = struct.Struct("<4B2H2Ii2I16s")
_HASH, _NAME = re.compile(r"[0-9a-f]{16}"), re.compile(r"[\w.-]{1,64}")


def encode(frame: Frame) -> bytes:
    """The bytes of a frame, the zero that ends it included."""
    body = _HEAD.pack(frame.kind, frame.sequence, len(frame.payload)) + frame.payload
    encoded: bytes = _cobs().encode(body + _CRC.pack(_crc(body)))
    return encoded + END


def decode(encoded: bytes) -> Frame:
    """The frame of what stood before a zero byte. Raises DeviceError when it is none."""
    cobs = _cobs()
    try:
        content: bytes = cobs.decode(encoded)
    except cobs.DecodeError as error:
        raise DeviceError("it is not COBS") from error
    if len(content) < _HEAD.size + _CRC.size:
        raise DeviceError(f"it is cut short to {len(content)} bytes")
    body, (crc,) = content[: -_CRC.size], _CRC.unpack(content[-_CRC.size :])
    kind, sequence, length = _HEAD.unpack_from(body)
    if crc != _crc(body):
        raise DeviceError("its CRC is wrong")
    if length != len(body) - _HEAD.size:
        raise DeviceError(f"it tells of {length} bytes and holds {len(body) - _HEAD.size}")
    return Frame(kind, sequence, body[_HEAD.size :])


def parse_info(payload: bytes) -> Info:
    """Raises DeviceError for another version of the protocol, or anything but an info."""
    if payload and payload[0] != VERSION:
        raise DeviceError(f"it speaks version {payload[0]} of the protocol and this edgernn version {VERSION}")
    if len(payload) < _INFO.size:
        raise DeviceError(f"its info has {len(payload)} bytes, fewer than {_INFO.size}")
    _, *values = _INFO.unpack_from(payload)
    try:
        values[2], values[-1] = Ticks(values[2]), values[-1].decode("ascii")
        board, _, kernels = payload[_INFO.size :].decode("ascii").partition(" ")
        values += board, kernels
    except ValueError as error:
        raise DeviceError(f"its info is malformed ({error})") from error
    info = Info(*values)
    names = all(_NAME.fullmatch(name) for name in (info.board, info.kernels))
    if not (_HASH.fullmatch(info.model_hash) and names and info.ticks_per_second):
        told = (
            f"model {info.model_hash!r}, board {board!r}, kernels {kernels!r}, {info.ticks_per_second} ticks a second"
        )
        raise DeviceError(f"its info is malformed ({told})")
    return info


def _crc(content: bytes) -> int:
    return binascii.crc_hqx(content, 0xFFFF)


def _cobs() -> ModuleType:
    try:
        from cobs import cobs
    except ImportError as error:
        raise MissingExtraError("talking to a device", "cobs", "device") from error
    module: ModuleType = cobs
    return module
