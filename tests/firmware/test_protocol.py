# SPDX-License-Identifier: Apache-2.0
"""Frames that are broken in one known way each, their error codes, and that the device answers afterwards."""

import binascii
import struct
import subprocess
import time

import numpy as np
import pytest
from cobs import cobs

from edgernn.device.boards import get
from edgernn.device.protocol import END, FAILURE, REPLY, Error, Frame, Kind, decode, encode
from edgernn.device.transport import hosted

SEQUENCE = 7
FEATURES, OUTPUTS, STATE_BYTES, AGE_BYTES = 3, 2, 10, 4
NAMES = "host portable"
"""Of the board and of its kernels: x86-64 has others with flags that the board does not set."""
LARGEST_PAYLOAD = 44 + len(NAMES)
INFO = encode(Frame(Kind.INFO, SEQUENCE, b""))


@pytest.fixture(scope="module")
def image(make_image, small_sources):
    return make_image(get("host"), small_sources)


@pytest.fixture
def ask(image):
    """Writes bytes, and returns the frames that come back for them, as many as are expected."""
    line = hosted([str(image)])
    received = b""

    def asked(content, count=1):
        nonlocal received
        line.write(content + INFO)
        deadline = time.monotonic() + 60
        while received.count(END) <= count and time.monotonic() < deadline:
            received += line.read(1.0)
        *frames, rest = received.split(END)
        received = b""
        *found, info = [decode(frame) for frame in frames]
        assert rest == b"" and len(found) == count, "every frame has exactly one reply"
        assert info.kind == Kind.INFO | REPLY, "the device lives on"
        return found

    yield asked
    line.close()


def framed(content):
    """Any content with its CRC."""
    return cobs.encode(content + struct.pack("<H", binascii.crc_hqx(content, 0xFFFF))) + END


def request(kind, payload=b""):
    return encode(Frame(kind, SEQUENCE, payload))


def test_the_bytes_of_the_first_reply(ask):
    (info,) = ask(INFO)
    assert (info.kind, info.sequence) == (Kind.INFO | REPLY, SEQUENCE)
    sizes = struct.unpack_from("<4B2HI", info.payload)
    assert sizes == (2, 1, 1, 0, FEATURES, OUTPUTS, STATE_BYTES)
    assert info.payload[44:] == NAMES.encode()


@pytest.mark.parametrize("zeros", [b"\0", bytes(300)])
def test_zeros_between_frames_mean_nothing(ask, zeros):
    assert [frame.kind for frame in ask(zeros + INFO + zeros + INFO + zeros, 2)] == [Kind.INFO | REPLY] * 2


BROKEN = {
    "a flipped bit": (INFO[:3] + bytes([INFO[3] ^ 0x40]) + INFO[4:], Error.CORRUPT, SEQUENCE),
    "no room for a CRC": (b"\x02\x05\0", Error.CORRUPT, 0),
    "an empty frame": (b"\x01\0", Error.CORRUPT, 0),
    "a block that is cut short": (b"\x09\x01\x07\0", Error.CORRUPT, SEQUENCE),
    "one byte": (framed(b"\x01"), Error.LENGTH, 0),
    "half a header": (framed(b"\x01\x07\x00"), Error.LENGTH, SEQUENCE),
    "more payload than it says": (framed(b"\x01\x07\x00\x00x"), Error.LENGTH, SEQUENCE),
    "less payload than it says": (framed(b"\x01\x07\x02\x00x"), Error.LENGTH, SEQUENCE),
    "one byte too long": (request(Kind.INFO, bytes(LARGEST_PAYLOAD + 1)), Error.TOO_LONG, SEQUENCE),
    "far too long": (request(Kind.INFO, bytes([255]) * 60_000), Error.TOO_LONG, SEQUENCE),
    "just not too long": (request(Kind.INFO, bytes(LARGEST_PAYLOAD)), Error.PAYLOAD_SIZE, SEQUENCE),
    "kind 0": (request(0), Error.KIND, SEQUENCE),
    "the kind after the last": (request(max(Kind) + 1), Error.KIND, SEQUENCE),
    "the kind of a reply": (request(Kind.INFO | REPLY), Error.KIND, SEQUENCE),
    "the kind of a failure": (request(FAILURE), Error.KIND, SEQUENCE),
    "a step without operands": (request(Kind.STEP), Error.PAYLOAD_SIZE, SEQUENCE),
    "a step with one too many": (request(Kind.STEP, bytes(FEATURES + 1)), Error.PAYLOAD_SIZE, SEQUENCE),
    "a state that is too short": (request(Kind.WRITE_STATE, bytes(STATE_BYTES - 1)), Error.PAYLOAD_SIZE, SEQUENCE),
    "a step with -128": (request(Kind.STEP, b"\x00\x80\x00"), Error.OPERAND, SEQUENCE),
    "a run with -128": (request(Kind.RUN, bytes(4) + b"\x00\x00\x80"), Error.OPERAND, SEQUENCE),
}


