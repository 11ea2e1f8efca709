# SPDX-License-Identifier: Apache-2.0
"""Errors whose text is one sentence for the user: what is wrong, where, and what to do."""

import difflib
from collections.abc import Iterable

_LIKE = 0.7
"""Of difflib's ratio: a letter missing, doubled, wrong or two of them swapped in a word of five, and no other word."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence about a name that is none of `known`: the nearest one where it looks mistyped, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=_LIKE)
    hint = f": did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
    return f"there is no {what} {name!r}{hint}"


class EdgernnError(Exception):
    """Something is wrong with what edgernn was given; the command line prints the text and exits with 1."""


class DataError(EdgernnError):
    """A data set can't be used: unreadable, wrongly shaped, not finite, or not splittable."""


class ConfigError(EdgernnError):
    """A configuration key or value is wrong; the command line exits with 2."""


class ArtifactError(EdgernnError):
    """An artifact is incomplete, changed, or of an unknown version."""


class ModelError(EdgernnError):
    """A model of another framework can't be taken over: it is damaged, or has something that is not supported."""


class DeviceError(EdgernnError):
    """A device, an emulator or the way to it does not do what it should; or it holds other firmware than asked for."""


class WorkerError(EdgernnError):
    """A runtime in a program of its own dies, does not answer, refuses, or can't be set up."""


class MissingExtraError(EdgernnError):
    """An optional package is not installed."""

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed: run pip install 'edgernn[{extra}]'")


class MissingToolError(EdgernnError):
    """A program that is no Python package is not installed."""

    def __init__(self, purpose: str, tool: str, *packages: str) -> None:
        noun = "package" if len(packages) == 1 else "packages"
        names = ", ".join(packages)
        super().__init__(f"{purpose} needs {tool}, which is not installed: install Debian's {noun} {names}")
