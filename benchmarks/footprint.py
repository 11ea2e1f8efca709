# SPDX-License-Identifier: Apache-2.0
"""The measured tables behind `edgernn.backends.c.footprint`: what made-up models take on every emulated board."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks import probing
from benchmarks.models import LayerSpec, random_model, without_blocks
from benchmarks.probing import Growth, Ran
from edgernn.backends.c.footprint import COSTS, FRAME, LANES, LEVELS, beside_arrays, shared
from edgernn.backends.c.step import Step
from edgernn.backends.c.tally import Tally, tally
from edgernn.device import boards
from edgernn.device.boards import Board
from edgernn.model import IntegerModel
from edgernn.quantize import quantize

Floats = npt.NDArray[np.float64]

_STEPS = 20
_RIDGE = 1e-6
_TOLERANCE = 1e-9
FAMILIES = {
    "cortex_m0": "thumb",
    "cortex_m3": "thumb",
    "cortex_m4": "dsp",
    "cortex_m33": "dsp",
    "cortex_m55": "mve",
    "riscv32": "portable",
}
"""Of kernels, by board, in the order of the table."""


def made_up(
    inputs: int, layers: Sequence[LayerSpec], operands: Literal["int8", "int16"] = "int8", zeros: float = 0
) -> IntegerModel:
    x = np.random.default_rng(0).normal(size=(8, _STEPS, inputs)).astype(np.float32)
    original = without_blocks(random_model(inputs, layers), zeros)
    return quantize(original, x, np.full(8, _STEPS, np.int32), operands).model


def _gru(units: int, after: bool = True) -> LayerSpec:
    return "gru", units, {"reset_after": after}


def _dense(units: int, activation: str = "linear") -> LayerSpec:
    return "dense", units, {"activation": activation}


def _lstm(units: int) -> LayerSpec:
    return "lstm", units, {}


def _rnn(units: int) -> LayerSpec:
    return "rnn", units, {}


FITTED: dict[str, tuple[Any, ...]] = {
    "gru_6_32_d7": (6, [_gru(32), _dense(7)]),
    "gru_1_8": (1, [_gru(8)]),
    "gru_32_64": (32, [_gru(64)]),
    "gru_6_16_d5": (6, [_gru(16), _dense(5)]),
    "gru_13_40_d12": (13, [_gru(40), _dense(12, "tanh")]),
    "gru_9_70": (9, [_gru(70)]),
    "gru_80_24": (80, [_gru(24)]),
    "grb_6_32_d3": (6, [_gru(32, False), _dense(3)]),
    "grb_5_20": (5, [_gru(20, False)]),
    "grb_8_72": (8, [_gru(72, False)]),
    "lstm_6_32_d7": (6, [_lstm(32), _dense(7)]),
    "lstm_1_8_d1": (1, [_lstm(8), _dense(1)]),
    "lstm_32_64": (32, [_lstm(64)]),
    "lstm_3_12": (3, [_lstm(12)]),
    "lstm_12_80": (12, [_lstm(80)]),
    "lstm_64_48_d4": (64, [_lstm(48), _dense(4, "relu")]),
    "rnn_6_32_d7": (6, [_rnn(32), _dense(7)]),
    "rnn_1_8": (1, [_rnn(8)]),
    "rnn_10_70": (10, [_rnn(70)]),
    "rnn_20_33_d2": (20, [_rnn(33), _dense(2, "sigmoid")]),
    "dense_10": (10, [_dense(16, "relu"), _dense(8, "sigmoid"), _dense(4, "tanh"), _dense(3)]),
    "dense_24": (24, [_dense(50, "relu"), _dense(20, "relu"), _dense(6)]),
    "dense_100": (100, [_dense(50, "tanh"), _dense(9)]),
    "gru_6_32_r16_d7": (6, [_gru(32), _dense(16, "relu"), _dense(7)]),
    "gru_gru": (7, [_gru(16), _gru(12), _dense(3)]),
    "lstm_lstm": (5, [_lstm(16), _lstm(16), _dense(9, "relu"), _dense(2)]),
    "gru_lstm_rnn": (4, [_gru(24), _lstm(10), _rnn(9)]),
    "rnn_rnn_rnn": (3, [_rnn(12), _rnn(20), _rnn(6), _dense(4)]),
    "gru_6_32_d7_s16": (6, [_gru(32), _dense(7)], "int16"),
    "gru_16_44_s16": (16, [_gru(44)], "int16"),
    "lstm_6_16_d5_s16": (6, [_lstm(16), _dense(5)], "int16"),
    "rnn_3_10_s16": (3, [_rnn(10)], "int16"),
    "grb_7_21_s16": (7, [_gru(21, False)], "int16"),
    "dense_12_s16": (12, [_dense(24, "relu"), _dense(5)], "int16"),
    "gru_8_32_d8_z75": (8, [_gru(32), _dense(8)], "int8", 0.75),
    "gru_32_64_z50": (32, [_gru(64)], "int8", 0.5),
    "lstm_8_32_z60": (8, [_lstm(32), _dense(4)], "int8", 0.6),
    "lstm_16_68_z70": (16, [_lstm(68)], "int8", 0.7),
    "rnn_12_40_z80": (12, [_rnn(40), _dense(16, "relu"), _dense(4)], "int8", 0.8),
    "lstm_8_24_s16_z70": (8, [_lstm(24)], "int16", 0.7),
    "gru_11_30_s16": (11, [_gru(30), _dense(6, "tanh")], "int16"),
    "lstm_20_40_s16": (20, [_lstm(40)], "int16"),
    "lstm_5_66_s16": (5, [_lstm(66), _dense(3)], "int16"),
    "rnn_24_50_s16": (24, [_rnn(50), _dense(10, "sigmoid")], "int16"),
    "grb_12_24_d8_s16": (12, [_gru(24, False), _dense(8, "relu")], "int16"),
    "gru_2_9_gru_s16": (2, [_gru(9), _gru(7), _dense(3)], "int16"),
    "rnn_16_48_s16_z60": (16, [_rnn(48), _dense(8)], "int16", 0.6),
    "grb_8_32_s16_z80": (8, [_gru(32, False), _dense(4, "tanh")], "int16", 0.8),
    "lstm_24_44_z85": (24, [_lstm(44), _dense(8)], "int8", 0.85),
    "grb_12_36_z60": (12, [_gru(36, False), _dense(4)], "int8", 0.6),
    "rnn_40_64_z70": (40, [_rnn(64)], "int8", 0.7),
    "gru_3_5": (3, [_gru(5), _dense(2)]),
    "gru_17_27": (17, [_gru(27), _dense(11)]),
    "gru_40_100": (40, [_gru(100), _dense(6)]),
    "gru_4_66": (4, [_gru(66), _dense(3)]),
    "grb_20_37": (20, [_gru(37, False)]),
    "grb_2_11_d2": (2, [_gru(11, False), _dense(2)]),
    "grb_10_67_d4": (10, [_gru(67, False), _dense(4)]),
    "lstm_9_17": (9, [_lstm(17)]),
    "lstm_2_6_d3": (2, [_lstm(6), _dense(3)]),
    "lstm_7_71_d5": (7, [_lstm(71), _dense(5)]),
    "rnn_5_15": (5, [_rnn(15)]),
    "rnn_30_90_d8": (30, [_rnn(90), _dense(8)]),
    "rnn_2_7_d2": (2, [_rnn(7), _dense(2, "tanh")]),
    "dense_7": (7, [_dense(11, "sigmoid"), _dense(5)]),
    "dense_33": (33, [_dense(70, "relu"), _dense(3)]),
    "dense_18": (18, [_dense(30, "tanh"), _dense(15, "tanh"), _dense(1)]),
    "gru_grb": (6, [_gru(20), _gru(10, False), _dense(4)]),
    "lstm_gru": (3, [_lstm(14), _gru(18), _dense(8, "relu"), _dense(2)]),
    "rnn_8_24_d8_s16_z50": (8, [_rnn(24), _dense(8)], "int16", 0.5),
    "rnn_24_40_s16_z70": (24, [_rnn(40)], "int16", 0.7),
    "gru_20_28_d4_s16_z60": (20, [_gru(28), _dense(4)], "int16", 0.6),
    "rnn_12_18_d3": (12, [_rnn(18), _dense(3, "sigmoid")]),
    "rnn_4_22": (4, [_rnn(22)]),
    "dense_16_z60": (16, [_dense(32, "relu"), _dense(12), _dense(4)], "int8", 0.6),
    "both": (4, [_rnn(4), _dense(16)], "int8", 0.3),
    "both_s16": (4, [_rnn(4), _dense(16)], "int16", 0.3),
    "gru_8_48_s16_z50": (8, [_gru(48), _dense(4)], "int16", 0.5),
}
"""Arguments of `made_up` by name: the models that the tables are fitted on."""
LINKED = (
    *("gru_6_16_d5", "lstm_1_8_d1", "dense_24", "dense_10", "both", "both_s16", "dense_12_s16", "rnn_3_10_s16"),
    *("lstm_8_24_s16_z70", "gru_8_32_d8_z75"),
)
"""Those that decide, by linking, what each function of the runtime takes."""


def measure() -> dict[str, Any]:
    """What every model of FITTED takes on every core at every level.

    Fits the coefficients to that and writes them into the package.
    """
    models = {name: made_up(*arguments) for name, arguments in FITTED.items()}
    linked = {name: models[name] for name in LINKED}
    cores: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    for name, family in FAMILIES.items():
        board = boards.get(name)
        tallies = {name: tally(Step(model.program, "model"), LANES.get(family, 1)) for name, model in models.items()}
        levels = {}
        for level in LEVELS:
            ran, grown = probing.run(board, level, models), probing.grow(board, level, linked)
            levels[level] = _fit(tallies, ran, grown, family)
            measured.setdefault(name, {})[level] = {
                "ran": {model: asdict(one) for model, one in ran.items()},
                "grown": {model: asdict(one) for model, one in grown.items()},
            }
        cores[name] = {"name": board.core.partition(" (")[0], "family": family, "levels": levels}
    told = [_tools(boards.get(name)) for name in FAMILIES]
    tools = dict.fromkeys([*(compiler for compiler, _ in told), *(emulator for _, emulator in told)])
    costs = {"made_by": "python -m benchmarks footprint", "tools": ", ".join(tools), "cores": cores}
    COSTS.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
    return {"what": "made-up models on boards that QEMU emulates", "measured": measured}


def _tools(board: Board) -> tuple[str, str]:
    compiler, emulator = board.versions().split(", ")
    return f"{board.compiler} {compiler.removeprefix('gcc ')}", emulator


def _fit(
    tallies: Mapping[str, Tally], ran: Mapping[str, Ran], grown: Mapping[str, Growth], family: str
) -> dict[str, Any]:
    """Coefficients of one core and level."""
    counted = [tallies[name] for name in ran]
    ones = np.ones(len(counted))
    instructions = np.array([one.instructions for one in ran.values()])
    beside = np.array([one.stack - shared(tallies[name].arrays, family) for name, one in ran.items()], float)
    step = np.array([one.step for one in ran.values()], float)
    runtime = np.array([one.runtime for one in grown.values()], float)
    called = [dict.fromkeys(tallies[name].functions, 1.0) for name in grown]
    functions = nonnegative(called, runtime, np.ones(len(called)))
    floats = [one.float_code - 8 * FITTED[name][0] for name, one in grown.items()]
    return {
        "functions": {name: round(size) for name, size in functions.items()},
        "float": round(float(np.median(floats))),
        "step": _rounded(nonnegative([{**one.written, FRAME: 1} for one in counted], step, ones)),
        "stack": _rounded(nonnegative([beside_arrays(one) for one in counted], beside, ones)),
        "instructions": _rounded(
            nonnegative([{**one.executed, FRAME: 1} for one in counted], instructions, 1 / instructions)
        ),
    }


def _rounded(costs: Mapping[str, float]) -> dict[str, float]:
    return {kind: round(cost, 3) for kind, cost in costs.items() if round(cost, 3)}


def nonnegative(rows: Sequence[Mapping[str, float]], values: Floats, weights: Floats) -> dict[str, float]:
    """The least squares of linear forms whose coefficients are not negative: Lawson and Hanson's active sets, 1974.

    rows: counts by kind; weights: of the rows. What the data do not decide is kept small.
    """
    kinds = sorted({kind for row in rows for kind in row})
    matrix = np.array([[row.get(kind, 0) for kind in kinds] for row in rows], float) * weights[:, None]
    norms = np.linalg.norm(matrix, axis=0)
    norms[norms == 0] = 1
    matrix /= norms
    products = matrix.T @ matrix + _RIDGE * np.eye(len(kinds))
    aims, found = matrix.T @ (values * weights), np.zeros(len(kinds))
    free = np.zeros(len(kinds), bool)
    while True:
        gradient = np.where(free, -np.inf, aims - products @ found)
        if gradient.max() <= _TOLERANCE * np.abs(aims).max():
            break
        free[gradient.argmax()] = True
        while True:
            tried = np.zeros(len(kinds))
            tried[free] = np.linalg.solve(products[np.ix_(free, free)], aims[free])
            low = free & (tried <= 0)
            if not low.any():
                break
            share = (found[low] / (found[low] - tried[low])).min()
            found += share * (tried - found)
            free &= found > _TOLERANCE
            found[~free] = 0
        found = tried
    return dict(zip(kinds, (found / norms).tolist(), strict=True))
