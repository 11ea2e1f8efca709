# SPDX-License-Identifier: Apache-2.0
"""What is read from the boards' files, and what is said of tools that are not installed."""

import pytest

from edgernn.device import boards
from edgernn.errors import ConfigError, MissingToolError

TARGETS = {
    "host": "host",
    "linux_aarch64": "local-aarch64",
    "linux_armv7": "local-armv7",
    "cortex_m0": "qemu:cortex_m0",
    "cortex_m3": "qemu:cortex_m3",
    "cortex_m33": "qemu:cortex_m33",
    "cortex_m4": "qemu:cortex_m4",
    "cortex_m55": "qemu:cortex_m55",
    "cortex_m7": "qemu:cortex_m7",
    "riscv32": "qemu:riscv32",
}


def test_all_boards_in_order():
    found = boards.boards()
    assert {name: board.target for name, board in found.items()} == TARGETS
    assert list(found) == list(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_every_board_is_ready_here(name):
    board = boards.get(name)
    assert board.missing == (), f"apt install {' '.join(board.packages)}"
    assert board.name == name and board.core and board.packages
    assert board.versions().startswith("gcc 1")
    assert ("QEMU" in board.versions()) == bool(board.emulated) == (board.emulator_program is not None)


def test_a_command():
    board = boards.get("cortex_m4")
    command = board.command("/x y/firmware.elf", "tcp:127.0.0.1:0")
    assert command[:3] == ["qemu-system-arm", "-M", "mps2-an386"]
    assert command[command.index("-serial") + 1] == "tcp:127.0.0.1:0"
    assert command[command.index("-kernel") + 1] == "/x y/firmware.elf"
    assert command[command.index("-icount") + 1] == "shift=0", "a nanosecond stands for an instruction"
    assert boards.get("host").command("/x y/firmware.elf", "") == ["/x y/firmware.elf"]


def test_an_unknown_board():
    with pytest.raises(ConfigError, match="there is no board 'cortex'; there are host, linux_aarch64, "):
        boards.get("cortex")


@pytest.mark.parametrize("name", TARGETS)
def test_without_any_tool(name, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    board = boards.get(name)
    assert set(board.missing) == {"make", board.compiler, board.size, *filter(None, [board.emulator_program])}
    with pytest.raises(MissingToolError, match=f"the board {name} needs make, .*: install Debian's package make$"):
        board.versions()


def test_without_a_compiler_or_an_emulator(monkeypatch, tmp_path):
    board = boards.get("cortex_m4")
    monkeypatch.setenv("PATH", str(tmp_path))
    words = (
        "which is not installed: install Debian's packages gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm"
    )
    for program in ("make", "arm-none-eabi-size", "arm-none-eabi-gcc"):
        with pytest.raises(MissingToolError):
            board.compiler_version()
        (tmp_path / program).write_text("#!/bin/sh\necho 9.9.9\n")
        (tmp_path / program).chmod(0o755)
        if program == "arm-none-eabi-size":
            with pytest.raises(MissingToolError, match=f"the board cortex_m4 needs arm-none-eabi-gcc, {words}$"):
                board.versions()
    assert board.compiler_version().startswith("gcc ")
    with pytest.raises(MissingToolError, match=f"the board cortex_m4 needs qemu-system-arm, {words}$"):
        board.versions()
