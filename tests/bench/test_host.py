# SPDX-License-Identifier: Apache-2.0
"""Latencies: every runtime is timed on the same samples, in turns, and a missing one is told."""

import numpy as np

from edgernn import backends
from edgernn.backends.numpy.runtime import NumpyStepper
from edgernn.bench.host import measure
from edgernn.errors import MissingExtraError


class Recording:
    """The reference; keeps the name of whom is stepped, and with what."""

    def __init__(self, name, calls):
        self.name, self.calls = name, calls

    def version(self):
        return "1.0"

    def load(self, artifact, model):
        self.stepper = NumpyStepper(model)
        return self

    def step(self, inputs):
        self.calls.append((self.name, {name: array.copy() for name, array in inputs.items()}))
        return self.stepper.step(inputs)


class Missing(Recording):
    def version(self):
        raise MissingExtraError("running", "something", "extra")


def test_the_numbers(model, expected, runtime_names):
    latencies = measure(model, expected, backends.select(()), 50)
    assert [latency.name for latency in latencies] == runtime_names
    for latency in latencies:
        assert latency.steps == 50 and latency.version and latency.reason == ""
        assert 0 < latency.p50 <= latency.p95 <= latency.p99
        assert latency.mean > 0


def test_runtimes_take_turns_after_a_warm_up(model, expected):
    calls = []
    first, second = measure(model, expected, [Recording("a", calls), Recording("b", calls)], 40)
    assert (first.steps, second.steps) == (40, 40)
    order = [name for name, _ in calls]
    assert order == (["a"] * 4 + ["b"] * 4) * 11


def test_the_state_is_carried_over_golden_samples(model, expected):
    calls = []
    measure(model, expected, [Recording("a", calls)], 50)
    program = model.integer.program
    (state,) = program.states
    inputs = [inputs for _, inputs in calls[:5]]
    np.testing.assert_array_equal([entry[program.x] for entry in inputs], expected.x[0, :5])
    assert not inputs[0][state.read].any()
    np.testing.assert_array_equal([entry[state.read] for entry in inputs[1:]], expected.states[state.read][0, :4])


def test_padding_is_no_sample(model, expected):
    calls = []
    expected.x[1, 7:] = 99
    measure(model, expected, [Recording("a", calls)], 400)
    assert not any((inputs[model.integer.program.x] == 99).all() for _, inputs in calls)


def test_a_runtime_that_is_missing(model, expected):
    calls = []
    one, other = measure(model, expected, [Missing("a", calls), Recording("b", calls)], 10)
    assert (one.name, one.steps, one.version) == ("a", 0, "")
    assert "pip install '.[extra]'" in one.reason
    assert (other.name, other.steps) == ("b", 10)
