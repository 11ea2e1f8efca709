# SPDX-License-Identifier: Apache-2.0
"""A comparison as JSON: complete, and numbers only."""

import json

import numpy as np
import pytest

from edgernn.diff.compare import Comparison, Count, Culprit, OpCount, Report
from edgernn.diff.graph import Graph, Op, Tensor
from edgernn.diff.report import places, to_json


def tensor(index, dtype="float32", shape=(2, 2), data=None):
    return Tensor(index, f"t{index}", shape, dtype, (), (), 0, False, data)


@pytest.fixture
def report():
    """An operator of floats that gives a NaN where the base gives a number, after a large input."""
    op = Op(0, "EXP", (0,), (1,), "NONE")
    graph = Graph((tensor(0, shape=(300, 300)), tensor(1)), (op,), (0,), (1,), {}, {})
    base, other = np.array([[1, 2], [-0.0, np.nan]], np.float32), np.array([[1, np.nan], [0.0, np.nan]], np.float32)
    inputs = {0: np.zeros((300, 300), np.float32)}
    first = Culprit("sample 3", op, inputs, 1, base, other, None, False)
    count = Count(4, 2, 0.5)
    found = (
        Comparison("a", "1", "base", "", Count(4), (), None, 0),
        Comparison("b", "2", "differs", "", count, (OpCount(op, count, count),), first, 0),
        Comparison("c", "", "unavailable", "it is not there", Count(), (), None, 0),
    )
    return Report(graph, "a", 4, found, {("a", "b"): count})


def test_everything_is_told_and_is_json(report):
    told = json.loads(json.dumps(to_json(report), allow_nan=False))
    assert (told["agrees"], told["base"], told["samples"], told["operators"]) == (False, "a", 4, 1)
    assert told["pairs"] == [{"runtimes": ["a", "b"], "values": 4, "differing": 2, "largest": 0.5}]
    assert [entry["status"] for entry in told["runtimes"]] == ["base", "differs", "unavailable"]
    assert told["runtimes"][2]["reason"] == "it is not there"
    first = told["runtimes"][1]["first"]
    assert (first["place"], first["kind"], first["differing"]) == ("sample 3", "EXP", [[0, 1], [1, 0]])
    assert (first["expected"], first["found"]) == ([["1.0", "2.0"], ["-0.0", "nan"]], [["1.0", "nan"], ["0.0", "nan"]])
    assert first["inputs"] == [
        {"name": "t0", "dtype": "float32", "shape": [300, 300], "scales": [], "zero_points": []}
        | {"constant": False, "values": None}
    ]
    assert told["runtimes"][1]["operators"][0] | {"kind": ""} == {
        "index": 0,
        "kind": "",
        "results": ["t1"],
        "all": {"values": 4, "differing": 2, "largest": 0.5},
        "equal_inputs": {"values": 4, "differing": 2, "largest": 0.5},
    }


def test_results_of_other_shapes_have_no_places(report):
    first = report.paths[1].first
    assert places(first) == [(0, 1), (1, 0)]
    other = Culprit(**{**vars(first), "found": np.zeros((3, 2), np.float32)})
    assert places(other) == []
