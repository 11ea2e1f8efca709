# SPDX-License-Identifier: Apache-2.0
"""Compares every output and every state of every step between the reference and the engines, bit for bit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from edgernn.artifact import Model
from edgernn.backends.runtime import Engine, Stepper
from edgernn.errors import EdgernnError
from edgernn.golden import Golden
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import Array
from edgernn.spec.program import SPEC_VERSION, Program

Status = Literal["agrees", "differs", "unavailable"]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Difference:
    """Where an engine first leaves the reference.

    window, step, index: the first differing value, with both values; tensor: "y" or the name that a state is read by;
    op: the first op of the graph whose result differs at that step, as "kind tensor".
    """

    window: int
    step: int
    tensor: str
    index: int
    expected: int
    found: int
    op: str

    def __str__(self) -> str:
        return (
            f"window {self.window}, step {self.step}, {self.tensor}[{self.index}]: expected {self.expected}, "
            f"found {self.found}; first op whose result differs: {self.op}"
        )


@dataclass(frozen=True)
class Result:
    """One engine's comparison; `reason` says why it is unavailable."""

    name: str
    kernels: str
    architecture: str
    version: str
    status: Status
    reason: str
    steps: int
    values: int
    mismatches: int
    max_abs_diff: int
    first_difference: Difference | None


@dataclass(frozen=True)
class Report:
    """All comparisons of one artifact."""

    runtimes: tuple[Result, ...]

    @property
    def agrees(self) -> bool:
        """Whether there are engines, and all of them ran and gave the reference's bytes."""
        return bool(self.runtimes) and all(result.status == "agrees" for result in self.runtimes)

    @property
    def values_compared(self) -> int:
        """Values compared, over all engines."""
        return sum(result.values for result in self.runtimes)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        return {
            "spec_version": SPEC_VERSION,
            "values_compared": self.values_compared,
            "runtimes": [asdict(result) for result in self.runtimes],
        }


def validate(
    model: Model, golden: Golden, engines: Sequence[Engine], progress: Progress = lambda steps: None
) -> Report:
    """Steps every engine through the golden windows, each window from a state of zero.

    progress: called with the number of steps done since its last call; there are len(engines) * golden.steps of them.
    """
    return Report(tuple(_compare(model, golden, engine, progress) for engine in engines))


def _compare(model: Model, golden: Golden, engine: Engine, progress: Progress) -> Result:
    version, found, reason = "", _Found(), ""
    try:
        version = engine.version()
        found = _step_through(model, golden, engine.load(model.folder, model.integer), progress)
    except EdgernnError as error:
        reason = str(error) or type(error).__name__
    status: Status = "unavailable" if reason else "differs" if found.mismatches else "agrees"
    return Result(
        name=engine.name,
        kernels=engine.kernels,
        architecture=engine.architecture,
        version=version,
        status=status,
        reason=reason,
        steps=0 if reason else golden.steps,
        values=found.values,
        mismatches=found.mismatches,
        max_abs_diff=found.max_abs_diff,
        first_difference=found.first_difference,
    )


@dataclass
class _Found:
    """What a comparison has found so far."""

    values: int = 0
    mismatches: int = 0
    max_abs_diff: int = 0
    first_difference: Difference | None = None


def _step_through(model: Model, golden: Golden, stepper: Stepper, progress: Progress) -> _Found:
    found = _Found()
    windows = len(golden.lengths)
    groups = [slice(0, windows)] if stepper.batch else [slice(i, i + 1) for i in range(windows)]
    for group in groups:
        part = golden.take(group)
        values = _run(model, stepper, part.x if stepper.batch else part.x[0])
        values = {name: array if stepper.batch else array[None] for name, array in values.items()}
        _count(found, part, values)
        if found.mismatches and found.first_difference is None:
            found.first_difference = _locate(model, stepper, part, values, group.start)
        progress(part.steps)
    return found


def _count(found: _Found, golden: Golden, values: Mapping[str, Array]) -> None:
    """Adds the comparison of these windows' values."""
    inside = golden.mask
    for name, expected in _expected(golden).items():
        if name in values:
            gap = np.abs(values[name].astype(np.int64) - expected)[inside]
            found.values += gap.size
            found.mismatches += int(np.count_nonzero(gap))
            found.max_abs_diff = max(found.max_abs_diff, int(gap.max(initial=0)))


def _expected(golden: Golden) -> dict[str, Array]:
    """The reference's values [n, T, size] by the names of a `Difference`; no state is read by the name "y"."""
    return {"y": golden.y, **golden.states}


def _compared(program: Program) -> dict[str, str]:
    """The tensors to compare, each once, by the names of a `Difference`: "y" where a tensor is also a state."""
    names = {program.y: "y"}
    for state in program.states:
        names.setdefault(state.write, state.read)
    return {name: tensor for tensor, name in names.items()}


def _run(model: Model, stepper: Stepper, x: Array) -> dict[str, Array]:
    """The engine's values [..., T, size] of what is compared, for operands [..., T, F]."""
    program = model.integer.program
    compared = _compared(program)
    sizes = {name: program.tensors[tensor].size for name, tensor in compared.items()}
    found = {name: np.empty((*x.shape[:-1], size), np.int16) for name, size in sizes.items()}
    states = model.integer.zero_states(x.shape[:-2])
    for t in range(x.shape[-2]):
        outputs = stepper.step({program.x: x[..., t, :], **states})
        states = program.next_states(outputs)
        for name, array in found.items():
            array[..., t, :] = outputs[compared[name]]
    return found


def _locate(model: Model, stepper: Stepper, golden: Golden, values: Mapping[str, Array], offset: int) -> Difference:
    """The first difference, in the first window that has one; `offset` is the number of the first window here.

    Up to its step all states agree, so it is repeated from golden ones.
    """
    program, expected = model.integer.program, _expected(golden)
    wrong = {name: (array != expected[name]) & golden.mask[..., None] for name, array in values.items()}
    window = min(int(np.argmax(flags.any(axis=(1, 2)))) for flags in wrong.values() if flags.any())
    steps = {name: np.flatnonzero(flags[window].any(axis=1)) for name, flags in wrong.items()}
    step = min(int(found[0]) for found in steps.values() if found.size)
    tensor = next(name for name, flags in wrong.items() if flags[window, step].any())
    index = int(np.argmax(wrong[tensor][window, step]))
    inputs = {program.x: golden.x[window, step], **model.integer.zero_states()}
    if step:
        inputs |= {name: states[window, step - 1] for name, states in golden.states.items()}
    op = next(_differing_ops(program, inputs, stepper), "none when the step is repeated on its own")
    right, actual = expected[tensor][window, step, index], values[tensor][window, step, index]
    return Difference(offset + window, step, tensor, index, int(right), int(actual), op)


def _differing_ops(program: Program, inputs: dict[str, Array], stepper: Stepper) -> Iterator[str]:
    expected, found = Interpreter(program).step(inputs), stepper.trace(inputs)
    for op in program.ops:
        for name in op.outputs:
            if name in found and not np.array_equal(expected[name], found[name]):
                yield f"{op.kind} {name}"
