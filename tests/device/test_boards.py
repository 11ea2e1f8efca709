# SPDX-License-Identifier: Apache-2.0
"""What is read from the boards' files, and what is said of tools that are not installed."""

import shutil

import pytest

from edgernn.device import boards, targets
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


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of two boards: the host, and one that nothing stands in for."""
    shutil.copytree(boards.FIRMWARE / "host", tmp_path / "host")
    shutil.copytree(boards.FIRMWARE / "cortex_m4", tmp_path / "mine")
    described = (tmp_path / "mine" / "board.mk").read_text()
    lines = [line for line in described.splitlines() if not line.startswith(("EMULATE", "EMULATOR"))]
    (tmp_path / "mine" / "board.mk").write_text("\n".join([*lines, "EMULATED :=", "EMULATOR :=", ""]))
    monkeypatch.setattr(boards, "FIRMWARE", tmp_path)
    return tmp_path


def test_a_board_that_only_exists_for_real(folder):
    assert list(boards.boards()) == ["host", "mine"]
    board = boards.get("mine")
    assert (board.target, board.emulator_program, board.missing) == ("serial:PORT", None, ())
    assert board.versions() == board.compiler_version()
    assert [target.name for target in targets.select([targets.ALL])] == ["host"]
    for name in ("qemu:mine", "mine"):
        with pytest.raises(ConfigError, match=f"there is no target '{name}'; there are host, serial:PORT, "):
            targets.select([name])


def test_both_names_of_a_board():
    assert boards.get("qemu:cortex_m4") == boards.get("cortex_m4")
    assert boards.get("local-armv7") == boards.get("linux_armv7")


@pytest.mark.parametrize("key", ["CORE", "EMULATED", "PACKAGES", "CC", "SIZE", "EMULATOR"])
def test_a_line_that_is_missing(folder, key):
    file = folder / "mine" / "board.mk"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith(f"{key} ")))
    with pytest.raises(ConfigError, match=f"mine/board.mk has no {key}: give it a line that begins with {key} :="):
        boards.boards()


def test_an_unknown_board():
    with pytest.raises(ConfigError, match=r"there is no board 'cortex': did you mean cortex_m0 or .* or cortex_m7\?"):
        boards.get("cortex")
    with pytest.raises(ConfigError, match="there is no board 'nucleo'; there are host, linux_aarch64, "):
        boards.get("nucleo")


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
