# SPDX-License-Identifier: Apache-2.0
"""What a step's C consists of: each kind of statement, how often it is written and how often it is executed.

It reads the text that `Step.body` gives, because that is what a compiler sees.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.backends.c.layout import BLOCK, Layout, rounded_up
from edgernn.backends.c.step import Step

_LOOP = re.compile(r"for \(size_t \w = 0; \w < (\w+); (?:\w \+= (\w+)|\+\+\w)\) \{")
_CALL = re.compile(r"edgernn_(linear|sparse)_(s8|s16)\(&(\w+), (.+), (\w+), \w+, .+\);")
_EXPAND = re.compile(r"edgernn_expand_(s8|s16)\(.+, (\d+)u, \w+\);")
_LANES = re.compile(r"edgernn_(load|store|store_s8)\((.+), [^,]+(?:, \w+)?\);")
_ELEMENTWISE = re.compile(r"= edgernn_(\w+)\(([^()]*)\);")
_COPY = re.compile(r"memcpy\(.+, (?:(\d+)u \* )?sizeof .+\);")
_ELEMENT_COPY = re.compile(r"\w+(?:->\w+)?\[i\] = .+\[i\];")
_ARRAY = re.compile(r"(int8_t|int16_t|edgernn_operand_s8_t|edgernn_operand_s16_t) (\w+)((?:\[[^\]]+\])+)(?: \w+)?;")
_CHUNK = 64
_VECTOR = 16
"""Columns that the vectors of MVE multiply at once."""
_HELD = 4
"""The most vectors of operands that its kernels hold in registers."""


@dataclass(frozen=True)
class StackArray:
    """An array on the stack: its type of element, how many, and the lines of the text at which it has to be kept."""

    kind: str
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Tally:
    """written: statements of each kind in the text; executed: what a step executes of each; functions: of the runtime,
    and its "table" where it is read."""

    written: Mapping[str, float]
    executed: Mapping[str, float]
    functions: frozenset[str]
    arrays: tuple[StackArray, ...]


def tally(step: Step, lanes: int) -> Tally:
    """Of a step whose elementwise loops compute so many elements a turn."""
    return _Reader(step, lanes).read()


class _Reader:
    def __init__(self, step: Step, lanes: int) -> None:
        self._layouts, self._lanes, self._text = step.layouts, lanes, step.body()
        self._tail = ""
        self._written: Counter[str] = Counter()
        self._executed: defaultdict[str, float] = defaultdict(float)
        self._functions: set[str] = set()

    def read(self) -> Tally:
        # Of each open block: the elements that its turns work on, chunk by chunk, and how many turns they take.
        blocks: list[tuple[Sequence[tuple[int, int]], float]] = []
        lines = [line.strip() for line in self._text.split("\n")]
        for line in lines:
            chunks, turns = blocks[-1] if blocks else (((0, 0),), 1.0)
            if loop := _LOOP.match(line):
                blocks.append(self._loop(loop[1], loop[2] or "1u", chunks, turns))
            elif line == "{":
                blocks.append((chunks, turns))
            elif line == "}":
                blocks.pop()
            elif line:
                self._statement(line, chunks, turns)
        if self._written["sigmoid"] + self._written["tanh"]:
            self._functions.add("table")
        return Tally(self._written, self._executed, frozenset(self._functions), tuple(_arrays(lines)))

    def _loop(
        self, limit: str, step: str, chunks: Sequence[tuple[int, int]], turns: float
    ) -> tuple[Sequence[tuple[int, int]], float]:
        if step == f"{_CHUNK}u":
            size = int(limit[:-1])
            parts = [(start, min(_CHUNK, size - start)) for start in range(0, size, _CHUNK)]
            self._note("chunk", len(parts))
            return parts, len(parts)
        sizes = [size for _, size in chunks] if limit == "n" else [int(limit[:-1])]
        lanes = self._lanes if step == "EDGERNN_LANES" else 1
        made = sum(-(-size // lanes) for size in sizes)
        self._note("loop", turns if limit == "n" else 1)
        self._note("turn", made)
        is_partial = any(size % lanes for size in sizes)
        self._tail = ("/open" if limit == "n" else "/partial") if is_partial else ""
        return chunks, made

    def _statement(self, line: str, chunks: Sequence[tuple[int, int]], turns: float) -> None:
        if call := _CALL.match(line):
            self._call(call[1], call[2], self._layouts[call[3]], call[4], call[5], chunks)
        elif expand := _EXPAND.match(line):
            self._expand(expand[1], int(expand[2]))
        elif lanes := _LANES.search(line):
            self._note(lanes[1] + self._tail, turns)
        elif elementwise := _ELEMENTWISE.search(line):
            for kind in _kinds(elementwise[1], elementwise[2]):
                self._note(kind, turns)
        elif copy := _COPY.match(line):
            self._note("copy", 1)
            self._executed["copied"] += float(copy[1] or 0)
        elif _ELEMENT_COPY.match(line):
            self._note("element", turns)

    def _note(self, kind: str, executed: float) -> None:
        self._written[kind] += 1
        self._executed[kind] += executed

    def _expand(self, form: str, columns: int) -> None:
        kind = f"expand_{form}"
        self._functions.add(kind)
        self._written[kind] += 1
        rest = columns % (_VECTOR if self._lanes > 1 else BLOCK)
        stays = not rest and (form == "s16") == (self._lanes == 1)
        self._executed[f"{kind}/call"] += 1
        if not stays:
            self._executed[f"{kind}/column"] += rounded_up(columns) if self._lanes == 1 else -(-columns // _VECTOR)
            self._executed[f"{kind}/rest"] += rest != 0

    def _call(
        self, kind: str, form: str, layout: Layout, place: str, count: str, chunks: Sequence[tuple[int, int]]
    ) -> None:
        name = f"{kind}_{form}"
        self._functions.add(name)
        self._written["linear"] += 1
        self._written["linear/offset"] += place != "0"
        for start, size in chunks if "i" in place else ((0, 0),):
            first = sum(start if term == "i" else int(term.rstrip("u")) for term in place.split(" + "))
            rows = size if count == "n" else int(count[:-1])
            for feature, times in self._of_bands(layout, first, rows):
                self._executed[f"{name}/{feature}"] += times

    def _of_bands(self, layout: Layout, first: int, rows: int) -> Iterator[tuple[str, float]]:
        """What a call does, by kind: its bands of four rows, and the blocks in them."""
        bands = -(-rows // BLOCK)
        yield "call", 1
        yield "band with bias" if layout.bias is not None else "band", bands
        yield "rest", rows % BLOCK != 0
        blocks: npt.NDArray[np.int64]
        if layout.first is not None:
            ends = layout.first.astype(np.int64)[first // BLOCK : first // BLOCK + bands + 1]
            blocks = ends[1:] - ends[:-1]
        else:
            blocks = np.full(bands, rounded_up(layout.columns) // BLOCK, np.int64)
        if self._lanes == 1:
            yield "block", float(blocks.sum())
            if layout.first is None:
                yield "odd", float((blocks % 2).sum())
            return
        vectors = -(-blocks * BLOCK // _VECTOR)
        held = layout.first is None and not layout.wide and int(vectors[0]) <= _HELD
        yield "held vector" if held else "vector", float(vectors.sum())
        yield "empty" if layout.first is not None else "not held", float((blocks == 0).sum() if not held else 0)
        yield "looped band", 0 if held else bands


def _arrays(lines: Sequence[str]) -> Iterator[StackArray]:
    """Arrays in the order of their declarations. They are kept from where they are first used to their block's end."""
    depth = 0
    depths = []
    for line in lines:
        depth -= line == "}"
        depths.append(depth)
        depth += line.endswith("{")
    for number, line in enumerate(lines):
        if found := _ARRAY.match(line):
            kind, name, dimensions = found.groups()
            sizes = [int(re.findall(r"\d+", one)[-1]) for one in re.findall(r"\[([^\]]+)\]", dimensions)]
            rest = range(number + 1, len(lines))
            first = next((k for k in rest if re.search(rf"\b{name}\b", lines[k])), number)
            last = next((k for k in rest if depths[k] < depths[number]), len(lines))
            yield StackArray(kind, int(np.prod(sizes)), first, last)


def _kinds(function: str, arguments: str) -> Iterator[str]:
    """A primitive's name, and what its constants add to it."""
    numbers = [int(text) for text in arguments.split(", ") if re.fullmatch(r"-?\d+", text)]
    if function in ("add", "sub"):
        a, b, result = numbers
        yield function
        if a != b:
            yield "align"
        if max(a, b) > result:
            yield "round"
        elif max(a, b) < result:
            yield "scale"
    elif function in ("requantize", "operand"):
        shift, kind = numbers[0], function
        if function == "operand":
            kind = "operand_s8" if "INT8" in arguments else "operand_s16"
        yield kind if shift > 0 else f"{kind}/exact"
    elif function == "mul_gate":
        yield function if numbers[0] >= 15 else f"{function}/saturated"
    else:
        yield "mul_gate/saturated" if function == "mul" else function  # No cell has the former: the nearest one.
