# SPDX-License-Identifier: Apache-2.0
"""Instructions, flash and RAM of a step on every board, beside CMSIS-NN's integer LSTM and EdgeMark's GRU."""

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.counting import figures, instructions, layer, sizes
from benchmarks.scaling import SHAPES
from edgernn.artifact import Model
from edgernn.device import boards, firmware
from edgernn.device.boards import Board
from edgernn.footprint import totals

_CELLS = ("gru", "lstm")
_SHAPES = ((6, 32), (6, 64), (32, 64), (64, 128))
_LEVELS = ("-O2", "-Os")
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


_EDGEMARK = {"flash": 809_800, "ram": 295_400, "ms": 374.4, "steps": 100, "core": "STM32L4R5ZI, Cortex-M4 at 120 MHz"}
"""EdgeMark (arXiv:2409.15258, published 2025): an INT8 GRU of 64 units on 32 inputs, a dense layer of 32 behind it,
unrolled to 100 steps, in TFLM, flash and RAM in bytes of the whole application."""
_OTHER_FLAGS = {
    "linux_aarch64, dotprod": (
        "linux_aarch64",
        "-march=armv8.2-a+dotprod",
        "qemu-aarch64-static -cpu cortex-a76 {image}",
    ),
    "host, AVX2": ("host", "-mavx2", "qemu-x86_64-static -cpu max {image}"),
}
"""Programs that are traced once more: for a processor with other instructions, which takes other kernels."""
_SCALED = {"cortex_m0": 128, "cortex_m4": 512}
"""The most units that a board has the flash for."""


def measure() -> dict[str, Any]:
    """Instructions by board, cell and "inputs, units" at -O2; and bytes of a GRU-32 on 6 inputs with a dense layer of
    7 behind it, by emulated board and level; EdgeMark's model on a Cortex-M4; and how instructions grow."""
    here = boards.targets().values()
    emulated = [board for board in here if board.has_uart]
    programs = [board for board in here if not board.has_uart]
    others = [
        replace(boards.get(base), name=name, flags=(flags,), emulator=tuple(emulator.split()))
        for name, (base, flags, emulator) in _OTHER_FLAGS.items()
    ]
    classifier = layer("gru", 6, 32, dense=7)
    return {
        "what": "one step in C, weights and inputs made up; instructions counted by QEMU",
        "tools": {board.name: board.versions() for board in (*emulated, *programs)},
        "boards": {
            board.name: {cell: _costs(board, cell) for cell in _CELLS} for board in (*emulated, *programs, *others)
        },
        "peer": {"lstm": {name: dict(zip(map(_title, _SHAPES), costs, strict=True)) for name, costs in _PEER.items()}},
        "sizes": {board.name: {level: _bytes(board, classifier, level) for level in _LEVELS} for board in emulated},
        "edgemark": {
            "published": _EDGEMARK,
            "own": _bytes(boards.get("cortex_m4"), layer("gru", 32, 64, dense=32), "-O2"),
        },
        "scaling": {name: _scaling(boards.get(name), most) for name, most in _SCALED.items()},
    }


def _costs(board: Board, cell: str) -> dict[str, int]:
    return {_title(shape): instructions(board, layer(cell, *shape)) for shape in _SHAPES}


def _scaling(board: Board, most_units: int) -> list[dict[str, Any]]:
    """Multiplications and instructions of a step, by cell and by what grows, as in the benchmark of this machine."""
    return [
        {
            "cell": cell,
            "grows": grows,
            "points": [_point(board, cell, *shape) for shape in shapes if shape[1] <= most_units],
        }
        for cell in _CELLS
        for grows, shapes in SHAPES.items()
    ]


def _point(board: Board, cell: str, inputs: int, units: int) -> dict[str, int]:
    model = layer(cell, inputs, units)
    macs = totals(model.integer.program)["macs_per_step"]
    return {"inputs": inputs, "units": units, "macs": macs, "instructions": instructions(board, model)}


def _bytes(board: Board, model: Model, level: str) -> dict[str, int]:
    found = figures(board, model, level)
    image = sizes(found)
    return {
        "instructions": round(found.cost),
        "step": image.step,
        "runtime": image.runtime,
        "constants": image.constants,
        "static": _static(board, model, level),
        "state": found.state,
        "stack": found.stack,
        "firmware_flash": image.flash,
        "firmware_ram": image.ram,
    }


def _static(board: Board, model: Model, level: str) -> int:
    """Bytes of RAM that the model and the runtime take beside the state that the caller owns."""
    with tempfile.TemporaryDirectory() as scratch:
        objects = firmware.build(board, model.integer, Path(scratch), level).parent
        files = [*objects.glob("model*.o"), *objects.glob("edgernn*.o")]
        told = subprocess.run([board.size, *map(str, files)], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[1]) + int(line.split()[2]) for line in told.splitlines()[1:])


def _title(shape: tuple[int, int]) -> str:
    return f"{shape[0]}, {shape[1]}"
