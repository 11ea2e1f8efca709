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


@pytest.mark.parametrize(
    "cells", ["1544027337.000000, 1544027337.000000\n32.000000, 32.000000\n", "1544027337.0\n64.0\n"]
)
def test_a_start_time_and_a_rate_in_front(cells):
    width = cells.split("\n")[0].count(",") + 1
    found = detect(cells + "\n".join([",".join(["-3"] * width), ",".join(["5"] * width), ",".join(["7"] * width)]))
    assert (found.names, found.begin, found.first) == (None, 2, ("-3",) * width)
    assert found.words().endswith("no header, a start time and a rate in front")


def test_epochs_and_equal_values_are_no_start():
    assert detect("1544027337,1\n1544027338,2\n1544027339,3\n1544027340,4\n").begin == 0
    assert detect("1544027337\n1544027338\n1544027339\n1544027340\n").begin == 0


def test_several_rows_under_the_names():
    found = detect("t,ax\nCAL,CAL\nms,g\n0,1\n1,2\n2,5\n3,7\n")
    assert (found.names, found.begin, found.units) == (("t", "ax"), 3, 2)
    assert found.words() == "separator `,`, 2 rows of no values under the header"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<!DOCTYPE html>\n<html></html>\n", "a web page"),
        ('{"t": 0, "ax": 1}\n{"t": 1, "ax": 2}\n', "JSON"),
        ("[[1, 2],\n[3, 4]]\n", "JSON"),
        ("ax:1.5,ay:2\nax:3.5,ay:4\nax:3.6,ay:4\n", "a name in front of each value, such as `ax:1.5,ay:2`"),
        ("T=20.5C H=40\nT=20.6C H=41\nT=20.7C H=41\n", "a name in front of each value"),
    ],
)
def test_what_is_no_table(text, says):
    with pytest.raises(DataError, match=says):
        detect(text)


def test_names_with_colons_are_names():
    assert detect("Sensor: x\nt,ax\n0,1\n1,2\n2,3\n").names == ("t", "ax")


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


def test_points_that_may_stand_between_thousands():
    says = 'whose point may stand between thousands; write decimal = "."'
    with pytest.raises(DataError, match=f"holds `1.023` beside `987`, {says}"):
        decimals.mark("a.csv", {"v": np.array(["987", "1.023", "1.150"])})
    german = {"v": np.array(["1.926", "2.104"])}
    with pytest.raises(DataError, match=says):
        decimals.mark("a.csv", german, separator=";")
    assert decimals.mark("a.csv", german, ".", ";") == "."
    assert decimals.mark("a.csv", german) == "."
    assert decimals.mark("a.csv", german, separator=";", others=("1.926", "0.418")) == "."
    assert decimals.mark("a.csv", {"v": np.array(["987", "1.023", "1.15"])}, separator=";") == "."


def test_only_numbers_get_a_point():
    cells = decimals.with_points(np.array(["1,5", "10:00:01,5", "a,b", "-,5e3"]), ",")
    assert cells.tolist() == ["1.5", "10:00:01,5", "a,b", "-.5e3"]
