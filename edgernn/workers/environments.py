# SPDX-License-Identifier: Apache-2.0
"""All environments, and the kernel paths of TFLite in them."""

from dataclasses import dataclass

from edgernn.workers.client import Worker
from edgernn.workers.environment import Environment, Variant
from edgernn.workers.here import Here
from edgernn.workers.pi import EmulatedPi
from edgernn.workers.site import tflite_runtime, tflm


@dataclass(frozen=True)
class KernelPath:
    """A set of kernels of a runtime somewhere: what may compute something else than the others."""

    environment: Environment
    variant: Variant
    kernels: str

    @property
    def name(self) -> str:
        """Unique: "litert-xnnpack", "pi4-tflite-runtime-builtin", "tflm"."""
        return self.variant.name if len(self.variant.kernels) == 1 else f"{self.variant.name}-{self.kernels}"

    def version(self) -> str:
        """Of the runtime. Raises WorkerError, MissingExtraError or MissingToolError when it can't be started."""
        self.environment.check()
        return self.variant.version

    def open(self) -> Worker:
        """Starts a worker, which is to load models with `kernels`."""
        self.version()
        return self.environment.open(self.variant, self.name)


def environments() -> tuple[Environment, ...]:
    """Every environment, this Python's first."""
    return (Here(), tflite_runtime(), tflm(), EmulatedPi())


def kernel_paths() -> dict[str, KernelPath]:
    """Every kernel path by name, installed or not; this Python's LiteRT first."""
    paths = [
        KernelPath(environment, variant, kernels)
        for environment in environments()
        for variant in environment.variants
        for kernels in variant.kernels
    ]
    return {path.name: path for path in paths}
