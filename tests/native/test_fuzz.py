# SPDX-License-Identifier: Apache-2.0
"""The C of the engine by itself: no warning from two compilers, and damaged programs under the sanitizers."""

import sysconfig
from pathlib import Path
from subprocess import STDOUT

import numpy as np
import pytest

import edgernn
from tests.kernels import FAMILIES

PACKAGE = Path(edgernn.__file__).parent
ENGINE = PACKAGE / "native"
RUNTIME = PACKAGE / "backends" / "c" / "runtime"
SOURCES = [*(ENGINE / f"{name}.c" for name in ("check", "loader", "step")), RUNTIME / "edgernn_sigmoid_table.c"]
FLAGS = {
    "portable": ["-DEDGERNN_FAMILY_PORTABLE"],
    "avx2": ["-DEDGERNN_FAMILY_AVX2", "-mavx2"],
    "avxvnni": ["-DEDGERNN_FAMILY_AVX2", "-mavx2", "-mavxvnni"],
    "avx512": ["-DEDGERNN_FAMILY_AVX512", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni"],
    "neon": ["-DEDGERNN_FAMILY_NEON"],
    "dotprod": ["-DEDGERNN_FAMILY_NEON", "-march=armv8.2-a+dotprod"],
}
"""As in CMakeLists.txt."""
INCLUDES = [f"-I{ENGINE}", f"-I{RUNTIME}"]
HEADERS = [f"-isystem{sysconfig.get_path('include')}", f"-isystem{np.get_include()}"]
SANITIZED = ["-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
INPUTS = 100_000, pytest.param(1_000_000, marks=pytest.mark.nightly)
SAME = 20_000
LARGEST = 1000
"""Bytes of a program that is worth to be damaged a million times."""


@pytest.mark.parametrize("optimization", ["-O3", pytest.param("-O0", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warnings(run_tool, strict, compiler, optimization, tmp_path):
    flags = ["-std=c99", *strict, optimization, *INCLUDES, *HEADERS]
    for source in {*SOURCES, *ENGINE.glob("*.c")} - {ENGINE / "family.c"}:
        assert run_tool(compiler, *flags, "-c", source, "-o", tmp_path / "out.o", stderr=STDOUT) == ""
    for family in FAMILIES:
        flags_of_it = [*flags, *FLAGS[family]]
        if compiler == "clang":
            flags_of_it.append("-Wno-sign-conversion")  # it takes a number beside a vector for one
        source = ENGINE / "family.c"
        assert run_tool(compiler, *flags_of_it, "-c", source, "-o", tmp_path / "out.o", stderr=STDOUT) == ""


@pytest.fixture(scope="module")
def programs(buffers, tmp_path_factory):
    """Files of programs to damage."""
    folder, files = tmp_path_factory.mktemp("programs"), []
    for number, buffer in enumerate(buffer for buffer in buffers.values() if len(buffer) <= LARGEST):
        files.append(folder / f"{number}.program")
        files[-1].write_bytes(buffer)
    return files


@pytest.fixture
def fuzzer(run_tool, strict, tmp_path):
    """Builds fuzz_loader with the kernels of a family."""

    def build(family, compiler, *flags):
        package = {"aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu"}.get(compiler, compiler)
        words = [compiler, "-std=c99", *strict, *INCLUDES, *flags]
        objects = []
        for name in {"portable", family}:
            objects.append(tmp_path / f"{name}.o")
            own = *FLAGS[name], "-c", ENGINE / "family.c", "-o", objects[-1]
            run_tool(*words, *own, package=package)
        sources = [Path(__file__).with_name("fuzz_loader.c"), *SOURCES, ENGINE / "families.c", *objects]
        built = tmp_path / family
        assert run_tool(*words, f"-DENGINE_HAS_{family.upper()}", *sources, "-o", built, stderr=STDOUT) == ""
        return built

    return build


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("inputs", INPUTS)
def test_damaged_programs_are_refused_or_run(programs, run_tool, fuzzer, family, inputs):
    """Each family has its share."""
    share = inputs // len(FAMILIES)
    first = share * FAMILIES.index(family)
    built = fuzzer(family, "gcc", *SANITIZED)
    name, *counts, _ = run_tool(built, first, share, *programs, stderr=STDOUT, timeout=600).split()
    tried, loaded, stepped = map(int, counts)
    assert (name, tried) == (family, share)
    assert tried // 4 < stepped <= loaded < tried * 3 // 4


ELSEWHERE = {
    "neon": ["aarch64-linux-gnu-gcc", "qemu-aarch64-static", "-cpu", "cortex-a53"],
    "dotprod": ["aarch64-linux-gnu-gcc", "qemu-aarch64-static", "-cpu", "max"],
}
"""The compiler of families of another processor, and what runs its programs."""


@pytest.mark.parametrize("family", [*dict.fromkeys([*FAMILIES[:-1], *ELSEWHERE])])
def test_all_families_compute_the_same(programs, run_tool, fuzzer, family):
    """In every bit of every tensor, of programs of all kinds, whatever stood among the values before."""
    compiler, *emulator = ["gcc"] if family in FAMILIES else ELSEWHERE[family]
    expected = run_tool(fuzzer("portable", "gcc", "-O2"), 0, SAME, *programs)
    built = fuzzer(family, compiler, "-O2", "-static")
    found = run_tool(*emulator, built, 0, SAME, *programs, package="qemu-user-static" if emulator else "")
    assert found == expected.replace("portable", family)
