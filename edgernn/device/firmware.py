# SPDX-License-Identifier: Apache-2.0
"""Builds a board's image for a model, and measures it."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgernn.backends.c.write import sources
from edgernn.device.boards import FIRMWARE, Board, run
from edgernn.errors import ConfigError, DeviceError
from edgernn.model import IntegerModel

OPTIMIZATION = "-O2"
_NAME = "model"
_MAP = "Linker script and memory map"
_PATH = re.compile(r"[\w./+-]+")
_PLACED = re.compile(r"^ \.s?(text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (.+)$", re.MULTILINE)
"""An input section below _MAP in what GNU ld tells: its size, and the object that it is from."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image.

    step: the model's code; runtime: the primitives that it calls, with their tables; constants: its weights,
    biases and shifts; flash: all that is stored, those three included; ram: static data, and a board's stack.
    """

    step: int
    runtime: int
    constants: int
    flash: int
    ram: int


def build(
    board: Board, model: IntegerModel, folder: Path, optimization: str = OPTIMIZATION, *, static: bool = False
) -> Path:
    """Builds the image of `board` for `model` in the empty folder `folder`, whose path is absolute.

    static: a program takes its libraries with it to where they may be others.
    Raises MissingToolError when a program is not installed, ConfigError when make can't take the folder's path,
    DeviceError when the image does not build.
    """
    board.compiler_version()
    if not _PATH.fullmatch(str(folder)):
        raise ConfigError(
            f"{folder} has a space or a sign in its path that make can't take: set TMPDIR to another folder"
        )
    written, out = folder / "model", folder / "out"
    written.mkdir()
    for name, text in sources(model, _NAME).items():
        (written / name).write_text(text, encoding="utf-8")
    chosen = {"BOARD": board.name, "MODEL": written, "OUT": out, "OPT": optimization}
    chosen |= {"STATIC": "-static"} if static else {}
    command = ["make", "-s", "-j", "2", "-C", str(FIRMWARE), *(f"{name}={value}" for name, value in chosen.items())]
    made = run(*command)
    if made.returncode:
        raise DeviceError(
            f"the image of {board.name} does not build ({_reason(made.stderr)}): it needs Debian's packages "
            f"{', '.join(board.packages)}, and a model that fits"
        )
    return out / "firmware.elf"


def measure(board: Board, image: Path) -> Sizes:
    """The sizes of an image, from its map and the program `size`. Raises DeviceError when they tell none."""
    told = run(board.size, str(image))
    if told.returncode:
        raise DeviceError(
            f"{board.size} can't read {image} ({_reason(told.stderr)}): check SIZE in {board.name}/board.mk"
        )
    text, data, bss = map(int, told.stdout.splitlines()[1].split()[:3])
    _, heading, memory = image.with_suffix(".map").read_text("utf-8").partition(_MAP)
    if not heading:
        raise DeviceError(
            f"the linker of {board.name} writes no map with {_MAP!r}: link with GNU ld, CC in its board.mk"
        )
    placed: Counter[tuple[str, str]] = Counter()
    for section, size, file in _PLACED.findall(memory):
        placed[Path(file).name.partition(".")[0], section] += int(size, 16)
    runtime = sum(size for (name, _), size in placed.items() if name.startswith("edgernn_"))
    return Sizes(placed[_NAME, "text"], runtime, placed[_NAME, "rodata"], text + data, data + bss)


def _reason(errors: str) -> str:
    """The line that tells why a compiler or linker failed."""
    lines = [line.strip() for line in errors.splitlines() if "warning:" not in line]
    told = [line for word in ("overflowed", "error:", "") for line in lines if word in line]
    return told[0] if told else "make says nothing"
