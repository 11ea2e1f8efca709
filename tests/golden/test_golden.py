# SPDX-License-Identifier: Apache-2.0
"""The numbers of this SPEC_VERSION, which no change may alter."""

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgernn import backends
from edgernn.artifact import Model
from edgernn.backends.c import export
from edgernn.backends.onnx.write import FILE as ONNX_FILE
from edgernn.backends.onnx.write import integer_file as onnx_integer_file
from edgernn.backends.tflite.write import FILE, integer_file
from edgernn.golden import Golden, compute
from edgernn.spec.program import SPEC_VERSION
from edgernn.validate import validate

FOLDER = Path(__file__).parent
MAKE = runpy.run_path(str(FOLDER / "make.py"))
PATHS = sorted(FOLDER.glob("*.npz"))


@pytest.fixture
def stored(golden_file):
    """The arrays of a golden file."""
    return golden_file[1]


@pytest.fixture
def model(golden_file, as_model):
    """The integer model in it."""
    return as_model(golden_file[0])


@pytest.fixture
def golden(stored, model):
    """Its windows and values."""
    lengths = np.full(len(stored["x"]), stored["x"].shape[1], np.int32)
    states = {state.read: stored[f"states/{state.read}"] for state in model.program.states}
    return Golden(stored["x"], lengths, stored["y"], states)


@pytest.fixture
def copies(tmp_path):
    """A folder with all golden files."""
    for path in PATHS:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_there_is_a_file_for_each_cell_option_and_operand():
    assert {path.stem for path in PATHS} == {f"{name}_{dtype}" for name in MAKE["CASES"] for dtype in ("int8", "int16")}
    assert sum(path.stat().st_size for path in PATHS) < 200_000


def test_the_interpreter_gives_the_numbers(model, golden):
    found = compute(model, golden.x, golden.lengths)
    np.testing.assert_array_equal(found.y, golden.y)
    assert found.states.keys() == golden.states.keys()
    for name, values in golden.states.items():
        np.testing.assert_array_equal(found.states[name], values, err_msg=name)


def test_every_runtime_but_emulated_ones_gives_the_numbers(model, golden, tmp_path):
    (tmp_path / FILE).write_bytes(integer_file(model))
    (tmp_path / ONNX_FILE).write_bytes(onnx_integer_file(model))
    export(model, None, "golden", tmp_path)
    runtimes = [runtime for runtime in backends.runtimes().values() if not runtime.emulated]
    report = validate(Model(tmp_path, {}, model), golden, runtimes)
    assert len(report.runtimes) == 12
    assert report.agrees, report.to_json()
    values = golden.x[..., 0].size * sum(model.program.tensors[name].size for name in model.program.outputs)
    assert report.values_compared == len(report.runtimes) * values


def test_the_windows_reach_both_ends(stored, model):
    limit = {"int8": 127, "int16": 16383}[stored["x"].dtype.name]
    assert (stored["x"].min(), stored["x"].max()) == (-limit, limit)
    for state in model.program.states:
        values = stored[f"states/{state.read}"].astype(int)
        if state.read.endswith("/c"):
            assert values.max() == 32767
        else:
            assert np.abs(values).max() > 32700


def test_the_script_gives_what_is_stored(copies):
    before = {path.name: path.read_bytes() for path in copies.iterdir()}
    assert MAKE["main"](copies) == 0
    for path in copies.iterdir():
        with np.load(path) as found, np.load(FOLDER / path.name) as expected:
            assert set(found) == set(expected)
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name], err_msg=f"{path.name} {name}")
    assert before.keys() == {path.name for path in copies.iterdir()}


def rewrite(path, **changed):
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays | changed)


@pytest.mark.parametrize("name", ["x", "y", "states/lstm/h"])
def test_changed_numbers_are_refused(copies, capsys, name):
    path = copies / "lstm_int8.npz"
    with np.load(path) as file:
        values = file[name]
    values[0, 3, 1] += 1
    rewrite(path, **{name: values})
    before = {other: other.read_bytes() for other in copies.iterdir()}
    assert MAKE["main"](copies) == 1
    message = capsys.readouterr().err
    assert message == (
        f"lstm_int8.npz would change, but SPEC_VERSION is still {SPEC_VERSION}: undo what changed the numbers, or "
        "raise SPEC_VERSION in edgernn/spec/program.py\n"
    )
    assert before == {other: other.read_bytes() for other in copies.iterdir()}


def test_another_version_may_have_other_numbers(copies):
    path = copies / "rnn_int8.npz"
    with np.load(path) as file:
        structure, y = json.loads(str(file["program"])), file["y"]
    structure["spec_version"] = SPEC_VERSION - 1
    rewrite(path, program=np.array(json.dumps(structure)), y=y + 1)
    assert MAKE["main"](copies) == 0
    with np.load(path) as found:
        np.testing.assert_array_equal(found["y"], y)


def test_a_new_folder_is_filled(tmp_path):
    assert MAKE["main"](tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in PATHS}
