# SPDX-License-Identifier: Apache-2.0
"""Forms of a model and ways to run it. A backend is one folder here, found by its name; none knows of another."""

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

from edgernn.backends.runtime import Runtime
from edgernn.errors import ConfigError, unknown
from edgernn.model import FloatModel, IntegerModel

ALL = "all"
"""Stands for every runtime."""


class Backend(Protocol):
    """What a backend's package holds."""

    RUNTIMES: tuple[Runtime, ...]
    """Ways to execute on this machine what `export` writes."""

    def export(self, model: IntegerModel, original: FloatModel, name: str, folder: Path) -> None:
        """Writes the files of this backend; `original` is what `model` was made from, `name` the artifact's."""


def backends() -> tuple[Backend, ...]:
    """Every backend, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return tuple(cast(Backend, importlib.import_module(f"{__name__}.{name}")) for name in names)


def runtimes() -> dict[str, Runtime]:
    """Every runtime by name, the reference first."""
    found = [runtime for backend in backends() for runtime in backend.RUNTIMES]
    return {runtime.name: runtime for runtime in sorted(found, key=lambda runtime: runtime.name != "numpy")}


def select(names: tuple[str, ...]) -> tuple[Runtime, ...]:
    """The runtimes of these names, each once; those of this process where there are no names.

    The name of an environment stands for all its runtimes, ALL for every one. Raises ConfigError for an unknown name.
    """
    chosen = [runtime for name in names or ("",) for runtime in _named(name)]
    return tuple({runtime.name: runtime for runtime in chosen}.values())


def _named(name: str) -> list[Runtime]:
    known = runtimes()
    found = [runtime for runtime in known.values() if name in (runtime.name, runtime.environment, ALL)]
    if not found:
        environments = dict.fromkeys(filter(None, (runtime.environment for runtime in known.values())))
        raise ConfigError(unknown("runtime", name, (*known, *environments, ALL)))
    return list(known.values()) if name == ALL else found
