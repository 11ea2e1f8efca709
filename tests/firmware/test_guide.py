# SPDX-License-Identifier: Apache-2.0
"""The porting guide: a board from the files that it shows builds with the commands that it shows."""

import re
import shutil

import pytest

from edgernn.device import boards, firmware


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """firmware_stubs with the guide's board, and the port that it names to start from."""
    copied = shutil.copytree(boards.FIRMWARE, tmp_path / "firmware_stubs")
    guide = (copied / "README.md").read_text(encoding="utf-8")
    (copied / "my_board").mkdir()
    for file, kind in {"board.mk": "make", "board.ld": "ld"}.items():
        (block,) = re.findall(rf"```{kind}\n(.*?)```", guide, re.DOTALL)
        (copied / "my_board" / file).write_text(block)
    shutil.copy(copied / "cortex_m3" / "port.c", copied / "my_board")
    for module in (boards, firmware):
        monkeypatch.setattr(module, "FIRMWARE", copied)
    monkeypatch.chdir(tmp_path)
    return copied


def test_a_new_board(folder, cli, pristine, run_tool):
    row = next(line for line in cli("boards").stdout.splitlines() if line.startswith("my_board"))
    assert row.split()[1] == "serial:PORT" and row.split()[-1] == "ready"
    assert cli("firmware", pristine, "--board", "my_board").exit_code == 0
    hexadecimal = folder / "firmware.hex"
    image = "build/firmware/my_board/firmware.elf"
    run_tool("arm-none-eabi-objcopy", "-O", "ihex", image, hexadecimal, package="binutils-arm-none-eabi")
    assert hexadecimal.read_text().startswith(":020000040800F2"), "it begins at 0x08000000"


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m23", "cortex-m3", "cortex-m35p"])
def test_a_make_without_python(folder, cli, pristine, run_tool, core):
    """Of other cores too."""
    assert cli("export", pristine, "--format", "c", "--name", "model", "--out", "model").exit_code == 0
    made = folder.parent / "made"
    words = "BOARD=my_board", f"MODEL={folder.parent}/model/src", f"OUT={made}"
    flags = f"CFLAGS=-mcpu={core} -mthumb -mfloat-abi=soft -DCORE_HZ=16000000u"
    run_tool("make", "-s", "-C", folder, *words, flags)
    assert (made / "firmware.elf").is_file()
