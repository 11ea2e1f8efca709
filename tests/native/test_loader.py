# SPDX-License-Identifier: Apache-2.0
"""The loader refuses every buffer that breaks a rule, and says which rule it is."""

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.backends.c import layout
from edgernn.native.serialize import KINDS, numbered, serialize
from edgernn.spec.program import ACCUMULATOR_LIMIT, SPEC_VERSION, Kernel, Program

STRUCTURE = json.loads((Path(__file__).parents[1] / "small_program.json").read_text(encoding="utf-8"))
KERNELS = {
    "kernel": Kernel(np.ones((4, 3), np.int8), np.zeros(4, np.int32), np.full(4, 8, np.int32)),
    "recurrent": Kernel(np.ones((2, 2), np.int8), np.zeros(2, np.int32), np.full(2, 8, np.int32)),
}
PROGRAM = Program.from_structure(STRUCTURE, KERNELS)

HEADER, TENSOR, STATE, OP = 24, 8, 4, 20
STATES_AT = HEADER + TENSOR * len(PROGRAM.tensors)
OPS_AT = STATES_AT + STATE * len(PROGRAM.states)
CONSTANTS_AT = OPS_AT + OP * len(PROGRAM.ops)
NUMBER = {name: number for number, name in enumerate(PROGRAM.tensors)}
OPS = [op.outputs[0] for op in PROGRAM.ops]
"""By their first results."""
MANY = 2**32 - 1


def header(field):
    return 4 * ["magic", "specification", "tensors", "states", "ops", "y"].index(field), "I"


def tensor(name, field):
    place, form = {"size": (0, "I"), "frac": (4, "b"), "bytes": (5, "B"), "operand": (6, "B")}[field]
    return HEADER + TENSOR * NUMBER[name] + place, form


def state(index):
    return STATES_AT + STATE * index, "I"


def op(name, field):
    fields = ["kind", "a", "b", "outputs", "constants"]
    return OPS_AT + OP * OPS.index(name) + 4 * fields.index(field), "I"


BIAS, FRAC, WEIGHT = (CONSTANTS_AT, "i"), (CONSTANTS_AT + 4 * 4, "i"), (CONSTANTS_AT + 8 * 4, "b")
LARGEST_BIAS = ACCUMULATOR_LIMIT - 3 * 127 - 2
"""Of a row with weights of one and a shift of two."""

