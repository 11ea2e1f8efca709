# SPDX-License-Identifier: Apache-2.0
"""What every backend that can execute an artifact offers to validation and benchmarks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from edgernn.model import IntegerModel

Arrays = dict[str, npt.NDArray[Any]]


class Stepper(Protocol):
    """A loaded model, batch 1. Values go by the names of the program's tensors; shapes are [size]."""

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """From `program.inputs` (x and the states) to `program.outputs` (y and the new states)."""

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """The same step with every tensor of the program that this runtime computes, in the order of its graph."""


class Runtime(Protocol):
    """A way to execute artifacts on this machine."""

    @property
    def name(self) -> str:
        """Unique, as given to `--runtime`."""

    def version(self) -> str:
        """Version of the runtime's package. Raises MissingExtraError when it is not installed."""

    def load(self, artifact: Path, model: IntegerModel) -> Stepper:
        """Loads the runtime's own file from the artifact's folder; `model` is the integer model in it.

        Raises ArtifactError when the file is unreadable or does not have the model's inputs and outputs,
        MissingExtraError when the runtime is not installed.
        """
