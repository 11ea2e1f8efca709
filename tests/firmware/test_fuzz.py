# SPDX-License-Identifier: Apache-2.0
"""A million inputs for the protocol under sanitizers, and a second reading of the same bytes (fuzz_protocol.c)."""

from pathlib import Path

import pytest

from edgernn.device.boards import FIRMWARE
from edgernn.device.protocol import Error

SEED = 1
FUZZ = Path(__file__).with_name("fuzz_protocol.c")
SANITIZERS = "-g -fsanitize=address,undefined -fno-sanitize-recover=all".split()


@pytest.fixture
def fuzz(run_tool, strict, tmp_path):
    """Feeds so many inputs to the protocol with the model of a folder; how often each outcome was met, 0 for none."""

    def run(folder, inputs):
        parts = [FIRMWARE / name for name in ("frame.c", "protocol.c", "stack.c")]
        flags = ["-std=c99", "-O1", *strict, *SANITIZERS, '-DFIRMWARE_BOARD="host"', f"-I{FIRMWARE}", f"-I{folder}"]
        program = tmp_path / "fuzz"
        run_tool("gcc", *flags, FUZZ, *parts, *folder.glob("*.c"), "-o", program)
        told = run_tool(program, inputs, SEED)
        counts = {int(error): int(count) for error, count in map(str.split, told.splitlines())}
        assert set(counts) == {0, *Error}
        assert sum(counts.values()) > 1.9 * inputs, "a step follows each input"
        return counts

    return run


def test_a_million_inputs(fuzz, small_sources):
    assert min(fuzz(small_sources, 1_000_000).values()) > 1000, "every outcome was met often"


def test_frames_with_full_blocks(fuzz, quantized, write_sources):
    """A state of more than the 254 bytes of a block, which has no zero in it now and then."""
    assert fuzz(write_sources(quantized(("rnn", 140, {}), features=3)), 50_000)[0] > 50_000
