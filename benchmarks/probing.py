# SPDX-License-Identifier: Apache-2.0
"""What models really take on an emulated board: bytes by linking programs with and without, the rest by running."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from edgernn.backends.c.write import RUNTIME, RUNTIME_FILES, sources
from edgernn.device.boards import FIRMWARE, Board
from edgernn.model import IntegerModel

_HERE = Path(__file__).parent
_GROWTH, _PROBE = _HERE / "growth.c", _HERE / "probe.c"
_NAME = "model"
_STEPS = 64
"""STEPS of probe.c."""
_BYTES_AN_IMAGE = 70_000
"""Of constants that fit every board's flash together."""
_SECONDS = 120
_PLACED = re.compile(r"^ \.s?(?:text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Ran:
    """Of a model on a board, at one level of the compiler.

    step, constants: bytes of its own code and of its constants; stack: bytes that a step takes of its caller's;
    instructions: of a step, the mean of STEPS.
    """

    step: int
    constants: int
    stack: int
    instructions: float


@dataclass(frozen=True)
class Growth:
    """Of a model on a board, at one level of the compiler, by linking a program with it and without it.

    flash: bytes that the program grows by; float_code: bytes more where samples come and results go as float;
    runtime: bytes of the runtime in it.
    """

    flash: int
    float_code: int
    runtime: int


def run(board: Board, level: str, models: Mapping[str, IntegerModel]) -> dict[str, Ran]:
    """Every model by its name, which is an identifier. Ends the run where a program does not build."""
    with TemporaryDirectory() as scratch:
        work = _Work(board, level, Path(scratch))
        sizes = {name: work.sizes(name, model) for name, model in models.items()}
        ran: dict[str, tuple[int, float]] = {}
        for batch in _batches({name: size[1] for name, size in sizes.items()}):
            ran |= work.run(batch)
    return {name: Ran(*sizes[name], *ran[name]) for name in models}


def grow(board: Board, level: str, models: Mapping[str, IntegerModel]) -> dict[str, Growth]:
    """Every model by its name."""
    with TemporaryDirectory() as scratch:
        work = _Work(board, level, Path(scratch))
        return {name: work.growth(name, model) for name, model in models.items()}


def _batches(constants: Mapping[str, int]) -> Iterator[list[str]]:
    """Names of models that fit one image."""
    batch: list[str] = []
    for name, size in constants.items():
        if batch and sum(constants[one] for one in batch) + size > _BYTES_AN_IMAGE:
            yield batch
            batch = []
        batch.append(name)
    if batch:
        yield batch


class _Work:
    """One board and level: objects of the runtime and the port, made once."""

    def __init__(self, board: Board, level: str, folder: Path) -> None:
        self._board, self._level, self._folder = board, level, folder
        lines = (FIRMWARE / board.name / "board.mk").read_text("utf-8")
        keys = dict(re.findall(r"^(\w+) *:= *(.*?) *$", lines, re.MULTILINE))
        self._link_flags = keys["LDFLAGS"].split()
        self._common = ["-I", str(FIRMWARE), "-I", str(FIRMWARE / "common"), "-I", str(folder)]
        for file in RUNTIME_FILES:
            (folder / file).write_bytes((RUNTIME / file).read_bytes())
        runtime = [folder / file for file in RUNTIME_FILES if file.endswith(".c")]
        port = [FIRMWARE / source for source in keys["SOURCES"].split()]
        self._objects = [self._compile(source, f"{number}_{source.stem}") for number, source in enumerate(port)]
        self._objects += [self._compile(source, source.stem) for source in runtime]

    def sizes(self, name: str, model: IntegerModel) -> tuple[int, int]:
        """Bytes of a model's code and constants, from its object."""
        made = sources(model, _NAME)
        for end in (".h", ".c"):
            (self._folder / f"{name}{end}").write_text(_renamed(made[f"{_NAME}{end}"], name), encoding="utf-8")
        told = self._size("-A", self._compile(self._folder / f"{name}.c", name))
        sections = re.findall(r"^\.s?(text|rodata)\S*\s+(\d+)", told, re.MULTILINE)
        code, constants = (sum(int(size) for found, size in sections if found == kind) for kind in ("text", "rodata"))
        return code, constants

    def growth(self, name: str, model: IntegerModel) -> Growth:
        folder = self._folder / name
        folder.mkdir()
        for file, text in sources(model, _NAME).items():
            if file.startswith(_NAME):
                (folder / file).write_text(text, encoding="utf-8")
        objects = [self._compile(folder / f"{_NAME}{part}.c", f"{name}{part}", folder) for part in ("", "_float")]
        with_model, runtime = self._linked(f"{name}_main", folder, objects)
        without, _ = self._linked(f"{name}_stub", folder, [], "-DSTUB")
        with_float, _ = self._linked(f"{name}_main_float", folder, objects, "-DFLOAT")
        without_float, _ = self._linked(f"{name}_stub_float", folder, [], "-DSTUB", "-DFLOAT")
        return Growth(with_model - without, with_float - without_float - with_model + without, runtime)

    def run(self, names: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Stack and instructions by name, from one image with the objects that `sizes` made."""
        (self._folder / "models.h").write_text("".join(f'#include "{name}.h"\n' for name in names))
        objects = [self._folder / f"{name}.o" for name in names]
        chosen = f"-DMODELS={' '.join(f'M({name})' for name in names)}"
        objects.append(self._compile(_PROBE, "probe", self._folder, chosen))
        image, _ = self._link("probe.elf", objects)
        command = self._board.command(image, "stdio")
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS, input="").stdout
        rows = [line.split() for line in told.split("\n") if line.strip()]
        hertz = self._ticks_a_second()
        return {
            name: (int(stack, 16), int(ticks, 16) * 1e9 / hertz / _STEPS)
            for name, (stack, ticks) in zip(names, rows, strict=True)
        }

    def _ticks_a_second(self) -> float:
        found = re.search(r"-DCORE_HZ=(\d+)", " ".join(self._board.flags))
        return float(found[1]) if found else 1e9

    def _linked(self, name: str, folder: Path, objects: list[Path], *flags: str) -> tuple[int, int]:
        """Bytes of text and data of growth.c with these objects, and those of the runtime in it."""
        image, link_map = self._link(f"{name}.elf", [self._compile(_GROWTH, name, folder, *flags), *objects])
        text, data, _ = map(int, self._size("-B", image).splitlines()[1].split()[:3])
        placed = _PLACED.findall(link_map.partition("Linker script and memory map")[2])
        return text + data, sum(int(size, 16) for size, file in placed if Path(file).name.startswith("edgernn_"))

    def _size(self, form: str, file: Path) -> str:
        return subprocess.run([self._board.size, form, str(file)], capture_output=True, text=True, check=True).stdout

    def _compile(self, source: Path, name: str, include: Path | None = None, *flags: str) -> Path:
        made = self._folder / f"{name}.o"
        paths = ["-I", str(include)] if include else []
        command = [self._board.compiler, "-std=c99", self._level, *self._board.flags, *paths, *self._common]
        command += ["-ffunction-sections", "-fdata-sections", *flags, "-c", str(source), "-o", str(made)]
        subprocess.run(command, check=True)
        return made

    def _link(self, name: str, objects: Sequence[Path]) -> tuple[Path, str]:
        image, link_map = self._folder / name, self._folder / f"{name}.map"
        command = [self._board.compiler, self._level, *self._board.flags, "-Wl,--gc-sections", f"-Wl,-Map={link_map}"]
        command += [*map(str, [*objects, *self._objects]), *self._link_flags, "-o", str(image)]
        subprocess.run(command, check=True, cwd=FIRMWARE)
        return image, link_map.read_text("utf-8")


def _renamed(text: str, name: str) -> str:
    """A model's source with another prefix."""
    return re.sub(rf"\b{_NAME}_(?=[a-z])|\b{_NAME}(?=\.h)", lambda m: m[0].replace(_NAME, name), text).replace(
        f"{_NAME.upper()}_", f"{name}_"
    )
