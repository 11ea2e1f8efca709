# SPDX-License-Identifier: Apache-2.0
"""Devices by the text that names them, as runtimes.

host                    a program on this machine
local-ARCH              a program under QEMU's user mode: local-aarch64, local-armv7
qemu:BOARD              a whole board that QEMU emulates: qemu:cortex_m4
serial:PORT[@BAUD]      a board at a serial port, which holds its firmware already: serial:/dev/ttyACM0
ssh:[USER@]HOST[:PORT]  a program on another machine: ssh:pi@raspberrypi.local
"""

import getpass
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import numpy as np

from edgernn.artifact import digest
from edgernn.backends.c.write import HASH_DIGITS
from edgernn.device import boards, firmware
from edgernn.device.boards import Board
from edgernn.device.firmware import OPTIMIZATION, Sizes
from edgernn.device.link import Device
from edgernn.device.protocol import Info
from edgernn.device.ssh import Machine
from edgernn.device.stepper import DeviceStepper
from edgernn.device.transport import BAUD, WAITING, SerialPort, emulated, hosted
from edgernn.errors import ConfigError, DeviceError, unknown
from edgernn.model import IntegerModel
from edgernn.scratch import scratch
from edgernn.spec.program import SPEC_VERSION

ALL = "all"
"""Stands for every board that runs on this machine."""
_SERIAL = re.compile(r"serial:(?P<port>.+?)(@(?P<baud>\d+))?")
_SSH = re.compile(r"ssh:((?P<user>[^@:]+)@)?(?P<host>[^@:]+)(:(?P<port>\d+))?")
_NETWORKS = "socket://", "rfc2217://"
_SSH_PORT = 22
_PORTS, _BAUDS = range(1, 2**16), range(50, 16_000_001)
_PATIENCE, _SERIAL_PATIENCE = 30.0, 3.0
"""Seconds for an answer; an emulator may be on a machine that has much else to do."""


class Target:
    """A device as an engine (`edgernn.backends.runtime.Engine`), for one `with`.

    name: the text that names it; kernels: what the device says of them, "" before; architecture: "" where that is not
    known here; emulates_board: whether a tick stands for an instruction; may_emulate: whether that is unknown;
    sizes: of the image, once one was built for it.
    """

    kernels = architecture = ""
    emulates_board = may_emulate = False
    sizes: Sizes | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def version(self) -> str:
        """Of the board, the compiler and the emulator, as far as they are known."""
        raise NotImplementedError

    def connect(self, artifact: Path, model: IntegerModel) -> Device:
        """A device that holds `model`, whose self-test it has passed. Raises DeviceError where there is none."""
        device = self._reach(model)
        info = device.info()
        self._check(info, artifact, model)
        self.kernels = info.kernels
        return device

    def load(self, artifact: Path, model: IntegerModel) -> DeviceStepper:
        """`connect` for validation."""
        return DeviceStepper(self.connect(artifact, model), model.program)

    def close(self) -> None:
        """Ends what was started, and removes what was written."""
        self._opened.close()

    def _reach(self, model: IntegerModel) -> Device:
        """A device that may hold another model, where it is not built here."""
        raise NotImplementedError

    def _check(self, info: Info, artifact: Path, model: IntegerModel) -> None:
        """Raises DeviceError when the device holds another model or another form of it, or computes other values."""
        expected = digest(model)[:HASH_DIGITS]
        if info.model_hash != expected:
            raise DeviceError(
                f"{self.name} holds the model {info.model_hash} and {artifact} is {expected}: build its firmware with "
                f"edgernn firmware {artifact} --board {info.board}, and flash it"
            )
        program = model.program
        x, y = program.tensors[program.x], program.tensors[program.y]
        state_values = sum(program.tensors[state.read].size for state in program.states)
        wanted = SPEC_VERSION, np.dtype(x.dtype).itemsize, x.size, y.size, 2 * state_values or 1
        told = info.spec_version, info.operand_bytes, info.features, info.outputs, info.state_bytes
        if told != wanted:
            raise DeviceError(
                f"{self.name} tells of specification, bytes of an operand, features, outputs and bytes of state "
                f"{told}, and its model has {wanted}: flash edgernn's firmware"
            )
        if info.selftest:
            raise DeviceError(
                f"{self.name} fails its self-test at step {info.selftest}: build its firmware with another compiler"
            )


