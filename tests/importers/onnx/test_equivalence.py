# SPDX-License-Identifier: Apache-2.0
"""What is read computes what the source framework did: 1e-5, the order of float32 sums over so few numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from edgernn.importers import onnx_graph

TOLERANCE = 1e-5
PYTORCH = {
    "gru": ["gru", "dense"],
    "gru_batch_norm": ["gru", "dense"],
    "gru_both": ["gru", "dense"],
    "gru_both_ends": ["gru", "dense"],
    "gru_dense_in_front": ["dense", "gru", "dense"],
    "gru_no_bias": ["gru", "dense"],
    "gru_one_step": ["gru", "dense"],
    "gru_one_window": ["gru", "dense"],
    "gru_stacked": ["gru", "gru", "gru", "dense"],
    "gru_steps_first": ["gru", "gru", "dense"],
    "gru_streaming": ["gru", "dense"],
    "gru_unbatched": ["gru", "dense"],
    "gru_zeros_given": ["gru", "dense"],
    "lstm": ["lstm", "dense"],
    "lstm_both": ["lstm", "dense"],
    "lstm_every_step": ["lstm", "dense"],
    "lstm_final_state": ["lstm", "dense"],
    "lstm_rows": ["lstm", "dense"],
    "lstm_stacked": ["lstm", "lstm", "dense"],
    "lstm_streaming": ["lstm", "dense"],
    "lstm_zeros_given": ["lstm", "lstm", "dense"],
    "two_kinds": ["gru", "lstm", "dense", "dense"],
}
TORCHSCRIPT_ONLY = {"rnn": ["rnn", "dense"], "rnn_both": ["rnn", "dense"], "rnn_stacked": ["rnn", "rnn", "dense"]}
TF2ONNX = {
    "gru": ["gru", "dense"],
    "gru_both": ["gru", "dense"],
    "gru_both_average": ["gru", "dense"],
    "gru_rescaled": ["gru", "dense"],
    "gru_stacked": ["gru", "lstm", "dense", "dense"],
    "lstm": ["lstm", "dense"],
    "lstm_both": ["lstm", "dense"],
    "lstm_both_sum": ["lstm", "dense"],
    "lstm_dense_every_step": ["lstm", "dense"],
    "lstm_every_step": ["lstm", "dense"],
}
CASES = {
    **{f"pytorch/{name}.torchscript": kinds for name, kinds in (PYTORCH | TORCHSCRIPT_ONLY).items()},
    **{f"pytorch/{name}.dynamo": kinds for name, kinds in PYTORCH.items()},
    **{f"tf2onnx/{name}": kinds for name, kinds in TF2ONNX.items()},
}

MakeGraph = Callable[..., Path]
Computed = Callable[..., Any]


@pytest.mark.parametrize("name", CASES)
def test_computes_what_the_source_framework_did(folder: Path, computed: Computed, name: str) -> None:
    imported = onnx_graph.read(folder / f"{name}.onnx")
    with np.load(folder / f"{name.split('.')[0]}.npz") as expected:
        y = computed(imported, expected["x"]).reshape(expected["y"].shape)
        wanted = np.exp(expected["y"]) if "lstm_rows" in name else expected["y"]
    assert [layer.kind for layer in imported.layers] == CASES[name]
    assert imported.bidirectional == ("both" in name)
    assert np.abs(y - wanted).max() <= TOLERANCE


def test_versions_stand_beside_the_files(folder: Path) -> None:
    pytorch, keras = (json.loads((folder / name / "versions.json").read_text()) for name in ("pytorch", "tf2onnx"))
    assert pytorch["torch"] == "2.13.0+cpu"
    assert keras["tf2onnx"] == "1.17.0"


def test_normalization_in_the_file_is_found(folder: Path) -> None:
    imported = onnx_graph.read(folder / "pytorch" / "two_kinds.dynamo.onnx")
    assert imported.mean is not None and imported.std is not None and imported.softmax
    np.testing.assert_allclose(imported.mean, [0.5, -1, 2], rtol=1e-6)
    np.testing.assert_allclose(imported.std, [2, 0.5, 1.5], rtol=1e-6)


def test_what_changes_nothing_is_noted(folder: Path) -> None:
    streaming = onnx_graph.read(folder / "pytorch" / "lstm_streaming.torchscript.onnx")
    rows = onnx_graph.read(folder / "pytorch" / "lstm_rows.torchscript.onnx")
    assert streaming.notes == ("initial states are inputs of the file ('c', 'h'): they start at zero, and are kept",)
    assert streaming.per_step
    assert rows.notes == (
        "node '/LogSoftmax' (LogSoftmax): outputs are logits, of which it makes logarithms of probabilities",
    )


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"{op} {outputs}", **attributes)


def last(data: str = "Y") -> list[Any]:
    """From Y [steps, 1, batch, units] to last [batch, units]."""
    return [node("Squeeze", f"{data} one", "every"), node("Gather", "every end", "last", axis=0)]


INDICES = {"one": np.array([1]), "end": np.array(-1), "zero": np.array([0])}


@pytest.fixture
def agrees(run: Computed, computed: Computed) -> Callable[[Path], None]:
    """Asserts that what is read from a file over [steps, batch, 3] computes what onnxruntime does."""

    def check(path: Path) -> None:
        x = np.random.default_rng(2).normal(size=(7, 4, 3)).astype(np.float32)
        y = computed(onnx_graph.read(path), x.transpose(1, 0, 2))
        expected = run(path, x=x)
        assert y.shape == expected.shape
        assert np.abs(y - expected).max() <= TOLERANCE

    return check


@pytest.mark.parametrize("op", ["GRU", "LSTM", "RNN"])
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("biased", [True, False])
def test_layers_made_by_hand(
    layer: MakeGraph, agrees: Callable[[Path], None], op: str, before: int, biased: bool
) -> None:
    options = {"linear_before_reset": before} if op == "GRU" else {}
    given = ["x", "W", "R", *(["B"] if biased else [])]
    behind = [*last(), node("MatMul", "last kernel", "y")]
    agrees(layer(op, *behind, options=options, constants=INDICES, given=given))


@pytest.mark.parametrize("op", ["GRU", "LSTM", "RNN"])
@pytest.mark.parametrize("before", [0, 1])
def test_both_directions_made_by_hand(layer: MakeGraph, agrees: Callable[[Path], None], op: str, before: int) -> None:
    options = {"linear_before_reset": before} if op == "GRU" else {}
    behind = [
        node("Transpose", "H", "moved", perm=[1, 0, 2]),
        node("Flatten", "moved", "flat"),
        node("MatMul", "flat kernel", "y"),
    ]
    agrees(layer(op, *behind, directions=2, options=options))


DENSE = {
    "matmul, bias in front": [node("MatMul", "last kernel", "z"), node("Add", "bias z", "y")],
    "gemm": [node("Gemm", "last kernel bias", "y", alpha=0.5, beta=-2.0)],
    "gemm, transposed": [node("Gemm", "last turned bias", "y", transB=1)],
    "gemm, data transposed": [
        node("Transpose", "last", "l", perm=[1, 0]),
        node("Gemm", "l kernel", "y", transA=1),
    ],
    "matrix on the left": [
        node("Transpose", "last", "l", perm=[1, 0]),
        node("MatMul", "turned l", "z"),
        node("Transpose", "z", "y", perm=[1, 0]),
    ],
    "gemm, matrix on the left": [
        node("Gemm", "turned last column", "z", transB=1),
        node("Transpose", "z", "y"),
    ],
    "matrix made of a constant": [
        node("Transpose", "turned", "k", perm=[1, 0]),
        node("MatMul", "last k", "y"),
    ],
    "scaled and shifted behind": [
        node("MatMul", "last kernel", "z"),
        node("Mul", "z bias", "m"),
        node("Sub", "bias m", "s"),
        node("Div", "s two", "y"),
    ],
    "scaled in front": [node("Mul", "last units", "m"), node("Add", "m units", "a"), node("MatMul", "a kernel", "y")],
    "two without an activation": [node("MatMul", "last kernel", "z"), node("MatMul", "z square", "y")],
    "activation": [node("MatMul", "last kernel", "z"), node("Sigmoid", "z", "y")],
    "probabilities": [node("MatMul", "last kernel", "z"), node("Softmax", "z", "y", axis=1)],
    "identities": [
        node("Dropout", "last", "d"),
        node("Identity", "d", "i"),
        node("Cast", "i", "c", to=1),
        node("Unsqueeze", "c zero", "u"),
        node("Reshape", "u keep", "r"),
        node("Expand", "r ones", "e"),
        node("MatMul", "e kernel", "y"),
    ],
}


@pytest.mark.parametrize("behind", DENSE.values(), ids=DENSE)
def test_what_stands_behind_a_layer(layer: MakeGraph, agrees: Callable[[Path], None], behind: list[Any]) -> None:
    rng = np.random.default_rng(8)
    kernel = rng.normal(size=(5, 2)).astype(np.float32)
    constants = {
        **INDICES,
        "kernel": kernel,
        "turned": kernel.T.copy(),
        "bias": np.array([0.5, -1.5], np.float32),
        "column": np.array([[0.5], [-1.5]], np.float32),
        "two": np.array(2, np.float32),
        "units": rng.normal(size=(1, 5)).astype(np.float32),
        "square": rng.normal(size=(2, 2)).astype(np.float32),
        "keep": np.array([-1, 5]),
        "ones": np.array([1, 1]),
    }
    agrees(layer("GRU", *last(), *behind, constants=constants))


FRONT = {
    "turned round": [node("Sub", "mean x", "n")],
    "per feature": [node("Sub", "x mean", "s"), node("Div", "s std", "n")],
    "one number for all": [node("Mul", "x two", "n")],
    "transposed there and back": [
        node("Transpose", "x", "t", perm=[2, 0, 1]),
        node("Mul", "t across", "m"),
        node("Transpose", "m", "n", perm=[1, 2, 0]),
    ],
}


@pytest.mark.parametrize("front", FRONT.values(), ids=FRONT)
def test_what_stands_in_front_of_a_layer(
    write: MakeGraph, weights: Callable[..., Any], agrees: Callable[[Path], None], front: list[Any]
) -> None:
    constants = {
        **INDICES,
        **weights("LSTM"),
        "mean": np.array([0.5, -1.5, 3], np.float32),
        "std": np.array([[0.5, 4, 2]], np.float32),
        "across": np.array([[[0.5]], [[-4]], [[2]]], np.float32),
        "two": np.array(2, np.float32),
    }
    gru = node("LSTM", "n W R B", "Y H C", hidden_size=5)
    agrees(write([*front, gru, *last(), node("MatMul", "last kernel", "y")], constants))


@pytest.mark.parametrize("opset", [7, 9, 11, 12])
def test_old_operators_with_axes_as_attributes(layer: MakeGraph, agrees: Callable[[Path], None], opset: int) -> None:
    behind = [
        node("Squeeze", "Y", "every", axes=[1]),
        *(
            [node("Slice", "every", "end", axes=[0], starts=[-1], ends=[2**31 - 1])]
            if opset < 10
            else [node("Gather", "every place", "end", axis=0)]
        ),
        node("Squeeze", "end", "last", axes=[0]),
        node("MatMul", "last kernel", "z"),
        node("Softmax", "z", "y", axis=1),
    ]
    constants = {"place": np.array([-1])} if opset >= 10 else {}
    agrees(layer("GRU", *behind, opset=opset, constants=constants))


def test_final_state_of_the_second_layer(layer: MakeGraph, agrees: Callable[[Path], None]) -> None:
    rng = np.random.default_rng(3)
    second = {f"{name}2": rng.normal(0, 0.5, (1, 15, 5)).astype(np.float32) for name in ("W", "R")}
    behind = [
        node("Squeeze", "Y one", "every"),
        node("GRU", "every W2 R2", "Y2 H2", hidden_size=5),
        node("Concat", "H H2", "states", axis=0),
        node("Split", "states", "ignored final", axis=0),
        node("Squeeze", "final zero", "last"),
        node("MatMul", "last kernel", "y"),
    ]
    agrees(layer("GRU", *behind, constants=second | INDICES))


def test_the_float_model_of_an_artifact_comes_back(pristine: Path, run: Computed, computed: Computed) -> None:
    x = np.random.default_rng(6).normal(size=(9, 4, 3)).astype(np.float32)
    path = pristine / "model_float.onnx"
    y = computed(onnx_graph.read(path), x.transpose(1, 0, 2)).transpose(1, 0, 2)
    assert np.abs(y - run(path, x=x, gru_0_h=np.zeros((4, 5), np.float32))).max() <= TOLERANCE
