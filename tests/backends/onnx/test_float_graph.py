# SPDX-License-Identifier: Apache-2.0
"""The float file against the float model: whole sequences, sequences in pieces, both runtimes."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from edgernn import cells
from edgernn.backends.onnx.float_graph import ACTIVATION, RECURRENT
from edgernn.backends.onnx.graph import IR_VERSION, OPSET
from edgernn.backends.onnx.write import float_file
from edgernn.cells.algebra import FloatAlgebra

WINDOWS = np.random.default_rng(7).normal(size=(6, 40, 5)).astype(np.float32)
TOLERANCE = 1e-5
"""Both are float32 but sum in another order, and onnxruntime approximates sigmoid and tanh by a quotient."""


def session(content):
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.fixture(params=[session, ReferenceEvaluator], ids=["onnxruntime", "onnx-reference"])
def run(request):
    """Runs a float file from zero or given states: y [steps, batch, K] and the new states by their inputs' names."""

    def execute(network, x, states=None):
        executable = request.param(float_file(network))
        zeros = {"_".join(name.split("/")): array for name, array in network.zero_states(x.shape[1]).items()}
        names = ["y", *(f"{key}_out" for key in zeros)]
        y, *new = executable.run(names, {"x": x, **(states or zeros)})
        return y, dict(zip(zeros, new, strict=True))

    return execute


@pytest.fixture
def network(recurrent, make_model):
    kind, options = recurrent
    return make_model((kind, 12, options), (kind, 7, options), ("dense", 4, {"activation": "relu"}), ("dense", 3, {}))


def sequences(network):
    return np.ascontiguousarray(network.interface.normalize(WINDOWS).transpose(1, 0, 2))


def test_every_step_of_a_sequence(network, run):
    y, _ = run(network, sequences(network))
    np.testing.assert_allclose(y.transpose(1, 0, 2), network.forward(WINDOWS), atol=TOLERANCE)


def test_states_carry_a_sequence_on(network, run):
    x, pieces, states = sequences(network), [], None
    for piece in (x[:1], x[1:7], x[7:]):
        y, states = run(network, piece, states)
        pieces.append(y)
    whole, final = run(network, x)
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=TOLERANCE)
    for key, state in states.items():
        np.testing.assert_allclose(state, final[key], atol=TOLERANCE)


def test_the_new_states_are_the_float_models(network, run):
    x = sequences(network)
    algebra, expected = FloatAlgebra(network.matrices()), network.zero_states(x.shape[1])
    for sample in x:
        _, expected = network.step(algebra, sample, expected)
    _, found = run(network, x)
    assert list(found) == [name.replace("/", "_") for name in expected]
    for array, state in zip(found.values(), expected.values(), strict=True):
        np.testing.assert_allclose(array, state, atol=TOLERANCE)


@pytest.mark.parametrize("activation", ["linear", *ACTIVATION])
def test_activations_of_dense_layers(make_model, run, activation):
    network = make_model(("rnn", 6, {}), ("dense", 5, {"activation": activation}))
    y, _ = run(network, sequences(network))
    np.testing.assert_allclose(y.transpose(1, 0, 2), network.forward(WINDOWS), atol=TOLERANCE)


def test_the_output_can_be_a_recurrent_layer(recurrent, make_model, run):
    kind, options = recurrent
    network = make_model((kind, 4, options))
    y, _ = run(network, sequences(network))
    np.testing.assert_allclose(y.transpose(1, 0, 2), network.forward(WINDOWS), atol=TOLERANCE)


def test_a_model_in_both_directions_takes_pairs_of_samples(make_model, run):
    network = make_model(("gru", 6, {}), ("dense", 3, {}), features=10, bidirectional=True)
    pairs = network.interface.steps(WINDOWS)
    y, _ = run(network, np.ascontiguousarray(network.interface.normalize(pairs).transpose(1, 0, 2)))
    np.testing.assert_allclose(y.transpose(1, 0, 2), network.forward(pairs), atol=TOLERANCE)


def test_a_file_holds_onnx_own_layers(network, parse):
    model = parse(float_file(network))
    assert (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) == (IR_VERSION, [("", OPSET)])
    own = [node.op_type for node in model.graph.node if node.op_type in {"GRU", "LSTM", "RNN"}]
    assert own == 2 * [RECURRENT[network.layers[0].kind].operator]
    assert not any(node.domain for node in model.graph.node)
    types = {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    assert types == {onnx.TensorProto.FLOAT}


def test_every_cell_has_an_operator():
    assert set(RECURRENT) == set(cells.recurrent())
    assert set(cells.names()) - set(RECURRENT) == {"dense"}
