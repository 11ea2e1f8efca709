# SPDX-License-Identifier: Apache-2.0
"""Whatever breaks a rule of the specification is no program."""

import copy
import json
import random
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from edgernn.spec import ops
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import (
    ACCUMULATOR_LIMIT,
    SPEC_VERSION,
    Kernel,
    Op,
    Program,
    ProgramError,
    State,
    Tensor,
    accumulator_bound,
    identifier_of,
    layer_of,
)


def test_a_program_survives_json(program, structure, kernels):
    assert json.loads(json.dumps(program.structure())) == structure
    assert Program.from_structure(json.loads(json.dumps(program.structure())), kernels) == program


def test_a_program_does_not_change(program):
    with pytest.raises(FrozenInstanceError):
        program.y = "x"
    with pytest.raises(TypeError):
        program.tensors["x"] = Tensor("x", 1, "int8", 0)


def test_what_a_program_says_of_itself(program):
    shifts = {op.outputs[0]: program.shift(op) for op in program.ops if op.kind in ("mul", "requantize", "operand")}
    assert shifts == {"h8": 8, "kept": 15, "wider": 3}
    np.testing.assert_array_equal(program.row_shifts(program.ops[0]), [2, 1, 3, 4])
    assert program.inputs == ("x", "h", "c")
    assert program.outputs == ("y", "new", "sum")


BROKEN_TENSORS = [
    ("wide", {"size": 0}, "size is not"),
    ("wide", {"size": -4}, "size is not"),
    ("wide", {"size": 4.0}, "size is not"),
    ("left", {"size": True}, "size is not"),
    ("x", {"size": ops.MAX_SIZE + 1}, "size is not"),
    ("x", {"dtype": "float32"}, "dtype 'float32' is unknown"),
    ("x", {"dtype": None}, "dtype None is unknown"),
    ("c", {"frac": 11.0}, "frac is not an integer"),
    ("c", {"frac": True}, "frac is not an integer"),
    ("c", {"frac": ops.MAX_FRAC + 1}, "frac is out of range"),
    ("c", {"frac": -ops.MAX_FRAC - 1}, "frac is out of range"),
    ("c", {"name": 5}, "5: a name is identifiers"),
    ("c", {"name": "h"}, "names a tensor twice"),
    ("c", {"extra": 1}, "malformed"),
    ("x", {"name": "input"}, r"\['x'\] are not declared"),
    ("c", {"name": "cell"}, r"\['c'\] are not declared"),
    ("y", {"name": "output"}, r"\['y'\] are not declared"),
    ("new", {"frac": 14}, "tanh reads frac 13 and gives frac 15"),
    ("h", {"frac": 14}, "does not fit the state 'h'"),
    ("c", {"dtype": "int8"}, "mul reads int16 only"),
    ("gate", {"dtype": "int8"}, "sigmoid gives int16 only"),
    ("wide", {"dtype": "int8"}, "linear gives int16 only"),
    ("h", {"dtype": "int8"}, "operand reads int16 only"),
    ("wide", {"frac": 10}, "does not split into equal parts"),
    ("left", {"size": 3}, "does not split into equal parts"),
    ("recurrent", {"frac": 12}, "tanh reads frac 13"),
    ("left", {"frac": 12}, "does not split into equal parts"),
    ("y", {"frac": 8}, "a relu does not change the scale"),
    ("kept", {"frac": 25}, "a mul can't shift by 1"),
    ("kept", {"frac": -5}, "a mul can't shift by 31"),
    ("h8", {"frac": -1}, r"the shift is not within \+-15"),
    ("h8", {"frac": 31}, r"the shift is not within \+-15"),
    ("wider", {"frac": -4}, r"the shift is not within \+-15"),
    ("wider", {"frac": 28}, r"the shift is not within \+-15"),
    ("difference", {"frac": 1}, "the output's scale is too far off"),
    ("difference", {"frac": 25}, "the output's scale is too far off"),
    ("y", {"size": 3}, "the sizes of relu differ"),
    ("h8", {"size": 3}, "the sizes of operand differ"),
    ("recurrent", {"size": 3}, "another shape or dtype"),
    ("x", {"size": 4}, "another shape or dtype"),
    ("x", {"frac": 3}, r"a row's shift is not 1\.\.30"),
    ("x", {"frac": 32}, r"a row's shift is not 1\.\.30"),
]


@pytest.mark.parametrize("name, change, problem", BROKEN_TENSORS)
def test_a_broken_tensor(structure, kernels, tensor, name, change, problem):
    tensor(name).update(change)
    with pytest.raises(ProgramError, match=problem):
        Program.from_structure(structure, kernels)