DAMAGE = [
    ([(header("magic"), 0)], "these bytes are no program"),
    ([(header("specification"), SPEC_VERSION + 1)], "another version of the specification"),
    ([(header("tensors"), MANY)], "ends in its tables"),
    ([(header("states"), MANY)], "ends in its tables"),
    ([(header("ops"), MANY)], "ends in its tables"),
    ([(header("tensors"), 2**29), (header("states"), 2**30), (header("ops"), 2**30)], "ends in its tables"),
    ([(header("tensors"), 0), (header("states"), 0)], "more inputs than tensors"),
    ([(header("states"), 15)], "more inputs than tensors"),
    ([(header("ops"), 10)], "a tensor is never computed"),
    ([(header("ops"), 0)], "a tensor is never computed"),
    ([(header("y"), 15)], "the output is not there"),
    ([(header("y"), MANY)], "the output is not there"),
    ([(tensor("wide", "size"), 0)], "size is not 1"),
    ([(tensor("wide", "size"), 2**20 + 1)], "size is not 1"),
    ([(tensor("wide", "size"), MANY)], "size is not 1"),
    ([(tensor("c", "frac"), 33)], "frac is out of range"),
    ([(tensor("c", "frac"), -33)], "frac is out of range"),
    ([(tensor("c", "frac"), -128)], "frac is out of range"),
    ([(tensor("c", "bytes"), 0)], "dtype is unknown"),
    ([(tensor("c", "bytes"), 4)], "dtype is unknown"),
    ([(tensor("h8", "operand"), 2)], "flag is unknown"),
    ([(tensor("x", "operand"), 0)], "x alone is an operand"),
    ([(tensor("h", "operand"), 1)], "x alone is an operand"),
    ([(tensor("h8", "operand"), 0)], "flag does not say what it is"),
    ([(tensor("right", "operand"), 1)], "flag does not say what it is"),
    ([(op("y", "kind"), len(KINDS))], "an op is unknown"),
    ([(op("y", "kind"), MANY)], "an op is unknown"),
    ([(op("gate", "a"), NUMBER["gate"])], "not computed yet"),
    ([(op("gate", "a"), MANY)], "not computed yet"),
    ([(op("sum", "b"), NUMBER["y"])], "not computed yet"),
    ([(op("gate", "b"), NUMBER["y"])], "not computed yet"),
    ([(op("gate", "outputs"), 0)], "computes too many tensors"),
    ([(op("left", "outputs"), MANY)], "computes too many tensors"),
    ([(op("left", "outputs"), 12)], "computes too many tensors"),
    ([(op("gate", "outputs"), 2)], "more than one result"),
    ([(op("sum", "a"), 0)], "an op reads int8"),
    ([(op("sum", "b"), 0)], "an op reads int8"),
    ([(tensor("c", "bytes"), 1)], "an op reads int8"),
    ([(tensor("gate", "bytes"), 1)], "an op gives int8"),
    ([(tensor("right", "bytes"), 1)], "an op gives int8"),
    ([(op("kept", "a"), NUMBER["wide"])], "the sizes of an op differ"),
    ([(op("kept", "b"), NUMBER["wide"])], "the sizes of an op differ"),
    ([(tensor("y", "size"), 3)], "the sizes of an op differ"),
    ([(op("recurrent", "a"), NUMBER["h"])], "the input of a linear is no operand"),
    ([(op("wide", "constants"), MANY)], "ends in its constants"),
    ([(op("wide", "constants"), CONSTANTS_AT + 23)], "ends in its constants"),
    ([(tensor("wide", "size"), 2**20), (tensor("x", "size"), 2**20)], "ends in its constants"),
    ([(tensor("x", "size"), 10)], "ends in its constants"),
    ([(FRAC, 6)], "shift is not 1..30"),
    ([(FRAC, 37)], "shift is not 1..30"),
    ([(FRAC, 2**31 - 1)], "shift is not 1..30"),
    ([(FRAC, -(2**31))], "shift is not 1..30"),
    ([(tensor("x", "frac"), 3)], "shift is not 1..30"),
    ([(WEIGHT, -128)], "a weight is -128"),
    ([(BIAS, LARGEST_BIAS + 1)], "an accumulator can pass"),
    ([(BIAS, -LARGEST_BIAS - 1)], "an accumulator can pass"),
    ([(BIAS, -(2**31))], "an accumulator can pass"),
    ([(FRAC, 36), (BIAS, 2**29)], "an accumulator can pass"),
    ([(tensor("left", "size"), 3)], "size of its parts"),
    ([(tensor("right", "size"), 1)], "parts of a split differ"),
    ([(tensor("right", "frac"), 12)], "a split changes the scale"),
    ([(tensor("difference", "frac"), -3)], "scale of a sum is too far off"),
    ([(tensor("difference", "frac"), 25)], "scale of a sum is too far off"),
    ([(tensor("c", "frac"), 27), (tensor("kept", "frac"), 25)], "inputs are too far apart"),
    ([(tensor("gate", "frac"), 14)], "other scales than its table"),
    ([(tensor("recurrent", "frac"), 12)], "other scales than its table"),
    ([(tensor("h8", "frac"), -1)], r"requantize is not within \+-15"),
    ([(tensor("h8", "frac"), 31)], r"requantize is not within \+-15"),
    ([(tensor("wider", "frac"), 28)], r"requantize is not within \+-15"),
    ([(tensor("kept", "frac"), 25)], "shift of a mul is not 2..30"),
    ([(tensor("kept", "frac"), -5)], "shift of a mul is not 2..30"),
    ([(tensor("y", "frac"), 8)], "a relu changes the scale"),
    ([(state(0), 15)], "a tensor that is not there"),
    ([(state(1), MANY)], "a tensor that is not there"),
    ([(state(0), NUMBER["wide"])], "a tensor that does not fit"),
    ([(state(0), NUMBER["sum"])], "a tensor that does not fit"),
    ([(state(0), NUMBER["h8"])], "a tensor that does not fit"),
]


