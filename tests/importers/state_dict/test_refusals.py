# SPDX-License-Identifier: Apache-2.0
"""What can't be taken over, and files made to break a reader."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn.errors import ConfigError, ModelError
from edgernn.importers import state_dict

GRU = '[[layers]]\nname = "rnn"\nkind = "gru"\n'
DENSE = '[[layers]]\nname = "head"\nkind = "dense"\n'
DAMAGED = "it is no readable .safetensors file, cut short or damaged"

Write = Callable[..., Path]
Reason = Callable[..., str]


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


DESCRIPTIONS = {
    "": "model.toml describes no layers: give a [[layers]] with name and kind for each",
    "layers = [1]": "layer 0 in model.toml is no table with name and kind",
    "layers = 1": "model.toml: layers is of the wrong type",
    'layers = [{name = "rnn"}]': "layer 0 in model.toml has no kind",
    'layers = [{name = "rnn", kind = "x"}]': 'layer 0 in model.toml: kind is "x"; there are gru, lstm, rnn, dense',
    'layers = [{name = 1, kind = "gru"}]': "layer 0 in model.toml: name is of the wrong type",
    GRU + "units = 3": 'layer 0 in model.toml has the key "units"; there are name, kind, activation, merge',
    GRU + 'activation = "relu"': "layer 0 in model.toml: a gru layer has no activation",
    DENSE + 'merge = "sum"': "layer 0 in model.toml: a dense layer has no merge",
    "softmax = true\n" + GRU: 'model.toml has the key "softmax"; there are layers, take, mean, std',
    'take = "first"\n' + GRU: 'model.toml: take is "first"; there are last, all, h_n',
    'mean = ["a"]\n' + GRU: "model.toml: mean has to be a list of numbers to 1e30, or the name of a tensor",
    "mean = [true]\n" + GRU: "model.toml: mean has to be a list of numbers to 1e30, or the name of a tensor",
    "mean = ["
    + "9" * 400
    + "]\n"
    + GRU: "model.toml: mean has to be a list of numbers to 1e30, or the name of a tensor",
    "std = [nan]\n" + GRU: "model.toml: std has to be a list of numbers to 1e30, or the name of a tensor",
    "x = " + "[" * 20_000: "model.toml is no readable TOML: ",
    "x = ": "model.toml is no readable TOML: ",
}


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=range(len(DESCRIPTIONS)))
def test_descriptions(write: Write, reason: Reason, description: str) -> None:
    assert reason(write(description), ConfigError).startswith(DESCRIPTIONS[description])


def test_a_description_that_is_missing_too_long_or_no_text(write: Write, reason: Reason) -> None:
    path = write()
    described = path.with_suffix(".toml")
    described.write_bytes(b"\xff\xfe")
    assert reason(path, ConfigError).startswith("model.toml is no readable TOML: ")
    described.write_bytes(b"#" * (state_dict.MAX_DESCRIPTION + 1))
    assert reason(path, ConfigError).startswith("model.toml has more than 262144 bytes")
    described.unlink()
    assert reason(path, ConfigError).endswith(
        "is missing: describe the layers of model.safetensors in a TOML file and give it with --description"
    )


TENSORS: dict[str, tuple[str, dict[str, Any], str]] = {
    "another name": (
        GRU.replace("rnn", "gru"),
        {},
        'layer "gru" (gru): the file has no tensor "gru.weight_ih_l0"; it has "',
    ),
    "another kind": (
        GRU.replace('"gru"', '"lstm"'),
        {},
        'layer "rnn" (lstm): its tensors of l0 are not those of a lstm',
    ),
    "no bias": (GRU, {"rnn__bias_hh_l0": None}, 'layer "rnn" (gru): the file has no bias_hh_l0 of it'),
    "no matrix": (GRU, {"rnn__weight_hh_l0": None}, 'layer "rnn" (gru): the file has no weight_hh_l0 of it'),
    "shape": (GRU, {"rnn__weight_hh_l0": ones(6)}, 'layer "rnn" (gru): its weight_hh_l0 has the shape [6]'),
    "left over": (GRU, {"bn__weight": ones(2)}, 'no layer in model.toml has the tensor "bn.weight"; describe all of'),
    "projection": (GRU, {"rnn__weight_hr_l0": ones(2, 2)}, 'no layer in model.toml has the tensor "rnn.weight_hr_l0"'),
    "integers": (GRU, {"n": np.ones(3, np.int64)}, 'the tensor "n" holds I64; floats are supported'),
    "not finite": (
        GRU,
        {"rnn__bias_ih_l0": ones(6) * np.nan},
        'layer "rnn" (gru): bias holds numbers that are not finite',
    ),
    "no recurrent layer": (
        DENSE,
        {
            "head__weight": ones(2, 3),
            **{f"rnn__{n}_l0": None for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
        },
        "model.toml describes no gru, lstm or rnn; give a model that has one",
    ),
    "dense": (
        GRU + DENSE,
        {"head__weight": ones(4, 3)},
        'layer "head" (dense): its matrix is [3, 4] where 2 values come',
    ),
    "activation": (
        GRU + DENSE + 'activation = "gelu"',
        {"head__weight": ones(4, 2)},
        "layer \"head\" (dense): the activation 'gelu' is not supported",
    ),
    "merge": (GRU + 'merge = "sum"', {}, 'layer "rnn" (gru): it is in one direction, so there is nothing to merge'),
    "mean": ('mean = "m"\n' + GRU, {}, 'mean is to be the tensor "m", which the file does not have'),
    "sizes": ("mean = [1, 2]\nstd = [1, 2, 3]\n" + GRU, {}, "mean has 2 numbers and std 3"),
    "features": ("mean = [1, 2]\n" + GRU, {}, "mean and std: it has 2 and 2 numbers for 3 features"),
    "std of zero": ("std = [1, 0, 1]\n" + GRU, {}, "mean and std: a factor is zero, or a number is not finite"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensors(write: Write, reason: Reason, case: str) -> None:
    description, tensors, expected = TENSORS[case]
    assert reason(write(description, **tensors)).startswith(expected)


def test_both_directions(write: Write, reason: Reason) -> None:
    shapes = {"weight_ih": (6, 3), "weight_hh": (6, 2), "bias_ih": (6,), "bias_hh": (6,)}
    backward = {f"rnn__{name}_l0_reverse": ones(*shape) for name, shape in shapes.items()}
    assert "whose backward half has seen one step only" in reason(write(GRU, **backward))
    assert "it gives a value for every step, from steps" in reason(write('take = "all"\n' + GRU, **backward))
    second = {f"rnn__{name}_l1{end}": ones(6, 4) for name in ("weight_ih", "weight_hh") for end in ("", "_reverse")}
    found = reason(write('take = "h_n"\n' + GRU, **backward, **second))
    assert found == 'layer "rnn" (gru): it has 2 layers in both directions; one is supported'
    assert state_dict.read(write('take = "h_n"\n' + GRU, **backward)).bidirectional


def header(content: Any, data: bytes = b"") -> bytes:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape: list[int], end: int, start: int = 0, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "nothing": b"",
    "a pickle": b"\x80\x04\x95" + b"\0" * 50,
    "a header longer than the file": struct.pack("<Q", 2**19) + b"{}",
    "a header of 2**63 bytes": struct.pack("<Q", 2**63) + b"{}",
    "huge shape": header({"a": tensor([2**40, 2**40], 4)}, b"\0" * 4),
    "shape that overflows": header({"a": tensor([2**32, 2**32], 0)}),
    "data outside": header({"a": tensor([1], 2**40 + 4, 2**40)}, b"\0" * 4),
    "overlap": header({"a": tensor([1], 4), "b": tensor([1], 4)}, b"\0" * 4),
    "a hole": header({"a": tensor([1], 8, 4)}, b"\0" * 8),
    "unknown type": header({"a": tensor([1], 4, dtype="O")}, b"\0" * 4),
    "negative": header(b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"\0" * 4),
    "deep": header(b"[" * 5000),
    "list": header([1, 2]),
    "numbers for names": header({"a": 1}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_files_made_to_break_a_reader(write: Write, reason: Reason, content: bytes) -> None:
    path = write()
    path.write_bytes(content)
    assert reason(path).startswith("it is no readable .safetensors file")


def test_a_file_larger_than_any_model(write: Write, reason: Reason) -> None:
    path = write()
    with path.open("wb") as file:
        file.truncate(2**40)
    assert reason(path).startswith(f"the file has more than {state_dict.MAX_BYTES} bytes")


def test_damaged_copies(folder: Path, write: Write) -> None:
    rng, refused = np.random.default_rng(9), 0
    whole = np.frombuffer((folder / "gru.safetensors").read_bytes(), np.uint8)
    path = write((folder / "gru.toml").read_text())
    for count in rng.integers(1, 5, 2000):
        content = whole.copy()
        content[rng.integers(0, 700, count)] = rng.integers(0, 256, count)
        path.write_bytes(content[: rng.choice([len(content), rng.integers(len(content))])].tobytes())
        try:
            state_dict.read(path)
        except ModelError as error:
            assert str(error).isprintable()
            refused += 1
    assert refused > 1000


def test_random_descriptions(folder: Path, write: Write) -> None:
    rng, refused = np.random.default_rng(11), 0
    whole = (folder / "rnn_both_sum.toml").read_bytes()
    path = write()
    path.write_bytes((folder / "rnn_both_sum.safetensors").read_bytes())
    for count in rng.integers(1, 4, 1000):
        content = np.frombuffer(whole, np.uint8).copy()
        content[rng.integers(0, len(content), count)] = rng.integers(0, 256, count)
        path.with_suffix(".toml").write_bytes(content.tobytes())
        try:
            state_dict.read(path)
        except (ConfigError, ModelError) as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 500
