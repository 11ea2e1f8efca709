# SPDX-License-Identifier: Apache-2.0
"""Installing Python packages of exact versions into a folder, for this machine or another."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import MissingExtraError, WorkerError

_OFFLINE = ("connection broken", "Failed to establish a new connection", "Could not resolve", "Temporary failure")
_WORDS = 300


@dataclass(frozen=True)
class Interpreter:
    """Which wheels fit: a CPython's version, as "3.11", and platform tags; none for this machine's own."""

    version: str
    platforms: tuple[str, ...] = ()

    def options(self) -> list[str]:
        """pip's options for it."""
        version = self.version.replace(".", "")
        chosen = ["--python-version", self.version, "--implementation", "cp", "--abi", f"cp{version}"]
        return [*chosen, *(word for tag in self.platforms for word in ("--platform", tag))]


def pip_install(pins: Sequence[str], target: Path, interpreter: Interpreter) -> None:
    """Installs wheels of exactly these requirements, and nothing that they depend on.

    pip's configuration holds: its indexes, proxies and certificates. Raises MissingExtraError without pip, WorkerError
    when it fails.
    """
    if importlib.util.find_spec("pip") is None:
        raise MissingExtraError("installing a runtime", "pip", "runtimes")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--retries=2"]
    command += ["--no-warn-conflicts", "--disable-pip-version-check", "--target", str(target), *interpreter.options()]
    # Some systems make --user the default, which pip refuses together with --target.
    run([*command, *pins], f"pip can't install {' '.join(pins)}", os.environ | {"PIP_USER": "0"})


def run(command: Sequence[str], problem: str, environment: Mapping[str, str] = os.environ) -> None:
    """Runs a program quietly. Raises WorkerError, `problem` with its last word, when it fails."""
    done = subprocess.run(
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        told = done.stdout.decode(errors="replace")
        raise WorkerError(f"{problem} ({_reason(told) or f'status {done.returncode}'})")


def digest(*parts: object) -> str:
    """A short name for what makes one installation another."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def _reason(told: str) -> str:
    """The most telling line of what a program has said, and what to do where that is plain."""
    lines = [" ".join(line.split()) for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "E:", "Err:"))] or lines[-1:]
    if any(sign in told for sign in _OFFLINE):
        return "the server can't be reached: check the network and try again"
    return errors[-1].partition(": ")[2][:_WORDS] if errors else ""
