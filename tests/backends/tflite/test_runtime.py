# SPDX-License-Identifier: Apache-2.0
"""Loading: only the file of the very model runs, everything else is one sentence."""

import sys

import numpy as np
import pytest

from edgernn.backends.tflite.runtime import RUNTIMES
from edgernn.backends.tflite.write import FILE, float_file, integer_file
from edgernn.errors import ArtifactError, MissingExtraError

LAYERS = ("gru", 6, {}), ("dense", 2, {})


@pytest.fixture
def model(quantized):
    return quantized(*LAYERS)


def assert_refused(runtime, folder, model, *words):
    with pytest.raises(ArtifactError) as caught:
        runtime.load(folder, model)
    message = str(caught.value)
    assert FILE in message and "\n" not in message and message.endswith("build the artifact again")
    assert all(word in message for word in words), message


def test_a_missing_file(runtime, model, tmp_path):
    assert_refused(runtime, tmp_path, model, "can't be read")


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -1])
def test_a_truncated_file(runtime, model, tmp_path, length):
    (tmp_path / FILE).write_bytes(integer_file(model)[:length])
    assert_refused(runtime, tmp_path, model)


def test_a_file_that_is_no_model(runtime, model, tmp_path):
    (tmp_path / FILE).write_bytes(b"not a flatbuffer" * 100)
    assert_refused(runtime, tmp_path, model)


def test_the_file_of_a_model_with_other_states(runtime, model, quantized, tmp_path):
    other = quantized(("lstm", 6, {}), ("dense", 2, {}))
    (tmp_path / FILE).write_bytes(integer_file(other))
    assert_refused(runtime, tmp_path, model, "lstm_0_c", "gru_0_h")


def test_the_file_of_a_larger_model(runtime, model, quantized, tmp_path):
    other = quantized(("gru", 7, {}), ("dense", 2, {}))
    (tmp_path / FILE).write_bytes(integer_file(other))
    assert_refused(runtime, tmp_path, model, "(1, 7)", "(1, 6)")


def test_the_float_file(runtime, model, make_model, tmp_path):
    (tmp_path / FILE).write_bytes(float_file(make_model(*LAYERS)))
    assert_refused(runtime, tmp_path, model, "float32")


def test_the_names_and_the_version(runtime):
    assert [runtime.name for runtime in RUNTIMES] == ["litert-xnnpack", "litert-builtin", "litert-reference"]
    assert runtime.version()[0].isdigit()


def test_without_the_package(runtime, model, tmp_path, monkeypatch):
    (tmp_path / FILE).write_bytes(integer_file(model))
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    for attempt in (runtime.version, lambda: runtime.load(tmp_path, model), lambda: integer_file(model)):
        with pytest.raises(MissingExtraError, match=r"\.\[litert\]"):
            attempt()


def test_steppers_do_not_share_memory(runtime, model, tmp_path):
    (tmp_path / FILE).write_bytes(integer_file(model))
    first, second = runtime.load(tmp_path, model), runtime.load(tmp_path, model)
    inputs = {model.program.x: np.full(5, 50, np.int8), **model.zero_states()}
    before = first.step(inputs)
    kept = {name: array.copy() for name, array in before.items()}
    second.step({name: array + 1 for name, array in inputs.items()})
    first.step({name: array + 1 for name, array in inputs.items()})
    for name, array in kept.items():
        np.testing.assert_array_equal(before[name], array)
