# SPDX-License-Identifier: Apache-2.0
"""Kernel paths side by side: edgernn's model agrees everywhere, the stock converter's does not, and why."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn.backends.tflite.graph import pack, schema
from edgernn.diff import paths
from edgernn.diff.compare import compare
from edgernn.diff.graph import read
from edgernn.diff.report import by_kind, places
from edgernn.diff.samples import prepare
from edgernn.errors import ModelError, WorkerError
from edgernn.spec.interpreter import Interpreter
from edgernn.workers.client import Worker
from edgernn.workers.environment import PROGRAM
from edgernn.workers.environments import kernel_paths

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def x():
    """Windows of `own`, [3, 6, 3]."""
    return np.random.default_rng(0).normal(size=(3, 6, 3))


@pytest.fixture(scope="session")
def report(stock, windows, litert):
    graph = read(stock)
    return compare(stock, graph, prepare(graph, {"x": windows}, {}), litert)


@pytest.fixture(scope="session")
def seen(stock, windows, results):
    """Every result of every window on every path, by LiteRT in this process."""
    graph = read(stock)
    inputs = [sample.inputs[graph.inputs[0]] for sample in prepare(graph, {"x": windows}, {})]
    names = ("litert-xnnpack", "litert-builtin", "litert-reference")
    return {name: [{graph.inputs[0]: q, **results(stock, name, q)} for q in inputs] for name in names}


def test_edgernn_s_model_agrees_everywhere(own, x):
    graph = read(own)
    host = [path for path in kernel_paths().values() if not path.environment.emulated]
    found = compare(own, graph, prepare(graph, {"x": x}, {}), host)
    assert found.agrees and len(found.paths) == len(host) >= 7
    assert {path.status for path in found.paths} == {"base", "agrees"}, [path.reason for path in found.paths]
    assert {path.outputs.values for path in found.paths} == {3 * 6 * 7}
    assert all(not count.differing and count.values == 3 * 6 * 7 for count in found.pairs.values())


def test_the_stock_converter_s_model_does_not(report):
    assert (report.base, report.samples, report.agrees) == ("litert-reference", 60, False)
    assert [(path.name, path.status) for path in report.paths] == [
        ("litert-reference", "base"),
        ("litert-xnnpack", "differs"),
        ("litert-builtin", "differs"),
    ]
    assert [path.version for path in report.paths] == [kernel_paths()["litert-builtin"].version()] * 3


def differing(one, other, index):
    return int(np.count_nonzero(one[index] != other[index]))


def test_counts_are_those_of_litert_in_this_process(report, seen):
    graph = report.graph
    for path in report.paths[1:]:
        pairs = list(zip(seen[report.base], seen[path.name], strict=True))
        assert path.outputs.differing == sum(differing(a, b, i) for a, b in pairs for i in graph.outputs) > 0
        assert path.outputs.values == 60 * 10 and path.disturbed == 0
        gaps = [np.abs(a[i].astype(int) - b[i]).max() for a, b in pairs for i in graph.outputs]
        assert path.outputs.largest == max(gaps)
        counted = {entry.op.index: entry for entry in path.ops}
        for op in graph.ops:
            wrong = sum(differing(a, b, op.outputs[0]) for a, b in pairs if len(op.outputs) == 1)
            if len(op.outputs) == 1:
                assert (counted[op.index].all.differing if op.index in counted else 0) == wrong
    (first, second), count = next((p, c) for p, c in report.pairs.items() if report.base not in p)
    pairs = zip(seen[first], seen[second], strict=True)
    assert count.differing == sum(differing(a, b, i) for a, b in pairs for i in graph.outputs)


def test_the_first_operator_is_the_first_whose_inputs_agree_and_whose_result_does_not(report, seen):
    graph = report.graph
    for path in report.paths[1:]:
        guilty = []
        for number, (a, b) in enumerate(zip(seen[report.base], seen[path.name], strict=True)):
            for op in graph.ops:
                computed = [i for i in op.given if i in a]
                if not any(differing(a, b, i) for i in computed) and any(differing(a, b, i) for i in op.outputs):
                    guilty.append((number, op))
        number, op = guilty[0]
        first, a, b = path.first, seen[report.base][number], seen[path.name][number]
        assert (first.place, first.op, first.result) == (f"sample {number}", op, op.outputs[0])
        np.testing.assert_array_equal(first.expected, a[op.outputs[0]])
        np.testing.assert_array_equal(first.found, b[op.outputs[0]])
        assert set(first.inputs) == set(op.given)
        for index, values in first.inputs.items():
            constant = graph.tensors[index].constant
            np.testing.assert_array_equal(values, a[index] if constant is None else constant)
        assert [first.expected[place] != first.found[place] for place in places(first)] == [True] * len(places(first))
        assert {entry.op.index for entry in path.ops if entry.equal_inputs.differing} == {op.index for _, op in guilty}


def test_it_differs_where_the_exact_result_is_all_but_a_tie(report):
    for path in report.paths[1:]:
        for place in places(path.first):
            assert abs(path.first.exact[place] % 1 - 0.5) < 0.01
            assert {path.first.expected[place], path.first.found[place]} == {
                np.floor(path.first.exact[place]),
                np.ceil(path.first.exact[place]),
            }


def test_kinds_add_up(report):
    for path in report.paths[1:]:
        kinds = by_kind(report.graph, path)
        assert {entry.kind for entry in kinds} == {"litert-xnnpack": {"MUL"}, "litert-builtin": {"FULLY_CONNECTED"}}[
            path.name
        ]
        assert sum(e.values.differing for e in kinds) == sum(e.equal_inputs.differing for e in path.ops)


def test_another_base(stock, windows, litert, report):
    graph = read(stock)
    found = compare(stock, graph, prepare(graph, {"x": windows}, {}), litert, "litert-xnnpack")
    assert [path.name for path in found.paths] == ["litert-xnnpack", "litert-builtin", "litert-reference"]
    assert dict(found.pairs) == dict(report.pairs)


def test_paths_that_differ_alike(stock, windows):
    graph = read(stock)
    names = ("litert-builtin", "litert-reference", "tflite-runtime-builtin", "litert-xnnpack")
    found = compare(stock, graph, prepare(graph, {"x": windows}, {}), [kernel_paths()[name] for name in names])
    _, builtin, old, xnnpack = found.paths
    assert (builtin.name, old.name) == names[0::2]
    assert old.differs_like(builtin) and not xnnpack.differs_like(builtin)


def test_a_state_is_carried_and_windows_start_anew(own, x, litert, model):
    graph, program = read(own), model.integer.program
    samples = prepare(graph, {"x": x}, {})
    loaded = paths.Loaded(litert[2], graph, own, graph.outputs, samples)
    expected = {}
    try:
        for sample in samples:
            states = model.integer.zero_states() if sample.first else program.next_states(expected)
            expected = Interpreter(program).step({"x": sample.inputs[graph.inputs[0]][0], **states})
            _, outputs = loaded.run(sample)
            np.testing.assert_array_equal(outputs[graph.output_keys["y"]][0], expected[program.y])
            np.testing.assert_array_equal(outputs[graph.output_keys["gru_0_h"]][0], expected[program.states[0].write])
    finally:
        loaded.close()


def test_a_model_that_remembers_starts_anew_with_each_window(remembering, litert):
    graph = read(remembering)
    x = np.ones((2, 3, 2), np.float32)
    samples = prepare(graph, {"x": x}, {})
    loaded = paths.Loaded(litert[1], graph, remembering, graph.outputs, samples)
    try:
        assert [loaded.run(s)[1][graph.outputs[0]].tolist() for s in samples] == [[[n] * 2] for n in (1, 2, 3, 1, 2, 3)]
    finally:
        loaded.close()
    assert compare(remembering, graph, samples, litert).agrees


class Elsewhere:
    """LiteRT of this Python, behind a program of the tests."""

    name, description, emulated = "elsewhere", "for tests", False
    variants = ()

    def __init__(self, *command):
        self.command = command

    def installed(self):
        return True

    def check(self):
        """It is there."""

    def open(self, variant, name):
        return Worker(name, [sys.executable, *map(str, self.command)], os.environ)


@pytest.fixture
def faulty(litert):
    """A path to LiteRT with a fault of `faulty_worker.py`."""

    def make(fault, *wanted):
        environment = Elsewhere(HERE / "faulty_worker.py", PROGRAM, fault, *wanted)
        return replace(litert[0], environment=environment, variant=replace(litert[0].variant, name=f"faulty-{fault}"))

    return make


@pytest.mark.parametrize("kernel", ["gru_0/kernel", "gru_0/recurrent", "dense_1/kernel"])
def test_a_changed_weight_is_found(own, x, litert, model, faulty, kernel):
    graph, weights = read(own), model.integer.program.kernels[kernel].weights
    flipped = faulty("flip", weights.tobytes().hex())
    found = compare(own, graph, prepare(graph, {"x": x}, {}), [litert[2], flipped])
    first = found.paths[1].first
    assert found.paths[1].status == "differs" and found.paths[1].disturbed == 0
    np.testing.assert_array_equal(first.inputs[first.op.inputs[1]], weights)
    assert (first.op.kind, places(first)) == ("FULLY_CONNECTED", [(0, 0)])
    others = [entry for entry in found.paths[1].ops if entry.equal_inputs.differing]
    assert [entry.op for entry in others] == [first.op]
    np.testing.assert_allclose(first.exact, first.expected, atol=0.5)
    v = first.inputs[first.op.inputs[0]][0, 0].astype(int)
    changed = (int(weights[0, 0]) ^ 0x40) - int(weights[0, 0])
    scales = [graph.tensors[index].scales[0] for index in (*first.op.inputs[:2], first.result)]
    assert abs(first.found[0, 0] - first.exact[0, 0] - v * changed * scales[0] * scales[1] / scales[2]) <= 0.5


def test_a_runtime_that_dies_is_told_and_the_others_go_on(stock, windows, litert, faulty, report):
    graph = read(stock)
    found = compare(stock, graph, prepare(graph, {"x": windows}, {}), (*litert, faulty("crash")))
    *others, dead = found.paths
    assert (dead.name, dead.status, dead.ops, dead.first) == ("faulty-crash-xnnpack", "unavailable", (), None)
    assert "faulty-crash-xnnpack was killed by signal 11 (SIGSEGV)" in dead.reason and dead.reason.endswith(
        "at sample 2"
    )
    assert dict(found.pairs) == dict(report.pairs)
    assert [path.outputs for path in others] == [path.outputs for path in report.paths]


def test_a_base_that_dies(own, x, litert, faulty):
    graph = read(own)
    samples = prepare(graph, {"x": x}, {})
    with pytest.raises(WorkerError, match=r"SIGSEGV.* at window 0, step 2: take another runtime as the base"):
        compare(own, graph, samples, (*litert, faulty("crash")), "faulty-crash-xnnpack")


def test_a_runtime_that_is_not_installed(own, x, litert, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    graph = read(own)
    found = compare(own, graph, prepare(graph, {"x": x}, {}), (*litert, kernel_paths()["tflm"]))
    assert not found.agrees and [path.status for path in found.paths] == ["base", "agrees", "agrees", "unavailable"]
    assert found.paths[-1].reason == "tflm is not installed: run edgernn runtimes install tflm"


def changed(content, change):
    model = schema().ModelT.InitFromPackedBuf(content)
    change(model, model.subgraphs[0])
    return pack(model)


def test_a_model_that_no_runtime_takes(stock, windows, litert):
    def change(model, main):
        model.operatorCodes[0].customCode = b"MyOp"
        model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32

    content = changed(stock, change)
    graph = read(content)
    with pytest.raises(ModelError, match="no runtime takes the model: litert-xnnpack: .*MyOp"):
        compare(content, graph, prepare(graph, {"x": windows}, {}), litert)
    with pytest.raises(ModelError, match="MyOp"):
        paths.verify(content)


def test_an_output_that_is_a_constant_or_an_input(stock, windows, litert):
    def change(model, main):
        constant = next(i for i, t in enumerate(main.tensors) if model.buffers[t.buffer].data is not None)
        main.outputs = [*map(int, main.outputs), int(main.inputs[0]), constant]

    content = changed(stock, change)
    graph = read(content)
    found = compare(content, graph, prepare(graph, {"x": windows[:3]}, {}), litert)
    assert {path.outputs.values for path in found.paths} == {
        3 * sum(int(np.prod(graph.tensors[index].shape)) for index in graph.outputs)
    }
    assert {path.disturbed for path in found.paths} == {0}


def test_a_model_that_computes_nothing(stock, windows, litert):
    def change(model, main):
        main.operators, main.outputs, model.signatureDefs = [], main.inputs, None

    content = changed(stock, change)
    graph = read(content)
    with pytest.raises(ModelError, match="computes nothing"):
        compare(content, graph, prepare(graph, {"x": windows}, {}), litert)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"x" * 1000, b"\0\0\0\0TFL3" + b"\xff" * 100], ids=len)
def test_what_is_no_model_is_refused_before_it_is_read(content):
    with pytest.raises(ModelError):
        paths.verify(content)


def test_a_small_file_that_unfolds_to_a_hundred_million_tables_is_refused():
    import flatbuffers

    classes, builder = schema(), flatbuffers.Builder()

    def repeated(table):
        builder.StartVector(4, 10_000, 4)
        for _ in range(10_000):
            builder.PrependUOffsetTRelative(table)
        return builder.EndVector()

    operators = repeated(classes.OperatorT().Pack(builder))
    classes.SubGraphStart(builder)
    classes.SubGraphAddOperators(builder, operators)
    subgraphs = repeated(classes.SubGraphEnd(builder))
    classes.ModelStart(builder)
    classes.ModelAddVersion(builder, 3)
    classes.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(classes.ModelEnd(builder), b"TFL3")
    assert len(builder.Output()) < 100_000
    with pytest.raises(ModelError, match="not a valid Flatbuffer"):
        paths.verify(bytes(builder.Output()))


def test_names_of_paths(monkeypatch, tmp_path):
    def select(*given):
        return [path.name for path in paths.select(given)]

    ours = ["litert-xnnpack", "litert-builtin", "litert-reference"]
    assert select("tflm", "litert-builtin", "tflm") == ["tflm", "litert-builtin"]
    assert select("tflite-runtime") == [f"tflite-runtime-{kernels}" for kernels in ("xnnpack", "builtin", "reference")]
    assert select("all") == list(kernel_paths())
    assert not [name for name in select() if name.startswith("pi")]
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    assert select() == ours
