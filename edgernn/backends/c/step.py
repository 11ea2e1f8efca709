# SPDX-License-Identifier: Apache-2.0
"""The body of `<name>_step`: a schedule as straight calls of the runtime's primitives, and the constants they read."""

from collections.abc import Iterable, Iterator, Sequence

from edgernn.backends.c.layout import BLOCK, Layout, lay_out, rounded_up
from edgernn.backends.c.names import Identifiers
from edgernn.backends.c.schedule import Pass, Rows, schedule
from edgernn.spec.ops import Array
from edgernn.spec.program import Op, Program, State, layer_of

_ROWS = 64
"""Rows of each part of a matrix that are computed before they are used, at most; a multiple of _LANES."""
_LANES = 16
"""A multiple of the lanes of every family."""
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
        self._layouts = {
            op.outputs[0]: lay_out(
                program.kernels[op.kernel or ""],
                program.row_shifts(op),
                self._schedule.parts[op.outputs[0]],
                program.tensors[op.inputs[0]].dtype,
            )
            for op in program.ops
            if op.outputs[0] in self._schedule.parts
        }
        self._linears = [op for op in program.ops if op.outputs[0] in self._layouts]
        self._gates = {op.outputs[0] for op in program.ops if op.kind in ("sigmoid", "relu")}
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
    def layouts(self) -> dict[str, Layout]:
        """Every matrix by the name of its descriptor."""
        return {self._constant(op): self._layouts[op.outputs[0]] for op in self._linears}

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights, biases, shifts and places of blocks, without the descriptors."""
        return sum(layout.size for layout in self._layouts.values())

    @property
    def matrices(self) -> int:
        """Number of descriptors, each with one size_t."""
        return len(self._layouts)

    @property
    def pointers(self) -> int:
        """Number of pointers in all descriptors: edgernn_kernel_t has three, edgernn_sparse_t five."""
        return sum(3 if layout.index is None else 5 for layout in self._layouts.values())

    def constants(self) -> str:
        """Definitions of all matrices."""
        return "\n".join(self._kernel(op) for op in self._linears)

    def body(self) -> str:
        """The statements of the step, with what they declare."""
        lines = [*self._declarations(), *self._inputs()]
        if not self.members:
            lines.insert(0, "(void)state;")
        expanded: set[tuple[str, bool]] = set()
        for one in self._schedule.passes:
            layers = dict.fromkeys(layer_of(name) for name in one.results)
            needed = dict.fromkeys(self._form(rows.linear) for rows in one.rows)
            lines += ["", f"/* {', '.join(layers)} */"]
            for name, wide in needed:
                if (name, wide) not in expanded:
                    lines += self._expansion(name, wide)
            expanded.update(needed)
            lines += self._pass(one)
        return "\n".join(f"    {line}" if line else "" for line in [*lines, *self._results()])

    def _kernel(self, op: Op) -> str:
        layout, name = self._layouts[op.outputs[0]], self._constant(op)
        arrays: dict[str, tuple[str, Array | None]] = {
            "bias": ("int32_t", layout.bias),
            "shift": ("uint8_t", layout.shift),
            "first": ("uint16_t", layout.first),
            "index": ("uint8_t", layout.index),
        }
        names = {part: self._constant(op, part) for part, (_, values) in arrays.items() if values is not None}
        weights = self._constant(op, "weights")
        rows, columns = self._program.kernels[op.kernel or ""].weights.shape
        lines = [f"/* {op.kernel}: {columns} -> {rows} */", _weights(weights, layout)]
        lines += [_array(kind, names[part], values) for part, (kind, values) in arrays.items() if values is not None]
        descriptor = f"{{{weights}, {names.get('bias', 'NULL')}, {names['shift']}, {columns}u}}"
        if layout.index is not None:
            descriptor = f"{{{descriptor}, {names['first']}, {names['index']}}}"
        lines.append(f"static const {_type(layout)} {name} = {descriptor};\n")
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
        """The arrays that hold a computed tensor; the first one is where it is read, a state rather than y."""
        late = self._late()
        written = [state for state in self._program.states if state.write == name]
        places = [self._state(state) for state in written if state not in late]
        places += ["y"] if name == self._program.y else []
        places += [self._next(state) for state in written if state in late]
        return places if places and not self._is_narrow(name) else [self._vector_of(name), *places]

    def _vector_of(self, name: str) -> str:
        """The array of its own that a tensor has where it is no result."""
        return self._names(name, "vector")

    def _memory(self, name: str) -> str:
        """The array of a tensor in memory, with an offset for a part of another."""
        offset = 0
        while name in self._schedule.views:
            view = self._schedule.views[name]
            name, offset = view.source, offset + view.offset
        if name == self._program.x:
            array = "x"
        else:
            array = f"state->{self._members[name]}" if name in self._members else self._homes[name][0]
        return f"{array} + {offset}u" if offset else array

    def _declarations(self) -> Iterator[str]:
        for name in self._schedule.stored:
            if self._homes[name][0] == self._vector_of(name):
                aligned = " EDGERNN_ALIGNED" * self._is_narrow(name)
                yield f"{self._program.tensors[name].dtype}_t {self._vector_of(name)}[{self._size(name)}]{aligned};"
        for state in self._late():
            yield f"int16_t {self._next(state)}[{self._size(state.read)}];"

    def _size(self, name: str) -> int:
        return self._program.tensors[name].size

    def _form(self, linear: Op) -> tuple[str, bool]:
        """The operand of a matrix, and whether the kernel wants it as int16."""
        return linear.inputs[0], self._layouts[linear.outputs[0]].wide

    def _expanded(self, name: str, wide: bool) -> str:
        return self._names(name, _suffix(wide))

    def _expansion(self, name: str, wide: bool) -> Iterator[str]:
        """Brings an operand into the form that kernels read."""
        size, suffix, source = self._size(name), _suffix(wide), self._memory(name)
        if wide and self._is_narrow(name):
            vector = self._names(name, "wide")
            yield f"int16_t {vector}[{size}];"
            yield from _loop("i", size, [f"{vector}[i] = {source}[i];"])
            source = vector
        form, room = f"edgernn_operand_{suffix}_t", self._names(name, f"room_{suffix}")
        yield f"{form} {room}[EDGERNN_OPERANDS_{suffix.upper()}({size})] EDGERNN_ALIGNED;"
        yield f"const {form} *const {self._expanded(name, wide)} ="
        yield f"    edgernn_expand_{suffix}({source}, {size}u, {room});"

    def _inputs(self) -> Iterator[str]:
        """Copies of inputs that are results as they are."""
        for target, name in self._copies().items():
            if name in self._program.inputs:
                yield from self._copy(target, self._memory(name), name)

    def _results(self) -> Iterator[str]:
        """Copies of results that are parts of other vectors, then of states that nothing may overwrite before."""
        for target, name in self._copies().items():
            if name in self._schedule.views:
                yield from self._copy(target, self._memory(name), name)
        yield from (f"memcpy({self._state(s)}, {self._next(s)}, sizeof {self._next(s)});" for s in self._late())

    def _copies(self) -> dict[str, str]:
        """Arrays of results with the tensors that they are."""
        return {"y": self._program.y} | {self._next(state): state.write for state in self._late()}

    def _pass(self, one: Pass) -> Iterator[str]:
        if not one.ops:
            for rows in one.rows:
                yield self._linear(rows, "", f"{one.size}u", self._homes[rows.output][0])
        elif not one.rows:
            yield from _loop_of_lanes("i", one.size, self._elementwise(one, "i", "i"))
        elif one.size <= _ROWS:
            yield from self._at_once(one)
        else:
            yield from _loop("i", one.size, self._in_turn(one), step=f"{_ROWS}u")
        for name in one.results:
            for home in self._homes.get(name, [])[1:]:
                yield from self._copy(home, self._homes[name][0], name)

    def _copy(self, target: str, source: str, name: str) -> Sequence[str]:
        """Copies a tensor to an array of int16."""
        if self._is_narrow(name):
            return _loop("i", self._size(name), [f"{target}[i] = {source}[i];"])
        return [f"memcpy({target}, {source}, {self._size(name)}u * sizeof *{target});"]

    def _is_narrow(self, name: str) -> bool:
        return self._program.tensors[name].dtype == "int8"

    def _at_once(self, one: Pass) -> Iterator[str]:
        """All rows of every matrix, parts that follow one another in one call, then what is made of them."""
        width = rounded_up(one.size)
        lines = [f"int16_t rows[{len(one.rows)}][{width}];"]
        number = 0
        for parts in _runs(one.rows, one.size):
            lines.append(self._linear(parts[0], "", f"{width * len(parts)}u", f"rows[{number}]"))
            number += len(parts)
        lines += _loop_of_lanes("i", one.size, self._elementwise(one, "i", "i"))
        yield from ("{", *(f"    {line}" for line in lines), "}")

    def _in_turn(self, one: Pass) -> Iterator[str]:
        """_ROWS rows of every part, then what is made of them."""
        yield f"const size_t n = {one.size}u - i < {_ROWS}u ? {one.size}u - i : {_ROWS}u;"
        yield f"int16_t rows[{len(one.rows)}][{_ROWS}];"
        for number, rows in enumerate(one.rows):
            yield self._linear(rows, "i", "n", f"rows[{number}]")
        yield from _loop_of_lanes("j", "n", self._elementwise(one, "i", "j"))

    def _linear(self, rows: Rows, row: str, count: str, target: str) -> str:
        layout, part = self._layouts[rows.linear.outputs[0]], rows.first // self._size(rows.output)
        first = part * rounded_up(self._size(rows.output))
        place = " + ".join([f"{first}u"] * bool(first) + [row] * bool(row)) or "0"
        kind = "linear" if layout.index is None else "sparse"
        operands = self._expanded(*self._form(rows.linear))
        arguments = f"&{self._constant(rows.linear)}, {place}, {count}, {operands}, {target}"
        return f"edgernn_{kind}_{_suffix(layout.wide)}({arguments});"

    def _elementwise(self, one: Pass, block: str, row: str) -> Iterator[str]:
        """The ops of a pass for as many elements as there are lanes, from `row` on in what its rows gave.

        block: where those begin in memory, `row` itself if at its start.
        """
        count = f"{one.size}u" if row == block else "n"
        left = f"{count} - {row}" if one.size % _LANES else "EDGERNN_LANES"
        element = row if row == block else f"{block} + {row}"
        local: dict[str, str] = {}
        sources = {rows.output: f"rows[{number}] + {row}" for number, rows in enumerate(one.rows)}
        for op in one.ops:
            for name in op.inputs:
                if name not in local:
                    local[name] = self._names(name, "lanes")
                    source = sources.get(name) or f"{self._memory(name)} + {element}"
                    yield f"const edgernn_lanes_t {local[name]} = edgernn_load({source}, {left});"
            (name,) = op.outputs
            local[name] = self._names(name)
            function, inputs = self._primitive(op)
            arguments = ", ".join([*(local[tensor] for tensor in inputs), *self._scales(op)])
            yield f"const edgernn_lanes_t {local[name]} = edgernn_{function}({arguments});"
        for name in one.results:
            if name in self._homes:
                if name not in local:
                    local[name] = self._names(name, "lanes")
                    yield f"const edgernn_lanes_t {local[name]} = edgernn_load({sources[name]}, {left});"
                store = "edgernn_store_s8" if self._is_narrow(name) else "edgernn_store"
                yield f"{store}({self._homes[name][0]} + {element}, {left}, {local[name]});"

    def _primitive(self, op: Op) -> tuple[str, Sequence[str]]:
        """The function of an op and what it reads: of two factors, one that can't be negative comes first."""
        if op.kind == "mul":
            gates = [name for name in op.inputs if name in self._gates]
            if gates:
                return "mul_gate", (gates[0], op.inputs[1 - op.inputs.index(gates[0])])
        return op.kind, op.inputs

    def _scales(self, op: Op) -> list[str]:
        """The constant arguments of an op."""
        if op.kind in ("add", "sub"):
            return [str(self._program.tensors[name].frac) for name in (*op.inputs, *op.outputs)]
        if op.kind in ("mul", "requantize"):
            return [str(self._program.shift(op))]
        if op.kind == "operand":
            return [str(self._program.shift(op)), _LIMIT[self._program.tensors[op.outputs[0]].dtype]]
        return []


