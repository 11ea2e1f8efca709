# SPDX-License-Identifier: Apache-2.0
"""LiteRT of this Python, in a process of its own: for models that may crash it."""

import os
import sys
from importlib import metadata

from edgernn.errors import MissingExtraError, WorkerError
from edgernn.workers.client import Worker
from edgernn.workers.environment import PROGRAM, Say, Variant, host_architecture

_PACKAGE = "ai-edge-litert"


class Here:
    """The environment that edgernn itself runs in."""

    name = ""
    description = "this Python"
    emulated = False

    @property
    def variants(self) -> tuple[Variant, ...]:
        kernels = ("xnnpack", "builtin", "reference")
        return (Variant("litert", "litert", self._version(), kernels, host_architecture()),)

    def installed(self) -> bool:
        return bool(self._version())

    def check(self) -> None:
        if not self.installed():
            raise MissingExtraError("running a TFLite model", _PACKAGE, "litert")

    def install(self, say: Say) -> None:
        self.check()

    def remove(self) -> bool:
        raise WorkerError("the packages of this Python are yours: remove them with pip")

    def open(self, variant: Variant, name: str) -> Worker:
        self.check()
        return Worker(name, [sys.executable, "-P", str(PROGRAM), variant.runtime], os.environ)

    def _version(self) -> str:
        try:
            return metadata.version(_PACKAGE)
        except metadata.PackageNotFoundError:
            return ""
