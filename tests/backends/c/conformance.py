# SPDX-License-Identifier: Apache-2.0
"""The C runtime's families, each as a program of its own that runs here: conformance.c."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgernn.backends.c.layout import Layout
from edgernn.backends.c.write import RUNTIME
from edgernn.device import boards

KINDS = ("add", "sub", "mul", "mul_gate", "requantize", "operand", "relu", "sigmoid", "tanh", "narrow", "linear")
"""The primitives in the order of conformance.c. `narrow` stores operands as int8."""
_GUARD = [77, 77]
_MOST_CONSTANTS = 3

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Family:
    """A family, or one more compiler or core for it.

    compiler: its program, then flags; emulator: what runs the image, if not it by itself; packages: Debian's
    of both; needs: what this processor has to have, in the words of /proc/cpuinfo.
    """

    compiler: Sequence[str]
    emulator: Sequence[str]
    packages: tuple[str, str]
    needs: str = ""

    @property
    def lacks(self) -> str:
        """What this processor would have to have to run it, which no emulator here has either; "" where it runs."""
        return " ".join(word for word in self.needs.split() if word not in _cpu_flags())


def _cpu_flags() -> set[str]:
    found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return set(found[1].split()) if found else set()


def _here(compiler: str, flags: str, needs: str = "") -> Family:
    """On this processor."""
    return Family((compiler, *flags.split()), (), ("gcc", ""), needs)


def _program(compiler: str, flags: str, emulator: str, package: str) -> Family:
    """On Linux of another processor."""
    return Family((compiler, "-static", *flags.split()), emulator.split(), (package, "qemu-user-static"))


def _x86(flags: str, needs: str = "") -> Family:
    return _here("x86_64-linux-gnu-gcc", flags, needs)


def _avx2() -> Family:
    if "avx2" in _cpu_flags():
        return _x86("-mavx2")
    return _program("x86_64-linux-gnu-gcc", "-mavx2", "qemu-x86_64-static -cpu max", "gcc-x86-64-linux-gnu")


def _aarch64(flags: str, cpu: str) -> Family:
    return _program("aarch64-linux-gnu-gcc", flags, f"qemu-aarch64-static -cpu {cpu}", "gcc-aarch64-linux-gnu")


def _armv7(flags: str) -> Family:
    return _program("arm-linux-gnueabihf-gcc", flags, "qemu-arm-static -cpu cortex-a7", "gcc-arm-linux-gnueabihf")


def _bare(name: str, machine: str, core: str = "") -> Family:
    """On a machine of QEMU's with the start-up code of a board; files come from outside, by semihosting.

    core: in the compiler's words, where it is not the board's.
    """
    board, firmware = boards.get(name), boards.FIRMWARE
    values = dict(
        re.findall(r"^(\w+) := (.*)$", (firmware / name / "board.mk").read_text(encoding="utf-8"), re.MULTILINE)
    )
    flags = re.sub(r"-mcpu=\S+", f"-mcpu={core}", values["CFLAGS"]) if core else values["CFLAGS"]
    start = [str(firmware / "common" / file) for file in ("memory.c", "cortex_m/start.c")]
    link = [*values["LDFLAGS"].replace("nano.specs", "rdimon.specs").split(), "-Wl,--defsym=end=bss_end"]
    compiler = [board.compiler, *flags.split(), f"-I{firmware}/common", *start, f"-L{firmware}", *link]
    machinery = (
        "-display none -monitor none -no-reboot -serial null -semihosting-config enable=on,target=native -kernel"
    )
    emulator = ["qemu-system-arm", "-M", machine, *machinery.split()]
    return Family(compiler, emulator, (" ".join(board.packages), board.packages[-1]))


def _families() -> dict[str, Family]:
    """By name: EDGERNN_FAMILY, then what is particular."""
    avx512 = "avx512f avx512bw avx512dq avx512vl avx512_vnni"
    thumb2 = "-mthumb -march=armv7-a+fp"
    return {
        "portable": _here("gcc", "-DEDGERNN_FAMILY_PORTABLE -fsanitize=undefined -fno-sanitize-recover=all"),
        "avx2": _avx2(),
        "avxvnni": _x86("-mavx2 -mavxvnni", "avx2 avx_vnni"),
        "avx512": _x86(" ".join(f"-m{word.replace('_', '')}" for word in f"avx2 {avx512}".split()), avx512),
        "neon": _aarch64("", "cortex-a53"),
        "dotprod": _aarch64("-march=armv8.2-a+dotprod", "cortex-a76"),
        "neon-armv7": _armv7("-march=armv7-a -mfpu=neon"),
        "dsp": _armv7(f"{thumb2} -DEDGERNN_FAMILY_DSP"),
        "dsp-cortex-m4": _bare("cortex_m4", "mps2-an386"),
        "thumb": _armv7(f"{thumb2} -DEDGERNN_FAMILY_THUMB"),
        "thumb-cortex-m0": _bare("cortex_m4", "mps2-an386", "cortex-m0"),
        "mve": _bare("cortex_m55", "mps3-an547"),
    }


FAMILIES = _families()


def compile_family(name: str, run_tool: Callable[..., str], strict: Sequence[str], folder: Path) -> Path:
    """The program of a family, in `folder`."""
    family, image = FAMILIES[name], folder / "conformance"
    sources = [Path(__file__).with_name("conformance.c"), *sorted(RUNTIME.glob("*.c"))]
    flags = ["-std=c99", "-O2", *strict, f"-I{RUNTIME}"]
    compiler, *words = family.compiler
    run_tool(compiler, *flags, *sources, *words, "-o", image, package=family.packages[0])
    return image


@dataclass(frozen=True)
class Call:
    """A primitive with its arguments, as conformance.c reads them; `shape` is that of the results."""

    data: bytes
    shape: tuple[int, ...]


def elementwise(kind: str, *arrays: npt.ArrayLike, constants: Sequence[Sequence[int]] = ((),)) -> Call:
    """int16 arrays [n], with each of some sets of constants: int16 [sets, n]."""
    vectors = [np.ascontiguousarray(array, np.int16) for array in arrays]
    header = np.array([KINDS.index(kind), vectors[0].size, len(constants)], np.int32)
    filled = np.array([[*some, *[0] * (_MOST_CONSTANTS - len(some))] for some in constants], np.int32)
    return Call(b"".join(part.tobytes() for part in (header, filled, *vectors)), (len(constants), vectors[0].size))


def linear(layout: Layout, v: npt.NDArray[np.generic], row: int, rows: int) -> Call:
    """Rows of a matrix with the operands v [columns]: int16 [rows], and the guard behind them."""
    sparse = layout.index is not None
    blocks = len(layout.words) // 4
    numbers = (layout.wide, sparse, layout.bias is not None, layout.columns, layout.shift.size, blocks, row, rows)
    header = np.array([KINDS.index("linear"), *numbers], np.int32)
    arrays = layout.words, layout.bias, layout.shift, layout.first, layout.index
    parts = [header, *(array for array in arrays if array is not None), v.astype(np.int16 if layout.wide else np.int8)]
    return Call(b"".join(np.ascontiguousarray(part).tobytes() for part in parts), (rows + len(_GUARD),))


def run(name: str, image: Path, run_tool: Callable[..., str], calls: Sequence[Call]) -> list[Int16]:
    """What the calls give, with the program of a family."""
    family, folder = FAMILIES[name], image.parent
    (folder / "calls").write_bytes(b"".join(call.data for call in calls))
    told = run_tool(*family.emulator, image, package=family.packages[1], cwd=folder)
    assert told == name.partition("-")[0]
    found = np.fromfile(folder / "results", np.int16)
    ends = np.cumsum([np.prod(call.shape) for call in calls])
    assert found.size == ends[-1], "it ended early"
    return [part.reshape(call.shape) for part, call in zip(np.split(found, ends[:-1]), calls, strict=True)]


def without_guard(found: Int16) -> Int16:
    """The results of a linear, which wrote no more than them."""
    assert found[-len(_GUARD) :].tolist() == _GUARD
    return found[: -len(_GUARD)]
