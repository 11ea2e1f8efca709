# SPDX-License-Identifier: Apache-2.0
"""Errors whose text is one sentence for the user: what is wrong, where, and what to do."""

import difflib
import importlib.util
from collections.abc import Callable, Iterable

_LIKE = 0.7
"""Of difflib's ratio: a letter missing, doubled, wrong or two of them swapped in a word of five, and no other word."""


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, list(known), n=1, cutoff=_LIKE)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence about a name that is none of `known`: the nearest one where it looks mistyped, or all of them."""
    names = list(known)
    begun = [one for one in names if name and one.startswith(name)]  # cortex may be any of the Cortex-M
    near = begun or _nearest(name, names)
    if not near:
        # litrt is meant for litert-xnnpack, or another of these.
        kind = _nearest(name, dict.fromkeys(one.partition("-")[0] for one in names))
        near = [one for one in names if one.partition("-")[0] in kind]
    hint = f": did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(names)}"
    return f"there is no {what} {name!r}{hint}"


class SlowEngineWarning(RuntimeWarning):
    """The engine in C is not installed: sessions step in NumPy, hundreds of times slower."""


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
    """An optional package is not installed, or several."""

    def __init__(self, purpose: str, package: str, extra: str, *others: tuple[str, str]) -> None:
        """others: more packages, each with the extra that it is in."""
        self.missing = dict([(package, extra), *others])
        *first, last = self.missing
        packages = f"{', '.join(first)} and {last}" if first else last
        extras = ",".join(dict.fromkeys(self.missing.values()))
        super().__init__(
            f"{purpose} needs {packages}, which {'are' if first else 'is'} not installed: "
            f"run pip install '.[{extras}]' in the folder of edgernn's sources"
        )

    @classmethod
    def require(cls, purpose: str, extra: str, *packages: str) -> None:
        """Raises it unless these packages of one extra are installed, without importing them."""
        missing = [(package, extra) for package in packages if importlib.util.find_spec(package) is None]
        if missing:
            raise cls(purpose, *missing[0], *missing[1:])

    @classmethod
    def check(cls, purpose: str, checks: Iterable[Callable[[], object]]) -> None:
        """Makes all checks. Raises one error that names what any of them misses, and at once what else they raise."""
        missing: dict[str, str] = {}
        for check in checks:
            try:
                check()
            except cls as error:
                missing |= error.missing
        if missing:
            first, *others = missing.items()
            raise cls(purpose, *first, *others)


class MissingToolError(EdgernnError):
    """A program that is no Python package is not installed."""

    def __init__(self, purpose: str, tool: str, *packages: str) -> None:
        noun = "package" if len(packages) == 1 else "packages"
        names = ", ".join(packages)
        super().__init__(f"{purpose} needs {tool}, which is not installed: install Debian's {noun} {names}")
