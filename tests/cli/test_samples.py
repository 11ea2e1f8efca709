# SPDX-License-Identifier: Apache-2.0
"""Reading a stream of samples: every accepted form, and a line number for everything else."""

import numpy as np
import pytest

from edgernn.cli import samples
from edgernn.errors import DataError

FEATURES = ("ax", "ay", "az")


def read(*lines, features=FEATURES):
    return [sample.tolist() for sample in samples.read(lines, features)]


@pytest.mark.parametrize(
    "lines",
    [
        ["1,2,3", "4,5,6"],
        ["1, 2, 3\n", "4 ,5, 6\r\n"],
        ["ax,ay,az", "1,2,3", "4,5,6"],
        ["az, ax ,ay", "3,1,2", "6,4,5"],
        ["time,ay,label,az,ax", "0.1,2,walk,3,1", "0.2,5,,6,4"],
        ['"ax","ay","az"', '"1","2","3"', "4,5,6"],
        ["", "1,2,3", "   ", "4,5,6", "\n"],
        ["[1, 2, 3]", "[4, 5, 6]"],
        ['{"ax": 1, "ay": 2, "az": 3}', '{"az": 6, "ay": 5, "ax": 4, "label": "walk"}'],
        ["  [1, 2, 3]\n", '{"ax": 4, "ay": 5, "az": 6}'],
        ['["1", "2", "3"]', "[4.0, 5e0, 6]"],
        ["[1, 2, 3]", "4,5,6"],
    ],
    ids=str,
)
def test_what_is_read(lines):
    assert read(*lines) == [[1, 2, 3], [4, 5, 6]]


def test_nothing_is_no_sample():
    assert read() == read("", " \n") == read("ax,ay,az") == []


def test_one_feature():
    assert read("1", "2.5", features=("v",)) == read("v", "1", "2.5", features=("v",)) == [[1], [2.5]]


def test_samples_come_before_the_next_line_is_asked_for():
    def lines():
        yield "1,2,3"
        raise AssertionError("the first sample has to come first")

    np.testing.assert_array_equal(next(samples.read(lines(), FEATURES)), [1, 2, 3])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["1,2"], "line 1 is no sample: it has 2 values instead of 3: ax, ay, az"),
        (["1,2,3,4"], "line 1 is no sample: it has 4 values instead of 3"),
        (["1,2,3,"], "it has 4 values instead of 3"),
        (["1;2;3"], 'line 1 is no sample: it is "1;2;3" instead of 3 numbers or their names'),
        (["ax,ay"], "line 1 is no sample: it has no az"),
        (["", "ax,ay,az,t", "1,2,3"], "line 3 is no sample: it has 3 values instead of 4: ax, ay, az, t"),
        (["ax,ay,az", "1,2,walk"], 'line 2 is no sample: az is "walk", which is no number'),
        (["1,2,3", "ax,ay,az"], 'line 2 is no sample: ax is "ax"'),
        (["1,,3"], 'ay is "", which is no number'),
        ([",,"], 'it is ",," instead of 3 numbers'),
        (["1,2,nan"], "az is nan, which is no finite float32"),
        (["1,2,inf"], "az is inf, which is no finite float32"),
        (["1,2,-1e39"], "az is -1e39, which is no finite float32"),
        (["1,2," + "9" * 200_000], "is no sample"),
        (["x" * 200_000], "is no sample"),
        (["[1, 2]"], "line 1 is no sample: it has 2 values instead of 3"),
        (["[1, 2, 3, 4]"], "it has 4 values instead of 3"),
        (["[[1, 2, 3]]"], "it has 1 values instead of 3"),
        (["[1, 2, [3]]"], "az is [3], which is no number"),
        (["[1, 2, null]"], "az is null, which is no number"),
        (["[1, 2, true]"], "az is true, which is no number"),
        (["[1, 2, NaN]"], "az is nan, which is no finite float32"),
        (["[1, 2, 1e400]"], "az is inf, which is no finite float32"),
        (["[1, 2, 1" + "0" * 400 + "]"], "az is 1000000000"),
        (["[1, 2, " + "9" * 5000 + "]"], "it is not valid JSON"),
        (["[1, 2, 3"], "it is not valid JSON"),
        (["[" * 100_000], "it is not valid JSON"),
        (["[1, 2, 3]", "[1, 2, 3]", "{}"], "line 3 is no sample: it has no ax"),
        (['{"ax": 1, "ay": 2}'], "it has no az"),
        (['{"ax": 1, "ay": 2, "az": {}}'], "az is {}, which is no number"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_sample(lines, words):
    with pytest.raises(DataError) as caught:
        read(*lines)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 200 or "\n" not in str(caught.value)


def faulty(missing, *lines):
    """The samples of a stream with faults, and what is said of them."""
    notes = []
    return [sample.tolist() for sample in samples.read(lines, ("a", "b"), missing, notes.append)], notes


@pytest.mark.parametrize(
    "wrong", [",2", "1,", "1,nan", "1,?", "1,1e39", "inf,2", "1", "1,2,3", "1,\0", "[1, null]", '{"a": 1}', "{"]
)
def test_a_stream_goes_on_after_what_is_no_sample(wrong):
    with pytest.raises(DataError, match=r"^line 2 is no sample: .*; with --missing hold or skip the stream goes on$"):
        faulty("error", "5,6", wrong, "7,8")
    left_out, (note,) = faulty("skip", "5,6", wrong, "7,8")
    assert left_out == [[5, 6], [7, 8]]
    assert note.startswith("line 2 is no sample: ") and note.endswith("it is left out, and so it will be with others")
    held, (note,) = faulty("hold", "5,6", wrong, "7,8")
    assert held[0] == [5, 6] and held[2] == [7, 8]
    assert all(value in (old, new) for value, old, new in zip(held[1], (5, 6), (1, 2), strict=True))
    assert held[1] != [1, 2] and note.endswith("the values before it are held, and so it will be with others")


def test_only_what_is_missing_is_held():
    assert faulty("hold", "b,note,a", "1,x,2", ",,3", "4,,", ",,")[0] == [[2, 1], [3, 1], [3, 4], [3, 4]]
    assert faulty("hold", '{"a": 1, "b": 2}', '{"a": 3, "b": null}', "[null, 5]")[0] == [[1, 2], [3, 2], [3, 5]]


def test_how_many_lines_were_wrong_is_said_at_the_end():
    _, notes = faulty("skip", "1,2", ",2", "3,4", "stop", "5,6", "?,?")
    assert notes[1:] == ["3 lines were no samples: they were left out"]


def test_nothing_is_held_before_there_is_a_sample():
    with pytest.raises(DataError, match=r"b is .*; none before it could be held, give --missing skip"):
        faulty("hold", "a,b", "1,", "3,4")
    assert faulty("skip", "a,b", "1,", "3,4")[0] == [[3, 4]]


def test_names_behind_a_line_that_is_left_out_still_count():
    assert faulty("skip", "7", "b,a", "1,2")[0] == [[2, 1]]


@pytest.mark.parametrize("missing", ["error", "hold", "skip"])
def test_names_without_a_feature_are_refused(missing):
    with pytest.raises(DataError, match="line 1 is no sample: it has no b"):
        faulty(missing, "a,c", "1,2")
