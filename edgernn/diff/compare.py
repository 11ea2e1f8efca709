# SPDX-License-Identifier: Apache-2.0
"""Kernel paths side by side: which results differ, and the first operator that differs although its inputs agree."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from edgernn.backends.tflite.expose import with_outputs
from edgernn.diff.exact import Real, exact
from edgernn.diff.graph import Graph, Op
from edgernn.diff.paths import Observation, Runner, Values, constants
from edgernn.diff.samples import Sample, Samples
from edgernn.errors import EdgernnError, ModelError, WorkerError
from edgernn.workers.environments import KernelPath

BASES = ("reference", "builtin")
"""Kernels that are the base if nothing else is said, the best first: the plainest source."""

Status = Literal["base", "agrees", "differs inside", "differs", "unavailable"]
Progress = Callable[[int], None]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Count:
    """Values compared, those whose bytes differ, and the largest difference, in units of the integers."""

    values: int = 0
    differing: int = 0
    largest: float = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.values + other.values, self.differing + other.differing, max(self.largest, other.largest))

    @property
    def share(self) -> float:
        """Of the values, 0 where there are none."""
        return self.differing / self.values if self.values else 0.0


@dataclass(frozen=True)
class OpCount:
    """An operator's results on one path: all samples, and those where its inputs are those of the base."""

    op: Op
    all: Count
    equal_inputs: Count


@dataclass(frozen=True, eq=False)
class Culprit:
    """The first operator that differs although its inputs agree, at the first sample where one does.

    inputs: by the indices of tensors, constants as well, those that can be read; expected, found: the base's result
    and this path's, of the tensor `result`; exact: the result in real numbers, where it is known;
    keeps: whether the operator also reads what earlier samples left, which can't be seen and may be what differs.
    """

    place: str
    op: Op
    inputs: Values
    result: int
    expected: npt.NDArray[Any]
    found: npt.NDArray[Any]
    exact: Real | None
    keeps: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """One path against the base.

    outputs: all outputs of the model; ops: operators in graph order, where any result differs; first: None where none
    is to blame; disturbed: output values that are others when all results are outputs; reason: why it is unavailable.
    """

    name: str
    version: str
    status: Status
    reason: str
    outputs: Count
    ops: tuple[OpCount, ...]
    first: Culprit | None
    disturbed: int

    def differs_like(self, other: "Comparison") -> bool:
        """Whether both give the same wrong result first, and the same counts of every operator."""
        if self.first is None or other.first is None or (self.ops, self.outputs) != (other.ops, other.outputs):
            return False
        ours, theirs = self.first, other.first
        return (ours.place, ours.op) == (theirs.place, theirs.op) and ours.found.tobytes() == theirs.found.tobytes()


@dataclass(frozen=True, eq=False)
class Report:
    """All paths against the base, which stands first of those that ran; pairs: outputs of any two paths that ran."""

    graph: Graph
    base: str
    samples: int
    paths: tuple[Comparison, ...]
    pairs: Mapping[tuple[str, str], Count]

    @property
    def agrees(self) -> bool:
        """Whether at least two paths ran, all that were asked for, and gave the same bytes in every result."""
        return len(self.paths) > 1 and all(path.status in ("base", "agrees") for path in self.paths)


def compare(
    content: bytes,
    graph: Graph,
    samples: Samples,
    paths: Sequence[KernelPath],
    base: str = "",
    progress: Progress = lambda samples: None,
) -> Report:
    """Runs every sample on every path and compares with `base` ("": the first of BASES, or the first path).

    A path that can't be had, refuses the model or dies is "unavailable". progress: called with the number of samples
    done since its last call. Raises ModelError when no path takes the model, WorkerError when the base fails.
    """
    if not graph.results:
        raise ModelError("the model computes nothing that can be compared")
    session = _Session(content, graph, samples, paths)
    try:
        session.start(base)
        for sample in samples:
            session.step(sample)
            progress(1)
        return session.report()
    finally:
        session.close()


