# SPDX-License-Identifier: Apache-2.0
"""The golden vector of `<name>_selftest`: made-up operands, and a hash of every output and state after each step.

Operands come from a linear congruential generator, so that they cost no flash: steps of the whole range, which
saturate gates, take turns with steps of a half, a quarter and an eighth of it. The hash is FNV-1a of 32 bits over the
low 16 bits of every value, and goes on from step to step, so that the first wrong one shows.
"""

import numpy as np

from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT, Array

STEPS = 32
SEED, MULTIPLIER, INCREMENT = 1, 1664525, 1013904223
"""Of Numerical Recipes' generator."""
BASIS, PRIME = 2166136261, 16777619
"""Of FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv."""
RANGE_BITS = {"int8": 8, "int16": 15}
"""Random bits of an operand before it is clipped."""


def operands(model: IntegerModel) -> Array:
    """The inputs [STEPS, F] that the C code makes for itself."""
    x = model.program.tensors[model.program.x]
    bits, limit = RANGE_BITS[x.dtype], OPERAND_LIMIT[x.dtype]
    seed, rows = SEED, []
    for step in range(STEPS):
        row = []
        for _ in range(x.size):
            seed = (seed * MULTIPLIER + INCREMENT) % 2**32
            value = max(-limit, (seed >> (32 - bits)) - 2 ** (bits - 1))
            row.append(int(np.fix(value / 2 ** (step % 4))))
        rows.append(row)
    return np.array(rows, x.dtype)


def hashes(model: IntegerModel) -> list[int]:
    """What the specification gives after each of those steps."""
    program, interpreter = model.program, Interpreter(model.program)
    states, hashed, found = model.zero_states(), BASIS, []
    for x in operands(model):
        values = interpreter.step({program.x: x, **states})
        states = program.next_states(values)
        for vector in (values[program.y], *states.values()):
            for value in vector.astype(np.int16).view(np.uint16).tolist():
                hashed = (hashed ^ value) * PRIME % 2**32
        found.append(hashed)
    return found
