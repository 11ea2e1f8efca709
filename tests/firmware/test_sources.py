# SPDX-License-Identifier: Apache-2.0
"""The C of firmware_stubs: both compilers and cppcheck have nothing to say about it. Images have gcc's strict flags."""

import re

import pytest

from edgernn.device.boards import FIRMWARE, boards

UNSEEN = ["uninitvar:*/riscv32/port.c", "unusedStructMember:*/cortex_m/start.c", "shiftTooManyBitsSigned:*/edgernn*.h"]
"""What cppcheck can't see: values that come out of assembler, the table that the core itself reads, and that edgernn.h
does not compile where such shifts are not arithmetic."""


def test_images_have_the_strict_flags(strict):
    assert re.findall(r"^WARNINGS := (.*)$", (FIRMWARE / "Makefile").read_text(), re.MULTILINE) == [" ".join(strict)]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_warnings(compiler, run_tool, strict, small_sources):
    includes = f"-I{FIRMWARE}", f"-I{FIRMWARE}/common", f"-I{small_sources}", '-DFIRMWARE_BOARD="host"'
    files = *FIRMWARE.glob("*.c"), FIRMWARE / "common" / "posix.c"
    run_tool(compiler, "-std=c99", "-O2", *strict, *includes, "-fsyntax-only", *files)


@pytest.mark.parametrize("name", list(boards()))
def test_cppcheck(name, run_tool, small_sources):
    """Each board's sources with the macros of its board.mk."""
    lines = (FIRMWARE / name / "board.mk").read_text()
    values = dict(re.findall(r"^(\w+) := *(.*)$", lines, re.MULTILINE))
    macros = [word for word in values["CFLAGS"].split() if word.startswith("-D")]
    macros += ['-DFIRMWARE_BOARD="x"', "-D__BYTE_ORDER__=1", "-D__ORDER_LITTLE_ENDIAN__=1"]
    checks = ["--std=c99", "--quiet", "--inconclusive", "--enable=warning,style,performance,portability"]
    suppressed = [f"--suppress={what}" for what in UNSEEN]
    files = [word for word in values["SOURCES"].split() if word.endswith(".c")]
    run_tool(
        *("cppcheck", "--error-exitcode=1", *checks, *suppressed, *macros),
        *(f"-I{FIRMWARE}", f"-I{FIRMWARE}/common", f"-I{small_sources}"),
        *sorted(FIRMWARE.glob("*.c")),
        *(FIRMWARE / file for file in files),
    )
