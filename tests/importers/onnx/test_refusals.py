# SPDX-License-Identifier: Apache-2.0
"""What can't be taken over exactly is named, with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgernn.importers import onnx_graph

MakeGraph = Callable[..., Path]
Reason = Callable[[Path], str]

EXPORTED = {
    "pytorch/gru_both_last.torchscript": "node '/rnn/GRU' (GRU): its last output of the backward direction has seen "
    "one step only; take the final states, which PyTorch gives as h_n: torch.cat((h_n[-2], h_n[-1]), dim=1)",
    "pytorch/gru_both_last.dynamo": "node 'node_gru__1' (GRU): its last output of the backward direction has seen one",
    "pytorch/lstm_both_every_step.torchscript": "node '/rnn/LSTM' (LSTM): it gives a value for every step, from steps",
    "pytorch/lstm_both_every_step.dynamo": "node 'node_lstm__2' (LSTM): it gives a value for every step, from steps",
    "pytorch/rnn.dynamo": "node 'node_MatMul_60' (MatMul): the steps of a layer are written out one after the other, "
    "as PyTorch does with nn.RNN when it exports with dynamo=True; export with dynamo=False",
    "tf2onnx/rnn": "node 'sequential_4/simple_rnn/while_loop' (Loop): loops are not supported (tf2onnx writes layers",
    "tf2onnx/gru_reset_before": "convert the .keras file itself",
    "tf2onnx/gru_no_bias": "convert the .keras file itself",
    "tf2onnx/gru_both_every_step": "(GRU): it gives a value for every step, from steps that are still to come",
    "tf2onnx/gru_pooled": "global_average_pooling1d/Mean' (ReduceMean): it sums up steps, windows or units",
}


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_models(folder: Path, reason: Reason, name: str) -> None:
    assert EXPORTED[name] in reason(folder / f"{name}.onnx")


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"{op} {outputs}", **attributes)


HEAD = [node("Squeeze", "Y one", "every"), node("MatMul", "every kernel", "y")]
CONSTANTS = {"one": np.array([1]), "zero": np.array([0]), "first": np.array(0), "end": np.array(-1)}
OPTIONS = {
    "clip": ({"clip": 3.0}, "it clips values inside the layer (clip), which is not supported"),
    "reverse": ({"direction": "reverse"}, "its direction is 'reverse'; there are 'forward' and 'bidirectional'"),
    "activations": (
        {"activations": ["HardSigmoid", "Tanh", "Tanh"]},
        "its activations are hardsigmoid, tanh, tanh; sigmoid, tanh, tanh is supported",
    ),
    "input_forget": ({"input_forget": 1}, "its input and forget gates are coupled (input_forget)"),
    "layout": ({"layout": 2}, "its layout is neither 0 nor 1"),
    "wrong type": ({"layout": "0"}, "its attribute layout is of another type than INT"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_of_a_layer(layer: MakeGraph, reason: Reason, case: str) -> None:
    options, expected = OPTIONS[case]
    found = reason(layer("LSTM", *HEAD, options=options, constants=CONSTANTS))
    assert found.startswith("node 'layer' (LSTM): ") and expected in found


INPUTS = {
    "peepholes": (["x", "W", "R", "B", "", "", "", "P"], "it has peepholes (P), which are not supported; use an LSTM"),
    "lengths": (["x", "W", "R", "B", "L"], "it takes the length of each window (sequence_lens)"),
    "state": (["x", "W", "R", "B", "", "h"], "its initial state is not zero; only zero or an input of the graph"),
    "data as state": (["x", "W", "R", "B", "", "", "", "P", "x"], "it has peepholes"),
    "no weights": (["x", "x", "R"], "its weights are not constants of the file"),
    "weights of another layer": (["x", "W", "W"], "its weights have the shapes [1, 20, 3] and [1, 20, 3]"),
    "bias": (["x", "W", "R", "W"], "its bias is no constant of 40 values a direction"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_inputs_of_a_layer(layer: MakeGraph, reason: Reason, case: str) -> None:
    given, expected = INPUTS[case]
    more = {"P": np.ones((1, 15), np.float32), "L": np.array([3], np.int32), "h": np.ones((1, 1, 5), np.float32)}
    assert f"node 'layer' (LSTM): {expected}" in reason(layer("LSTM", *HEAD, given=given, constants=CONSTANTS | more))


def test_peepholes_of_zeros_are_none(layer: MakeGraph) -> None:
    constants = CONSTANTS | {"P": np.zeros((1, 15), np.float32)}
    path = layer("LSTM", *HEAD, given=["x", "W", "R", "B", "", "", "", "P"], constants=constants)
    assert onnx_graph.read(path).layers[0].kind == "lstm"


BEHIND = {
    "first step": (
        [
            node("Squeeze", "Y one", "every"),
            node("Gather", "every first", "f", axis=0),
            node("MatMul", "f kernel", "y"),
        ],
        "node 'MatMul y' (MatMul): it takes the first step's output; only the last one's or all are supported",
    ),
    "cell state": (
        [node("Squeeze", "C zero", "c"), node("MatMul", "c kernel", "y")],
        "it takes the cell state c of an LSTM; only its output h is supported",
    ),
    "residual": (
        [node("Squeeze", "Y one", "every"), node("Add", "every every", "s"), node("MatMul", "s kernel", "y")],
        "node 'Add s' (Add): it adds two branches of the model; only a chain of layers is supported",
    ),
    "attention": (
        [node("Squeeze", "Y one", "every"), node("Mul", "every every", "s"), node("MatMul", "s kernel", "y")],
        "node 'Mul s' (Mul): it joins two branches of the model; only a chain of layers is supported",
    ),
    "mean of all steps": (
        [
            node("Squeeze", "Y one", "e"),
            node("ReduceMean", "e", "m", axes=[0], keepdims=0),
            node("MatMul", "m kernel", "y"),
        ],
        "node 'ReduceMean m' (ReduceMean): it sums up steps, windows or units; only a layer's two directions can be",
    ),
    "half of the units": (
        [node("Squeeze", "Y one", "every"), node("Slice", "every zero one two", "y")],
        "node 'Slice y' (Slice): it takes a part of the features or units; only the last step of a window can be taken",
    ),
    "window turned round": (
        [node("Squeeze", "Y one", "every"), node("Slice", "every minus far zero minus", "y")],
        "it takes every -1th place; reversed or thinned windows are not supported",
    ),
    "features mixed with steps": (
        [node("Squeeze", "Y one", "every"), node("Reshape", "every odd", "y")],
        "node 'Reshape y' (Reshape): it arranges the steps, the batch, the features or units as [-1, 10], which mixes",
    ),
    "activation": (
        [*HEAD[:1], node("MatMul", "every kernel", "z"), node("Elu", "z", "y")],
        "node 'Elu y' (Elu): this operator is not supported; there are Add, BatchNormalization, ",
    ),
    "softmax over steps": (
        [*HEAD[:1], node("MatMul", "every kernel", "z"), node("Softmax", "z", "y", axis=0)],
        "node 'Softmax y' (Softmax): it works along the steps or the batch; only along the classes is supported",
    ),
    "relu of a layer": (
        [*HEAD[:1], node("Relu", "every", "y")],
        "is supported directly behind a dense layer only",
    ),
    "other domain": (
        [*HEAD[:1], helper.make_node("Odd", ["every"], ["y"], domain="org.example")],
        "node 2 (org.example.Odd): this operator is not supported; there are Add, ",
    ),
    "training": (
        [*HEAD[:1], node("Dropout", "every half yes", "y")],
        "node 'Dropout y' (Dropout): it drops values at inference; call model.eval() in front of the export",
    ),
    "integers": (
        [*HEAD[:1], node("Cast", "every", "y", to=TensorProto.INT32)],
        "it converts data to integers",
    ),
}


@pytest.mark.parametrize("case", BEHIND)
def test_what_stands_behind_a_layer(layer: MakeGraph, reason: Reason, case: str) -> None:
    behind, expected = BEHIND[case]
    constants = CONSTANTS | {
        "two": np.array([2]),
        "minus": np.array([-1]),
        "far": np.array([-(2**63)]),
        "odd": np.array([-1, 10]),
        "half": np.array(0.5, np.float32),
        "yes": np.array(True),
    }
    assert expected in reason(layer("LSTM", *behind, constants=constants))


BOTH = {
    "backward alone": ([node("Gather", "H one", "s", axis=0), node("Squeeze", "s zero", "h")], "h", "alone; take both"),
    "backward in front": (
        [
            node("Gather", "H end", "b", axis=0),
            node("Gather", "H first", "f", axis=0),
            node("Concat", "b f", "h", axis=1),
        ],
        "h",
        "it puts the backward direction in front; put the forward one first",
    ),
    "both twice": (
        [node("Transpose", "H", "t", perm=[1, 0, 2]), node("Concat", "t t", "tt", axis=1), node("Flatten", "tt", "h")],
        "h",
        "only their final states, forward first, can be used",
    ),
    "a stack": ([], "H", "node 'MatMul y' (MatMul): it works on the states of several layers or directions at once"),
}


@pytest.mark.parametrize("case", BOTH)
def test_odd_uses_of_both_directions(layer: MakeGraph, reason: Reason, case: str) -> None:
    behind, used, expected = BOTH[case]
    rows = {"backward alone": 5, "a stack": 5, "both twice": 20}.get(case, 10)
    constants = CONSTANTS | {"kernel": np.ones((rows, 2), np.float32)}
    found = reason(layer("GRU", *behind, node("MatMul", f"{used} kernel", "y"), directions=2, constants=constants))
    assert expected in found


def test_the_forward_direction_alone_is_a_layer_of_its_own(layer: MakeGraph) -> None:
    behind = [node("Gather", "H first", "h", axis=0), node("MatMul", "h kernel", "y")]
    constants = CONSTANTS | {"kernel": np.ones((5, 2), np.float32)}
    imported = onnx_graph.read(layer("GRU", *behind, directions=2, constants=constants))
    assert not imported.bidirectional and imported.layers[0].units == 5
    assert imported.notes == ("node 'layer' (GRU): its backward direction is not used",)


def test_steps_and_windows_that_change_places(layer: MakeGraph, reason: Reason) -> None:
    behind = [
        node("Squeeze", "Y one", "every"),
        node("Transpose", "every", "swapped", perm=[1, 0, 2]),
        node("GRU", "swapped R2 R2", "Y2 H2", hidden_size=5),
        node("Squeeze", "Y2 one", "y"),
    ]
    constants = CONSTANTS | {"R2": np.ones((1, 15, 5), np.float32)}
    found = reason(layer("GRU", *behind, constants=constants))
    assert found == "node 'GRU Y2 H2' (GRU): steps and windows have changed places in front of it (batch_first)"


def test_models_without_a_recurrent_layer(write: MakeGraph, reason: Reason) -> None:
    found = reason(write([node("MatMul", "x k", "y")], {"k": np.ones((3, 2), np.float32)}))
    assert "the model has no recurrent layer on the way to its output: give one with a GRU, LSTM or RNN" in found


def test_several_outputs(layer: MakeGraph, reason: Reason) -> None:
    found = reason(layer("GRU", *HEAD, constants=CONSTANTS, outputs=("y", "every", "H")))
    assert found == "the model has to have one output beside states, and these are there: 'y', 'every'"


def test_operators_too_old_or_too_new(layer: MakeGraph, reason: Reason) -> None:
    def age(model: Any, version: int) -> None:
        model.opset_import[0].version = version

    for version in (1, 6, 99):
        found = reason(layer("GRU", *HEAD, constants=CONSTANTS, change=lambda model, v=version: age(model, v)))
        assert found.startswith(f"it is written in version {version} of ONNX' operators; 7 to ")


def test_what_does_not_reach_the_output_does_no_harm(layer: MakeGraph) -> None:
    behind = [node("Elu", "Y", "aside"), node("Einsum", "aside aside", "more", equation="i,i"), *HEAD]
    assert onnx_graph.read(layer("GRU", *behind, constants=CONSTANTS)).layers[0].kind == "gru"


def test_quantized_models(pristine: Path, reason: Reason) -> None:
    assert "the model is quantized already; give the float model that it was made from" in reason(
        pristine / "model.onnx"
    )