LEGAL_NAMES = ["h", "H_0", "_", "gru_0/h", "gru_0/add_14", "a/0", "a/b/c", "__/__"]
ILLEGAL_NAMES = ["", "/", "h/", "/h", "a//b", "0", "0/h", "h:0", "h.0", "h-1", "a b", "h\n", "\0", "é", "a/\u0660"]


def with_state(name):
    """A program whose state is read by that name."""
    tensors = {n: Tensor(n, 2, "int16", 9) for n in ("x", name)}
    return Program(tensors, (), {}, "x", "x", (State(name, name),))


@pytest.mark.parametrize("name", LEGAL_NAMES)
def test_a_legal_name(kernels, name):
    assert with_state(name).inputs == ("x", name)
    Program({"x": Tensor("x", 2, "int16", 9)}, (), {name: kernels["kernel"]}, "x", "x", ())


@pytest.mark.parametrize("name", [*ILLEGAL_NAMES, None, 5, ("h",)])
def test_an_illegal_name(kernels, name):
    with pytest.raises(ProgramError, match="a name is identifiers joined by '/'") as caught:
        with_state(name)
    assert "\n" not in str(caught.value)
    with pytest.raises(ProgramError, match="a name is identifiers joined by '/'"):
        Program({"x": Tensor("x", 2, "int16", 9)}, (), {name: kernels["kernel"]}, "x", "x", ())


def test_a_tensor_under_another_name():
    with pytest.raises(ProgramError, match="y: its tensor is named 'x'"):
        Program({"y": Tensor("x", 2, "int16", 9)}, (), {}, "y", "y", ())


@pytest.mark.parametrize("names", [("y",), ("a/b_c", "a_b/c"), ("a/b", "s", "a_b"), ("a/b/c", "a/b_c")])
def test_states_whose_identifiers_coincide(names):
    tensors = {name: Tensor(name, 2, "int16", 9) for name in ("x", *names)}
    states = tuple(State(name, name) for name in names)
    with pytest.raises(ProgramError, match=f"{names[-1]}: a state can't be called so, '{identifier_of(names[-1])}' is"):
        Program(tensors, (), {}, "x", "x", states)


def test_no_state_is_read_by_the_name_x():
    tensors = {name: Tensor(name, 2, "int16", 9) for name in ("x", "input")}
    with pytest.raises(ProgramError, match="x: a state can't be called so, 'x' is taken"):
        Program(tensors, (), {}, "input", "input", (State("x", "x"),))


@pytest.mark.parametrize(
    "name, layer, identifier",
    [("gru_0/h", "gru_0", "gru_0_h"), ("a/b/c", "a", "a_b_c"), ("x", "x", "x")],
)
def test_parts_of_a_name(name, layer, identifier):
    assert (layer_of(name), identifier_of(name)) == (layer, identifier)


BROKEN_OPS = [
    ("y", {"kind": "softmax"}, "op 'softmax' is unknown"),
    ("y", {"kind": "_tensors"}, "op '_tensors' is unknown"),
    ("y", {"kind": ["relu"]}, "malformed"),
    ("y", {"inputs": []}, "relu has 0 inputs"),
    ("y", {"inputs": ["wider", "sum"]}, "relu has 2 inputs"),
    ("sum", {"inputs": ["kept"]}, "add has 1 inputs"),
    ("y", {"outputs": []}, r"\?: relu has 0 outputs"),
    ("y", {"outputs": ["y", "wider"]}, "relu has 2 outputs"),
    ("left", {"outputs": []}, "does not split into equal parts"),
    ("left", {"outputs": ["left"]}, "does not split into equal parts"),
    ("left", {"outputs": ["left", "left"]}, "computed twice"),
    ("gate", {"inputs": ["sum"]}, "before they are computed"),
    ("gate", {"inputs": ["gate"]}, "before they are computed"),
    ("gate", {"inputs": ["nowhere"]}, "before they are computed"),
    ("gate", {"outputs": ["nowhere"]}, r"\['nowhere'\] are not declared"),
    ("gate", {"outputs": ["left"]}, "computed twice"),
    ("sum", {"outputs": ["c"]}, "computed twice"),
    ("kept", {"inputs": ["gate", "wide"]}, "the sizes of mul differ"),
    ("sum", {"inputs": ["kept", "x"]}, "add reads int16 only"),
    ("recurrent", {"inputs": ["h"]}, "the input of a linear must be an operand or x"),
    ("recurrent", {"kernel": None}, "the kernel None is missing"),
    ("recurrent", {"kernel": "other"}, "the kernel 'other' is missing"),
    ("recurrent", {"kernel": "kernel"}, "another shape or dtype"),
    ("y", {"kernel": "kernel"}, "relu has a kernel"),
    ("sum", {"inputs": None}, "malformed"),
    ("sum", {"inputs": [["kept"], "right"]}, "malformed"),
]