class _BuiltTarget(Target):
    """A target that an image is built for."""

    def __init__(self, name: str, optimization: str) -> None:
        super().__init__(name)
        self._optimization = optimization

    def _image(self, board: Board, model: IntegerModel, *, static: bool = False) -> Path:
        image = firmware.build(board, model, self._opened.enter_context(scratch()), self._optimization, static=static)
        self.sizes = firmware.measure(board, image)
        return image


class BoardTarget(_BuiltTarget):
    """A board that runs on this machine, in an emulator or as a program."""

    def __init__(self, board: Board, optimization: str) -> None:
        super().__init__(board.target, optimization)
        self._board = board
        self.architecture = board.architecture
        self.emulates_board = board.has_uart

    def version(self) -> str:
        return self._board.versions()

    def _reach(self, model: IntegerModel) -> Device:
        command = self._board.command(self._image(self._board, model), WAITING)
        line = emulated(command) if self._board.has_uart else hosted(command)
        return self._opened.enter_context(Device(line, self.name, _PATIENCE))


class SshTarget(_BuiltTarget):
    """A program on another machine."""

    def __init__(self, name: str, optimization: str, user: str, host: str, port: int) -> None:
        super().__init__(name, optimization)
        self._address = user, host, port

    def version(self) -> str:
        board = self._machine.board()
        return f"{board.name}, {board.compiler_version()}"

    def _reach(self, model: IntegerModel) -> Device:
        line = self._machine.start(self._image(self._machine.board(), model, static=True))
        return self._opened.enter_context(Device(line, self.name, _PATIENCE))

    @cached_property
    def _machine(self) -> Machine:
        return self._opened.enter_context(closing(Machine(*self._address)))


class SerialTarget(Target):
    """A board that holds its firmware already; behind a network, it may be an emulator's."""

    def __init__(self, name: str, port: str, baud: int) -> None:
        super().__init__(name)
        self._port = port, baud
        self.may_emulate = port.startswith(_NETWORKS)

    def version(self) -> str:
        return self._board.info().board

    def _reach(self, model: IntegerModel) -> Device:
        return self._board

    @cached_property
    def _board(self) -> Device:
        return self._opened.enter_context(Device(SerialPort(*self._port), self.name, _SERIAL_PATIENCE))


def select(names: Sequence[str], optimization: str = OPTIMIZATION) -> tuple[Target, ...]:
    """The targets of these names, each once. Raises ConfigError for what names none."""
    here = boards.targets()
    spelled = [own for name in names for own in (here if name == ALL else [name])]
    return tuple(_target(name, here, optimization) for name in dict.fromkeys(spelled))


def _target(name: str, here: Mapping[str, Board], optimization: str) -> Target:
    if name in here:
        return BoardTarget(here[name], optimization)
    if found := _SERIAL.fullmatch(name):
        return _serial_target(name, found["port"], int(found["baud"] or BAUD))
    if found := _SSH.fullmatch(name):
        return _ssh_target(name, optimization, found["user"] or _own_name(), found["host"], found["port"])
    raise ConfigError(unknown("target", name, (*here, "serial:PORT", "ssh:USER@HOST", ALL)))


def _serial_target(name: str, port: str, baud: int) -> SerialTarget:
    if baud not in _BAUDS:
        raise ConfigError(f"the target {name!r} has {baud} baud: give one from {_BAUDS[0]} to {_BAUDS[-1]}")
    if port.startswith(_NETWORKS) and not _has_address(port):
        raise ConfigError(f"the target {name!r} has no host and port: give them, as in serial:socket://127.0.0.1:5555")
    return SerialTarget(name, port, baud)


def _has_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        return bool(address.hostname and address.port)
    except ValueError:
        return False


def _ssh_target(name: str, optimization: str, user: str, host: str, told: str | None) -> SshTarget:
    port = int(told or _SSH_PORT)
    if port not in _PORTS:
        raise ConfigError(f"the target {name!r} has the port {port}: give one from {_PORTS[0]} to {_PORTS[-1]}")
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ConfigError(f"the target {name!r} has no legal name of a host ({error}): check it") from error
    return SshTarget(name, optimization, user, host, port)


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise ConfigError("this machine knows no name of yours: give that of the other one, ssh:USER@HOST") from error
