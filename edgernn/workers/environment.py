# SPDX-License-Identifier: Apache-2.0
"""What an environment is: where a worker and its runtime run."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgernn.errors import WorkerError
from edgernn.workers.client import Worker

PROGRAM = Path(__file__).with_name("tflite_worker.py")
"""The worker for runtimes of TFLite models."""

Say = Callable[[str], None]
"""Takes a line about what is done now."""

_ARCHITECTURES = {"x86_64": "x86-64", "AMD64": "x86-64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Variant:
    """One of the runtimes in an environment. `runtime` is the worker's name of it, `version` that of its package."""

    name: str
    runtime: str
    version: str
    kernels: tuple[str, ...]
    architecture: str


class Environment(Protocol):
    """A place with the packages, and for emulated machines the system, that some runtimes need."""

    @property
    def name(self) -> str:
        """As `edgernn runtimes install` takes it; "" for the environment that edgernn itself runs in."""

    @property
    def description(self) -> str:
        """A line for people: what it has, and what it takes."""

    @property
    def emulated(self) -> bool:
        """Whether its machine is emulated."""

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The runtimes in it."""

    def installed(self) -> bool:
        """Whether it is there, and whole."""

    def check(self) -> None:
        """Raises WorkerError, MissingExtraError or MissingToolError when it, or what starts its workers, is missing."""

    def install(self, say: Say) -> None:
        """Makes it; does nothing when it is there. Raises WorkerError, MissingExtraError or MissingToolError."""

    def remove(self) -> bool:
        """Takes it away, also what older versions of edgernn left of it. Returns whether there was something."""

    def open(self, variant: Variant, name: str) -> Worker:
        """Starts a worker, which calls itself `name` in errors. Raises WorkerError when it is not installed."""


def not_installed(name: str) -> WorkerError:
    """What is wrong with an environment that is not there."""
    return WorkerError(f"{name} is not installed: run edgernn runtimes install {name}")


def host_architecture() -> str:
    """This machine's, as the tables name it: "x86-64", "aarch64"."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def surroundings(packages: Path) -> dict[str, str]:
    """Environment variables for a Python that finds `packages`, and nothing of this one's.

    One thread: a step of a small network is not worth two, and it makes starting cheaper.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    return {**kept, "PYTHONPATH": str(packages), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def isolated(python: Sequence[str], runtime: str) -> list[str]:
    """The worker's command line for a Python that finds its packages by PYTHONPATH alone."""
    return [*python, "-S", "-s", "-P", str(PROGRAM), runtime]
