# SPDX-License-Identifier: Apache-2.0
"""The generated step on programs that no cell makes, compiled and compared with the interpreter."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn.artifact import Model
from edgernn.backends.c import RUNTIMES, export
from edgernn.backends.c.names import Identifiers, prefix_of
from edgernn.backends.c.schedule import schedule
from edgernn.backends.c.step import Step
from edgernn.golden import compute
from edgernn.validate import validate

LENGTHS = np.array([12, 12, 5], np.int32)


@pytest.fixture
def agree(as_model, operands, tmp_path):
    """Asserts that the compiled C gives the interpreter's values on random windows."""

    def check(program, name="odd"):
        model = as_model(program)
        windows = operands(program, len(LENGTHS), LENGTHS.max())
        export(model, None, name, tmp_path)
        (result,) = validate(Model(tmp_path, {}, model), compute(model, windows, LENGTHS), RUNTIMES[:1]).runtimes
        assert (result.status, result.reason, result.first_difference) == ("agrees", "", None)
        assert result.values == LENGTHS.sum() * sum(program.tensors[name].size for name in program.outputs)

    return check


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.nightly if seed >= 15 else ()) for seed in range(60)]
)
def test_random_programs(agree, random_program, seed):
    agree(random_program(seed))


def test_odd_programs(agree, odd_program):
    agree(odd_program)


def test_a_name_that_is_a_word_of_c(agree, odd_programs):
    agree(odd_programs["names that are words of C"], name="int")


LAYERS = {
    "more units than are computed at once": (("gru", 70, {}), ("lstm", 66, {}), ("dense", 3, {})),
    "units that fill blocks": (("lstm", 64, {}), ("dense", 4, {})),
    "parts that fill no block": (("gru", 7, {"reset_after": False}), ("rnn", 5, {}), ("dense", 1, {})),
}


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("compiler", ["gcc", pytest.param("gcc -march=native", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("zeros", [0, 0.6, 1])
def test_layers(agree, quantized, monkeypatch, name, dtype, zeros, compiler):
    """Dense and with blocks left out, in each form of a step; one element at a time, and many."""
    monkeypatch.setenv("CC", compiler)
    program = quantized(*LAYERS[name], operands=dtype).program
    rng = np.random.default_rng(0)
    kernels = {key: without_blocks(kernel, zeros, rng) for key, kernel in program.kernels.items()}
    program = replace(program, kernels=kernels)
    assert ("edgernn_sparse_" in Step(program, "m").body()) == bool(zeros)
    agree(program)


def without_blocks(kernel, share, rng):
    """A kernel of which about that share of blocks, wherever they begin, is zero."""
    rows, columns = kernel.weights.shape
    kept = rng.random((rows // 4 + 1, columns // 4 + 1)) >= share
    mask = np.kron(kept, np.ones((4, 4)))[:rows, :columns]
    return replace(kernel, weights=(kernel.weights * mask).astype(np.int8))


def test_what_no_output_needs_is_left_out(odd_programs):
    step = Step(replace(odd_programs["two uses of a kernel"], states=()), "m")
    assert step.body().count("edgernn_linear_s8(") == 1, "both parts of one use"
    assert step.constant_bytes == 8 * 4 + 4 * 8 + 8


def test_a_gru_is_three_passes(model):
    passes = schedule(model.integer.program).passes
    assert [(one.size, len(one.rows)) for one in passes] == [(5, 0), (5, 6), (2, 1)]
    assert schedule(model.integer.program).in_place == {"gru_0/h"}


def test_a_body_is_the_same_every_time(model):
    assert Step(model.integer.program, "m").body() == Step(model.integer.program, "m").body()


@pytest.mark.parametrize(
    "name, prefix",
    [
        ("watch", "watch"),
        ("My model-2", "my_model_2"),
        ("walks é", "walks"),
        ("2nd", "model_2nd"),
        ("int", "model_int"),
        ("edgernn", "model_edgernn"),
        ("watch_float", "watch_float_model"),
        ("stream", "model_stream"),
        ("é", "model"),
        ("", "model"),
    ],
)
def test_prefixes(name, prefix):
    assert prefix_of(name) == prefix


def test_identifiers_are_taken_once():
    names = Identifiers("m")
    assert [names("g/x"), names("g/x"), names("g/x", "wide"), names("g/x_wide"), names("g_x")] == [
        *("g_x", "g_x", "g_x_wide", "g_x_wide_2", "g_x_2"),
    ]


@pytest.mark.parametrize(
    "name", ["for", "x", "int16_t", "strlen", "INT16_MAX", "m/step", "edgernn/add", "_Bool", "linux"]
)
def test_identifiers_leave_the_names_of_others_alone(name):
    assert Identifiers("m")(name) == f"v_{name.replace('/', '_')}"
