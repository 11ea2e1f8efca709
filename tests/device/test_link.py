# SPDX-License-Identifier: Apache-2.0
"""Requests over a line that may be silent, noisy, late, or end at somebody who answers nonsense."""

import numpy as np
import pytest

from edgernn.device import link
from edgernn.device.link import Device, LostError
from edgernn.device.protocol import END, FAILURE, REPLY, Error, Frame, Kind, decode, encode
from edgernn.errors import DeviceError

X = np.array([1, -2, 3], np.int8)


class Clock:
    """Seconds that pass while a line is silent, and a few microseconds whenever somebody looks."""

    now = 0.0

    def monotonic(self):
        self.now += 1e-5
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(link, "time", Clock())
    monkeypatch.setattr(link, "_FIRST_PATIENCE", 0.05)


class Line:
    """Answers a request with what the next of `replies` makes of it; b"" is silence. Keeps the requests."""

    def __init__(self, *replies):
        self.replies, self.requests, self.waiting = list(replies), [], b""

    def write(self, content):
        if content != END:
            frame = decode(content[:-1])
            self.requests.append(frame)
            reply = self.replies.pop(0)
            self.waiting += reply(frame) if callable(reply) else reply

    def read(self, timeout):
        received, self.waiting = self.waiting, b""
        if not received:
            link.time.sleep(min(timeout, 0.005))
        return received

    def close(self):
        self.closed = True


def answer(payload=b"", kind=None, ahead=0):
    return lambda frame: encode(Frame(kind or frame.kind | REPLY, (frame.sequence + ahead) % 256, payload))


def failure(code, sequence=None):
    return lambda frame: encode(Frame(FAILURE, frame.sequence if sequence is None else sequence, bytes([code])))


def aged(steps):
    return steps.to_bytes(4, "little")


def damaged(frame):
    return b"\x01\x02" + answer()(frame)


def device(*replies):
    line = Line(*replies)
    return Device(line, "the board", 0.25), line


def test_info(info, packed):
    under_test, line = device(answer(packed))
    assert under_test.info() == info
    assert line.requests == [Frame(Kind.INFO, 1, b"")]


def test_requests_and_their_answers(packed):
    state = bytes(range(64))
    y = np.arange(-3, 4, dtype="<i2").tobytes()
    ticks = (1000).to_bytes(8, "little") + (30).to_bytes(8, "little")
    under_test, line = device(
        answer(), answer(packed), answer(y + state + aged(1)), answer(ticks), answer(state), answer(), answer()
    )
    under_test.reset()
    found, after = under_test.step(X)
    assert (found.dtype, found.tolist(), after) == (np.int16, [-3, -2, -1, 0, 1, 2, 3], state)
    assert under_test.run(258, X.astype(np.int16)) == 970
    assert under_test.read_state() == state
    under_test.write_state(state)
    under_test.exit()
    payloads = [(frame.kind, frame.payload.hex()) for frame in line.requests]
    assert payloads == [
        (Kind.RESET, ""),
        (Kind.INFO, ""),
        (Kind.STEP, "01fe03"),
        (Kind.RUN, "02010000" + "0100feff0300"),
        (Kind.READ_STATE, ""),
        (Kind.WRITE_STATE, state.hex()),
        (Kind.EXIT, ""),
    ]


def test_sequences_are_never_zero():
    under_test, line = device(*[answer()] * 600)
    for _ in range(600):
        under_test.reset()
    assert [frame.sequence for frame in line.requests] == [i % 255 + 1 for i in range(600)]


