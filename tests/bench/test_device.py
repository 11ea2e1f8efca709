# SPDX-License-Identifier: Apache-2.0
"""Figures of devices: counted where an emulator counts, and of the image where there is one."""

from contextlib import closing

import pytest

from edgernn import load
from edgernn.bench import device
from edgernn.device import firmware, targets
from edgernn.device.boards import get
from edgernn.device.transport import WAITING, emulated


def measured(model, expected, name, optimization="-O2"):
    return device.measure(model, expected, targets.select([name], optimization)[0])


def test_an_emulated_board(model, expected):
    figures = measured(model, expected, "qemu:cortex_m4")
    assert (figures.name, figures.unit, figures.reason) == ("qemu:cortex_m4", "instructions", "")
    assert figures.version == get("cortex_m4").versions()
    assert 1000 < figures.cost < 20_000
    assert figures.state == 10
    assert 100 < figures.stack < 2000
    assert figures.ram == figures.sizes.ram - 16_384 + figures.stack


def test_instructions_are_the_same_every_time(model, expected):
    first, second = (measured(model, expected, "qemu:cortex_m3").cost for _ in range(2))
    assert first == pytest.approx(second, rel=1e-3), "the counter's ticks are 40 instructions long"


def test_a_larger_model_takes_more(model, expected, make_artifact):
    larger = load(make_artifact(("gru", 20, {}), ("dense", 2, {})))
    small, large = (measured(each, expected, "qemu:cortex_m4") for each in (model, larger))
    assert large.cost > 2 * small.cost
    assert large.sizes.constants > small.sizes.constants + 1000
    assert large.state == 40


def test_a_board_with_another_clock(model, expected):
    """Its counter has another rate than that of the other MPS2; instructions are instructions."""
    m4, m33 = (measured(model, expected, f"qemu:cortex_{core}").cost for core in ("m4", "m33"))
    assert 0.9 < m4 / m33 < 1.1


def test_a_program(model, expected):
    figures = measured(model, expected, "host")
    assert (figures.unit, figures.stack, figures.reason) == ("ns", 0, "")
    assert figures.cost > 0 and figures.ram == figures.sizes.ram


def test_a_line_of_a_network(model, expected, tmp_path):
    """Who is there is unknown: an emulator counts instructions, a core cycles."""
    image = firmware.build(get("cortex_m4"), model.integer, tmp_path)
    with closing(emulated(get("cortex_m4").command(image, WAITING))) as line:
        port = line._line._name
        line._line.close()
        figures = measured(model, expected, f"serial:{port}")
    assert figures.unit == "ticks of 25 MHz", figures.reason


def test_an_optimization(model, expected):
    fast, small = (measured(model, expected, "qemu:cortex_m0", level) for level in ("-O2", "-Os"))
    assert small.sizes.flash < fast.sizes.flash
    assert small.cost != fast.cost


def test_a_target_that_is_missing(model, expected):
    figures = measured(model, expected, "serial:/dev/none")
    assert (figures.name, figures.version, figures.cost, figures.sizes) == ("serial:/dev/none", "", 0, None)
    assert "/dev/none can't be opened" in figures.reason
