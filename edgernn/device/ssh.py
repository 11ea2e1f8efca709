# SPDX-License-Identifier: Apache-2.0
"""Machines of the class of a Raspberry Pi, over SSH: there the firmware is a static program."""

import platform
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgernn.device.boards import Board, get
from edgernn.device.transport import Stream, Supervised, with_words
from edgernn.errors import DeviceError, MissingExtraError

_BOARDS = {platform.machine(): "host", "aarch64": "linux_aarch64", "armv7l": "linux_armv7", "armv8l": "linux_armv7"}
"""By what `uname -m` tells."""
_SCRIPT = """d=$(mktemp -d) && trap 'rm -rf "$d"' EXIT && echo "$d" && read -r go && "$d"/firmware"""
"""Tells a folder, waits for the program in it, and takes the folder away at the program's end or the connection's."""
_TIMEOUT, _ENDING = 20.0, 2.0
_CHUNK = 65536


class Machine:
    """A machine that one is logged in to with ssh's own keys, its agent, and the hosts that it knows."""

    def __init__(self, user: str, host: str, port: int) -> None:
        """Raises DeviceError when that fails, MissingExtraError without paramiko."""
        try:
            import paramiko
        except ImportError as error:
            raise MissingExtraError("talking to a machine over SSH", "paramiko", "device") from error
        self._name = f"{user}@{host}"
        self._failures = (OSError, EOFError, paramiko.SSHException)
        self._client = paramiko.SSHClient()
        try:
            with self._explained():
                self._client.load_system_host_keys()
                self._client.connect(host, port, user, timeout=_TIMEOUT, banner_timeout=_TIMEOUT, auth_timeout=_TIMEOUT)
        except BaseException:
            self._client.close()
            raise

    def board(self) -> Board:
        """The board whose images run there. Raises DeviceError when there is none."""
        found = self._run("uname -m")
        if found not in _BOARDS:
            raise DeviceError(
                f"{self._name} is a machine of the kind {found}; there are images for {', '.join(_BOARDS)}"
            )
        return get(_BOARDS[found])

    def start(self, image: Path) -> Supervised:
        """Copies a static program to a temporary folder there, which vanishes with it, and runs it."""
        with self._explained():
            channel = self._client.get_transport().open_session(timeout=_TIMEOUT)
            channel.exec_command(f"sh -c {shlex.quote(_SCRIPT)}")
        line = Supervised(Stream(channel), _Remote(channel, self._name))
        try:
            folder = _first_line(line)
            with self._explained(), self._client.open_sftp() as files:
                files.get_channel().settimeout(_TIMEOUT)
                files.put(str(image), f"{folder}/firmware")
                files.chmod(f"{folder}/firmware", 0o700)
            line.write(b"\n")
            return line
        except BaseException:
            line.close()
            raise

    def close(self) -> None:
        self._client.close()

    def _run(self, command: str) -> str:
        """What a command prints, without the end of the line."""
        with self._explained():
            _, stdout, stderr = self._client.exec_command(command, timeout=_TIMEOUT)
            told: str = stdout.read().decode(errors="replace").strip()
            if not told:
                raise OSError(f"{command!r} there says {stderr.read().decode(errors='replace').strip() or 'nothing'}")
            return told

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise DeviceError(
                f"{self._name} can't be used ({error or type(error).__name__}): {_advice(error, self._name)}"
            ) from error


def _advice(error: Exception, name: str) -> str:
    import paramiko

    if isinstance(error, paramiko.BadHostKeyException):
        return (
            "it has another key than ~/.ssh/known_hosts says, so make sure that it is the same machine, and correct it"
        )
    if "known_hosts" in str(error):
        return "log in there once with ssh, which asks whether to trust it; ~/.ssh/config is not read"
    if isinstance(error, paramiko.AuthenticationException) or "authentication" in str(error):
        return f"no key in ~/.ssh or the agent opens it, run ssh-copy-id {name}; ~/.ssh/config is not read"
    return "check that it is on, by its real name, as ~/.ssh/config is not read, and has room in its temporary folder"


def _first_line(line: Supervised) -> str:
    """Raises DeviceError when there is none in time."""
    told = b""
    while b"\n" not in told:
        part = line.read(_TIMEOUT)
        if not part:
            raise DeviceError("the other machine does not answer in time: try again")
        told += part
    return told.decode(errors="replace").strip()


class _Remote:
    """A program on another machine, and the channel that it runs in."""

    def __init__(self, channel: Any, name: str) -> None:
        self._channel, self._name = channel, name

    def ended(self, problem: DeviceError) -> DeviceError:
        known = self._channel.status_event.wait(_ENDING)
        how = f"the program ended with status {self._channel.exit_status}" if known else str(problem)
        told = self._channel.recv_stderr(_CHUNK) if self._channel.recv_stderr_ready() else b""
        return DeviceError(with_words(f"{self._name}: {how}", told))

    def close(self) -> None:
        """The end of its input ends it."""
        with suppress(OSError, EOFError):
            self._channel.shutdown_write()
        self._channel.status_event.wait(_ENDING)
