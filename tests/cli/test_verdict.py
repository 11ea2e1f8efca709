# SPDX-License-Identifier: Apache-2.0
"""The sentence about quantization: what it cost and cut, and what to do where that is more than rounding."""

import pytest

from edgernn.cli.verdict import verdict
from edgernn.quantize.report import LayerReport, MatrixReport


def layer(name, *, states=0.0, operand=0.0, ratio=38.0, limit=16.0):
    matrix = MatrixReport(f"{name}/kernel", "2^-7", "2^-7", "2^-12", operand, 0.0, 0.0, 19)
    return LayerReport(name, ratio, states, limit, (matrix,))


FINE = (layer("gru_0", operand=0.0137), layer("dense_1", operand=0.004))
CUT = (layer("lstm_0", states=0.0473), layer("dense_1", operand=0.8, limit=0.0))


@pytest.mark.parametrize(
    ("before", "after", "layers", "operands", "same", "sentence"),
    [
        (
            {"accuracy": 0.845},
            {"accuracy": 0.841},
            FINE,
            "int8",
            None,
            "8 bits cost 0.4 points of accuracy and clip at most 1.4% of a layer's operands: nothing to do",
        ),
        (
            {"accuracy": 0.84},
            {"accuracy": 0.85},
            FINE,
            "int16",
            None,
            "16-bit operands cost no accuracy and clip at most 1.4% of a layer's operands: nothing to do",
        ),
        (
            {"accuracy": 1.0},
            {"accuracy": 0.665},
            CUT,
            "int8",
            0.665,
            "8 bits cost 33.5 points of accuracy and clip 4.7% of the states of lstm_0 (they reach 16): expect losses; "
            "try quantize.operands=int16",
        ),
        (
            {"accuracy": 0.9},
            {"accuracy": 0.88},
            FINE,
            "int8",
            None,
            "8 bits cost 2.0 points of accuracy and clip at most 1.4% of a layer's operands: expect losses; try "
            "quantize.operands=int16",
        ),
        (
            {"rmse": 1.0},
            {"rmse": 1.02},
            FINE,
            "int8",
            None,
            "8 bits raise the RMSE by 2.0% and clip at most 1.4% of a layer's operands: nothing to do",
        ),
        (
            {},
            {},
            FINE,
            "int8",
            0.95,
            "8 bits change 5.0% of the classes and clip at most 1.4% of a layer's operands: expect losses; try "
            "quantize.operands=int16",
        ),
        (
            {},
            {},
            FINE,
            "int8",
            None,
            "8 bits leave the outputs 38 dB above their error and clip at most 1.4% of a layer's operands: nothing to "
            "do",
        ),
    ],
)
def test_the_sentence(before, after, layers, operands, same, sentence):
    assert verdict(before, after, layers, operands, same) == sentence


def test_clipped_states_are_told_though_the_metric_holds():
    assert "expect losses" in verdict({"accuracy": 1.0}, {"accuracy": 1.0}, CUT, "int8")
    plain = (layer("gru_0"),)
    assert verdict({"rmse": 1.0}, {"rmse": 0.9}, plain, "int8") == (
        "8 bits do not raise the RMSE and clip nothing: nothing to do"
    )
    assert "weight_decay" in verdict({"accuracy": 1.0}, {"accuracy": 1.0}, CUT, "int16")
    assert "quantize.windows" in verdict({"rmse": 1.0}, {"rmse": 1.2}, FINE, "int16")
    assert "expect losses" in verdict({}, {}, (layer("dense_0", ratio=10.0),), "int8")


def test_build_says_it_and_shows_the_table_with_v(cli, windows, tmp_path, untrained):
    sets = ["data.source=npz", f"data.path={windows()}", "model.units=4"]
    command = ["build", *(word for text in sets for word in ("--set", text)), "--out", tmp_path / "out"]
    plain = cli(*command).stdout
    assert plain.count("\n8 bits cost ") == 1 and "accumulator bits" not in plain
    assert "accumulator bits" in cli(*command, "--force", "-v").stdout
    shown = cli("inspect", tmp_path / "out", "-v").stdout
    assert "accumulator bits" in shown and "\nMade with python " in shown
    assert "accumulator bits" not in cli("inspect", tmp_path / "out").stdout
