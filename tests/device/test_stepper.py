# SPDX-License-Identifier: Apache-2.0
"""States go over the line only when they have to, and a lost step is done again from the state before it."""

import numpy as np
import pytest

from edgernn.device.link import Device, LostError
from edgernn.device.protocol import Kind, decode
from edgernn.device.stepper import DeviceStepper
from edgernn.device.transport import hosted
from edgernn.spec.interpreter import Interpreter


class Tapped:
    """A line that keeps the kinds of the requests; drops what is read after a step while `drop` is above 0."""

    def __init__(self, line):
        self.line, self.kinds, self.drop = line, [], 0

    def write(self, content):
        if content != b"\0":
            self.kinds.append(Kind(decode(content[:-1]).kind))
        self.line.write(content)

    def read(self, timeout):
        received = self.line.read(timeout)
        if received and self.kinds[-1] == Kind.STEP and self.drop:
            self.drop -= 1
            return b"\x01\x02\0"
        return received

    def close(self):
        self.line.close()


@pytest.fixture
def tapped(image):
    line = Tapped(hosted([str(image)]))
    yield line
    line.close()


@pytest.fixture
def stepper(tapped, model):
    return DeviceStepper(Device(tapped, "host", 10.0), model.integer.program)


@pytest.fixture
def step(stepper, model):
    """Steps from these states with the nth made-up input, checks all values, and returns the states after it."""
    program = model.integer.program

    def run(states, n):
        x = np.random.default_rng(n).integers(-127, 128, 3).astype(np.int8)
        inputs = {program.x: x, **states}
        found, expected = stepper.step(inputs), Interpreter(program).step(inputs)
        assert found.keys() == set(program.outputs)
        for name, values in found.items():
            assert values.dtype == expected[name].dtype
            np.testing.assert_array_equal(values, expected[name])
        return program.next_states(found)

    return run


def test_what_goes_over_the_line(step, tapped, model):
    zero = model.integer.zero_states()
    first = step(zero, 0)
    second = step(first, 1)
    step(second, 2)
    assert tapped.kinds == [Kind.RESET, Kind.INFO, Kind.STEP, Kind.STEP, Kind.STEP]
    tapped.kinds.clear()
    step(first, 3)
    step(zero, 4)
    step(zero, 5)
    assert tapped.kinds == [Kind.WRITE_STATE, Kind.STEP, Kind.RESET, Kind.STEP, Kind.RESET, Kind.STEP]


def test_a_lost_step_is_done_again(step, tapped, model):
    states = step(step(model.integer.zero_states(), 0), 1)
    tapped.kinds.clear()
    tapped.drop = 1
    step(states, 2)
    assert tapped.kinds == [Kind.STEP, Kind.WRITE_STATE, Kind.STEP]


def test_steps_that_are_lost_again_and_again(step, stepper, tapped, model):
    states = step(model.integer.zero_states(), 0)
    tapped.kinds.clear()
    tapped.drop = 3
    step(states, 1)
    assert tapped.kinds == [Kind.STEP, *[Kind.WRITE_STATE, Kind.STEP] * 3]
    tapped.drop = 10_000
    stepper._device._timeout = 0.3
    with pytest.raises(LostError):
        step(states, 1)
    tapped.kinds.clear()
    tapped.drop = 0
    step(states, 2)
    assert tapped.kinds == [Kind.WRITE_STATE, Kind.STEP], "what the device holds is not known"


def test_a_device_that_starts_again_in_between(step, tapped, model, image):
    """Its state is that of the beginning, and the host sets it anew."""
    states = step(step(model.integer.zero_states(), 0), 1)
    first, tapped.line = tapped.line, hosted([str(image)])
    first.close()
    tapped.kinds.clear()
    step(states, 2)
    assert tapped.kinds == [Kind.STEP, Kind.WRITE_STATE, Kind.STEP]


def test_a_trace_is_a_step(stepper, model):
    program = model.integer.program
    inputs = {program.x: np.array([1, 2, 3], np.int8), **model.integer.zero_states()}
    stepped, traced = stepper.step(inputs), stepper.trace(inputs)
    assert stepped.keys() == traced.keys()
    for name, values in stepped.items():
        np.testing.assert_array_equal(traced[name], values)
