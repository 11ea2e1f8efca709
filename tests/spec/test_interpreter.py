# SPDX-License-Identifier: Apache-2.0
"""The interpreter binds each op to its primitive, for any batch."""

import numpy as np
import pytest

from edgernn.spec import ops
from edgernn.spec.interpreter import Interpreter


@pytest.fixture
def inputs(program):
    rng = np.random.default_rng(0)
    drawn = {name: rng.integers(-32768, 32768, (4, 3, program.tensors[name].size)) for name in program.inputs}
    drawn["x"] = np.clip(drawn["x"], -127, 127)
    return {name: value.astype(program.tensors[name].dtype) for name, value in drawn.items()}


def test_a_step_is_its_primitives_in_order(program, kernels, inputs):
    found = Interpreter(program).step(inputs)
    x, h, c = inputs.values()
    expected = {"wide": ops.linear(x, kernels["kernel"].weights, kernels["kernel"].bias, np.array([2, 1, 3, 4]))}
    expected["left"], expected["right"] = expected["wide"][..., :2], expected["wide"][..., 2:]
    expected["gate"] = ops.sigmoid(expected["left"])
    expected["h8"] = ops.operand(h, 8, "int8")
    recurrent = kernels["recurrent"]
    expected["recurrent"] = ops.linear(expected["h8"], recurrent.weights, recurrent.bias, np.array([1, 2]))
    expected["new"] = ops.tanh(expected["recurrent"])
    expected["kept"] = ops.mul(expected["gate"], c, 15)
    expected["sum"] = ops.add(expected["kept"], expected["right"], 11, 11, 11)
    expected["difference"] = ops.sub(expected["sum"], expected["new"], 11, 15, 12)
    expected["wider"] = ops.requantize(expected["difference"], 3)
    expected["y"] = ops.relu(expected["wider"])
    assert found.keys() == program.tensors.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_a_batch_is_its_vectors(program, inputs):
    interpreter = Interpreter(program)
    batch = interpreter.step(inputs)
    for i, j in np.ndindex(4, 3):
        for name, value in interpreter.step({name: value[i, j] for name, value in inputs.items()}).items():
            np.testing.assert_array_equal(value, batch[name][i, j], err_msg=name)


def test_an_empty_batch(program, inputs):
    found = Interpreter(program).step({name: value[:0] for name, value in inputs.items()})
    assert {name: value.shape for name, value in found.items()} == {
        name: (0, 3, tensor.size) for name, tensor in program.tensors.items()
    }


def test_a_step_does_not_change_its_inputs(program, inputs):
    before = {name: value.copy() for name, value in inputs.items()}
    Interpreter(program).step(inputs)
    for name, value in before.items():
        np.testing.assert_array_equal(inputs[name], value)
