# SPDX-License-Identifier: Apache-2.0
"""The C of the engine by itself: no warning from two compilers, and a million damaged programs under the sanitizers."""

import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import edgernn

PACKAGE = Path(edgernn.__file__).parent
ENGINE = PACKAGE / "native"
RUNTIME = PACKAGE / "backends" / "c" / "runtime"
SOURCES = [ENGINE / "loader.c", ENGINE / "step.c", *sorted(RUNTIME.glob("*.c"))]
STRICT = (
    "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wcast-qual -Wdouble-promotion -Werror".split()
)
INCLUDES = [f"-I{ENGINE}", f"-I{RUNTIME}"]
HEADERS = [f"-isystem{sysconfig.get_path('include')}", f"-isystem{np.get_include()}"]
SANITIZED = ["-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
INPUTS = 1_000_000
LARGEST = 1000
"""Bytes of a program that is worth to be damaged a million times."""


def run(*command: str | Path) -> str:
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return finished.stdout


@pytest.mark.parametrize("optimization", ["-O0", "-O3"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warnings(compiler, optimization, tmp_path):
    for source in [*SOURCES, ENGINE / "module.c"]:
        run(compiler, *STRICT, optimization, *INCLUDES, *HEADERS, "-c", source, "-o", tmp_path / "out.o")


def test_damaged_programs_are_refused_or_run(buffers, tmp_path):
    fuzzer = tmp_path / "fuzz_loader"
    source = Path(__file__).with_name("fuzz_loader.c")
    run("gcc", *STRICT, *SANITIZED, *INCLUDES, source, *SOURCES, "-o", fuzzer)
    files = []
    for number, buffer in enumerate(buffer for buffer in buffers.values() if len(buffer) <= LARGEST):
        files.append(tmp_path / f"{number}.program")
        files[-1].write_bytes(buffer)
    inputs, loaded, stepped = map(int, run(fuzzer, str(INPUTS), *files).split())
    assert inputs == INPUTS
    assert inputs // 4 < stepped <= loaded < inputs * 3 // 4
