# SPDX-License-Identifier: Apache-2.0
"""What kind of file a model is, by its content; a kind that can't be taken over is refused with the way out of it."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from edgernn.errors import ModelError
from edgernn.importers import format_of, read


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("config.json", "{}")
    return content.getvalue()


def safetensors(length):
    header = json.dumps({"__metadata__": {}}).ljust(length).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.keras", zipped(), "keras"),
        ("a.h5", zipped(), "keras"),
        ("a.h5", b"\x89HDF\r\n\x1a\n...", "hdf5"),
        ("a.keras", b"\x89HDF\r\n\x1a\n...", "hdf5"),
        ("a.onnx", b"\x08\x08", "onnx"),
        ("A.ONNX", b"", "onnx"),
        ("a.safetensors", safetensors(20), "safetensors"),
        ("a.safetensors", safetensors(128), "safetensors"),
        ("weights", safetensors(128), "safetensors"),
    ],
)
def test_the_content_says_the_kind(write, name, content, kind):
    assert format_of(write(name, content)) == kind


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pt", zipped(), "is a pickle, which can run code when it is read: save the weights with safetensors"),
        ("a.pth", b"", "is a pickle"),
        ("a", b"\x80\x04\x95", "is a pickle"),
        ("a.tflite", b"\x1c\x00\x00\x00TFL3", "give the model that it was made from"),
        ("a.keras", b"", "is empty; give a .keras, .h5, .onnx or .safetensors file"),
        ("a.pb", b"\x08\x08", "is of no kind that is known; give a .keras, .h5, .onnx or .safetensors file"),
    ],
)
def test_kinds_that_are_refused(write, name, content, words):
    path = write(name, content)
    with pytest.raises(ModelError) as caught:
        read(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_file(tmp_path):
    with pytest.raises(ModelError, match="is a folder, such as TensorFlow's SavedModel: save the model as one .keras"):
        read(tmp_path)
    with pytest.raises(ModelError, match="there is no such file"):
        read(tmp_path / "missing.onnx")
    with pytest.raises(ModelError, match="can't be read .*; give a .keras, .h5, .onnx or .safetensors file"):
        read(tmp_path / ("a" * 300))


def test_a_description_of_what_describes_itself(write, tmp_path):
    with pytest.raises(ModelError, match="a.toml belongs to a .safetensors file, leave it out"):
        read(write("a.onnx", b""), tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("keras/2.12.0/gru_stack.h5", 9),
        ("keras/3.15.1/gru_stack.keras", 9),
        ("keras/3.15.1/lstm_functional.keras", None),
        ("onnx/pytorch/gru_unbatched.torchscript.onnx", 11),
        ("onnx/pytorch/gru_steps_first.dynamo.onnx", 11),
        ("onnx/pytorch/gru_steps_first.torchscript.onnx", None),
        ("state_dict/pytorch/gru.safetensors", None),
    ],
)
def test_the_steps_that_a_file_declares(name, steps):
    assert read(Path(__file__).parent / name).steps == steps
