# SPDX-License-Identifier: Apache-2.0
"""A program as the flat buffer that the C engine loads.

Little-endian, without padding, the parts in this order; names are those of `loader.c`:

    header      u32 magic "EDRN", u32 specification, u32 tensors, u32 states, u32 ops, u32 number of the tensor y
    tensors     each u32 size, i8 frac, u8 bytes of an element (1 or 2), u8 whether a linear may read it, u8 zero
    states      each u32 number of the tensor that it becomes
    ops         each u32 kind, u32 a, u32 b, u32 outputs, u32 constants
    constants   for each kernel i32 bias [rows], i32 frac [rows], i8 weights [rows, columns]

Tensors have no names but numbers: x is 0, the states follow, then the results of the ops, in order (`numbered`). So an
op need not say what it computes: the next `outputs` tensors. It reads the tensors `a` and, where it has two inputs,
`b`; a linear's constants begin at byte `constants` of the buffer. Fields without a meaning for an op are zero. KINDS
are in the order of `engine_kind_t`.
"""

import struct

from edgernn.spec.program import SPEC_VERSION, Op, Program

KINDS = ("linear", "operand", "requantize", "split", "add", "sub", "mul", "sigmoid", "tanh", "relu")

_MAGIC = b"EDRN"
_HEADER, _TENSOR, _STATE, _OP = (struct.Struct(f"<{fields}") for fields in ("4s5I", "IbBBx", "I", "5I"))
_BYTES = {"int8": 1, "int16": 2}


def numbered(program: Program) -> tuple[str, ...]:
    """Names of the tensors that a step reads or computes, in the order of their numbers."""
    return (*program.inputs, *(name for op in program.ops for name in op.outputs))


def serialize(program: Program) -> bytes:
    """The buffer."""
    names = numbered(program)
    numbers = {name: number for number, name in enumerate(names)}
    operands = {program.x, *(op.outputs[0] for op in program.ops if op.kind == "operand")}
    tensors = [program.tensors[name] for name in names]
    tables = _TENSOR.size * len(tensors) + _STATE.size * len(program.states) + _OP.size * len(program.ops)
    places, constants = _constants(program, _HEADER.size + tables)

    def op_fields(op: Op) -> tuple[int, ...]:
        a, b = (*(numbers[name] for name in op.inputs), 0)[:2]
        return KINDS.index(op.kind), a, b, len(op.outputs), places.get(op.kernel, 0)

    return b"".join(
        [
            _HEADER.pack(_MAGIC, SPEC_VERSION, len(tensors), len(program.states), len(program.ops), numbers[program.y]),
            *(_TENSOR.pack(t.size, t.frac, _BYTES[t.dtype], t.name in operands) for t in tensors),
            *(_STATE.pack(numbers[state.write]) for state in program.states),
            *(_OP.pack(*op_fields(op)) for op in program.ops),
            *constants,
        ]
    )


def _constants(program: Program, offset: int) -> tuple[dict[str | None, int], list[bytes]]:
    """Where each kernel's constants begin, the first ones at `offset`, and the constants."""
    places: dict[str | None, int] = {}
    constants = []
    for name, kernel in program.kernels.items():
        parts = kernel.bias.astype("<i4"), kernel.frac.astype("<i4"), kernel.weights
        constants.append(b"".join(part.tobytes() for part in parts))
        places[name] = offset
        offset += len(constants[-1])
    return places, constants
