# SPDX-License-Identifier: Apache-2.0
"""Instructions, flash and RAM of a step on every board, beside CMSIS-NN's integer LSTM.

Boards that QEMU emulates as a whole count instructions themselves (-icount shift=0). Programs are traced by QEMU's user
mode, one instruction at a time, and two runs of different length subtracted.
"""

import platform
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import LayerSpec, random_model
from edgernn.artifact import Model
from edgernn.backends.c.write import sources
from edgernn.bench.device import Figures
from edgernn.bench.device import measure as measure_target
from edgernn.device import boards, firmware, targets
from edgernn.device.boards import Board
from edgernn.golden import compute
from edgernn.quantize import quantize

_CELLS = ("gru", "lstm")
_SHAPES = ((6, 32), (6, 64), (32, 64), (64, 128))
_LEVELS = ("-O2", "-Os")
_STEPS = 20
_TRACED_STEPS = 1, 3
_TRACE = ("-singlestep", "-d", "nochain,exec")
_STEPS_C = Path(__file__).with_name("steps.c")
_PEER = {
    "cortex_m0": (73_477, 189_678, 227_577, 732_682),
    "cortex_m3": (33_332, 88_700, 108_870, 364_926),
    "cortex_m4": (28_831, 71_364, 82_736, 256_031),
    "cortex_m33": (28_616, 70_937, 82_316, 255_159),
    "cortex_m55": (12_242, 26_542, 28_462, 78_194),
}
"""CMSIS-NN's arm_lstm_unidirectional_s8 at commit 99f736a, one step, arm-none-eabi-gcc 12.2 -O3, on the same emulators
(for a Cortex-M0+ in the first row), with its DSP and MVE kernels where the core has them. Measured once by hand: its
sources are not part of this project."""


def measure() -> dict[str, Any]:
    """Instructions by board, cell and "inputs, units" at -O2; and bytes of a GRU-32 on 6 inputs with a dense layer of
    7 behind it, by emulated board and level."""
    here = boards.targets().values()
    emulated = [board for board in here if board.has_uart]
    programs = [board for board in here if not board.has_uart]
    classifier = _model("gru", 6, 32, dense=7)
    return {
        "what": "one step in portable C, weights and inputs made up; instructions counted by QEMU",
        "tools": {board.name: board.versions() for board in (*emulated, *programs)},
        "boards": {board.name: {cell: _costs(board, cell) for cell in _CELLS} for board in (*emulated, *programs)},
        "peer": {"lstm": {name: dict(zip(map(_title, _SHAPES), costs, strict=True)) for name, costs in _PEER.items()}},
        "sizes": {board.name: {level: _bytes(board, classifier, level) for level in _LEVELS} for board in emulated},
    }


def _costs(board: Board, cell: str) -> dict[str, int]:
    count = _counted if board.has_uart else _traced
    return {_title(shape): count(board, _model(cell, *shape)) for shape in _SHAPES}


def _counted(board: Board, model: Model) -> int:
    """Instructions of a step, by the board's own counter."""
    return round(_figures(board, model, "-O2").cost)


def _traced(board: Board, model: Model) -> int:
    """Instructions of a step of a program, by QEMU's trace."""
    emulator = board.emulator[:-1] or (f"qemu-{platform.machine()}-static",)
    with tempfile.TemporaryDirectory() as scratch:
        folder, image = Path(scratch), Path(scratch) / "steps"
        for name, text in sources(model.integer, "model").items():
            (folder / name).write_text(text, encoding="utf-8")
        files = [str(_STEPS_C), *map(str, sorted(folder.glob("*.c")))]
        subprocess.run(
            [board.compiler, "-std=c99", "-O2", "-static", f"-I{folder}", "-o", str(image), *files], check=True
        )
        fewer, more = (_executed([*emulator, *_TRACE, str(image), str(steps)]) for steps in _TRACED_STEPS)
    return (more - fewer) // (_TRACED_STEPS[1] - _TRACED_STEPS[0])


def _executed(command: list[str]) -> int:
    with subprocess.Popen(command, stderr=subprocess.PIPE) as traced:
        assert traced.stderr is not None
        return sum(line.startswith(b"Trace") for line in traced.stderr)


def _bytes(board: Board, model: Model, level: str) -> dict[str, int]:
    figures = _figures(board, model, level)
    sizes = _sizes(figures)
    return {
        "instructions": round(figures.cost),
        "step": sizes.step,
        "runtime": sizes.runtime,
        "constants": sizes.constants,
        "static": _static(board, model, level),
        "state": figures.state,
        "stack": figures.stack,
        "firmware_flash": sizes.flash,
        "firmware_ram": sizes.ram,
    }


def _figures(board: Board, model: Model, level: str) -> Figures:
    program = model.integer.program
    x = np.random.default_rng(0).integers(-127, 128, (1, 1, program.tensors[program.x].size)).astype(np.int8)
    (target,) = targets.select([board.target], level)
    figures = measure_target(model, compute(model.integer, x, np.ones(1, np.int32)), target)
    if figures.reason:
        raise SystemExit(f"{board.name}: {figures.reason}")
    return figures


def _sizes(figures: Figures) -> firmware.Sizes:
    assert figures.sizes is not None
    return figures.sizes


def _static(board: Board, model: Model, level: str) -> int:
    """Bytes of RAM that the model and the runtime take beside the state that the caller owns."""
    with tempfile.TemporaryDirectory() as scratch:
        objects = firmware.build(board, model.integer, Path(scratch), level).parent
        files = [*objects.glob("model*.o"), *objects.glob("edgernn*.o")]
        told = subprocess.run([board.size, *map(str, files)], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[1]) + int(line.split()[2]) for line in told.splitlines()[1:])


def _title(shape: tuple[int, int]) -> str:
    return f"{shape[0]}, {shape[1]}"


def _model(cell: str, inputs: int, units: int, dense: int = 0) -> Model:
    """A quantized model with random weights: the layer alone, or with a dense layer behind it."""
    layers: list[LayerSpec] = [(cell, units, {}), *([("dense", dense, {})] if dense else [])]
    x = np.random.default_rng(0).normal(size=(8, _STEPS, inputs)).astype(np.float32)
    made = quantize(random_model(inputs, layers), x, np.full(8, _STEPS, np.int32))
    return Model(Path(f"{cell}_{inputs}_{units}"), {}, made.model)
