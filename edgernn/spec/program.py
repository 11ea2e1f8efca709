# SPDX-License-Identifier: Apache-2.0
"""A step of a network as a straight-line program over the primitives of `edgernn.spec.ops`.

A `Program` that exists is legal: every operand exists before it is used, every shift is one that all kernels compute
alike, and no accumulator can pass ACCUMULATOR_LIMIT. Programs are read from files, so nothing is taken on trust.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from edgernn.errors import EdgernnError
from edgernn.spec import ops
from edgernn.spec.ops import Array, Int8, Int32

SPEC_VERSION = 1
"""Changes when, and only when, some program gives other numbers than before."""

ACCUMULATOR_LIMIT = 2**30 - 1
"""Bound of |W v| + |b| + 2**(m-1) of every row: half of int32, because kernels that round ties otherwise get 2*v."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z0-9_]+)*")


class ProgramError(EdgernnError):
    """A program breaks a rule of the specification."""


@dataclass(frozen=True)
class Tensor:
    """A vector of `size` integers q, each standing for q * 2**-frac."""

    name: str
    size: int
    dtype: str
    frac: int


@dataclass(frozen=True)
class Op:
    """One primitive. Its shifts follow from the `frac` of its tensors; `kernel` names the constants of a `linear`."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kernel: str | None = None


@dataclass(frozen=True)
class Kernel:
    """Constants of a `linear`: weights int8 [N, K], row r at 2**-frac[r]; bias int32 [N] at the accumulator's scale."""

    weights: Int8
    bias: Int32
    frac: Int32


@dataclass(frozen=True)
class State:
    """A state is read from `read` at the start of a step and is what `write` holds at its end; it starts at zero.

    `read` is also the state's name wherever states go by name.
    """

    read: str
    write: str


def layer_of(name: str) -> str:
    """The layer that a tensor or kernel belongs to, "gru_0" for "gru_0/h"; a name without "/" is its own layer."""
    return name.partition("/")[0]


def identifier_of(name: str) -> str:
    """The name as one identifier, "gru_0_h" for "gru_0/h". Those of a program's states differ, also from x and y."""
    return name.replace("/", "_")


_ARITY = {
    "linear": 1,
    "operand": 1,
    "requantize": 1,
    "split": 1,
    "add": 2,
    "sub": 2,
    "mul": 2,
    "sigmoid": 1,
    "tanh": 1,
    "relu": 1,
}


