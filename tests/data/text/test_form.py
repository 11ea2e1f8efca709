# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data.text import decimals, form
from edgernn.errors import ConfigError, DataError


def detect(text, **options):
    return form.detect(text.splitlines(), **options)


@pytest.mark.parametrize(
    ("text", "separator", "names", "begin"),
    [
        ("t,ax,l\n0,1,a\n1,2,b\n", ",", ("t", "ax", "l"), 1),
        ("t;ax;l\n0;1;a\n1;2;b\n", ";", ("t", "ax", "l"), 1),
        ("t\tax\tl\n0\t1\ta\n1\t2\tb\n", "\t", ("t", "ax", "l"), 1),
        ("t|ax|l\n0|1|a\n1|2|b\n", "|", ("t", "ax", "l"), 1),
        ("t   ax l\n  0  1 a\n 1   2 b\n", " ", ("t", "ax", "l"), 1),
        ("t;ax;l\n0,5;1,5;a\n1,5;2,25;b\n", ";", ("t", "ax", "l"), 1),
        ("ax;ay\n1,5;2,5\n3,5;4,5\n", ";", ("ax", "ay"), 1),
        ("ax\tay\n1,5\t2,5\n3,5\t4,5\n", "\t", ("ax", "ay"), 1),
        ("1,5 2,5\n3,5 4,5\n", " ", None, 0),
        ("t,ax,l\n0, 1, x|y\n1, 2, x|y\n", ",", ("t", "ax", "l"), 1),
        ("time,ax,l\n2020-03-09 10:14:00,1.5,a\n2020-03-09 10:14:01,2.5,b\n", ",", ("time", "ax", "l"), 1),
        ("time;ax\n2020-03-09 10:14:00;1,5\n2020-03-09 10:14:01;2,5\n", ";", ("time", "ax"), 1),
        ("v\n1.5\n2.5\n", ",", ("v",), 1),
        ("1.5,2.5,a\n3.5,4.5,b\n", ",", None, 0),
        ("1.5,?,a\n3.5,4.5,b\n", ",", None, 0),
        ("# made by a logger\n# 50 Hz\nt,ax\n0,1\n1,2\n", ",", ("t", "ax"), 3),
        ("% 50 Hz\n\n0 1.5\n1 2\n", " ", None, 2),
        ("// x\nt,ax\n0,1\n", ",", ("t", "ax"), 2),
        ("# t ax ay\n0 1 2\n1 2 5\n", " ", ("t", "ax", "ay"), 1),
        ("Logger 3\nSerial no. 5\n\nt;ax;l\n0;1;a\n1;2;b\n", ";", ("t", "ax", "l"), 4),
        ("sep=;\nt;ax\n0,5;1\n1,5;2\n", ";", ("t", "ax"), 2),
        ("t,ax\n0,1,\n1,2,\n", ",", ("t", "ax", ""), 1),
        ("1,walk,0.5,7.0;\n1,walk,0.7,6.0;\n2,sit,0.7,6.5;\n", ",", None, 0),
        ('"t";"ax";"l"\n0;1;"a;b"\n1;2;"c;d"\n', ";", ("t", "ax", "l"), 1),
        ("t,ax,l\ns,g,\n0,1,a\n1,2,b\n2,3,b\n", ",", ("t", "ax", "l"), 2),
    ],
)
def test_forms(text, separator, names, begin):
    found = detect(text)
    assert (found.separator, found.names, found.begin) == (separator, names, begin)


def test_words():
    assert detect("# x\n1;7\n3;4\n").words() == "separator `;`, no header, comments behind `#`"
    assert detect("t\tv\ns\tg\n1\t2\n2\t3\n3\t5\n").words() == "separator tab, a row of units under the header"
    assert detect("v\n1\n2\n").words() == "one column"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("# only\n# comments\n", "is empty"),
        ("t,ax\n0,1,5\n1,2,5\n", "header names 2 columns, but its rows have 3 cells; a decimal comma needs another"),
        ("1,2,3\n5,7,9\n1,1,1\n", r"its first row, 1, 2, 3, may be names or values: set header = true or false"),
    ],
)
def test_what_the_lines_do_not_decide(text, says):
    with pytest.raises(DataError, match=says):
        detect(text)


def test_what_the_user_decides():
    text = "1,2,3\n5,7,9\n1,1,1\n"
    assert detect(text, header=True).names == ("1", "2", "3")
    assert detect(text, header=False).names is None
    assert detect("a;b\n1;2\n", given=",").width == 1
    assert form.separator("semicolon") == ";" and form.separator("\\t") == "\t" and form.separator("auto") == ""
    with pytest.raises(ConfigError, match="separator is `x`; give auto, comma, semicolon, tab, bar, space"):
        form.separator("x")


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.5", "2"], "."),
        (["1,5", "2"], ","),
        (["0,123", "0,456"], ","),
        (["1,234", "1,5"], ","),
        (["1", "2"], ""),
        (["10:00:00,5", "10:00:01,5"], ""),
    ],
)
def test_decimal_marks(cells, mark):
    assert decimals.mark("a.csv", {"v": np.array(cells)}) == mark


@pytest.mark.parametrize(
    ("cells", "given", "says"),
    [
        (["1,234", "5,678"], "auto", 'holds `1,234`, which may be thousands; write decimal = ","'),
        (["1.234,5"], "auto", "holds `1.234,5`, with a comma and a point"),
        (["1,5", "2.5"], "auto", "holds `1,5` and `2.5`, a decimal comma and a point"),
        (["1.5"], ",", "holds `1.5`, but decimal is a comma"),
    ],
)
def test_marks_that_contradict_each_other(cells, given, says):
    with pytest.raises(DataError, match="^a.csv: " + says):
        decimals.mark("a.csv", {"v": np.array(cells)}, given)


def test_only_numbers_get_a_point():
    cells = decimals.with_points(np.array(["1,5", "10:00:01,5", "a,b", "-,5e3"]), ",")
    assert cells.tolist() == ["1.5", "10:00:01,5", "a,b", "-.5e3"]