LOST = {
    "silence": b"",
    "damaged": damaged,
    "no COBS": b"\x05ab\0",
    "cut short": encode(Frame(Kind.RESET | REPLY, 1, b""))[:-3],
    "refused as corrupt": failure(Error.CORRUPT),
    "refused without a sequence": failure(Error.CORRUPT, 0),
    "refused for its length": failure(Error.LENGTH),
    "refused as too long": failure(Error.TOO_LONG, 0),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_what_is_lost_is_repeated(lost):
    under_test, line = device(lost, lost, answer())
    under_test.reset()
    assert [frame.sequence for frame in line.requests] == [1, 2, 3]


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_not_for_ever(lost):
    under_test, line = device(*[lost] * 1000)
    with pytest.raises(LostError, match="the board .*the request 'reset'"):
        under_test.reset()
    assert 2 < len(line.requests) < 1000


def test_patience_grows():
    class Deaf(Line):
        def read(self, timeout):
            self.timeouts.append(timeout)
            link.time.sleep(timeout)
            return b""

    line = Deaf(*[b""] * 100)
    line.timeouts = []
    with pytest.raises(LostError):
        Device(line, "the board", 0.4).reset()
    patience = [round(timeout, 2) for timeout in line.timeouts[::2]]
    assert patience[:3] == [0.05, 0.1, 0.2] and max(patience) <= 0.4


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_step_is_not_repeated(packed, lost):
    under_test, line = device(answer(packed), lost)
    with pytest.raises(LostError):
        under_test.step(X)
    assert len(line.requests) == 2


def test_a_run_is_repeated():
    under_test, line = device(damaged, failure(Error.CORRUPT), answer(bytes([7, *bytes(15)])))
    assert under_test.run(1, X) == 7
    assert [frame.kind for frame in line.requests] == [Kind.RUN] * 3


@pytest.mark.parametrize(("whole", "loop"), [(0, 0), (3, 3), (3, 2**64 - 1)])
def test_a_run_that_takes_no_time(whole, loop):
    under_test, _ = device(answer(whole.to_bytes(8, "little") + loop.to_bytes(8, "little")))
    with pytest.raises(DeviceError, match=f"the board counts {whole} ticks with steps and {loop} without: check the"):
        under_test.run(1, X)


def test_a_device_that_has_started_again(packed):
    def stepped(age):
        return answer(bytes(14 + 64) + aged(age))

    under_test, _ = device(
        answer(packed), stepped(77), answer(), stepped(1), stepped(2), answer(), stepped(2), stepped(1)
    )
    under_test.step(X)
    under_test.reset()
    under_test.step(X)
    under_test.step(X)
    under_test.write_state(bytes(64))
    under_test.step(X)
    with pytest.raises(LostError, match="the board has lost its state, as if it had started again: check its supply"):
        under_test.step(X)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"", "the board did not answer the request 'reset' in time: check that it runs edgernn's firmware"),
        (damaged, "the board answered the request 'reset' with what can't be read, .*: check the line and its speed"),
        (failure(Error.CORRUPT), "the board could not read the request 'reset', its CRC is wrong: check the line"),
        (failure(Error.KIND), "the board refused the request 'reset', it does not know that: flash firmware"),
        (failure(Error.PAYLOAD_SIZE), "refused the request 'reset', its model takes another number of bytes: flash"),
        (failure(Error.OPERAND), "refused the request 'reset', an operand is beyond its model's limit: flash"),
        (failure(99), "refused the request 'reset', with the unknown error 99: flash"),
        (answer(b"", kind=FAILURE), "the board answered the request 'reset' with 0 bytes of kind 0xff: flash"),
        (answer(b"ab", kind=FAILURE), "the board answered the request 'reset' with 2 bytes of kind 0xff: flash"),
        (answer(b"ab"), "the board answered the request 'reset' with 2 bytes of kind 0x82: flash"),
        (answer(kind=Kind.STEP | REPLY), "answered the request 'reset' with 0 bytes of kind 0x83: flash"),
    ],
)
def test_sentences(reply, words):
    under_test, _ = device(*[reply] * 1000)
    with pytest.raises(DeviceError, match=words):
        under_test.reset()


@pytest.mark.parametrize("size", [0, 78, 81, 83])
def test_a_step_of_another_size(packed, size):
    under_test, _ = device(answer(packed), answer(bytes(size)))
    with pytest.raises(DeviceError, match=f"answered the request 'step' with {size} bytes of kind 0x83"):
        under_test.step(X)


def test_an_info_of_another_version(packed):
    under_test, _ = device(answer(b"\x01" + packed[1:]))
    with pytest.raises(DeviceError, match="the board can't be used, it speaks version 1 of the protocol"):
        under_test.info()


def test_answers_to_earlier_requests_do_not_count():
    def late(frame):
        return answer(b"old", ahead=-1)(frame) + END + failure(Error.KIND, 77)(frame) + answer()(frame)

    under_test, line = device(late)
    under_test.reset()
    assert len(line.requests) == 1


def test_an_answer_in_pieces(info, packed):
    class Slow(Line):
        def read(self, timeout):
            received, self.waiting = self.waiting[:1], self.waiting[1:]
            return received

    assert Device(Slow(answer(packed)), "the board", 5.0).info() == info


@pytest.mark.parametrize("noise", [b"\x01", END, answer(ahead=9)(Frame(Kind.RESET, 0, b""))], ids=repr)
def test_noise_without_end_does_not_hang(monkeypatch, noise):
    class Noisy(Line):
        def read(self, timeout):
            return noise

    monkeypatch.setattr(link, "_LONGEST_NOISE", 0.02)
    line = Noisy(*[b""] * 100)
    with pytest.raises(LostError, match="in time"):
        Device(line, "the board", 0.1).reset()
    assert 1 < len(line.requests) < 100
