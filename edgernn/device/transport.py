# SPDX-License-Identifier: Apache-2.0
"""Ways for bytes to a device and back. An emulator's UART and the port of a real board go through the same code."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from edgernn.errors import DeviceError, MissingExtraError

BAUD = 115200
WAITING = "tcp:127.0.0.1:0,server=on,wait=on,nodelay=on"
"""What QEMU's -serial takes for `emulated`: a TCP port that it chooses; it starts when somebody has connected."""
_WAITS = re.compile(r"waiting for connection on: .*tcp:127\.0\.0\.1:(\d+)")
_STARTING, _WRITING, _ENDING, _POLL = 20.0, 5.0, 2.0, 0.005
"""Seconds for an emulator to start, for a device to take what is written, and for a program to end."""
_CHUNK = 65536


class Transport(Protocol):
    """A line of bytes. `write` and `read` raise DeviceError when there is nobody at its other end."""

    def write(self, content: bytes) -> None:
        """Sends all of it."""

    def read(self, timeout: float) -> bytes:
        """What has come, as soon as there is something; nothing when that takes longer than `timeout` seconds."""

    def close(self) -> None:
        """Ends it, and what was started for it."""


class SerialPort:
    """A port of pyserial: a device file, or "socket://host:port"."""

    def __init__(self, port: str, baud: int = BAUD) -> None:
        """Raises DeviceError when it can't be opened, MissingExtraError without pyserial."""
        try:
            import serial
        except ImportError as error:
            raise MissingExtraError("talking to a device", "pyserial", "device") from error
        self._name = port
        try:
            self._port = serial.serial_for_url(port, baudrate=baud, write_timeout=_WRITING, exclusive=True)
        except (OSError, ValueError) as error:
            reason = getattr(error.__context__, "strerror", None) or error
            raise DeviceError(
                f"{port} can't be opened ({reason}): check its name and cable, your rights, and what else uses it"
            ) from error

    def write(self, content: bytes) -> None:
        with self._lost():
            self._port.write(content)

    def read(self, timeout: float) -> bytes:
        with self._lost():
            self._port.timeout = timeout
            first: bytes = self._port.read(1)
            return first and first + self._port.read(self._port.in_waiting)

    def close(self) -> None:
        # pyserial forgets to close a socket that the other end has closed before.
        forgotten = getattr(self._port, "_socket", None)
        self._port.close()
        if forgotten is not None:
            forgotten.close()

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DeviceError(f"{self._name} was lost ({error}): check its cable") from error


class Stream:
    """What reads and writes like a socket: a socket, or a channel of SSH."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, content: bytes) -> None:
        self._stream.settimeout(_WRITING)
        try:
            self._stream.sendall(content)
        except (OSError, EOFError) as error:
            raise DeviceError(f"the program takes nothing more ({error})") from error

    def read(self, timeout: float) -> bytes:
        self._stream.settimeout(timeout)
        try:
            received: bytes = self._stream.recv(_CHUNK)
        except TimeoutError:
            return b""
        except (OSError, EOFError) as error:
            raise DeviceError(f"the program was lost ({error})") from error
        if not received:
            raise DeviceError("the program ended")
        return received

    def close(self) -> None:
        with suppress(OSError, EOFError):
            self._stream.close()


class Program(Protocol):
    """What is at the other end of a line, where it was started for it."""

    def ended(self, problem: DeviceError) -> DeviceError:
        """What became of it, when the line has this problem."""

    def close(self) -> None:
        """Ends it."""


class Supervised:
    """A line that lasts as long as the program at its other end, and knows what became of that."""

    def __init__(self, line: Transport, program: Program) -> None:
        self._line, self._program = line, program

    def write(self, content: bytes) -> None:
        try:
            self._line.write(content)
        except DeviceError as error:
            raise self._program.ended(error) from error

    def read(self, timeout: float) -> bytes:
        try:
            return self._line.read(timeout)
        except DeviceError as error:
            raise self._program.ended(error) from error

    def close(self) -> None:
        self._program.close()
        self._line.close()


def hosted(command: Sequence[str]) -> Supervised:
    """Starts a program that is a device on its stdin and stdout."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            return Supervised(Stream(ours), _Process(command, theirs))
    except BaseException:
        ours.close()
        raise


def emulated(command: Sequence[str]) -> Supervised:
    """Starts a QEMU whose UART, at WAITING, is a device."""
    process = _Process(command, subprocess.DEVNULL)
    try:
        return Supervised(SerialPort(f"socket://127.0.0.1:{process.waits_at()}"), process)
    except BaseException:
        process.close()
        raise


def with_words(text: str, stderr: bytes) -> str:
    """The text, with what a program has said on its stderr."""
    told = (line.strip() for line in stderr.decode(errors="replace").splitlines())
    words = "; ".join(line for line in told if line and not _WAITS.search(line))
    return f"{text}, and said: {words}" if words else text


class _Process:
    """A program that ends at `close`, and with this process, however that ends."""

    def __init__(self, command: Sequence[str], stdio: Any) -> None:
        self._name = Path(command[0]).name
        self._stderr = tempfile.TemporaryFile()
        tied = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        try:
            self._process = subprocess.Popen([*tied, *command], stdin=stdio, stdout=stdio, stderr=self._stderr)
        except BaseException:
            self._stderr.close()
            raise

    def waits_at(self) -> int:
        """The TCP port that an emulator waits at."""
        deadline = time.monotonic() + _STARTING
        while self._process.poll() is None and time.monotonic() < deadline:
            if found := _WAITS.search(self._told().decode(errors="replace")):
                return int(found[1])
            time.sleep(_POLL)
        raise self.ended(DeviceError("it does not start"))

    def ended(self, problem: DeviceError) -> DeviceError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING)
        status = self._process.returncode
        if status is None:
            how = f"is lost ({problem})"
        else:
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return DeviceError(with_words(f"{self._name} {how}", self._told()))

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _told(self) -> bytes:
        """All of stderr so far."""
        return os.pread(self._stderr.fileno(), _CHUNK, 0)
