# SPDX-License-Identifier: Apache-2.0
"""Images: that they are built whole, and that their sizes are those of the image."""

import re
import shutil
from dataclasses import astuple, replace

import pytest

from edgernn import footprint, load
from edgernn.device import boards, firmware
from edgernn.errors import ConfigError, DeviceError


@pytest.fixture(scope="module")
def integer(pristine):
    return load(pristine).integer


@pytest.fixture(scope="module")
def built(tmp_path_factory, integer):
    return firmware.build(boards.get("cortex_m4"), integer, tmp_path_factory.mktemp("cortex_m4"))


@pytest.fixture(scope="module")
def symbols(built, run_tool):
    """Sizes in `built` by name."""
    told = run_tool("arm-none-eabi-nm", "-S", built)
    return {name: int(size, 16) for size, name in re.findall(r"^\w+ (\w+) \w (\S+)$", told, re.MULTILINE)}


def test_sizes(built, integer, symbols):
    board = boards.get("cortex_m4")
    sizes = firmware.measure(board, built)
    weights = footprint.totals(integer.program)["weight_bytes"]
    assert weights < sizes.constants < 2 * weights + 200, "blocks are filled up, and descriptors point at them"
    runtime = sum(size for name, size in symbols.items() if name.startswith("edgernn_"))
    assert runtime <= sizes.runtime <= runtime + 32, "the parts are aligned"
    step = symbols["model_step"] + symbols["model_reset"]
    assert step <= sizes.step <= step + 16
    assert all(size > 0 for size in astuple(sizes))
    assert sizes.step + sizes.runtime + sizes.constants < sizes.flash < 16_000
    assert 16_384 < sizes.ram < 17_000, "16 kB of stack, and little more"


def test_a_smaller_image(built, integer, tmp_path):
    board = boards.get("cortex_m4")
    small = firmware.measure(board, firmware.build(board, integer, tmp_path, "-Os"))
    fast = firmware.measure(board, built)
    assert small.flash < fast.flash and small.constants == fast.constants


def test_a_make_around_it_changes_nothing(integer, tmp_path, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "n")
    monkeypatch.setenv("GNUMAKEFLAGS", "-n")
    monkeypatch.setenv("MAKELEVEL", "1")
    assert firmware.build(boards.get("host"), integer, tmp_path).is_file()


def test_a_folder_that_make_can_not_take(integer, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    with pytest.raises(
        ConfigError, match="/a folder has a space or a sign in its path that make can't take: set TMPDIR to another"
    ):
        firmware.build(boards.get("host"), integer, folder)


def test_words_are_read_in_english(monkeypatch, tmp_path):
    """Tools that speak German unless they are told not to."""
    board = replace(boards.get("host"), size=str(tmp_path / "size"), name="mine")
    (tmp_path / "size").write_text('#!/bin/sh\n[ "$LC_ALL" = C ] && printf "text\\n1 2 3\\n" || echo Gr\\"o\\"sse\n')
    (tmp_path / "size").chmod(0o755)
    (tmp_path / "firmware.map").write_text("Linker script and memory map\n")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    sizes = firmware.measure(board, tmp_path / "firmware.elf")
    assert (sizes.flash, sizes.ram) == (3, 5)


def test_a_map_of_another_linker(built, tmp_path):
    shutil.copy(built, tmp_path)
    (tmp_path / "firmware.map").write_text("VMA LMA Size Align Out In Symbol\n")
    with pytest.raises(
        DeviceError, match="the linker of cortex_m4 writes no map with 'Linker script and memory map': "
    ):
        firmware.measure(boards.get("cortex_m4"), tmp_path / "firmware.elf")


def test_an_image_that_can_not_be_measured(tmp_path):
    with pytest.raises(
        DeviceError, match=r"arm-none-eabi-size can't read .*/firmware.elf \(.*No such file\W*\): check"
    ):
        firmware.measure(boards.get("cortex_m4"), tmp_path / "firmware.elf")


def test_a_warning_is_no_reason(monkeypatch, integer, tmp_path):
    words = "ld: warning: x overflowed\\nmodel.c:1: error: no"
    (tmp_path / "make").write_text(f"#!/bin/sh\nprintf '{words}' >&2\nexit 2\n")
    (tmp_path / "make").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(DeviceError, match=r"does not build \(model.c:1: error: no\): it needs"):
        firmware.build(boards.get("host"), integer, tmp_path)


def test_a_model_that_is_too_large(quantized, tmp_path):
    large = quantized(("gru", 256, {}), ("dense", 2, {}))
    words = (
        r"the image of cortex_m3 does not build \(.*overflowed by \d+ bytes\): it needs Debian's packages gcc-arm-none"
    )
    with pytest.raises(DeviceError, match=words):
        firmware.build(boards.get("cortex_m3"), large, tmp_path)


def test_a_library_that_is_missing(integer, tmp_path, monkeypatch):
    monkeypatch.setenv("C_INCLUDE_PATH", "")
    monkeypatch.setenv("GCC_EXEC_PREFIX", "/nowhere/")
    with pytest.raises(
        DeviceError, match=r"the image of cortex_m4 does not build \(.+\): it needs Debian's packages gcc"
    ):
        firmware.build(boards.get("cortex_m4"), integer, tmp_path)