@dataclass(frozen=True)
class Program:
    """tensors: all values by name; ops in order; kernels by name; `x` the input, `y` the output, `states` in order.

    The name of a tensor or kernel is identifiers joined by "/", `[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z0-9_]+)*`; what stands
    before the first "/" is the layer that it belongs to (`layer_of`). A state is named "layer/state", as in "gru_0/h".
    A ":" is never part of a name: exports name helpers with it. "x", "y" and the names that states are read by stay
    distinct with "_" for "/" (`identifier_of`): they are the keys of signatures.
    """

    tensors: Mapping[str, Tensor]
    ops: tuple[Op, ...]
    kernels: Mapping[str, Kernel]
    x: str
    y: str
    states: tuple[State, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", MappingProxyType(dict(self.tensors)))
        object.__setattr__(self, "kernels", MappingProxyType(dict(self.kernels)))
        _Checker(self).check()

    def shift(self, op: Op) -> int:
        """The right shift of a `mul`, `requantize` or `operand`."""
        return sum(self.tensors[name].frac for name in op.inputs) - self.tensors[op.outputs[0]].frac

    def row_shifts(self, op: Op) -> Int32:
        """The right shift of each row of a `linear`, int32 [N]."""
        assert op.kernel is not None
        change = self.tensors[op.inputs[0]].frac - self.tensors[op.outputs[0]].frac
        return (self.kernels[op.kernel].frac.astype(np.int64) + change).astype(np.int32)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what a step reads: the input, then the states."""
        return (self.x, *(state.read for state in self.states))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what a step gives, each once: the output, then the new states."""
        return tuple(dict.fromkeys((self.y, *(state.write for state in self.states))))

    def next_states(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The states that the next step reads, by their names there, from the values that this step gave."""
        return {state.read: values[state.write] for state in self.states}

    def structure(self) -> dict[str, Any]:
        """All but the kernels, as JSON-able values."""
        return {
            "spec_version": SPEC_VERSION,
            "x": self.x,
            "y": self.y,
            "states": [asdict(state) for state in self.states],
            "tensors": [asdict(tensor) for tensor in self.tensors.values()],
            "ops": [asdict(op) for op in self.ops],
        }

    @classmethod
    def from_structure(cls, structure: Any, kernels: Mapping[str, Kernel]) -> "Program":
        """The inverse of `structure`. Raises ProgramError for anything but a legal program of this SPEC_VERSION."""
        try:
            version = structure["spec_version"]
            if version != SPEC_VERSION:
                raise ProgramError(f"the program has spec_version {version!r}, this edgernn knows {SPEC_VERSION} only")
            tensors = [Tensor(**entry) for entry in structure["tensors"]]
            operations = tuple(
                Op(o["kind"], tuple(o["inputs"]), tuple(o["outputs"]), o["kernel"]) for o in structure["ops"]
            )
            states = tuple(State(**entry) for entry in structure["states"])
            names = {tensor.name: tensor for tensor in tensors}
            if len(names) != len(tensors):
                raise ProgramError("the program names a tensor twice")
            return cls(names, operations, kernels, structure["x"], structure["y"], states)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ProgramError(f"the program is malformed: {error!r}") from error


class _Checker:
    """The rules, one method a kind."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def check(self) -> None:
        program = self.program
        for name in (*program.tensors, *program.kernels):
            self._check_name(name)
        for name, tensor in program.tensors.items():
            self._check_tensor(name, tensor)
        values = sum(tensor.size for tensor in program.tensors.values())
        self._require(
            values <= ops.MAX_VALUES, program.y, f"all tensors together have more than {ops.MAX_VALUES} values"
        )
        known = set(program.inputs)
        self._tensors(program.inputs, program.x)
        self._require(len(known) == len(program.inputs), program.x, "two inputs have one name")
        self._check_keys()
        matrix_operands = {program.x}
        for op in program.ops:
            self._check_op(op, known, matrix_operands)
        for state in program.states:
            read, write = self._tensors((state.read, state.write), state.write)
            same = (read.size, read.dtype, read.frac) == (write.size, write.dtype, write.frac)
            self._require(same, state.write, f"it does not fit the state {state.read!r}")
        missing = set(program.outputs) - known
        self._require(not missing, program.y, f"{sorted(missing)} are never computed")

    def _check_name(self, name: object) -> None:
        legal = isinstance(name, str) and _NAME.fullmatch(name) is not None
        self._require(legal, repr(name), "a name is identifiers joined by '/'")

    def _check_keys(self) -> None:
        """The states' identifiers are distinct, and neither "x" nor "y"."""
        taken = {"x", "y"}
        for state in self.program.states:
            key = identifier_of(state.read)
            self._require(key not in taken, state.read, f"a state can't be called so, {key!r} is taken")
            taken.add(key)

    def _check_tensor(self, where: str, tensor: Tensor) -> None:
        size = tensor.size
        self._require(tensor.name == where, where, f"its tensor is named {tensor.name!r}")
        self._require(type(size) is int and 0 < size <= ops.MAX_SIZE, where, f"its size is not 1..{ops.MAX_SIZE}")
        self._require(tensor.dtype in ops.OPERAND_LIMIT, where, f"dtype {tensor.dtype!r} is unknown")
        self._require(type(tensor.frac) is int, where, "frac is not an integer")
        self._require(abs(tensor.frac) <= ops.MAX_FRAC, where, "frac is out of range")

    def _check_op(self, op: Op, known: set[str], matrix_operands: set[str]) -> None:
        where = op.outputs[0] if op.outputs else "?"
        self._require(op.kind in _ARITY, where, f"op {op.kind!r} is unknown")
        self._require(len(op.inputs) == _ARITY[op.kind], where, f"{op.kind} has {len(op.inputs)} inputs")
        self._require(op.kind == "split" or len(op.outputs) == 1, where, f"{op.kind} has {len(op.outputs)} outputs")
        self._require(known >= set(op.inputs), where, f"{op.kind} reads {op.inputs} before they are computed")
        once = len(set(op.outputs)) == len(op.outputs) and not known & set(op.outputs)
        self._require(once, where, "it is computed twice")
        self._require(op.kind == "linear" or op.kernel is None, where, f"{op.kind} has a kernel")
        inputs, outputs = self._tensors(op.inputs, where), self._tensors(op.outputs, where)
        if op.kind == "linear":
            self._require(op.inputs[0] in matrix_operands, where, "the input of a linear must be an operand or x")
        else:
            self._require(all(t.dtype == "int16" for t in inputs), where, f"{op.kind} reads int16 only")
        if op.kind == "operand":
            matrix_operands.add(where)
        else:
            self._require(all(t.dtype == "int16" for t in outputs), where, f"{op.kind} gives int16 only")
        if op.kind not in ("linear", "split"):
            self._require(len({t.size for t in inputs + outputs}) == 1, where, f"the sizes of {op.kind} differ")
        getattr(self, f"_check_{op.kind}")(op, inputs, outputs)
        known.update(op.outputs)

    def _check_linear(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        (v,), (out,) = inputs, outputs
        kernel = self.program.kernels.get(op.kernel or "")
        if kernel is None:
            raise ProgramError(f"{out.name}: the kernel {op.kernel!r} is missing")
        legal = kernel.weights.dtype == np.int8 and kernel.bias.dtype == np.int32 and kernel.frac.dtype == np.int32
        legal = legal and kernel.weights.shape == (out.size, v.size)
        legal = legal and kernel.bias.shape == kernel.frac.shape == (out.size,)
        self._require(legal, out.name, f"the kernel {op.kernel!r} has another shape or dtype than its tensors")
        self._require(int(kernel.weights.min()) >= -127, out.name, "a weight is -128; weights stay within +-127")
        shifts = kernel.frac.astype(np.int64) + v.frac - out.frac
        self._require(bool(np.all((shifts >= 1) & (shifts <= ops.MAX_SHIFT))), out.name, "a row's shift is not 1..30")
        worst = accumulator_bound(kernel, v.dtype, shifts)
        self._require(int(worst.max()) <= ACCUMULATOR_LIMIT, out.name, f"row {int(worst.argmax())} can pass 2**30")

    def _check_operand(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self._require(abs(self.program.shift(op)) <= 15, outputs[0].name, "the shift is not within +-15")

    _check_requantize = _check_operand

    def _check_split(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        whole, parts = inputs[0], outputs
        equal = len({part.size for part in parts}) == 1 and sum(part.size for part in parts) == whole.size
        self._require(
            equal and all(p.frac == whole.frac for p in parts), whole.name, "it does not split into equal parts"
        )

    def _check_add(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        a, b, out = *inputs, outputs[0]
        self._require(abs(a.frac - b.frac) <= ops.MAX_ALIGN, out.name, "the inputs' scales are too far apart")
        shifts = max(a.frac, b.frac) - out.frac, out.frac - min(a.frac, b.frac)
        self._require(max(shifts) <= ops.MAX_ALIGN, out.name, "the output's scale is too far off")

    _check_sub = _check_add

    def _check_mul(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        shift = self.program.shift(op)
        self._require(ops.MIN_MUL_SHIFT <= shift <= ops.MAX_SHIFT, outputs[0].name, f"a mul can't shift by {shift}")

    def _check_sigmoid(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        expected = {"sigmoid": ops.SIGMOID_FRAC, "tanh": ops.TANH_FRAC}[op.kind]
        legal = (inputs[0].frac, outputs[0].frac) == (expected, ops.UNIT_FRAC)
        self._require(legal, outputs[0].name, f"{op.kind} reads frac {expected} and gives frac {ops.UNIT_FRAC}")

    _check_tanh = _check_sigmoid

    def _check_relu(self, op: Op, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self._require(inputs[0].frac == outputs[0].frac, outputs[0].name, "a relu does not change the scale")

    def _tensors(self, names: Iterable[str], where: str) -> list[Tensor]:
        missing = [name for name in names if name not in self.program.tensors]
        self._require(not missing, where, f"{missing} are not declared")
        return [self.program.tensors[name] for name in names]

    @staticmethod
    def _require(condition: bool, where: str, problem: str) -> None:
        if not condition:
            raise ProgramError(f"{where}: {problem}")


def accumulator_bound(kernel: Kernel, dtype: str, shifts: Array) -> Array:
    """The largest |W v| + |b| + 2**(m-1) of each row for any operand v of `dtype` and the rows' shifts m: int64 [N]."""
    products = np.abs(kernel.weights.astype(np.int64)).sum(axis=1) * ops.OPERAND_LIMIT[dtype]
    bound: Array = products + np.abs(kernel.bias.astype(np.int64)) + (1 << (shifts.astype(np.int64) - 1))
    return bound
