# SPDX-License-Identifier: Apache-2.0
"""Result files: figures with the command, the machine, the versions and the commit that they came from."""

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgernn.backends.c.host import CRuntime

FOLDER = Path(__file__).parent / "results"
_WRITTEN = ("benchmarks/results", "docs", "README.md")
"""What benchmarks write to: changes there are none of what is measured."""
_PACKAGES = ("edgernn", "numpy", "tensorflow", "keras", "ai-edge-litert", "onnx", "onnxruntime")


def write(name: str, figures: dict[str, Any], commit: str) -> None:
    """Writes results/NAME.json; `commit` is what was measured."""
    origin = {
        "command": f"python -m benchmarks {name}",
        "commit": commit,
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": {
            "python": platform.python_version(),
            "compiler": CRuntime().version(),
            **{package: version(package) for package in _PACKAGES},
        },
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps({**origin, **figures}, indent=1) + "\n", encoding="utf-8")


def exists(name: str) -> bool:
    """Whether there are results of this benchmark."""
    return (FOLDER / f"{name}.json").is_file()


def read(name: str) -> dict[str, Any]:
    """What `write` wrote."""
    figures: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return figures


def commit() -> str:
    """The commit that is checked out, "unknown" outside of a clone.

    Raises SystemExit where other files than _WRITTEN differ from it: figures belong to a commit.
    """
    name = _git("describe", "--always", "--abbrev=12")
    if not name:
        return "unknown"
    changed = _git("diff", "--name-only", "HEAD", "--", ".", *(f":(exclude){path}" for path in _WRITTEN)).splitlines()
    if changed:
        raise SystemExit(f"{changed[0]} has changes: commit them, so that the figures belong to a commit")
    return name


def _git(*command: str) -> str:
    """What git prints, of the whole clone; "" where there is none."""
    try:
        done = subprocess.run(["git", *command], cwd=FOLDER.parents[1], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
