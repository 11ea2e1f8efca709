# SPDX-License-Identifier: Apache-2.0
import codecs
import os

import numpy as np
import pytest

from edgernn.data.text import tables, textfile
from edgernn.errors import DataError

pytest.importorskip("pandas")


@pytest.fixture
def look(tmp_path):
    def table(content, **options):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tables.look(path, **options)

    return table


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "separator `,`"),
        ("utf-8-sig", "separator `,`"),
        ("utf-16", "separator `,`, UTF-16"),
        ("utf-16-le", "separator `,`, UTF-16-LE"),
        ("latin-1", "separator `,`, Latin-1"),
    ],
)
def test_encodings(look, encoding, words):
    table = look("größe,wo\r\n1.5,Büro\r\n2.5,Straße\r\n".encode(encoding))
    assert table.words() == words
    cells = table.read(["wo", "größe"]).columns
    assert cells["wo"].tolist() == ["Büro", "Straße"] and cells["größe"].tolist() == ["1.5", "2.5"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(look, end):
    cells = look(end.join(["# note", "t,v", "0,1", "", "1,2", "# restart", "2,3", ""])).read(["t", "v"])
    assert cells.columns["v"].tolist() == ["1", "2", "3"] and cells.lines.tolist() == [3, 5, 7]


def test_cells_as_they_stand(look):
    table = look('t;what;"v"\n 0 ;"a;b";1,5\n1;NA; 007 \n')
    cells = table.read(["what", "v"])
    assert cells.columns["what"].tolist() == ["a;b", "NA"] and cells.columns["v"].tolist() == ["1,5", "007"]
    assert cells.where(1, "v").endswith("a.csv: line 3, column `v`")


def test_columns_without_names(look):
    assert look("1.5,a\n2.5,b\n").read(["2"]).columns["2"].tolist() == ["a", "b"]
    named = look("1.5,a\n2.5,b\n", header=("v", "what"))
    assert named.read(["v"]).columns["v"].tolist() == ["1.5", "2.5"]
    with pytest.raises(DataError, match="has 2 columns, but header names 3"):
        look("1.5,a\n2.5,b\n", header=("v", "what", "more"))
    with pytest.raises(DataError, match=r'first row \(1.5, a\) looks like values.* numbers, such as "1", or all 2'):
        look("1.5,a\n2.5,b\n").read(["v"])


def test_what_ends_every_row_is_no_cell(look):
    assert look("1,a,0.5;\n1,b,7.0;\n2,b,6.5;\n").read(["3"]).columns["3"].tolist() == ["0.5", "7.0", "6.5"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("v,w\n0,1\n1,2,3\n", r"line 3 has more cells than the 2 of the others; a decimal comma"),
        ("v w\n0 1\n1\n2 3\n", "line 3 has fewer cells than the 2 of the others"),
        ("v,v\n0,1\n1,2\n", "has 2 columns `v`"),
        ("t,V\n0,1\n1,2\n", r"has no column `v`; did you mean `V`\?"),
        ("t,w\n0,1\n1,2\n", "has no column `v`; its columns are t, w$"),
        ("v,w\n", "has no rows below the header"),
        ("", "is empty"),
        ('v,w\n1,"2\n2,3\n', "not a readable table"),
        (b"v,w\n\x00\x01\x02\n", "holds zero bytes, so it is no text"),
        ("v,w\n1," + "x" * 300 + "\n2,3\n", "line 2 has a cell of 300 characters"),
        (",".join(f"c{i}" for i in range(20000)) + "\n", "has 20,000 columns; give a table of at most 10,000"),
        ("v,w\n" + "1" * (textfile.MAX_LINE + 1), "line 2 has more than 1,048,576 characters"),
    ],
)
def test_what_is_no_table(look, content, says):
    with pytest.raises(DataError, match=says) as caught:
        look(content).read(["v", "w"])
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_separator_that_is_none(look):
    with pytest.raises(
        DataError, match="has one column, `t:ax:l`, as no separator is found; write it with one of comma"
    ):
        look("t:ax:l\n0:1:a\n1:2:b\n").read(["ax"])


@pytest.mark.parametrize(
    ("begin", "says"),
    [
        (b"PK\x03\x04", "a ZIP archive, as spreadsheets are"),
        (b"\x1f\x8b\x08", "compressed by gzip; unpack it"),
        (b"%PDF-1.4", "a PDF"),
    ],
)
def test_what_is_no_text(look, begin, says):
    with pytest.raises(DataError, match=says):
        look(begin + bytes(range(100)))


def test_a_unit_behind_a_name_is_pointed_at(look):
    with pytest.raises(DataError, match=r"no column `v`; did you mean `v \[g\]`\?"):
        look("v [g],vw [g]\n1,2\n").read(["v"])


def test_a_message_names_at_most_twenty_columns(look):
    with pytest.raises(DataError, match="c19 and 80 more$"):
        look(",".join(f"c{i}" for i in range(100)) + "\n" + "1," * 99 + "1\n").read(["v"])


def test_control_characters_do_not_reach_the_message(look):
    with pytest.raises(DataError, match=r"its columns are \\x1b\[31mt, w") as caught:
        look("\x1b[31mt,w\n1,2\n2,3\n").read(["v"])
    assert str(caught.value).isprintable()


def test_many_columns_of_which_few_are_read(look):
    table = look(",".join(f"c{i}" for i in range(9000)) + "\n" + ("1," * 8999 + "5\n") * 3)
    assert table.read(["c8999"]).columns["c8999"].tolist() == ["5", "5", "5"]


def test_files_that_never_end_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    os.symlink("/dev/zero", tmp_path / "zero.csv")
    os.symlink(tmp_path / "none", tmp_path / "broken.csv")
    for name, says in (
        ("pipe.csv", "no regular file"),
        ("zero.csv", "no regular file"),
        ("broken.csv", "can't be read"),
    ):
        with pytest.raises(DataError, match=says):
            tables.look(tmp_path / name)


def test_a_byte_order_mark_is_found_in_either_order(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF16_BE + "t,v\n0,1\n1,2\n".encode("utf-16-be"))
    np.testing.assert_array_equal(tables.look(path).read(["v"]).columns["v"], ["1", "2"])
