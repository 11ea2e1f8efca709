# SPDX-License-Identifier: Apache-2.0
"""What every backend that can execute an artifact offers to validation and benchmarks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from edgernn.model import IntegerModel
from edgernn.workers.environment import host_architecture

Arrays = dict[str, npt.NDArray[Any]]

HERE = host_architecture()
"""The architecture of this machine."""


class Stepper(Protocol):
    """A loaded model. Values go by the names of the program's tensors; shapes are [size]."""

    @property
    def batch(self) -> bool:
        """Whether it also steps many windows at once, in arrays [n, size]."""

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """From `program.inputs` (x and the states) to `program.outputs` (y and the new states)."""

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """The same step with every tensor of the program that this runtime computes, in the order of its graph."""


class Engine(Protocol):
    """Something that computes what an artifact holds: a runtime on this machine, or a device."""

    @property
    def name(self) -> str:
        """Unique, as given to `--runtime` or `--target`."""

    @property
    def kernels(self) -> str:
        """Which of several ways to compute it takes: "xnnpack", "builtin"."""

    @property
    def architecture(self) -> str:
        """What it computes on: "x86-64", "aarch64 cortex-a72"."""

    def version(self) -> str:
        """Version of the runtime's package. Raises EdgernnError when it is not installed."""

    def load(self, artifact: Path, model: IntegerModel) -> Stepper:
        """Loads the runtime's own file from the artifact's folder; `model` is the integer model in it.

        Raises ArtifactError when the file is unreadable or does not have the model's inputs and outputs,
        another EdgernnError when the runtime is not installed.
        """


class Runtime(Engine, Protocol):
    """A way to execute artifacts on this machine."""

    @property
    def environment(self) -> str:
        """What it has to be installed into (`edgernn runtimes`); "" where this process runs it."""

    @property
    def emulated(self) -> bool:
        """Whether another machine is emulated for it, which takes its time."""


class InProcess:
    """A runtime of this process."""

    architecture = HERE
    environment = ""
    emulated = False
