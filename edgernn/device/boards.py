# SPDX-License-Identifier: Apache-2.0
"""The boards of firmware_stubs/, and what this machine needs for them."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgernn.errors import ConfigError, MissingToolError

_PACKAGE = Path(__file__).parent.parent
FIRMWARE = (_PACKAGE if (_PACKAGE / "firmware_stubs").is_dir() else _PACKAGE.parent) / "firmware_stubs"
"""Inside of an installed package, beside the package in a clone."""
_IMAGE, _SERIAL = "{image}", "{serial}"


@dataclass(frozen=True)
class Board:
    """What a board.mk says (firmware_stubs/Makefile).

    core: what executes the image; emulated: what stands in for the board here, "" for nothing; packages: Debian's;
    compiler, size: programs; emulator: the command that runs an image.
    """

    name: str
    core: str
    emulated: str
    packages: tuple[str, ...]
    compiler: str
    size: str
    emulator: tuple[str, ...]

    @property
    def has_uart(self) -> bool:
        """Whether QEMU emulates the whole board; otherwise the firmware is a program on its stdin and stdout."""
        return _SERIAL in " ".join(self.emulator)

    @property
    def target(self) -> str:
        """How to name it for `edgernn.device.targets`."""
        return f"qemu:{self.name}" if self.has_uart else self.name.replace("linux_", "local-")

    @property
    def emulator_program(self) -> str | None:
        """What runs an image here, None where it runs by itself."""
        return None if self.emulator[0] == _IMAGE else self.emulator[0]

    @property
    def missing(self) -> tuple[str, ...]:
        """The programs to build and run an image that are not installed."""
        needed = (*self._builders, self.emulator_program)
        return tuple(program for program in needed if program and shutil.which(program) is None)

    def compiler_version(self) -> str:
        """Raises MissingToolError without a program that building takes."""
        self._require(*self._builders)
        return f"gcc {_output(self.compiler, '-dumpfullversion')}"

    def versions(self) -> str:
        """Of the compiler, and of the emulator where there is one. Raises MissingToolError without them."""
        found = [self.compiler_version()]
        if self.emulator_program:
            self._require(self.emulator_program)
            version = re.search(r"version (\S+)", _output(self.emulator_program, "--version"))
            found.append(f"QEMU {version[1] if version else '?'}")
        return ", ".join(found)

    @property
    def _builders(self) -> tuple[str, ...]:
        return "make", self.compiler, self.size

    def _require(self, *programs: str) -> None:
        for program in (program for program in self.missing if program in programs):
            packages = ("make",) if program == "make" else self.packages
            raise MissingToolError(f"the board {self.name}", program, *packages)

    def command(self, image: Path, serial: str) -> list[str]:
        """The command that runs an image; `serial` is what QEMU's -serial takes."""
        return [word.replace(_IMAGE, str(image)).replace(_SERIAL, serial) for word in self.emulator]


def boards() -> dict[str, Board]:
    """Every board by name, those first that run here without an emulator."""
    found = [_read(path) for path in sorted(FIRMWARE.glob("*/board.mk"))]
    return {board.name: board for board in sorted(found, key=lambda board: (board.has_uart, bool(board.emulated)))}


def get(name: str) -> Board:
    """The board of this name. Raises ConfigError for an unknown one."""
    known = boards()
    if name not in known:
        raise ConfigError(f"there is no board {name!r}; there are {', '.join(known)}")
    return known[name]


def _read(path: Path) -> Board:
    lines = re.findall(r"^(\w+) *:= *(.*?) *$", path.read_text(encoding="utf-8"), re.MULTILINE)
    values = dict(lines)
    packages, emulator = (tuple(values[key].split()) for key in ("PACKAGES", "EMULATOR"))
    return Board(path.parent.name, values["CORE"], values["EMULATED"], packages, values["CC"], values["SIZE"], emulator)


@cache
def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
