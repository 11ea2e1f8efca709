# SPDX-License-Identifier: Apache-2.0
"""The generated step on programs that no cell makes, compiled and compared with the interpreter."""

import numpy as np
import pytest

from edgernn.artifact import Model
from edgernn.backends.c import RUNTIMES, export
from edgernn.backends.c.names import Identifiers, prefix_of
from edgernn.backends.c.schedule import schedule
from edgernn.backends.c.step import Step
from edgernn.golden import compute
from edgernn.model import IntegerModel
from edgernn.spec import ops
from edgernn.spec.program import Kernel, Op, Program, State, Tensor
from edgernn.validate import validate

LENGTHS = np.array([12, 12, 5], np.int32)


@pytest.fixture
def agree(make_interface, tmp_path):
    """Asserts that the compiled C gives the interpreter's values on random windows."""

    def check(program, name="odd"):
        x = program.tensors[program.x]
        model = IntegerModel(make_interface(x.size, program.tensors[program.y].size), program)
        limit = ops.OPERAND_LIMIT[x.dtype]
        windows = np.random.default_rng(0).integers(-limit, limit + 1, (3, 12, x.size)).astype(x.dtype)
        export(model, None, name, tmp_path)
        (result,) = validate(Model(tmp_path, {}, model), compute(model, windows, LENGTHS), RUNTIMES[:1]).runtimes
        assert (result.status, result.reason, result.first_difference) == ("agrees", "", None)
        assert result.values == LENGTHS.sum() * sum(program.tensors[name].size for name in program.outputs)

    return check


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(agree, random_program, seed):
    agree(random_program(seed))


def vectors(*names, size=3, frac=15):
    return {name: Tensor(name, size, "int16", frac) for name in names}


def test_states_that_hand_on_their_values(agree):
    """A delay line and two states that change places."""
    tensors = {"x": Tensor("x", 3, "int16", 15)} | vectors("a/0", "a/1", "b/0", "b/1", "n")
    states = State("a/0", "n"), State("a/1", "a/0"), State("b/0", "b/1"), State("b/1", "b/0")
    agree(Program(tensors, (Op("relu", ("x",), ("n",)),), {}, "x", "a/1", states))


def test_one_tensor_is_everything(agree):
    tensors = {"x": Tensor("x", 3, "int16", 14)} | vectors("a/0", "a/1", frac=14) | {"n": Tensor("n", 3, "int16", 14)}
    agree(Program(tensors, (Op("add", ("x", "a/0"), ("n",)),), {}, "x", "n", (State("a/0", "n"), State("a/1", "n"))))


def test_the_input_is_the_output(agree):
    agree(Program({"x": Tensor("x", 4, "int8", 7)}, (), {}, "x", "x", ()))


def test_an_operand_is_the_output(agree):
    tensors = {"x": Tensor("x", 4, "int16", 14), "y": Tensor("y", 4, "int8", 7)}
    agree(Program(tensors, (Op("operand", ("x",), ("y",)),), {}, "x", "y", ()))


def test_names_that_are_words_of_c(agree):
    tensors = {"x": Tensor("x", 3, "int16", 15)} | vectors(
        "int", "state", "y", "for", "i", "EDGERNN_INLINE/x", "while/h"
    )
    chain = ["x", "int", "state", "for", "i", "y"]
    steps = tuple(Op("relu", (a,), (b,)) for a, b in zip(chain, chain[1:], strict=False))
    agree(Program(tensors, steps, {}, "x", "y", (State("while/h", "for"),)), name="int")


def test_names_that_become_one(agree):
    tensors = {"x": Tensor("x", 3, "int16", 15)} | vectors("a/b", "a_b", "a_b_2", "s/h", "s_h")
    chain = ["x", "a/b", "a_b", "a_b_2", "s_h"]
    steps = tuple(Op("relu", (a,), (b,)) for a, b in zip(chain, chain[1:], strict=False))
    agree(Program(tensors, steps, {}, "x", "s_h", (State("s/h", "a_b"),)))


def two_uses_of_a_kernel():
    rng = np.random.default_rng(0)
    kernel = Kernel(
        rng.integers(-127, 128, (6, 4)).astype(np.int8),
        rng.integers(-99, 99, 6).astype(np.int32),
        np.full(6, 8, np.int32),
    )
    tensors = {"x": Tensor("x", 4, "int8", 6)}
    tensors |= {"a": Tensor("a", 6, "int16", 10), "b": Tensor("b", 6, "int16", 9)}
    tensors |= vectors("a/0", "a/1", "y", frac=10)
    made = (
        Op("linear", ("x",), ("a",), "k"),
        Op("split", ("a",), ("a/0", "a/1")),
        Op("add", ("a/0", "a/1"), ("y",)),
        Op("linear", ("x",), ("b",), "k"),
    )
    return Program(tensors | vectors("s/0", size=6, frac=9), made, {"k": kernel}, "x", "y", (State("s/0", "b"),))


def test_two_uses_of_a_kernel(agree):
    agree(two_uses_of_a_kernel())


def test_what_no_output_needs_is_left_out():
    program = two_uses_of_a_kernel()
    program = Program(program.tensors, program.ops, program.kernels, "x", "y", ())
    step = Step(program)
    assert step.body().count("edgernn_linear(") == 2
    assert step.constant_bytes == 6 * 4 + 4 * 6 + 6


def test_a_gru_is_three_passes(model):
    passes = schedule(model.integer.program).passes
    assert [(one.size, len(one.rows)) for one in passes] == [(5, 0), (5, 6), (2, 1)]
    assert schedule(model.integer.program).in_place == {"gru_0/h"}


def test_a_body_is_the_same_every_time(model):
    assert Step(model.integer.program).body() == Step(model.integer.program).body()


@pytest.mark.parametrize(
    "name, prefix",
    [
        ("watch", "watch"),
        ("My model-2", "my_model_2"),
        ("walks é", "walks"),
        ("2nd", "model_2nd"),
        ("int", "model_int"),
        ("edgernn", "model_edgernn"),
        ("é", "model"),
        ("", "model"),
    ],
)
def test_prefixes(name, prefix):
    assert prefix_of(name) == prefix


def test_identifiers_are_taken_once():
    names = Identifiers("x")
    assert [names("x"), names("x"), names("x", "wide"), names("x_wide"), names("for")] == [
        *("x_2", "x_2", "x_wide", "x_wide_2", "for_2"),
    ]
