# SPDX-License-Identifier: Apache-2.0
"""Orders a program for C: passes over vectors of one size, in which everything elementwise is fused.

A `linear` needs its operand whole, so operands live in memory and end a pass; everything between them is computed
element by element, in registers. The parts of a `linear` that is only ever split are rows of it, computed where they
are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edgernn.spec.program import Op, Program


@dataclass(frozen=True)
class Rows:
    """Rows of a `linear` that become the tensor `output`, from row `first` on."""

    linear: Op
    output: str
    first: int


@dataclass(frozen=True)
class Pass:
    """One loop over `size` elements: first the rows, then the elementwise ops, in order."""

    size: int
    rows: tuple[Rows, ...]
    ops: tuple[Op, ...]

    @property
    def results(self) -> tuple[str, ...]:
        """The tensors that it computes."""
        return (*(rows.output for rows in self.rows), *(op.outputs[0] for op in self.ops))


@dataclass(frozen=True)
class View:
    """A tensor that is a part of another one in memory, from element `offset` on."""

    source: str
    offset: int


@dataclass(frozen=True)
class Schedule:
    """A step's order.

    passes: what to compute, in order; views: tensors that are parts of others; stored: computed tensors that have to be
    in memory, in order; parts: into how many parts of its rows each `linear` is laid out, by its output;
    in_place: states whose new value may replace the old one where it is computed.
    """

    passes: tuple[Pass, ...]
    views: Mapping[str, View]
    stored: tuple[str, ...]
    parts: Mapping[str, int]
    in_place: frozenset[str]


def schedule(program: Program) -> Schedule:
    """The order of a step of `program`, without ops that no output depends on."""
    return _Scheduler(program).run()


class _Scheduler:
    """Levels are numbers of passes: a tensor's is the pass that computes it, -1 for an input."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._ops = _live(program)
        self._readers: dict[str, list[Op]] = {name: [] for op in self._ops for name in (*op.inputs, *op.outputs)}
        for op in self._ops:
            for name in op.inputs:
                self._readers[name].append(op)
        self._splits = {op.outputs[0]: split for op in self._ops if (split := self._only_split(op))}
        self._views = self._find_views()
        self._level = dict.fromkeys(program.inputs, -1)

    def run(self) -> Schedule:
        for op in self._ops:
            self._place(op)
        for op in reversed(self._ops):
            self._delay(op)
        passes = self._passes()
        number = {name: i for i, one in enumerate(passes) for name in one.results}
        stored = tuple(name for name in number if self._in_memory(name, number))
        parts = {op.outputs[0]: len(self._parts(op)) for op in self._ops if op.kind == "linear"}
        in_place = frozenset(s.read for s in self._program.states if self._is_in_place(s.read, s.write, number))
        return Schedule(passes, self._views, stored, parts, in_place)

    def _only_split(self, op: Op) -> Op | None:
        """The split that is the only reader of a `linear`."""
        readers = self._readers[op.outputs[0]]
        alone = op.kind == "linear" and len(readers) == 1 and op.outputs[0] not in self._program.outputs
        return readers[0] if alone and readers[0].kind == "split" else None

    def _parts(self, linear: Op) -> tuple[str, ...]:
        """The tensors that rows of a `linear` become."""
        return self._splits.get(linear.outputs[0], linear).outputs

    def _find_views(self) -> dict[str, View]:
        views = {}
        for op in self._ops:
            if op.kind == "split" and op.inputs[0] not in self._splits:
                size = self._program.tensors[op.outputs[0]].size
                views.update({name: View(op.inputs[0], i * size) for i, name in enumerate(op.outputs)})
        return views

    def _place(self, op: Op) -> None:
        """Gives the results of `op` the first level that they can have."""
        if op.kind == "linear":
            level = self._level[op.inputs[0]] + 1
        elif op.kind == "split":
            level = self._level[op.inputs[0]]
        else:
            level = max(self._level[name] + (name in self._views or self._level[name] < 0) for name in op.inputs)
        self._level.update(dict.fromkeys(op.outputs, level))

    def _delay(self, op: Op) -> None:
        """Moves `op` to the last level that does, so that its results need not wait in memory."""
        names = self._parts(op) if op.kind == "linear" else op.outputs
        if op.kind == "split" or set(names) & set(self._program.outputs):
            return
        level = min(self._needed(name) for name in names if self._readers[name])
        self._level.update(dict.fromkeys((*op.outputs, *names), level))

    def _needed(self, name: str) -> int:
        """The last level that a tensor can have; parts of it that are only results can wait for the end."""
        last = len(self._ops)
        for reader in self._readers[name]:
            if reader.kind == "split":
                last = min(last, *(self._needed(part) for part in reader.outputs))
            else:
                last = min(last, self._level[reader.outputs[0]] - (reader.kind == "linear" or name in self._views))
        return last

    def _passes(self) -> tuple[Pass, ...]:
        rows: dict[tuple[int, int], list[Rows]] = {}
        ops: dict[tuple[int, int], list[Op]] = {}
        for op in self._ops:
            key = self._level[op.outputs[0]], self._program.tensors[op.outputs[0]].size
            if op.kind == "linear":
                parts = self._parts(op)
                size = self._program.tensors[parts[0]].size
                used = [Rows(op, name, i * size) for i, name in enumerate(parts) if self._is_read(name)]
                rows.setdefault((key[0], size), []).extend(used)
            elif op.kind != "split":
                ops.setdefault(key, []).append(op)
        keys = sorted(dict.fromkeys((*rows, *ops)))
        return tuple(Pass(key[1], tuple(rows.get(key, ())), tuple(ops.get(key, ()))) for key in keys)

    def _is_read(self, name: str) -> bool:
        return bool(self._readers[name]) or name in self._program.outputs

    def _in_memory(self, name: str, number: Mapping[str, int]) -> bool:
        """Whether a tensor is a result, or is read as a whole, by a split, or in another pass."""
        return name in self._program.outputs or any(
            reader.kind in ("linear", "split") or number[reader.outputs[0]] != number[name]
            for reader in self._readers[name]
        )

    def _is_in_place(self, read: str, write: str, number: Mapping[str, int]) -> bool:
        """Whether nothing needs the old state after its new value, and nothing at another element than that one."""
        if write not in number or read in self._program.outputs:
            return False
        readers = self._readers.get(read, [])
        return all(op.kind != "split" and number[op.outputs[0]] <= number[write] for op in readers)


def _live(program: Program) -> tuple[Op, ...]:
    """The ops that an output depends on."""
    needed, kept = set(program.outputs), []
    for op in reversed(program.ops):
        if needed & set(op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return tuple(reversed(kept))
