# SPDX-License-Identifier: Apache-2.0
"""Builds a board's image for a model, and measures it."""

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgernn.backends.c.write import sources
from edgernn.device.boards import FIRMWARE, Board
from edgernn.errors import DeviceError
from edgernn.model import IntegerModel

OPTIMIZATION = "-O2"
_NAME = "model"
_MAP = "Linker script and memory map"
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
    """Builds the image of `board` for `model` in the empty folder `folder`, whose path is absolute and has no spaces.

    static: a program takes its libraries with it to where they may be others.
    Raises MissingToolError when a program is not installed, DeviceError when the image does not build.
    """
    board.compiler_version()
    written, out = folder / "model", folder / "out"
    written.mkdir()
    for name, text in sources(model, _NAME).items():
        (written / name).write_text(text, encoding="utf-8")
    chosen = {"BOARD": board.name, "MODEL": written, "OUT": out, "OPT": optimization}
    chosen |= {"LDFLAGS": "-static"} if static else {}
    command = ["make", "-s", "-j", "2", "-C", str(FIRMWARE), *(f"{name}={value}" for name, value in chosen.items())]
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    made = subprocess.run(command, env=outer, capture_output=True, text=True, check=False)
    if made.returncode:
        raise DeviceError(
            f"the image of {board.name} does not build ({_reason(made.stderr)}): it needs Debian's packages "
            f"{', '.join(board.packages)}, and a model that fits"
        )
    return out / "firmware.elf"


def measure(board: Board, image: Path) -> Sizes:
    """The sizes of an image, from its map and the program `size`."""
    told = subprocess.run([board.size, str(image)], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, told.splitlines()[1].split()[:3])
    placed: Counter[tuple[str, str]] = Counter()
    for section, size, file in _PLACED.findall(image.with_suffix(".map").read_text("utf-8").partition(_MAP)[2]):
        placed[Path(file).name.partition(".")[0], section] += int(size, 16)
    runtime = sum(size for (name, _), size in placed.items() if name.startswith("edgernn_"))
    return Sizes(placed[_NAME, "text"], runtime, placed[_NAME, "rodata"], text + data, data + bss)


def _reason(errors: str) -> str:
    """The line that tells why a compiler or linker failed."""
    lines = [line.strip() for line in errors.splitlines()]
    told = [line for word in ("overflowed", "error:", "") for line in lines if word in line]
    return told[0] if told else "make says nothing"
