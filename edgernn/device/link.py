# SPDX-License-Identifier: Apache-2.0
"""A device at the other end of a transport: requests as calls."""

import struct
import time
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from edgernn.device.protocol import END, FAILURE, REPLY, Error, Frame, Info, Kind, decode, encode, parse_info
from edgernn.device.transport import Transport
from edgernn.errors import DeviceError
from edgernn.spec.ops import Array

T = TypeVar("T")

_AGE = struct.Struct("<I")
_RUN_TIMEOUT = 60.0
_FIRST_PATIENCE, _QUIET, _LONGEST_NOISE = 0.25, 0.05, 1.0
_LOST: dict[int, str] = {
    Error.CORRUPT: "its CRC is wrong",
    Error.LENGTH: "its length is wrong",
    Error.TOO_LONG: "it is too long",
}
_REFUSED: dict[int, str] = {
    Error.KIND: "it does not know that",
    Error.PAYLOAD_SIZE: "its model takes another number of bytes",
    Error.OPERAND: "an operand is beyond its model's limit",
}


class LostError(DeviceError):
    """The request or its answer was lost on the way; whether the device has done what it was asked to is unknown."""


class Device:
    """Talks to one device. Every call raises DeviceError when it is gone, silent, refuses, or answers with nonsense.

    What is lost on the way is repeated for `timeout` seconds, but for a step, which raises LostError: see `insist`.
    """

    def __init__(self, transport: Transport, name: str, timeout: float) -> None:
        """name: of the device, for sentences; timeout: seconds that an answer may take, but that to `run`."""
        self._transport, self._name, self._timeout = transport, name, timeout
        self._sequence, self._received = 0, b""
        self._age: int | None = None
        """Of the device's state, as far as that is known: 0 when it was reset, 1 when it was written, 1 more a step."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and the emulator or program behind it."""
        self._transport.close()

    def info(self) -> Info:
        """What the device says of itself."""
        payload = self._repeat(Kind.INFO)
        try:
            return parse_info(payload)
        except DeviceError as error:
            raise DeviceError(f"{self._name} can't be used, {error}") from error

    def reset(self) -> None:
        """Sets all states to zero."""
        self._repeat(Kind.RESET, size=0)
        self._age = 0

    def step(self, x: Array, timeout: float | None = None) -> tuple[npt.NDArray[np.int16], bytes]:
        """One step with the operands x [F], int8 or int16: the outputs y, int16 [K], and the state after it.

        Raises LostError when the device has not gone on from the state that it was left with: it has started again.
        """
        y_bytes = 2 * self._sizes.outputs
        size = y_bytes + self._sizes.state_bytes + _AGE.size
        before, self._age = self._age, None
        answer = self._ask(Kind.STEP, _little_endian(x), size, timeout or self._timeout)
        (age,) = _AGE.unpack(answer[-_AGE.size :])
        if before is not None and age != before + 1:
            raise LostError(f"{self._name} has lost its state, as if it had started again: check its supply of power")
        self._age = age
        return np.frombuffer(answer[:y_bytes], "<i2").astype(np.int16), answer[y_bytes : -_AGE.size]

    def run(self, steps: int, x: Array) -> int:
        """The ticks, above 0, of so many steps with the operands x [F], without those of the loop around them.

        Steps whose ticks are lost are taken again.
        """
        request = struct.pack("<I", steps) + _little_endian(x)
        self._age = None
        answer = self.insist(lambda patience: self._ask(Kind.RUN, request, 16, _RUN_TIMEOUT))
        whole, loop = struct.unpack("<QQ", answer)
        if whole <= loop:
            raise DeviceError(
                f"{self._name} counts {whole} ticks with steps and {loop} without: check the port_ticks of its firmware"
            )
        return int(whole - loop)

    def read_state(self) -> bytes:
        """All states one after the other, in the program's order: int16, little-endian."""
        return self._repeat(Kind.READ_STATE, size=self._sizes.state_bytes)

    def write_state(self, state: bytes) -> None:
        """Sets all states, as `read_state` gives them."""
        self._repeat(Kind.WRITE_STATE, state, size=0)
        self._age = 1

    def exit(self) -> None:
        """Ends the firmware on an emulator or a hosted board."""
        self._ask(Kind.EXIT, b"", 0, self._timeout)

    def insist(self, attempt: Callable[[float], T]) -> T:
        """What `attempt` returns, which does no harm when it is done twice; it gets the seconds that it may take.

        Called again for `timeout` seconds while it raises LostError: a device that starts may hear nothing at first.
        """
        deadline, patience = time.monotonic() + self._timeout, _FIRST_PATIENCE
        while True:
            try:
                return attempt(min(patience, self._timeout))
            except LostError:
                if time.monotonic() > deadline:
                    raise
            self._resynchronize()
            patience *= 2

    @cached_property
    def _sizes(self) -> Info:
        return self.info()

    def _repeat(self, kind: Kind, payload: bytes = b"", size: int | None = None) -> bytes:
        """Asks for what does no harm when it is done twice."""
        return self.insist(lambda patience: self._ask(kind, payload, size, patience))

    def _ask(self, kind: Kind, payload: bytes, size: int | None, timeout: float) -> bytes:
        """The payload of the answer, of `size` bytes where that is known.

        Sequences count from 1 to 255: a 0 in an error says that the request's could not be read.
        """
        self._sequence = self._sequence % 255 + 1
        self._transport.write(encode(Frame(kind, self._sequence, payload)))
        deadline = time.monotonic() + timeout
        while True:
            reply = self._receive(kind, deadline)
            if reply.kind == FAILURE and len(reply.payload) == 1 and reply.sequence in (0, self._sequence):
                raise self._refusal(kind, reply.payload)
            if reply.sequence == self._sequence:
                break
        if reply.kind != kind | REPLY or size not in (None, len(reply.payload)):
            found = f"{len(reply.payload)} bytes of kind 0x{reply.kind:02x}"
            raise DeviceError(f"{self._name} answered {kind.words} with {found}: flash edgernn's firmware")
        return reply.payload

    def _receive(self, kind: Kind, deadline: float) -> Frame:
        """The next frame. Raises LostError when none comes in time, or one that can't be read."""
        encoded = b""
        while not encoded:
            while END not in self._received:
                self._received += self._read(kind, deadline)
            encoded, _, self._received = self._received.partition(END)
        try:
            return decode(encoded)
        except DeviceError as error:
            raise LostError(
                f"{self._name} answered {kind.words} with what can't be read, {error}: check the line and its speed"
            ) from error

    def _read(self, kind: Kind, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        received = self._transport.read(left) if left > 0 else b""
        if not received:
            raise LostError(
                f"{self._name} did not answer {kind.words} in time: check that it runs edgernn's firmware, and that "
                "nothing else talks to it"
            )
        return received

    def _refusal(self, kind: Kind, payload: bytes) -> DeviceError:
        """The error to raise for an error of the device."""
        code = int.from_bytes(payload)
        if code in _LOST:
            return LostError(f"{self._name} could not read {kind.words}, {_LOST[code]}: check the line and its speed")
        reason = _REFUSED.get(code, f"with the unknown error {code}")
        return DeviceError(f"{self._name} refused {kind.words}, {reason}: flash firmware of this edgernn and model")

    def _resynchronize(self) -> None:
        """Ends what the device may have got of a request, and drops what it says to that and before."""
        self._transport.write(END)
        until = time.monotonic() + _LONGEST_NOISE
        while time.monotonic() < until and self._transport.read(_QUIET):
            pass
        self._received = b""


def _little_endian(values: Array) -> bytes:
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
