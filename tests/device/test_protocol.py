# SPDX-License-Identifier: Apache-2.0
"""Frames: every one comes back, nothing else passes for one, and both sides mean the same numbers."""

import re
import struct
import sys

import numpy as np
import pytest
from cobs import cobs

from edgernn.device.boards import FIRMWARE
from edgernn.device.protocol import (
    END,
    FAILURE,
    REPLY,
    VERSION,
    Error,
    Frame,
    Kind,
    Ticks,
    decode,
    encode,
    parse_info,
)
from edgernn.errors import DeviceError, MissingExtraError


def payloads():
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 247, 248, 249, 253, 254, 255, 600, 65535):
        yield bytes(size)
        yield bytes([255]) * size
        yield rng.bytes(size)


@pytest.mark.parametrize("payload", list(payloads()), ids=lambda payload: f"{len(payload)} of {payload[:1].hex()}")
def test_frames_come_back(payload):
    frame = Frame(Kind.STEP | REPLY, 200, payload)
    encoded = encode(frame)
    assert encoded.index(END) == len(encoded) - 1, "a zero byte ends a frame, and stands nowhere else"
    assert decode(encoded[:-1]) == frame


def test_the_bytes_of_a_frame():
    """The CRC is that of the catalogue: 0x29B1 for "123456789"."""
    content = cobs.decode(encode(Frame(0x31, 0x32, b"x"))[:-1])
    assert content[:5] == b"\x31\x32\x01\x00x"
    assert encode(Frame(Kind.INFO, 5, b"")).hex(" ") == "03 01 05 01 03 " + content_crc(b"\x01\x05\x00\x00") + " 00"


def content_crc(content):
    """Bit by bit: polynomial 0x1021, from 0xFFFF, not reflected."""
    crc = 0xFFFF
    for byte in content:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return struct.pack("<H", crc).hex(" ")


def test_that_crc_is_the_one_of_the_catalogue():
    assert content_crc(b"123456789") == "b1 29"


def test_no_flipped_bit_passes():
    encoded = encode(Frame(Kind.STEP, 7, b"\x00\x01\x02\xff"))[:-1]
    for bit in range(8 * len(encoded)):
        flipped = bytearray(encoded)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DeviceError):
            decode(bytes(flipped))


def with_crc(content):
    return cobs.encode(content + bytes.fromhex(content_crc(content)))


@pytest.mark.parametrize(
    ("encoded", "words"),
    [
        (b"\x05ab", "it is not COBS"),
        (b"a\x00b", "it is not COBS"),
        (b"\x01", "it is cut short to 0 bytes"),
        (cobs.encode(b"\x83\x01\x00\x00\x12"), "it is cut short to 5 bytes"),
        (cobs.encode(b"\x83\x01\x00\x00\x12\x34"), "its CRC is wrong"),
        (with_crc(b"\x83\x01\x02\x00a"), "it tells of 2 bytes and holds 1"),
        (with_crc(b"\x83\x01\x00\x00a"), "it tells of 0 bytes and holds 1"),
    ],
)
def test_what_is_no_frame(encoded, words):
    with pytest.raises(DeviceError, match=words):
        decode(encoded)


def test_info(info, packed):
    assert parse_info(packed) == info


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda packed: b"", "its info has 0 bytes, fewer than 44"),
        (lambda packed: packed[:43], "its info has 43 bytes"),
        (lambda packed: b"\x01", "it speaks version 1 of the protocol and this edgernn version 2"),
        (lambda packed: packed[:3] + b"\x09" + packed[4:], "9 is not a valid Ticks"),
        (lambda packed: packed[:28] + b"\xe9" + packed[29:], "its info is malformed .*ascii"),
        (lambda packed: packed + b"\xe9", "its info is malformed .*ascii"),
        (lambda packed: packed[:28] + b"G" + packed[29:], "its info is malformed .model 'G4d2509c773349ce'"),
        (lambda packed: packed[:44], "its info is malformed .*board ''"),
        (lambda packed: packed + b"\n\x1b", r"its info is malformed .*kernels 'dsp\\n\\x1b'"),
        (lambda packed: packed + b"x" * 70, "its info is malformed .*kernels 'dspx"),
        (lambda packed: packed[:53], "its info is malformed .*kernels ''"),
        (lambda packed: packed[:12] + bytes(4) + packed[16:], "its info is malformed .* 0 ticks a second"),
    ],
)
def test_what_is_no_info(packed, changed, words):
    with pytest.raises(DeviceError, match=words):
        parse_info(changed(packed))


def constants(header, prefix):
    found = re.findall(rf"\b{prefix}(\w+) (?:= )?(0x[0-9A-F]+|\d+)", (FIRMWARE / header).read_text())
    return {name: int(value, 0) for name, value in found}


def test_both_sides_mean_the_same():
    ours = {member.name: member.value for kinds in (Kind, Error) for member in kinds}
    assert constants("protocol.h", "PROTOCOL_") == {
        **ours,
        "REPLY": REPLY,
        "FAILURE": FAILURE,
        "VERSION": VERSION,
        "HEADER_BYTES": 4,
        "INFO_BYTES": 44,
    }
    assert constants("port.h", "PORT_TICKS_") == {member.name: member.value for member in Ticks}


def test_frames_without_cobs(monkeypatch):
    monkeypatch.setitem(sys.modules, "cobs", None)
    for use in (lambda: encode(Frame(Kind.INFO, 1, b"")), lambda: decode(b"\x01")):
        with pytest.raises(MissingExtraError, match=r"talking to a device needs cobs, .* pip install '\.\[device\]'"):
            use()
