# SPDX-License-Identifier: Apache-2.0
"""Kernel paths by name, and a model on one of them: as it is, and with all its results as outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from edgernn.diff.graph import Graph
from edgernn.diff.samples import Sample, Samples
from edgernn.errors import ConfigError, ModelError, WorkerError, unknown
from edgernn.workers.client import TensorInfo
from edgernn.workers.environments import KernelPath, kernel_paths

ALL = "all"
"""Stands for every kernel path."""

Values = dict[int, npt.NDArray[Any]]


def select(names: Sequence[str]) -> tuple[KernelPath, ...]:
    """The kernel paths of these names, each once; without names those that are installed and not emulated.

    The name of an environment stands for all its paths, ALL for every one. Raises ConfigError for an unknown name.
    """
    known = kernel_paths()
    if not names:
        return tuple(p for p in known.values() if p.environment.installed() and not p.environment.emulated)
    chosen: dict[str, KernelPath] = {}
    for name in names:
        found = {p.name: p for p in known.values() if name in (p.name, p.environment.name, ALL)}
        if not found:
            places = dict.fromkeys(filter(None, (path.environment.name for path in known.values())))
            raise ConfigError(unknown("runtime", name, (*known, *places, ALL)))
        chosen |= found
    return tuple(chosen.values())


@dataclass(frozen=True, eq=False)
class Observation:
    """One invocation, by the indices of tensors: the inputs, the outputs, and every result.

    outputs: of the model as it is; results: of the model with all results as outputs.
    """

    inputs: Values
    outputs: Values
    results: Values


class Loaded:
    """A model in a worker on one kernel path, which carries its states from sample to sample.

    Methods raise WorkerError when the runtime refuses the model or dies.
    """

    def __init__(
        self, path: KernelPath, graph: Graph, content: bytes, outputs: Sequence[int], samples: Samples
    ) -> None:
        """content: a file of `graph`, but with these outputs."""
        self._graph, self._samples, self._outputs = graph, samples, tuple(outputs)
        self._states: Values = {}
        self._worker = path.open()
        try:
            self._check(path.name, *self._worker.load(content, path.kernels))
        except BaseException:
            self._worker.close()
            raise

    def close(self) -> None:
        """Ends the worker."""
        self._worker.close()

    def run(self, sample: Sample, states: Values | None = None) -> tuple[Values, Values]:
        """Inputs and outputs of the next sample; `states` replace those that this model gave at the step before."""
        if sample.first:
            self._states = dict(self._samples.start)
            if self._graph.keeps_state:
                self._worker.reset()
        inputs = {**sample.inputs, **(self._states if states is None else states)}
        found = self._worker.run([inputs[index] for index in self._graph.inputs])
        outputs = dict(zip(self._outputs, found, strict=True))
        if states is None:
            self._states = {target: outputs[source] for target, source in self._samples.carried.items()}
        return inputs, outputs

    def _check(self, name: str, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
        tensors = [self._graph.tensors[index] for index in self._graph.inputs]
        same = [(info.shape, info.dtype) for info in inputs] == [(tensor.shape, tensor.dtype) for tensor in tensors]
        if not same or len(outputs) != len(self._outputs):
            raise WorkerError(f"{name} sees other inputs or outputs in the file than are there")


class Runner:
    """A model on one kernel path twice: as it is, and with all results as outputs. A sample goes through both.

    Methods raise WorkerError like those of `Loaded`.
    """

    def __init__(self, path: KernelPath, graph: Graph, content: bytes, exposed: bytes, samples: Samples) -> None:
        """exposed: the model whose outputs are `graph.results`."""
        self.name, self.version = path.name, path.version()
        self._carried = samples.carried
        self._plain = Loaded(path, graph, content, graph.outputs, samples)
        try:
            self._exposed = Loaded(path, graph, exposed, graph.results, samples)
        except BaseException:
            self._plain.close()
            raise

    def close(self) -> None:
        """Ends the workers."""
        self._plain.close()
        self._exposed.close()

    def run(self, sample: Sample) -> Observation:
        """The next sample; a state that is carried is what the model as it is gave at the step before."""
        inputs, outputs = self._plain.run(sample)
        _, results = self._exposed.run(sample, {index: inputs[index] for index in self._carried})
        return Observation(inputs, outputs, results)


def constants(graph: Graph, tensors: Sequence[int]) -> Mapping[int, npt.NDArray[Any]]:
    """Values of those of the tensors that are constants and can be read."""
    found = {index: graph.tensors[index].constant for index in tensors}
    return {index: values for index, values in found.items() if values is not None}


def verify(content: bytes) -> None:
    """Lets LiteRT check the flatbuffer, in a worker, before anything else reads it.

    Raises ModelError when none of LiteRT's kernel paths loads it, MissingExtraError when LiteRT is not installed.
    """
    reasons = []
    for path in kernel_paths().values():
        if path.environment.name == "":
            try:
                with path.open() as worker:
                    worker.load(content, path.kernels)
                return
            except WorkerError as error:
                reasons.append(str(error))
    raise ModelError(reasons[0])