@pytest.mark.parametrize("frame, error, sequence", BROKEN.values(), ids=BROKEN)
def test_broken_frames(ask, frame, error, sequence):
    (reply,) = ask(frame)
    assert reply == Frame(FAILURE, sequence, bytes([error]))


def test_every_flipped_bit_is_noticed(ask):
    good = request(Kind.STEP, bytes(range(FEATURES)))
    for bit in range(8 * (len(good) - 1)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        pieces = sum(piece != b"" for piece in bytes(flipped).split(END))
        assert all(reply.kind == FAILURE for reply in ask(bytes(flipped), pieces))


def test_every_truncation_is_noticed(ask):
    good = request(Kind.STEP, bytes(range(FEATURES)))
    for size in range(1, len(good) - 1):
        (reply,) = ask(good[:size] + END)
        assert reply.kind == FAILURE


def test_a_refused_step_changes_nothing(ask):
    state = bytes(range(STATE_BYTES))
    replies = ask(request(Kind.WRITE_STATE, state) + request(Kind.STEP, b"\x80\x00\x00") + request(Kind.READ_STATE), 3)
    assert [reply.kind for reply in replies] == [Kind.WRITE_STATE | REPLY, FAILURE, Kind.READ_STATE | REPLY]
    assert replies[-1].payload == state


def test_run_leaves_the_state_of_that_many_steps(ask):
    x, steps = np.array([3, -127, 127], np.int8).tobytes(), 5
    stepped = ask(request(Kind.RESET) + request(Kind.STEP, x) * steps, 1 + steps)[-1].payload[2 * OUTPUTS : -AGE_BYTES]
    replies = ask(request(Kind.RESET) + request(Kind.RUN, struct.pack("<I", steps) + x) + request(Kind.READ_STATE), 3)
    whole, loop = struct.unpack("<QQ", replies[1].payload)
    assert whole > 0 and loop >= 0
    assert replies[2].payload == stepped != bytes(STATE_BYTES)


def test_the_age_of_the_state(ask):
    step = request(Kind.STEP, bytes(FEATURES))
    run = request(Kind.RUN, struct.pack("<I", 5) + bytes(FEATURES))
    written = request(Kind.WRITE_STATE, bytes(STATE_BYTES))
    refused = request(Kind.STEP, b"\x80\x00\x00")
    replies = ask(step + step + refused + run + step + request(Kind.RESET) + step + written + step, 9)
    ages = [int.from_bytes(r.payload[-AGE_BYTES:], "little") for r in replies if r.kind == Kind.STEP | REPLY]
    assert ages == [1, 2, 8, 1, 2]


def test_exit_is_answered_before_it_is_done(image):
    done = subprocess.run([image], input=request(Kind.EXIT) + INFO, capture_output=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout == request(Kind.EXIT | REPLY)
