# SPDX-License-Identifier: Apache-2.0
"""What a model adds to a program on a core: bytes of flash and RAM, and instructions a step. No compiler is needed.

Constants and state are exact: they follow from the layout. Code, instructions and stack are linear in what the step's C
consists of (`edgernn.backends.c.tally`), with coefficients in `costs.json` that `python -m benchmarks footprint` fits
on programs that it compiles and runs in QEMU; docs/footprint.md has the errors on other models.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edgernn.backends.c.step import Step
from edgernn.backends.c.tally import StackArray, Tally, tally
from edgernn.footprint import totals
from edgernn.model import IntegerModel

LEVELS = ("-O2", "-Os")
"""Of the compiler's optimization, the usual one of firmware first."""
COSTS = Path(__file__).with_name("costs.json")
LANES = {"mve": 4}
"""Elements of a turn of an elementwise loop, by family of kernels; 1 where none is named."""
FRAME = ""
"""The coefficient of what every step has."""
_SLACK = {"mve": 48}
"""Bytes behind the weights of each matrix: EDGERNN_SLACK of edgernn_family.h."""
_POINTER = 4
_FRAME_UNIT = 16
"""Bytes up to whole numbers of which a stack is said: more would pretend."""
_ALIGNMENT = 8
"""EDGERNN_ALIGNMENT of edgernn.h."""


@dataclass(frozen=True)
class Footprint:
    """Of a model on one core, at one level of optimization.

    constants: bytes of weights, biases, shifts, places of blocks and descriptors, exact; code: bytes of the step and of
    the runtime's functions with their table that it calls; float_code: bytes more where samples come as float, with the
    compiler's floating point; state: bytes of RAM a stream, exact; stack: the most bytes that a step takes of it;
    instructions: a step executes.
    """

    core: str
    level: str
    constants: int
    code: int
    float_code: int
    state: int
    stack: int
    instructions: int

    @property
    def flash(self) -> int:
        """Bytes that a program grows by, where samples come as integers."""
        return self.constants + self.code

    def milliseconds(self, hertz: float) -> float:
        """The least time of a step: at an instruction a cycle, which few cores pass."""
        return self.instructions * 1e3 / hertz


@cache
def _costs() -> Mapping[str, Any]:
    costs: Mapping[str, Any] = json.loads(COSTS.read_text(encoding="utf-8"))
    return costs


def tools() -> str:
    """The compilers and the emulator whose programs were measured."""
    return str(_costs()["tools"])


def footprints(model: IntegerModel, level: str = LEVELS[0]) -> tuple[Footprint, ...]:
    """A footprint for each core that was measured, the smallest core first. level: one of LEVELS."""
    step = Step(model.program, "model")
    tallies = {lanes: tally(step, lanes) for lanes in {1, *LANES.values()}}
    return tuple(
        _footprint(model, step, tallies[LANES.get(core["family"], 1)], core, level)
        for core in _costs()["cores"].values()
    )


def described(model: IntegerModel, level: str = LEVELS[0]) -> dict[str, Any]:
    """What the manifest says: totals of the whole program, and footprints by core."""
    return {
        **totals(model.program),
        "optimization": level,
        "cores": {
            one.core: {
                "flash_bytes": one.flash,
                "constant_bytes": one.constants,
                "code_bytes": one.code,
                "float_code_bytes": one.float_code,
                "state_bytes": one.state,
                "stack_bytes": one.stack,
                "instructions_per_step": one.instructions,
            }
            for one in footprints(model, level)
        },
    }


def rounded(number: int) -> int:
    """To three digits, which is all that an estimate has."""
    return round(number, min(0, 3 - len(str(number))))


def _footprint(model: IntegerModel, step: Step, counted: Tally, core: Mapping[str, Any], level: str) -> Footprint:
    costs, family = core["levels"][level], core["family"]
    functions = sum(costs["functions"][name] for name in counted.functions)
    program, interface = model.program, model.interface
    float_code = costs["float"] + 8 * program.tensors[program.x].size
    if not interface.classes:
        float_code += 8 * program.tensors[program.y].size
    return Footprint(
        core=core["name"],
        level=level,
        constants=constants(step, family),
        code=round(functions + weighted(costs["step"], counted.written)),
        float_code=round(float_code),
        state=2 * step.state_values or 1,
        stack=_up(
            shared(counted.arrays, family) + round(weighted(costs["stack"], beside_arrays(counted))), _FRAME_UNIT
        ),
        instructions=round(weighted(costs["instructions"], counted.executed)),
    )


def constants(step: Step, family: str) -> int:
    """Bytes of a model's constants on a 32-bit core whose kernels are of this family."""
    descriptors = _POINTER * (step.pointers + step.matrices)
    return step.constant_bytes + descriptors + _SLACK.get(family, 0) * step.matrices


def weighted(costs: Mapping[str, float], counts: Mapping[str, float]) -> float:
    """A linear form; what costs nothing is not named."""
    return costs.get(FRAME, 0) + sum(costs.get(kind, 0) * count for kind, count in counts.items())


def beside_arrays(counted: Tally) -> dict[str, float]:
    """What decides the bytes of stack that are no arrays: the functions called, and what does not fit registers."""
    return {name: 1 for name in counted.functions} | {
        "arrays": len(counted.arrays),
        "chunk": counted.written.get("chunk", 0),
    }


def shared(arrays: Sequence[StackArray], family: str) -> int:
    """Bytes of a frame's arrays. Compilers put those that are not kept at the same time in one place, largest first."""
    places: list[tuple[int, list[StackArray]]] = []
    for array in sorted(arrays, key=lambda array: -_bytes(array, family)):
        for _, others in places:
            if all(array.last <= other.first or other.last <= array.first for other in others):
                others.append(array)
                break
        else:
            places.append((_bytes(array, family), [array]))
    return sum(size for size, _ in places)


def _bytes(array: StackArray, family: str) -> int:
    """As edgernn_family.h has the operands, up to whole places."""
    size = array.size
    if array.kind == "int8_t":
        taken = size
    elif array.kind == "int16_t":
        taken = 2 * size
    elif array.kind == "edgernn_operand_s16_t":
        taken = 2 * _up(size, 16 if family == "mve" else 4)
    elif family == "mve":
        taken = _up(size, 16)
    elif family == "dsp":
        taken = 2 * _up(size, 4)
    else:
        taken = 4 + 6 * _up(size, 4)
    return _up(taken, _ALIGNMENT)


def _up(number: int, to: int) -> int:
    return -(-number // to) * to