def damaged(changes):
    buffer = bytearray(serialize(PROGRAM))
    for (place, form), value in changes:
        struct.pack_into(f"<{form}", buffer, place, value)
    return bytes(buffer)


def test_the_places_of_the_fields():
    assert numbered(PROGRAM) == tuple(PROGRAM.tensors)
    assert damaged([]) == damaged([(tensor("x", "frac"), 5), (op("sum", "b"), 5), (state(1), 11), (header("y"), 14)])
    assert len(damaged([])) == CONSTANTS_AT + 4 * (8 + 3) + 2 * (8 + 2)


def test_the_undamaged_program_loads(engine_of):
    assert engine_of(damaged([]), 3, 2).run(np.zeros((1, 4, 3), np.int8)).shape == (1, 4, 2)


@pytest.mark.parametrize(("changes", "problem"), DAMAGE, ids=str)
def test_a_damaged_program(engine_of, changes, problem):
    with pytest.raises(ValueError, match=problem):
        engine_of(damaged(changes), 3, 2)


@pytest.mark.parametrize(
    "changes", [[(BIAS, LARGEST_BIAS)], [(BIAS, -LARGEST_BIAS)], [(FRAC, 36)], [(FRAC, 7)], [(WEIGHT, -127)]]
)
def test_what_just_passes(engine_of, changes):
    engine_of(damaged(changes), 3, 2)


def test_a_truncated_program(engine_of):
    whole = damaged([])
    for size in range(len(whole)):
        with pytest.raises(ValueError, match="ends in its|are no program"):
            engine_of(whole[:size], 3, 2)


def test_tensors_that_are_too_large_together(engine_of):
    header = struct.pack("<4s5I", b"EDRN", SPEC_VERSION, 17, 0, 0, 0)
    with pytest.raises(ValueError, match="all tensors together have more than"):
        engine_of(header + 17 * struct.pack("<IbBBx", 2**20, 5, 1, 1), 3, 2)


def test_every_rule_is_tested():
    folder = Path(edgernn.__file__).parent / "native"
    source = "".join((folder / name).read_text(encoding="utf-8") for name in ("check.c", "loader.c"))
    rules = set(re.findall(r'REQUIRE\(.*, "(.+)"\);', source))
    elsewhere = {
        "the program ends in its header",  # test_a_truncated_program
        "the program is too large",  # fuzz_loader.c
        "the memory is too small for the program",  # fuzz_loader.c
        "all tensors together have more than 2**24 values",  # test_tensors_that_are_too_large_together
    }
    assert elsewhere < rules
    untested = [rule for rule in rules - elsewhere if not any(re.search(problem, rule) for _, problem in DAMAGE)]
    assert not untested


def test_scales_that_do_not_fit(engine_of):
    for features, outputs in [(2, 2), (4, 2), (3, 1), (3, 3)]:
        with pytest.raises(ValueError, match="does not fit the program"):
            engine_of(damaged([]), features, outputs)


def test_matrices_are_laid_out_as_exported():
    """What stands in loader.c once more, because a session takes bytes and no layout."""
    source = (Path(edgernn.__file__).parent / "native" / "loader.c").read_text(encoding="utf-8")
    share = re.search(r"#define SPARSE_SHARE\(blocks\) .* \* (\d+)u / (\d+)u\)", source)
    assert int(share[1]) / int(share[2]) == layout.SPARSE_SHARE
    defined = dict(re.findall(r"#define (\w+) (\d+u)", source))
    assert defined["MAX_SPARSE_COLUMNS"] == f"{layout._MOST_COLUMN_BLOCKS}u"
    assert defined["MAX_SPARSE_BLOCKS"] == f"{layout._MOST_BLOCKS}u"
    wide = re.search(r"#define WIDE_SUM \(\(int64_t\)1 << (\d+)\)", source)
    assert 1 << int(wide[1]) == layout.INT8_SUM_LIMIT
