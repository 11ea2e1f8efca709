# SPDX-License-Identifier: Apache-2.0
"""Every board's image: it builds without a warning, boots, passes its self-test, counts, and ends."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgernn.device.boards import FIRMWARE, get, targets
from edgernn.device.protocol import Ticks
from edgernn.errors import DeviceError

KNOWN_COSTS = Path(__file__).with_name("known_costs")
INSTRUCTIONS_PER_X = 2 * 1000
"""Of its model_step: MODEL_TURNS_PER_X turns of two instructions."""
SELFTEST_STACK_BYTES = 1500
SYSTICK_WRAP = 2**24
EMULATED = [board.name for board in targets().values() if board.has_uart]


@pytest.mark.parametrize("name", [board.name for board in targets().values()])
def test_boots(name, make_image, small_sources, start):
    board = get(name)
    with start(board, make_image(board, small_sources)) as device:
        device.step(np.zeros(3, np.int8))
        info = device.info()
        device.exit()
        with pytest.raises(DeviceError, match="ended with status 0"):
            device.info()
    assert (info.spec_version, info.selftest, info.board) == (1, 0, name)
    assert (info.features, info.outputs, info.operand_bytes, info.state_bytes) == (3, 2, 1, 2 * 5)
    assert f'#define MODEL_HASH "{info.model_hash}"' in (small_sources / "model.h").read_text()
    assert info.ticks == (Ticks.OF_THE_CORE if board.has_uart else Ticks.OF_A_CLOCK)
    if board.has_uart:
        assert 100 < info.stack_used < info.stack_size // 2
    else:
        assert (info.stack_used, info.stack_size) == (0, 0), "the system's stack has no known place"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.nightly if name in ("cortex_m3", "cortex_m7", "cortex_m33") else ())
        for name in EMULATED
    ],
)
def test_what_is_measured(name, make_image, start):
    """Ticks count instructions, exact to the tick (62.5 at most) over a wrap of SysTick; the stack's mark holds."""
    board, steps = get(name), 4000
    with start(board, make_image(board, KNOWN_COSTS)) as device:
        one, many = (device.run(steps, np.array([x], np.int8)) for x in (1, 127))
        info = device.info()
    expected = steps * (127 - 1) * INSTRUCTIONS_PER_X * info.ticks_per_second / 1e9
    assert abs(many - one - expected) <= 2
    assert name in ("cortex_m0", "riscv32") or many > SYSTICK_WRAP
    assert SELFTEST_STACK_BYTES < info.stack_used < SELFTEST_STACK_BYTES + 500


@pytest.mark.parametrize(
    ("name", "layer", "features", "flash", "ram"),
    [
        ("cortex_m0", ("gru", 32, {}), 6, 64 * 1024, 16 * 1024),
        ("cortex_m3", ("lstm", 128, {}), 64, 128 * 1024, 8 * 1024),
    ],
)
def test_small_boards(name, layer, features, flash, ram, quantized, write_sources, make_image, run_tool, start):
    """GRU (6, 32) on the micro:bit, and the largest LSTM of the benchmarks on the STM32VLDISCOVERY, stack included."""
    board = get(name)
    image = make_image(board, write_sources(quantized(layer, ("dense", 7, {}), features=features)))
    told = run_tool(board.size, image, package=board.packages[0])
    text, data, bss = map(int, told.splitlines()[1].split()[:3])
    with start(board, image) as device:
        info = device.info()
    assert text + data <= flash and data + bss <= ram
    assert info.selftest == 0 and info.stack_used < info.stack_size


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["BOARD=arduino", "OUT=/nowhere"], "BOARD=arduino is none of the boards: give BOARD=<one of cortex_m0 "),
        (["BOARD=host"], "OUT is missing: give OUT=<folder for the image>"),
        (
            ["run", "BOARD=host", "OUT=/nowhere"],
            "QEMU emulates no serial line of host: give a BOARD whose EMULATOR has ",
        ),
        (["run", "BOARD=riscv32", "OUT=/no where"], "/no where/firmware.elf is missing: build it first"),
        (["BOARD=host", "OUT=/nowhere", "MODEL=/nothing"], "/nothing/model.h is missing: give MODEL=<folder with"),
    ],
)
def test_what_make_has_to_be_told(words, told):
    done = subprocess.run(["make", "-C", FIRMWARE, *words], capture_output=True, text=True)
    assert done.returncode == 2 and told in done.stderr


def test_a_stack_that_does_not_fit(small_sources, tmp_path):
    """The link fails, and says by how much."""
    script = (FIRMWARE / "cortex_m3" / "board.ld").read_text().replace("stack_bytes = 4K", "stack_bytes = 8K")
    (tmp_path / "board.ld").write_text(script)
    words = ["BOARD=cortex_m3", f"MODEL={small_sources}", f"OUT={tmp_path}"]
    flags = f"LDFLAGS=-nostartfiles --specs=nano.specs -T {tmp_path}/board.ld"
    done = subprocess.run(["make", "-s", "-C", FIRMWARE, *words, flags], capture_output=True, text=True)
    assert done.returncode == 2 and "region `RAM' overflowed by" in done.stderr
