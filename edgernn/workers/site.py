# SPDX-License-Identifier: Apache-2.0
"""Environments that are a folder of Python packages, run by a Python of this machine that sees no others."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from edgernn.errors import WorkerError
from edgernn.workers.client import Worker
from edgernn.workers.environment import Say, Variant, host_architecture, isolated, not_installed, surroundings
from edgernn.workers.packages import Interpreter, digest, pip_install
from edgernn.workers.store import StoredFolder

_THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


class Site:
    """One runtime with the packages that it needs. The first of `pins` is the runtime's own package."""

    emulated = False

    def __init__(
        self, name: str, description: str, pins: tuple[str, ...], kernels: tuple[str, ...], python: str = _THIS
    ) -> None:
        """`python` is the version of CPython that the packages are for."""
        self.name, self.description = name, description
        self._pins, self._python = pins, python
        version = pins[0].partition("==")[2]
        self.variants = (Variant(name, name, version, kernels, host_architecture()),)
        self._folder = StoredFolder(name, f"{version}-{digest(pins, python, platform.machine())}")

    def installed(self) -> bool:
        return self._folder.exists()

    def check(self) -> None:
        if not self.installed():
            raise not_installed(self.name)
        self.command()

    def install(self, say: Say) -> None:
        self.command()
        self._folder.make(lambda folder: self._fill(folder, say))

    def remove(self) -> bool:
        return self._folder.remove()

    def open(self, variant: Variant, name: str) -> Worker:
        return self._start(self.packages, name)

    def _fill(self, folder: Path, say: Say) -> None:
        say(f"{self.name}: installing {', '.join(self._pins)}")
        pip_install(self._pins, folder, Interpreter(self._python))
        say(f"{self.name}: starting it")
        with self._start(folder, self.name) as worker:
            worker.hello()

    def _start(self, folder: Path, name: str) -> Worker:
        return Worker(name, isolated(self.command(), self.name), surroundings(folder))

    @property
    def packages(self) -> Path:
        """The folder that they are in, or would be. Raises MissingExtraError without platformdirs."""
        return self._folder.path

    def command(self) -> list[str]:
        """The Python to run. Raises WorkerError when there is none of the version."""
        if self._python == _THIS:
            return [sys.executable]
        found = shutil.which(f"python{self._python}")
        if found is None or not _is_version(found, self._python):
            raise WorkerError(
                f"{self.name} needs a Python {self._python}, and there is none on the PATH: install one, for example "
                f"with uv python install {self._python} or from your system's packages"
            )
        return [found]


def tflite_runtime() -> Site:
    """The last tflite-runtime that there are wheels of: for CPython 3.11 at most, and NumPy 1."""
    pins = ("tflite-runtime==2.14.0", "numpy==1.26.4")
    about = "LiteRT of 2023 by its former name; takes a Python 3.11 and 85 MB"
    return Site("tflite-runtime", about, pins, ("xnnpack", "builtin", "reference"), "3.11")


def tflm() -> Site:
    """TensorFlow Lite for Microcontrollers, which has pre-releases only."""
    pins = ("tflite-micro==0.dev20261023182759", "flatbuffers==25.12.19", "numpy==2.4.6", "pyyaml==6.0.3")
    return Site("tflm", "TensorFlow Lite for Microcontrollers; takes 80 MB", pins, ("reference",))


def _is_version(python: str, version: str) -> bool:
    """Whether a program is a CPython of this version: a shim of pyenv may be there for one that is not."""
    code = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout.split() == ["cpython", version]
