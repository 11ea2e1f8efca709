# SPDX-License-Identifier: Apache-2.0
"""Compares every output and every state of every step between the reference and the runtimes, bit for bit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from edgernn.artifact import Model
from edgernn.backends.runtime import Runtime, Stepper
from edgernn.errors import EdgernnError
from edgernn.golden import Golden
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import Array
from edgernn.spec.program import SPEC_VERSION, Program

Status = Literal["agrees", "differs", "unavailable"]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Difference:
    """Where a runtime first leaves the reference.

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
    """One runtime's comparison; `reason` says why it is unavailable."""

    name: str
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
        """Whether there are runtimes, and all of them ran and gave the reference's bytes."""
        return bool(self.runtimes) and all(result.status == "agrees" for result in self.runtimes)

    @property
    def values_compared(self) -> int:
        """Values compared, over all runtimes."""
        return sum(result.values for result in self.runtimes)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        return {
            "spec_version": SPEC_VERSION,
            "values_compared": self.values_compared,
            "runtimes": [asdict(result) for result in self.runtimes],
        }


def validate(
    model: Model, golden: Golden, runtimes: Sequence[Runtime], progress: Progress = lambda steps: None
) -> Report:
    """Steps every runtime through the golden windows, each carrying its own state.

    progress: called with the number of steps done since its last call; there are len(runtimes) * golden.steps of them.
    """
    return Report(tuple(_compare(model, golden, runtime, progress) for runtime in runtimes))


def _compare(model: Model, golden: Golden, runtime: Runtime, progress: Progress) -> Result:
    version = ""
    try:
        version = runtime.version()
        stepper = runtime.load(model.folder, model.integer)
        return _step_through(model, golden, runtime.name, version, stepper, progress)
    except EdgernnError as error:
        return Result(runtime.name, version, "unavailable", str(error), 0, 0, 0, 0, None)


def _step_through(
    model: Model, golden: Golden, name: str, version: str, stepper: Stepper, progress: Progress
) -> Result:
    expected = _expected(golden)
    values = mismatches = largest = 0
    first: Difference | None = None
    for window, length in enumerate(golden.lengths):
        found = _run_window(model, stepper, golden.x[window, :length])
        for tensor, array in found.items():
            gap = np.abs(array.astype(np.int64) - expected[tensor][window, :length])
            values += gap.size
            mismatches += int(np.count_nonzero(gap))
            largest = max(largest, int(gap.max(initial=0)))
        if mismatches and first is None:
            first = _locate(model, stepper, golden, window, found)
        progress(int(length))
    status: Status = "differs" if mismatches else "agrees"
    return Result(name, version, status, "", golden.steps, values, mismatches, largest, first)


def _expected(golden: Golden) -> dict[str, Array]:
    """The reference's values by the names of a `Difference`; no state is read by the name "y"."""
    return {"y": golden.y, **golden.states}


def _compared(program: Program) -> dict[str, str]:
    """The tensors to compare, each once, by the names of a `Difference`: "y" where a tensor is also a state."""
    names = {program.y: "y"}
    for state in program.states:
        names.setdefault(state.write, state.read)
    return {name: tensor for tensor, name in names.items()}


def _run_window(model: Model, stepper: Stepper, x: Array) -> dict[str, Array]:
    """The runtime's values [T, size] of what is compared, for one window of operands [T, F]."""
    program = model.integer.program
    compared = _compared(program)
    found = {name: np.empty((len(x), program.tensors[tensor].size), np.int16) for name, tensor in compared.items()}
    states = model.integer.zero_states()
    for t, sample in enumerate(x):
        outputs = stepper.step({program.x: sample, **states})
        states = program.next_states(outputs)
        for name, array in found.items():
            array[t] = outputs[compared[name]]
    return found


def _locate(model: Model, stepper: Stepper, golden: Golden, window: int, found: dict[str, Array]) -> Difference:
    """The first difference of this window. Up to its step all states agree, so it is repeated from golden ones."""
    program, length, expected = model.integer.program, int(golden.lengths[window]), _expected(golden)
    wrong = {name: array != expected[name][window, :length] for name, array in found.items()}
    step = min(int(np.argmax(flags.any(axis=1))) for flags in wrong.values() if flags.any())
    tensor = next(name for name, flags in wrong.items() if flags[step].any())
    index = int(np.argmax(wrong[tensor][step]))
    inputs = {program.x: golden.x[window, step], **model.integer.zero_states()}
    if step:
        inputs |= {name: values[window, step - 1] for name, values in golden.states.items()}
    op = next(_differing_ops(program, inputs, stepper), "none when the step is repeated on its own")
    right, actual = expected[tensor][window, step, index], found[tensor][step, index]
    return Difference(window, step, tensor, index, int(right), int(actual), op)


def _differing_ops(program: Program, inputs: dict[str, Array], stepper: Stepper) -> Iterator[str]:
    expected, found = Interpreter(program).step(inputs), stepper.trace(inputs)
    for op in program.ops:
        for name in op.outputs:
            if name in found and not np.array_equal(expected[name], found[name]):
                yield f"{op.kind} {name}"
