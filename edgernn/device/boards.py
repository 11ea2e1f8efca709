# SPDX-License-Identifier: Apache-2.0
"""The boards of firmware_stubs/, and what this machine needs for them."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgernn.backends.runtime import HERE
from edgernn.errors import ConfigError, MissingToolError, unknown

_PACKAGE = Path(__file__).parent.parent
FIRMWARE = (_PACKAGE if (_PACKAGE / "firmware_stubs").is_dir() else _PACKAGE.parent) / "firmware_stubs"
"""Inside of an installed package, beside the package in a clone."""
_IMAGE, _SERIAL = "{image}", "{serial}"
_KEYS = "CORE", "EMULATED", "PACKAGES", "CC", "SIZE", "CFLAGS", "EMULATOR"
_OF_AN_OUTER_MAKE = "MAKE", "MFLAGS", "GNUMAKEFLAGS"


@dataclass(frozen=True)
class Board:
    """What a board.mk says (firmware_stubs/Makefile).

    core: what executes the image; emulated: what stands in for the board here, "" for nothing; packages: Debian's;
    compiler, size: programs; flags: the compiler's for the core; emulator: the command that runs an image, empty where
    only the real board does.
    """

    name: str
    core: str
    emulated: str
    packages: tuple[str, ...]
    compiler: str
    size: str
    flags: tuple[str, ...]
    emulator: tuple[str, ...]

    @property
    def runs_here(self) -> bool:
        """Whether this machine runs its images, in an emulator or by itself."""
        return bool(self.emulator)

    @property
    def has_uart(self) -> bool:
        """Whether QEMU emulates the whole board; otherwise the firmware is a program on its stdin and stdout."""
        return _SERIAL in " ".join(self.emulator)

    @property
    def target(self) -> str:
        """How to name it for `edgernn.device.targets`, where PORT stands for that of a real board."""
        if not self.runs_here:
            return "serial:PORT"
        return f"qemu:{self.name}" if self.has_uart else self.name.replace("linux_", "local-")

    @property
    def architecture(self) -> str:
        """What executes an image, in short."""
        return self.core.partition(" (")[0] if self.emulated else HERE

    @property
    def emulator_program(self) -> str | None:
        """What runs an image here, None where it runs by itself or on a real board only."""
        return None if self.emulator[:1] in ((), (_IMAGE,)) else self.emulator[0]

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
    """Every board by name: programs, then what QEMU emulates, then real ones. Raises ConfigError for a bad board.mk."""
    found = [_read(path) for path in sorted(FIRMWARE.glob("*/board.mk"))]
    ordered = sorted(found, key=lambda board: (not board.runs_here, board.has_uart, bool(board.emulated)))
    return {board.name: board for board in ordered}


def targets() -> dict[str, Board]:
    """The boards that run here, by target."""
    return {board.target: board for board in boards().values() if board.runs_here}


def get(name: str) -> Board:
    """The board of this name or target. Raises ConfigError for an unknown one."""
    known = boards()
    found = (targets() | known).get(name)
    if found is None:
        raise ConfigError(unknown("board", name, known))
    return found


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Runs a tool whose words are read: in English, and without the settings of a make around this process."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(_OF_AN_OUTER_MAKE)}
    return subprocess.run(command, env={**outer, "LC_ALL": "C"}, capture_output=True, text=True, check=False)


def _read(path: Path) -> Board:
    lines = re.findall(r"^(\w+) *:= *(.*?) *$", path.read_text(encoding="utf-8"), re.MULTILINE)
    values = dict(lines)
    for key in _KEYS:
        if key not in values:
            raise ConfigError(f"{path.parent.name}/board.mk has no {key}: give it a line that begins with {key} :=")
    packages, flags, emulator = (tuple(values[key].split()) for key in ("PACKAGES", "CFLAGS", "EMULATOR"))
    return Board(
        name=path.parent.name,
        core=values["CORE"],
        emulated=values["EMULATED"],
        packages=packages,
        compiler=values["CC"],
        size=values["SIZE"],
        flags=flags,
        emulator=emulator,
    )


@cache
def _output(*command: str) -> str:
    return run(*command).stdout.strip()