class _Session:
    """The runners that live, and what has been counted so far. Runners take turns on as many threads as processors."""

    def __init__(self, content: bytes, graph: Graph, samples: Samples, paths: Sequence[KernelPath]) -> None:
        self._graph, self._samples = graph, samples
        self._paths = {path.name: path for path in paths}
        self._readable = _readable(graph, graph.outputs)
        self._reasons: dict[str, str] = {}
        self._runners: dict[str, Runner] = {}
        self._tallies = {name: _Tally(graph) for name in self._paths}
        self._pairs = {pair: Count() for pair in combinations(self._paths, 2)}
        self._base = ""
        self._pool = ThreadPoolExecutor(os.cpu_count())
        exposed = _exposed(content, graph)
        self._open = partial(Runner, graph=graph, content=content, exposed=exposed, samples=samples)

    def close(self) -> None:
        """Ends all workers, also one that is just asked something, and then the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for runner in self._runners.values():
            runner.close()
        self._pool.shutdown()

    def start(self, base: str) -> None:
        """Opens the paths and settles the base."""
        opened = self._pool.map(partial(_caught, self._open), self._paths.values())
        for name, runner in zip(self._paths, opened, strict=True):
            if isinstance(runner, Runner):
                self._runners[name] = runner
            else:
                self._reasons[name] = str(runner)
        if not self._runners:
            raise ModelError(f"no runtime takes the model: {'; '.join(self._reasons.values())}")
        self._base = base or min(self._runners, key=self._rank)
        self._check_base()

    def step(self, sample: Sample) -> None:
        place = self._samples.place(sample.window, sample.step)
        runs = self._pool.map(lambda runner: _caught(runner.run, sample), self._runners.values())
        seen: dict[str, Observation] = {}
        for name, outcome in zip(list(self._runners), runs, strict=True):
            if isinstance(outcome, Observation):
                seen[name] = outcome
            else:
                self._reasons[name] = f"{outcome}, at {place}"
                self._runners.pop(name).close()
        self._check_base()
        for name, observation in seen.items():
            self._tallies[name].add(seen[self._base], observation, place)
        for first, second in combinations(seen, 2):
            self._pairs[first, second] += _count(seen[first].outputs, seen[second].outputs, self._readable)

    def report(self) -> Report:
        names = sorted(self._paths, key=lambda name: (name != self._base, name in self._reasons))
        pairs = {pair: count for pair, count in self._pairs.items() if not set(pair) & set(self._reasons)}
        comparisons = tuple(self._comparison(name) for name in names)
        return Report(self._graph, self._base, self._samples.count, comparisons, pairs)

    def _rank(self, name: str) -> int:
        kernels = self._paths[name].kernels
        return BASES.index(kernels) if kernels in BASES else len(BASES)

    def _check_base(self) -> None:
        if self._base not in self._runners:
            raise WorkerError(f"{self._reasons[self._base]}: take another runtime as the base")

    def _comparison(self, name: str) -> Comparison:
        path, reason = self._paths[name], self._reasons.get(name, "")
        version = path.variant.version if path.environment.installed() else ""
        if reason:
            return Comparison(name, version, "unavailable", reason, Count(), (), None, 0)
        tally = self._tallies[name]
        ops = tuple(tally.ops())
        status: Status = "differs" if tally.outputs.differing else "differs inside" if ops else "agrees"
        if name == self._base:
            status = "base"
        return Comparison(name, version, status, "", tally.outputs, ops, tally.first, tally.disturbed)


def _exposed(content: bytes, graph: Graph) -> bytes:
    try:
        return with_outputs(content, graph.results)
    except Exception as error:
        # The generated classes raise whatever odd values lead to.
        raise ModelError(f"its results can't be made outputs ({type(error).__name__})") from error


def _caught(work: Callable[[T], R], given: T) -> R | EdgernnError:
    """What `work` returns, or what it raises about a runtime."""
    try:
        return work(given)
    except EdgernnError as error:
        return error


class _Tally:
    """What has been counted of one path."""

    def __init__(self, graph: Graph) -> None:
        self.outputs = Count()
        self.first: Culprit | None = None
        self.disturbed = 0
        self._graph = graph
        self._readable = _readable(graph, graph.outputs)
        self._computed = tuple(index for index in self._readable if index in graph.results)
        self._results = [_readable(graph, op.outputs) for op in graph.ops]
        self._all = [Count()] * len(graph.ops)
        self._equal = [Count()] * len(graph.ops)

    def add(self, base: Observation, found: Observation, place: str) -> None:
        both = _Both(base, found)
        self.outputs += _count(base.outputs, found.outputs, self._readable)
        self.disturbed += _count(found.outputs, found.results, self._computed).differing
        for op, results in zip(self._graph.ops, self._results, strict=True):
            count = both.count(results)
            self._all[op.index] += count
            if not both.differ(op.given):
                self._equal[op.index] += count
                if count.differing and self.first is None:
                    self.first = self._culprit(base, found, op, place)

    def ops(self) -> Iterable[OpCount]:
        for op, count, equal in zip(self._graph.ops, self._all, self._equal, strict=True):
            if count.differing:
                yield OpCount(op, count, equal)

    def _culprit(self, base: Observation, found: Observation, op: Op, place: str) -> Culprit:
        known = {**constants(self._graph, op.given), **base.inputs, **base.results}
        inputs = {index: known[index] for index in op.given if index in known}
        result = next(i for i in op.outputs if i in found.results and _gap(base.results[i], found.results[i])[0].any())
        real = exact(self._graph, op, inputs) if len(inputs) == len(set(op.given)) else None
        return Culprit(
            place=place,
            op=op,
            inputs=inputs,
            result=result,
            expected=base.results[result],
            found=found.results[result],
            exact=real if real is not None and real.shape == base.results[result].shape else None,
            keeps=self._graph.keeps(op),
        )


class _Both:
    """Two observations of one sample; each tensor is compared once."""

    def __init__(self, base: Observation, found: Observation) -> None:
        self._base, self._found = ({**seen.inputs, **seen.results} for seen in (base, found))
        self._counts: dict[int, Count] = {}

    def count(self, tensors: Sequence[int]) -> Count:
        return sum((self._of(index) for index in tensors), Count())

    def differ(self, tensors: Sequence[int]) -> bool:
        return any(self._of(index).differing for index in tensors if index in self._base)

    def _of(self, index: int) -> Count:
        if index not in self._counts:
            self._counts[index] = _count(self._base, self._found, (index,))
        return self._counts[index]


def _readable(graph: Graph, tensors: Sequence[int]) -> tuple[int, ...]:
    return tuple(index for index in tensors if graph.tensors[index].readable)


def _count(expected: Values, found: Values, tensors: Sequence[int]) -> Count:
    total = Count()
    for index in tensors:
        wrong, gap = _gap(expected[index], found[index])
        total += Count(wrong.size, int(np.count_nonzero(wrong)), gap)
    return total


def _gap(expected: npt.NDArray[Any], found: npt.NDArray[Any]) -> tuple[npt.NDArray[np.bool_], float]:
    """Which values have other bytes, and the largest difference; all values where even the shapes differ."""
    if expected.shape != found.shape:
        return np.ones(max(expected.size, found.size, 1), np.bool_), 0
    if expected.dtype.kind in "fc":
        wrong = _bits(expected) != _bits(found)
        with np.errstate(invalid="ignore", over="ignore"):
            gaps = np.abs(expected.astype(np.float64) - found.astype(np.float64))
        return wrong, float(np.nanmax(gaps, initial=0))
    wrong = expected != found
    if not wrong.any():
        return wrong, 0
    high, low = np.maximum(expected, found)[wrong], np.minimum(expected, found)[wrong]
    # Modulo 2**64, so that neither sign nor width matters.
    return wrong, int((high.astype(np.uint64) - low.astype(np.uint64)).max())


def _bits(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
