# SPDX-License-Identifier: Apache-2.0
"""The body of `<name>_step`: a schedule as straight calls of the runtime's primitives, and the constants they read."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from edgernn.backends.c.names import Identifiers
from edgernn.backends.c.schedule import Pass, Rows, schedule
from edgernn.spec.ops import Array, Int8
from edgernn.spec.program import Op, Program, State, layer_of

ROWS = 4
"""Rows that a block of weights interleaves: EDGERNN_ROWS of edgernn.h."""
_BLOCK = 16
"""Rows of a matrix that are computed before they are used; a multiple of ROWS."""
_LIMIT = {"int8": "EDGERNN_INT8_LIMIT", "int16": "EDGERNN_INT16_LIMIT"}
_WIDTH = 120


class Step:
    """C of one program: text of its state, its constants and its step."""

    def __init__(self, program: Program, prefix: str) -> None:
        """prefix: what the names of the model's own functions begin with."""
        self._program = program
        self._schedule = schedule(program)
        self._names = Identifiers(prefix)
        self._members = {state.read: self._names(state.read) for state in program.states}
        self._linears = [op for op in program.ops if op.outputs[0] in self._schedule.parts]
        self._homes = {name: self._places(name) for name in self._schedule.stored}

    @property
    def members(self) -> list[tuple[str, int]]:
        """Name and size of each int16 vector of the state."""
        return [(member, self._program.tensors[read].size) for read, member in self._members.items()]

    @property
    def state_values(self) -> int:
        """Number of int16 in the state."""
        return sum(size for _, size in self.members)

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights, biases and shifts."""
        kernels = [self._program.kernels[op.kernel or ""] for op in self._linears]
        return sum(k.weights.size + 4 * k.bias.size * bool(k.bias.any()) + k.bias.size for k in kernels)

    @property
    def kernel_count(self) -> int:
        """Number of `edgernn_kernel_t`."""
        return len(self._linears)

    def constants(self) -> str:
        """Definitions of all matrices."""
        return "\n".join(self._kernel(op) for op in self._linears)

    def body(self) -> str:
        """The statements of the step, with what they declare."""
        lines = [*self._declarations(), *self._inputs()]
        if not self.members:
            lines.insert(0, "(void)state;")
        for one in self._schedule.passes:
            layers = dict.fromkeys(layer_of(name) for name in one.results)
            lines += ["", f"/* {', '.join(layers)} */", *self._pass(one)]
        return "\n".join(f"    {line}" if line else "" for line in [*lines, *self._results()])

    def _kernel(self, op: Op) -> str:
        kernel, name = self._program.kernels[op.kernel or ""], self._constant(op)
        weights = interleave(kernel.weights, self._schedule.parts[op.outputs[0]])
        n, k = kernel.weights.shape
        shifts = self._program.row_shifts(op)
        arrays: dict[str, tuple[str, Array]] = {
            "weights": ("int8_t", weights),
            "bias": ("int32_t", kernel.bias),
            "shift": ("uint8_t", shifts),
        }
        if not kernel.bias.any():
            del arrays["bias"]
        names = {part: self._constant(op, part) for part in arrays}
        lines = [f"/* {op.kernel}: {k} -> {n} */"]
        lines += [_array(kind, names[part], values) for part, (kind, values) in arrays.items()]
        members = names["weights"], names.get("bias", "NULL"), names["shift"], f"{k}u"
        lines.append(f"static const edgernn_kernel_t {name} = {{{', '.join(members)}}};\n")
        return "\n".join(lines)

    def _constant(self, linear: Op, part: str = "") -> str:
        """The identifier of a matrix, or of one of its parts."""
        return self._names(linear.kernel or "", part, owner=linear.outputs[0])

    def _late(self) -> list[State]:
        """States that are written at the end of the step."""
        return [state for state in self._program.states if state.read not in self._schedule.in_place]

    def _state(self, state: State) -> str:
        return f"state->{self._members[state.read]}"

    def _next(self, state: State) -> str:
        return self._names(state.read, "next")

    def _places(self, name: str) -> list[str]:
        """The arrays that hold a computed tensor; the first one is where it is read."""
        places = ["y"] if name == self._program.y else []
        for state in self._program.states:
            if state.write == name:
                places.append(self._next(state) if state in self._late() else self._state(state))
        return places or [self._names(name, "vector")]

    def _memory(self, name: str) -> str:
        """The array of a tensor in memory, with an offset for a part of another."""
        offset = 0
        while name in self._schedule.views:
            view = self._schedule.views[name]
            name, offset = view.source, offset + view.offset
        if name == self._program.x:
            array = "x" if self._program.tensors[name].dtype == "int16" else self._names("x", "wide")
        else:
            array = f"state->{self._members[name]}" if name in self._members else self._homes[name][0]
        return f"{array} + {offset}u" if offset else array

    def _declarations(self) -> Iterator[str]:
        for name in self._schedule.stored:
            if self._homes[name] == [self._names(name, "vector")]:
                yield self._vector(self._homes[name][0], self._program.tensors[name].size)
        for state in self._late():
            yield self._vector(self._next(state), self._program.tensors[state.read].size)
        if self._reads_wide():
            yield self._vector(self._names("x", "wide"), self._program.tensors[self._program.x].size)

    @staticmethod
    def _vector(name: str, size: int) -> str:
        return f"int16_t {name}[{size}];"

    def _reads_wide(self) -> bool:
        x = self._program.x
        read = any(rows.linear.inputs[0] == x for one in self._schedule.passes for rows in one.rows)
        return read and self._program.tensors[x].dtype == "int8"

    def _inputs(self) -> Iterator[str]:
        """Copies of the input where it is needed wider, and of inputs that are results as they are."""
        program = self._program
        copies = {self._names("x", "wide"): program.x} if self._reads_wide() else {}
        copies |= {target: name for target, name in self._copies().items() if name in program.inputs}
        for target, name in copies.items():
            source = f"state->{self._members[name]}" if name in self._members else "x"
            yield from _loop("i", program.tensors[name].size, [f"{target}[i] = {source}[i];"])

    def _results(self) -> Iterator[str]:
        """Copies of results that are parts of other vectors, then of states that nothing may overwrite before."""
        for target, name in self._copies().items():
            if name in self._schedule.views:
                size = self._program.tensors[name].size
                yield f"memcpy({target}, {self._memory(name)}, {size}u * sizeof *{target});"
        yield from (f"memcpy({self._state(s)}, {self._next(s)}, sizeof {self._next(s)});" for s in self._late())

    def _copies(self) -> dict[str, str]:
        """Arrays of results with the tensors that they are."""
        return {"y": self._program.y} | {self._next(state): state.write for state in self._late()}

    def _pass(self, one: Pass) -> Iterator[str]:
        if not one.ops:
            for rows in one.rows:
                first, *others = self._homes[rows.output]
                yield self._linear(rows, f"{rows.first}u", f"{one.size}u", first)
                yield from (f"memcpy({other}, {first}, {one.size}u * sizeof *{first});" for other in others)
        elif not one.rows:
            yield from _loop("i", one.size, self._elementwise(one, "i", "i"))
        else:
            yield from _loop("i", one.size, self._block(one), step=_BLOCK)

    def _block(self, one: Pass) -> Iterator[str]:
        """A few rows of every matrix, then what is made of them."""
        whole = one.size % _BLOCK == 0
        if not whole:
            yield f"const size_t n = {one.size}u - i < {_BLOCK}u ? {one.size}u - i : {_BLOCK}u;"
        count = f"{_BLOCK}u" if whole else "n"
        for rows in one.rows:
            yield f"int16_t {self._names(rows.output)}[{_BLOCK}];"
        for rows in one.rows:
            first = f"{rows.first}u + i" if rows.first else "i"
            yield self._linear(rows, first, count, self._names(rows.output))
        yield from _loop("j", count, self._elementwise(one, "j", "i + j"))

    def _linear(self, rows: Rows, first: str, count: str, target: str) -> str:
        kernel, operand = self._constant(rows.linear), self._memory(rows.linear.inputs[0])
        return f"edgernn_linear(&{kernel}, {first}, {count}, {operand}, {target});"

    def _elementwise(self, one: Pass, row: str, element: str) -> Iterator[str]:
        """The ops of a pass for one element; `row` indexes what its rows gave, `element` what is in memory."""
        local = {rows.output: f"{self._names(rows.output)}[{row}]" for rows in one.rows}
        for op in one.ops:
            (name,) = op.outputs
            arguments = [local.get(tensor) or self._element(tensor, element) for tensor in op.inputs]
            local[name] = self._names(name)
            yield f"const int16_t {local[name]} = edgernn_{op.kind}({', '.join([*arguments, *self._scales(op)])});"
        for name in one.results:
            yield from (f"{place}[{element}] = {local[name]};" for place in self._homes.get(name, ()))

    def _element(self, name: str, index: str) -> str:
        memory = self._memory(name)
        return f"({memory})[{index}]" if "+" in memory else f"{memory}[{index}]"

    def _scales(self, op: Op) -> list[str]:
        """The constant arguments of an op."""
        if op.kind in ("add", "sub"):
            return [str(self._program.tensors[name].frac) for name in (*op.inputs, *op.outputs)]
        if op.kind in ("mul", "requantize"):
            return [str(self._program.shift(op))]
        if op.kind == "operand":
            return [str(self._program.shift(op)), _LIMIT[self._program.tensors[op.outputs[0]].dtype]]
        return []


def interleave(weights: Int8, parts: int) -> Int8:
    """Weights [N, K] in the order of `edgernn_kernel_t`, every one of `parts` equal parts of the rows on its own."""
    return np.concatenate([_interleaved(part) for part in np.split(weights, parts)])


def _interleaved(rows: Int8) -> Int8:
    whole = len(rows) - len(rows) % ROWS
    blocks = rows[:whole].reshape(-1, ROWS, rows.shape[1]).transpose(0, 2, 1)
    return np.concatenate([blocks.ravel(), rows[whole:].ravel()])


def _array(kind: str, name: str, values: Array) -> str:
    return f"static const {kind} {name}[{values.size}] EDGERNN_ALIGNED = {{\n{numbers(values.ravel().tolist())}\n}};"


def numbers(values: Iterable[object]) -> str:
    """Values with commas, in lines of a sensible width."""
    lines, line = [], "   "
    for value in values:
        text = f" {value},"
        if len(line) + len(text) > _WIDTH:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([*lines, line])


def _loop(index: str, count: int | str, body: Iterable[str], step: int = 1) -> Sequence[str]:
    limit = f"{count}u" if isinstance(count, int) else count
    advance = f"++{index}" if step == 1 else f"{index} += {step}u"
    return [f"for (size_t {index} = 0; {index} < {limit}; {advance}) {{", *(f"    {line}" for line in body), "}"]