@pytest.mark.parametrize("name, change, problem", BROKEN_OPS)
def test_a_broken_op(structure, kernels, op, name, change, problem):
    op(name).update(change)
    with pytest.raises(ProgramError, match=problem):
        Program.from_structure(structure, kernels)


BROKEN_STRUCTURES = [
    ({"spec_version": SPEC_VERSION + 1}, "has spec_version 2, this edgernn knows 1 only"),
    ({"spec_version": None}, "has spec_version None"),
    ({"spec_version": "1"}, "has spec_version '1'"),
    ({"x": "nowhere"}, r"\['nowhere'\] are not declared"),
    ({"x": None}, r"\[None\] are not declared"),
    ({"x": ["x"]}, "malformed"),
    ({"x": "h"}, "two inputs have one name"),
    ({"y": "nowhere"}, r"\['nowhere'\] are never computed"),
    ({"states": [{"read": "h", "write": "new"}]}, "before they are computed"),
    ({"states": [{"read": "h", "write": "new"}, {"read": "c", "write": "nowhere"}]}, "are not declared"),
    ({"states": [{"read": "h", "write": "sum"}, {"read": "c", "write": "sum"}]}, "does not fit the state 'h'"),
    ({"states": [{"read": "h", "write": "new"}] * 2}, "two inputs have one name"),
    ({"states": [{"read": "h"}]}, "malformed"),
    ({"states": 7}, "malformed"),
    ({"tensors": []}, "are not declared"),
    ({"tensors": "x"}, "malformed"),
    ({"ops": []}, r"\['new', 'sum', 'y'\] are never computed"),
    ({"ops": [5]}, "malformed"),
]


@pytest.mark.parametrize("change, problem", BROKEN_STRUCTURES)
def test_a_broken_structure(structure, kernels, change, problem):
    with pytest.raises(ProgramError, match=problem):
        Program.from_structure({**structure, **change}, kernels)


@pytest.mark.parametrize("key", ["spec_version", "x", "y", "states", "tensors", "ops"])
def test_a_structure_without_a_key(structure, kernels, key):
    del structure[key]
    with pytest.raises(ProgramError, match=f"malformed: KeyError\\('{key}'\\)"):
        Program.from_structure(structure, kernels)


@pytest.mark.parametrize("structure", [None, [], "program", 3, {}])
def test_what_is_no_structure(structure):
    with pytest.raises(ProgramError, match="malformed"):
        Program.from_structure(structure, {})


KERNEL = Kernel(np.ones((2, 2), np.int8), np.zeros(2, np.int32), np.full(2, 7, np.int32))
LARGEST_BIAS = ACCUMULATOR_LIMIT - 1 - 2 * 127
BROKEN_KERNELS = {
    "weights of int16": (replace(KERNEL, weights=KERNEL.weights.astype(np.int16)), "another shape or dtype"),
    "weights of floats": (replace(KERNEL, weights=KERNEL.weights.astype(np.float32)), "another shape or dtype"),
    "bias of int64": (replace(KERNEL, bias=KERNEL.bias.astype(np.int64)), "another shape or dtype"),
    "foreign byte order": (replace(KERNEL, bias=KERNEL.bias.astype(">i4")), "another shape or dtype"),
    "frac of int8": (replace(KERNEL, frac=KERNEL.frac.astype(np.int8)), "another shape or dtype"),
    "weights transposed": (replace(KERNEL, weights=np.ones((2, 3), np.int8)), "another shape or dtype"),
    "a bias too many": (replace(KERNEL, bias=np.zeros(3, np.int32)), "another shape or dtype"),
    "one frac": (replace(KERNEL, frac=np.array(7, np.int32)), "another shape or dtype"),
    "-128": (replace(KERNEL, weights=np.array([[1, 2], [3, -128]], np.int8)), "a weight is -128"),
    "shift 0": (replace(KERNEL, frac=np.array([7, 6], np.int32)), "a row's shift is not 1..30"),
    "shift 31": (replace(KERNEL, frac=np.array([37, 7], np.int32)), "a row's shift is not 1..30"),
    "huge frac": (replace(KERNEL, frac=np.array([7, 2**31 - 1], np.int32)), "a row's shift is not 1..30"),
    "positive sum": (replace(KERNEL, bias=np.array([0, LARGEST_BIAS + 1], np.int32)), r"row 1 can pass 2\*\*30"),
    "negative sum": (replace(KERNEL, bias=np.array([-LARGEST_BIAS - 1, 0], np.int32)), r"row 0 can pass 2\*\*30"),
    "least bias": (replace(KERNEL, bias=np.array([-(2**31), 0], np.int32)), r"row 0 can pass 2\*\*30"),
    "rounding": (replace(KERNEL, frac=np.array([36, 7], np.int32), bias=np.array([2**29, 0], np.int32)), "row 0"),
}