def _runs(rows: Sequence[Rows], size: int) -> list[list[Rows]]:
    """Parts of that size, in runs of those that follow one another in their matrix."""
    runs: list[list[Rows]] = []
    for one in rows:
        last = runs[-1][-1] if runs else None
        if last and last.linear is one.linear and one.first == last.first + size:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _type(layout: Layout) -> str:
    return "edgernn_kernel_t" if layout.index is None else "edgernn_sparse_t"


def _suffix(wide: bool) -> str:
    """What functions and types of int16 or int8 operands end with."""
    return "s16" if wide else "s8"


def _weights(name: str, layout: Layout) -> str:
    """An array of weights, a block a line."""
    macro = "EDGERNN_W_S16_BLOCK" if layout.wide else "EDGERNN_W_BLOCK"
    blocks = layout.words.reshape(-1, BLOCK * BLOCK).tolist() or [[0] * BLOCK * BLOCK]
    lines = [f"{macro}({', '.join(map(str, block))})" for block in blocks]
    size = f"{len(blocks) * BLOCK * BLOCK} + EDGERNN_SLACK"
    return _definition("uint8_t", name, size, ",\n".join(f"    {line}" for line in lines))


def _array(kind: str, name: str, values: Array) -> str:
    listed = values.ravel().tolist() or [0]
    return _definition(kind, name, str(len(listed)), numbers(listed))


def _definition(kind: str, name: str, size: str, values: str) -> str:
    return f"static const {kind} {name}[{size}] EDGERNN_ALIGNED = {{\n{values}\n}};"


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


def _loop(index: str, count: int | str, body: Iterable[str], step: str = "") -> Sequence[str]:
    limit = f"{count}u" if isinstance(count, int) else count
    advance = f"{index} += {step}" if step else f"++{index}"
    return [f"for (size_t {index} = 0; {index} < {limit}; {advance}) {{", *(f"    {line}" for line in body), "}"]


def _loop_of_lanes(index: str, count: int | str, body: Iterable[str]) -> Sequence[str]:
    """A loop whose turns compute as many elements as there are lanes; the macro has to stand right before it."""
    return ["EDGERNN_UNROLLED", *_loop(index, count, body, step="EDGERNN_LANES")]
