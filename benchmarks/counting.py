# SPDX-License-Identifier: Apache-2.0
"""What a model costs on a board: instructions of a step and bytes.

Boards that QEMU emulates as a whole count instructions themselves (-icount shift=0). Programs are traced by QEMU's user
mode, one instruction at a time, and two runs of different length subtracted.
"""

import platform
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.models import LayerSpec, random_model, without_blocks
from edgernn.artifact import Model
from edgernn.backends.c.write import sources
from edgernn.bench.device import Figures
from edgernn.bench.device import measure as measure_target
from edgernn.device import targets
from edgernn.device.boards import Board
from edgernn.device.firmware import Sizes
from edgernn.golden import compute
from edgernn.quantize import quantize

LEVEL = "-O2"
"""Of the compiler's optimization, where none is named."""
_STEPS = 20
_TRACED_STEPS = 1, 3
_TRACE = ("-singlestep", "-d", "nochain,exec")
_STEPS_C = Path(__file__).with_name("steps.c")


def instructions(board: Board, model: Model) -> int:
    """Instructions of a step at LEVEL."""
    return round(figures(board, model).cost) if board.has_uart else _traced(board, model)


def figures(board: Board, model: Model, level: str = LEVEL) -> Figures:
    """What an emulated board tells of a model. Ends the run where the board does not give the reference's bytes."""
    program = model.integer.program
    x = np.random.default_rng(0).integers(-127, 128, (1, 1, program.tensors[program.x].size)).astype(np.int8)
    (target,) = targets.select([board.target], level)
    found = measure_target(model, compute(model.integer, x, np.ones(1, np.int32)), target)
    if found.reason:
        raise SystemExit(f"{board.name}: {found.reason}")
    return found


def sizes(found: Figures) -> Sizes:
    """Bytes of the image of an emulated board."""
    assert found.sizes is not None
    return found.sizes


def layer(cell: str, inputs: int, units: int, dense: int = 0, zeros: float = 0) -> Model:
    """A quantized model with random weights: the layer alone, or with a dense layer behind it.

    zeros: the share of the blocks of each matrix whose weights are zero.
    """
    layers: list[LayerSpec] = [(cell, units, {}), *([("dense", dense, {})] if dense else [])]
    x = np.random.default_rng(0).normal(size=(8, _STEPS, inputs)).astype(np.float32)
    original = without_blocks(random_model(inputs, layers), zeros)
    made = quantize(original, x, np.full(8, _STEPS, np.int32))
    return Model(Path(f"{cell}_{inputs}_{units}"), {}, made.model)


def _traced(board: Board, model: Model) -> int:
    """Instructions of a step of a program, by QEMU's trace."""
    emulator = board.emulator[:-1] or (f"qemu-{platform.machine()}-static",)
    with tempfile.TemporaryDirectory() as scratch:
        folder, image = Path(scratch), Path(scratch) / "steps"
        for name, text in sources(model.integer, "model").items():
            (folder / name).write_text(text, encoding="utf-8")
        files = [str(_STEPS_C), *map(str, sorted(folder.glob("*.c")))]
        flags = "-std=c99", LEVEL, *board.flags, "-static", f"-I{folder}"
        subprocess.run([board.compiler, *flags, "-o", str(image), *files], check=True)
        fewer, more = (_executed([*emulator, *_TRACE, str(image), str(steps)]) for steps in _TRACED_STEPS)
    return (more - fewer) // (_TRACED_STEPS[1] - _TRACED_STEPS[0])


def _executed(command: list[str]) -> int:
    with subprocess.Popen(command, stderr=subprocess.PIPE) as traced:
        assert traced.stderr is not None
        return sum(line.startswith(b"Trace") for line in traced.stderr)