@pytest.mark.parametrize("kernel, problem", BROKEN_KERNELS.values(), ids=BROKEN_KERNELS)
def test_a_broken_kernel(structure, kernels, kernel, problem):
    with pytest.raises(ProgramError, match=problem):
        Program.from_structure(structure, {**kernels, "recurrent": kernel})


def test_the_largest_accumulator_is_legal(structure, kernels):
    largest = replace(KERNEL, bias=np.full(2, LARGEST_BIAS, np.int32))
    program = Program.from_structure(structure, {**kernels, "recurrent": largest})
    (op,) = [op for op in program.ops if op.kernel == "recurrent"]
    shifts = program.row_shifts(op)
    np.testing.assert_array_equal(accumulator_bound(program.kernels["recurrent"], "int8", shifts), ACCUMULATOR_LIMIT)


def test_scales_of_inputs_that_are_too_far_apart():
    tensors = [Tensor("x", 1, "int16", 0), Tensor("a", 1, "int16", -14), Tensor("y", 1, "int16", -7)]
    steps = (Op("requantize", ("x",), ("a",)), Op("add", ("x", "a"), ("y",)))
    with pytest.raises(ProgramError, match="the inputs' scales are too far apart"):
        Program({tensor.name: tensor for tensor in tensors}, steps, {}, "x", "y", ())


def test_tensors_that_are_too_large_together():
    tensors = {name: Tensor(name, ops.MAX_SIZE, "int16", 15) for name in ["x", *(f"t{i}" for i in range(16))]}
    names = list(tensors)
    made = tuple(Op("relu", (a,), (b,)) for a, b in zip(names, names[1:], strict=False))
    with pytest.raises(ProgramError, match="all tensors together have more than 16777216 values"):
        Program(tensors, made, {}, "x", names[-1], ())
    fewer = {name: tensors[name] for name in names[:16]}
    assert Program(fewer, made[:15], {}, "x", names[15], ()).y == "t14"


JUNK = [None, True, False, -1, 0, 1, 2, 7, 31, 10**30, 0.5, float("nan"), "", "x", "h8", "relu", "int8", [], {}, ["x"]]


def mutated(structure, source):
    """The structure with one to three entries replaced by junk or by each other, removed, or doubled."""
    structure = copy.deepcopy(structure)
    for _ in range(source.randint(1, 3)):
        places = list(entries(structure))
        where, key = source.choice(places)
        change = source.choice(["junk", "other", "other", "remove", "double"])
        if change == "remove":
            del where[key]
        elif change == "double" and isinstance(where, list):
            where.insert(source.randint(0, len(where)), copy.deepcopy(where[key]))
        elif change == "junk":
            where[key] = copy.deepcopy(source.choice(JUNK))
        else:
            other, at = source.choice([place for place in places if isinstance(place[1], type(key))])
            where[key] = copy.deepcopy(other[at])
    return structure


def entries(value):
    """(container, key) of everything inside of `value`."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from entries(value[key])


@pytest.mark.parametrize("seed", range(4))
def test_a_random_change_gives_a_legal_program_or_a_program_error(structure, kernels, seed):
    source, legal = random.Random(seed), 0
    for _ in range(1500):
        changed = mutated(structure, source)
        try:
            program = Program.from_structure(changed, kernels)
        except ProgramError:
            continue
        legal += 1
        run_at_the_extremes(program)
    assert legal > 5


def run_at_the_extremes(program):
    for end in ("min", "max"):
        inputs = {name: np.full(t.size, getattr(np.iinfo(t.dtype), end), t.dtype) for name, t in of_inputs(program)}
        limit = ops.OPERAND_LIMIT[program.tensors[program.x].dtype]
        inputs[program.x] = np.clip(inputs[program.x], -limit, limit)
        for name, value in Interpreter(program).step(inputs).items():
            tensor = program.tensors[name]
            assert (value.shape, value.dtype) == ((tensor.size,), tensor.dtype), name


def of_inputs(program):
    return [(name, program.tensors[name]) for name in program.inputs]
