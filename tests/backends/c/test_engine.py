# SPDX-License-Identifier: Apache-2.0
"""The native engine as a runtime that is validated: every tensor is the specification's, and a fault is found."""

from dataclasses import replace

import numpy as np
import pytest

import edgernn
from edgernn.backends.c.engine import NativeRuntime
from edgernn.engine import native
from edgernn.errors import EdgernnError
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import Program
from edgernn.validate import validate


def test_it_agrees(model, expected):
    report = validate(model, expected, (NativeRuntime(),))
    assert report.agrees
    assert report.values_compared == expected.steps * (2 + 5)


def test_a_trace_has_every_tensor(model, expected):
    program = model.integer.program
    stepper = NativeRuntime().load(model.folder, model.integer)
    inputs = {program.x: expected.x[0, 0], **model.integer.zero_states()}
    found, wanted = stepper.trace(inputs), Interpreter(program).step(inputs)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
    outputs = stepper.step(inputs)
    assert list(outputs) == list(program.outputs)
    for name, value in outputs.items():
        np.testing.assert_array_equal(value, wanted[name])


def test_a_fault_is_found(model, expected, monkeypatch):
    program = model.integer.program
    (wrong,) = [op for op in program.ops if op.outputs[0] == program.y]
    kernel = program.kernels[wrong.kernel]
    kernels = {**program.kernels, wrong.kernel: replace(kernel, bias=kernel.bias + (1 << 12))}
    faulty = Program(program.tensors, program.ops, kernels, program.x, program.y, program.states)
    load = native.load
    monkeypatch.setattr(native, "load", lambda model: load(IntegerModel(model.interface, faulty)))
    (result,) = validate(model, expected, (NativeRuntime(),)).runtimes
    assert (result.status, result.first_difference.op) == ("differs", f"linear {program.y}")


def test_without_the_extension_it_is_unavailable(model, expected, monkeypatch):
    monkeypatch.setattr(native, "_engine", None)
    (result,) = validate(model, expected, (NativeRuntime(),)).runtimes
    assert result.status == "unavailable"
    assert result.reason.startswith("the native engine is not installed: install a C compiler")
    with pytest.raises(EdgernnError, match="not installed"):
        NativeRuntime().load(model.folder, model.integer)


def test_its_name_and_version():
    assert (NativeRuntime().name, NativeRuntime().version()) == ("native", edgernn.__version__)
