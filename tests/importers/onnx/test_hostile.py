# SPDX-License-Identifier: Apache-2.0
"""Files that somebody else may have made: a model or one sentence, and never more memory than the file is worth."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgernn.errors import ModelError
from edgernn.importers import onnx_graph
from edgernn.importers.chain import MAX_PARAMETERS
from edgernn.importers.onnx_graph import file as onnx_file

MakeGraph = Callable[..., Path]
Reason = Callable[[Path], str]
DAMAGED = "it is no readable ONNX file, cut short or damaged"


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"{op} {outputs}", **attributes)


HEAD = [node("Squeeze", "Y one", "every"), node("MatMul", "every kernel", "y")]
ONE = {"one": np.array([1])}


def read_or_refuse(path: Path) -> bool:
    try:
        onnx_graph.read(path)
    except ModelError as error:
        assert str(error).isprintable()
        return False
    return True


@pytest.mark.parametrize("name", ["gru_both_ends.torchscript", "lstm_stacked.torchscript", "two_kinds.dynamo"])
def test_every_cut(folder: Path, tmp_path: Path, name: str) -> None:
    content = (folder / "pytorch" / f"{name}.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(0, len(content) - 1, 7):
        path.write_bytes(content[:length])
        assert not read_or_refuse(path)


@pytest.mark.parametrize(
    "name", ["pytorch/gru_both_ends.dynamo", "pytorch/lstm_stacked.torchscript", "tf2onnx/gru_stacked"]
)
def test_damaged_copies(folder: Path, tmp_path: Path, name: str) -> None:
    rng, whole = np.random.default_rng(9), np.frombuffer((folder / f"{name}.onnx").read_bytes(), np.uint8)
    path, refused = tmp_path / "damaged.onnx", 0
    for count in rng.integers(1, 5, 1000):
        content = whole.copy()
        content[rng.integers(0, len(content), count)] = rng.integers(0, 256, count)
        path.write_bytes(content.tobytes())
        refused += not read_or_refuse(path)
    assert refused > 100


def test_attributes_and_names_exchanged_at_random(folder: Path, tmp_path: Path, load: Callable[[Path], Any]) -> None:
    rng, path, refused = np.random.default_rng(10), tmp_path / "changed.onnx", 0
    whole = load(folder / "pytorch" / "gru_both_ends.torchscript.onnx")
    names = [name for one in whole.graph.node for name in one.output] + ["", "x"]
    for _ in range(1000):
        model = type(whole)()
        model.CopyFrom(whole)
        one = model.graph.node[rng.integers(len(model.graph.node))]
        if len(one.input) and rng.random() < 0.5:
            one.input[rng.integers(len(one.input))] = names[rng.integers(len(names))]
        elif len(one.attribute) and rng.random() < 0.7:
            one.attribute[0].i = int(rng.integers(-(2**40), 2**40))
            one.attribute[0].ints[:] = rng.integers(-9, 9, rng.integers(4)).tolist()
        else:
            one.op_type = model.graph.node[rng.integers(len(model.graph.node))].op_type
        path.write_bytes(model.SerializeToString())
        refused += not read_or_refuse(path)
    assert refused > 100


def test_no_onnx_at_all(tmp_path: Path, reason: Reason) -> None:
    path = tmp_path / "model.onnx"
    for content in (b"", b"\0" * 100, b"hello", b"PK\3\4" + b"\0" * 60, b"\x08\x08", b"\x3b" * 50):
        path.write_bytes(content)
        assert reason(path) in (DAMAGED, "it is no ONNX file: there is no graph in it")


def test_names_that_are_no_text(layer: MakeGraph, reason: Reason) -> None:
    name = "n" * 100
    path = layer("GRU", node("Squeeze", "Y one", name), node("MatMul", f"{name} kernel", "y"), constants=ONE)
    path.write_bytes(path.read_bytes().replace(name.encode(), b"\xff" * 100))
    assert reason(path) == DAMAGED


def test_numbers_that_are_not_finite(layer: MakeGraph, reason: Reason) -> None:
    gemm = node("Gemm", "flat kernel", "y", alpha=float("inf"))
    constants = {"zero": np.array([0]), "kernel": np.zeros((5, 2), np.float32)}
    found = reason(layer("GRU", node("Squeeze", "H zero", "flat"), gemm, constants=constants))
    assert found == "node 'Gemm y' (Gemm): kernel holds numbers that are not finite; train the model again"


def test_a_file_larger_than_any_model(tmp_path: Path, reason: Reason) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**40)
    assert reason(path).startswith(f"the file has more than {onnx_file.MAX_BYTES} bytes")


def test_small_messages_that_take_much_memory(tmp_path: Path, reason: Reason) -> None:
    nodes = b"\x0a\x00" * 300_000
    length = len(nodes)
    varint = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14])
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x3a" + varint + nodes)
    tracemalloc.start()
    found = reason(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.startswith("it consists of more than 200000 parts")
    assert peak < 10 * length


def test_graphs_inside_each_other(tmp_path: Path, reason: Reason) -> None:
    content = b""
    for _ in range(2000):
        for field in (0x32, 0x2A, 0x0A):
            size, varint = len(content), []
            while size > 127:
                varint.append(size & 127 | 128)
                size >>= 7
            content = bytes([field, *varint, size]) + content
    path = tmp_path / "model.onnx"
    size = len(content)
    path.write_bytes(b"\x3a" + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content)
    assert reason(path) in ("its graphs lie more than 60 messages inside each other", DAMAGED)


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"


def external_in_silence(model: Any) -> None:
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "weights.bin"


def huge(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [2**40, 2**40]


def negative(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [-1, 45]


def short(model: Any) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def long(model: Any) -> None:
    model.graph.initializer[0].raw_data += b"\0\0\0\0"


def text(model: Any) -> None:
    model.graph.initializer[0].data_type = TensorProto.STRING


def functions(model: Any) -> None:
    model.functions.add().name = "GRU"


def cycle(model: Any) -> None:
    model.graph.node[0].input[0] = "y"


def unsorted(model: Any) -> None:
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes[::-1])


def twice(model: Any) -> None:
    model.graph.node[1].output[0] = "Y"


def not_finite(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.raw_data = np.full(tensor.dims, np.nan, np.float32).tobytes()


def no_output(model: Any) -> None:
    del model.graph.output[:]


def features_open(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "features"


def unshaped(model: Any) -> None:
    model.graph.input[0].type.tensor_type.ClearField("shape")


def strange_name(model: Any) -> None:
    model.graph.node[0].name = "line\nbreak\x1b[31m" + "long" * 500
    model.graph.node[0].op_type = "G\nRU"


BROKEN = {
    external: "the constant 'W': it is kept in another file; save the model as one file (external_data=False)",
    external_in_silence: "the constant 'W': it is kept in another file",
    huge: f"the constant 'W': its shape is [1099511627776, 1099511627776], more than {MAX_PARAMETERS} numbers",
    negative: "the constant 'W': its shape is [-1, 45], more than",
    short: "the constant 'W': its content is not what its shape and type say",
    long: "the constant 'W': its content is not what its shape and type say",
    text: "the constant 'W': its numbers are of a type that is not supported",
    functions: "it defines operators of its own (functions)",
    cycle: "node 'layer' (GRU): it reads 'y', which nothing before it gives",
    unsorted: "node 'MatMul y' (MatMul): it reads 'every', which nothing before it gives",
    twice: "node 'Squeeze every' (Squeeze): it gives 'Y' a second time",
    not_finite: "node 'layer' (GRU): kernel holds numbers that are not finite",
    no_output: "the model has to have one output beside states, and these are there: none",
    features_open: "node 'layer' (GRU): its matrix takes 3 values where an unknown number of come in",
    unshaped: "the input 'x' is not declared as samples [batch, steps, features]",
    strange_name: "node 'line\\nbreak\\x1b[31m",
}


@pytest.mark.parametrize("change", BROKEN, ids=lambda change: change.__name__)
def test_files_made_to_break_a_reader(layer: MakeGraph, reason: Reason, change: Callable[[Any], None]) -> None:
    assert reason(layer("GRU", *HEAD, constants=ONE, change=change)).startswith(BROKEN[change])


def test_constants_that_grow(layer: MakeGraph, reason: Reason) -> None:
    names = ["kernel", *(f"k{i}" for i in range(40))]
    doubling = [node("Concat", f"{a} {a}", b, axis=0) for a, b in zip(names[:-1], names[1:], strict=True)]
    tracemalloc.start()
    found = reason(layer("GRU", HEAD[0], *doubling, node("MatMul", "every k39", "y"), constants=ONE))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == "node 'Concat k20' (Concat): its result is larger than any model"
    assert peak < 16 * MAX_PARAMETERS


GROWTH = {
    "outer product": [node("Mul", "wide tall", "k")],
    "repeated": [node("Gather", "wide places", "k", axis=1)],
    "filled": [node("ConstantOfShape", "size", "k")],
    "spread": [node("Expand", "wide size", "k")],
}


@pytest.mark.parametrize("nodes", GROWTH.values(), ids=GROWTH)
def test_results_larger_than_any_model(layer: MakeGraph, reason: Reason, nodes: list[Any]) -> None:
    constants = ONE | {
        "wide": np.ones((1, 2**13), np.float32),
        "tall": np.ones((2**13, 1), np.float32),
        "places": np.zeros(2**25 // 2**10, np.int32).reshape(2**5, -1).repeat(2**10, axis=1)[:, : 2**17],
        "size": np.array([2**40, 2**20]),
    }
    path = layer("GRU", HEAD[0], *nodes, node("MatMul", "every k", "y"), constants=constants)
    tracemalloc.start()
    found = reason(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.startswith("node ")
    assert peak < 8 * MAX_PARAMETERS


def test_many_nodes_one_after_the_other(layer: MakeGraph, reason: Reason) -> None:
    names = ["every", *(f"n{i}" for i in range(onnx_file.MAX_NODES))]
    pairs = enumerate(zip(names[:-1], names[1:], strict=True))
    chain = [node("Tanh" if i else "Identity", a, b) for i, (a, b) in pairs]
    assert "nodes, more than the 20000 that are read" in reason(layer("GRU", HEAD[0], *chain, constants=ONE))
    shorter = [*chain[:15_000], node("MatMul", "n14999 kernel", "y")]
    assert "is supported directly behind a dense layer" in reason(layer("GRU", HEAD[0], *shorter, constants=ONE))
