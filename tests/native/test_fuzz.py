# SPDX-License-Identifier: Apache-2.0
"""The C of the engine by itself: no warning from two compilers, and a million damaged programs under the sanitizers."""

import sysconfig
from pathlib import Path
from subprocess import STDOUT

import numpy as np
import pytest

import edgernn

PACKAGE = Path(edgernn.__file__).parent
ENGINE = PACKAGE / "native"
RUNTIME = PACKAGE / "backends" / "c" / "runtime"
SOURCES = [ENGINE / "loader.c", ENGINE / "step.c", *sorted(RUNTIME.glob("*.c"))]
INCLUDES = [f"-I{ENGINE}", f"-I{RUNTIME}"]
HEADERS = [f"-isystem{sysconfig.get_path('include')}", f"-isystem{np.get_include()}"]
SANITIZED = ["-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
INPUTS = 1_000_000
LARGEST = 1000
"""Bytes of a program that is worth to be damaged a million times."""


@pytest.mark.parametrize("optimization", ["-O0", "-O3"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warnings(run_tool, strict, compiler, optimization, tmp_path):
    for source in [*SOURCES, ENGINE / "module.c"]:
        flags = ["-std=c99", *strict, optimization, *INCLUDES, *HEADERS]
        assert run_tool(compiler, *flags, "-c", source, "-o", tmp_path / "out.o", stderr=STDOUT) == ""


def test_damaged_programs_are_refused_or_run(buffers, run_tool, strict, tmp_path):
    fuzzer = tmp_path / "fuzz_loader"
    source = Path(__file__).with_name("fuzz_loader.c")
    flags = ["-std=c99", *strict, *SANITIZED, *INCLUDES]
    assert run_tool("gcc", *flags, source, *SOURCES, "-o", fuzzer, stderr=STDOUT) == ""
    files = []
    for number, buffer in enumerate(buffer for buffer in buffers.values() if len(buffer) <= LARGEST):
        files.append(tmp_path / f"{number}.program")
        files[-1].write_bytes(buffer)
    inputs, loaded, stepped = map(int, run_tool(fuzzer, INPUTS, *files, stderr=STDOUT, timeout=600).split())
    assert inputs == INPUTS
    assert inputs // 4 < stepped <= loaded < inputs * 3 // 4
