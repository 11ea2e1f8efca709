# SPDX-License-Identifier: Apache-2.0
"""What is printed fits 80 columns at words, says once what all rows have, and is safe on a terminal."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from edgernn.cli import console

NAMES = [f"{part}_of_the_left_accelerometer_on_the_{place}_axis_x" for part in ("mean", "rms") for place in "abc"]
CLASSES = [f"exercise number {i} with a long name" for i in range(60)]
FORBIDDEN = "\x1b]0;title\x07\x1b[31mred\nFAKE LINE: all runtimes agree\u202e"


@pytest.fixture
def printed(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments, **options):
        console.table(*arguments, **options)
        return capsys.readouterr().out.splitlines()

    return run


def words(lines):
    return list(itertools.chain.from_iterable(map(str.split, lines)))


def test_what_all_rows_have_is_said_once(printed):
    rows = [("numpy", "x86-64", 7, 0), ("native", "x86-64", 7, 0)]
    lines = printed("Title", ("runtime", "kind", "steps", "off"), rows, once={"kind": "{}", "steps": "{} steps"})
    assert lines == ["Title, x86-64, 7 steps", "runtime  off", "numpy      0", "native     0"]
    rows[1] = ("native", "x86-64", 8, 0)
    assert printed("Title", ("runtime", "kind", "steps", "off"), rows, once={"steps": "{} steps"})[0] == "Title"


def test_cells_end_at_words(printed):
    rows = [("one two three four five six seven eight nine ten", "eleven twelve thirteen fourteen fifteen", 12_345)]
    lines = printed("Title", ("a", "b", "c"), rows, texts=2)
    assert max(map(len, lines)) <= 80 and len(lines) > 3
    assert sorted(words(lines)) == sorted(["Title", "a", "b", "c", *words(map(str, rows[0]))])


def test_columns_that_do_not_fit_follow_below(printed):
    columns = ["name", *(f"column{i}" for i in range(20))]
    lines = printed("Title", columns, [("first", *range(20)), ("second", *range(20, 40))])
    assert max(map(len, lines)) <= 80
    heads = [line.split() for line in lines if line.startswith("name")]
    assert [head[0] for head in heads] == ["name"] * len(heads)
    assert [name for head in heads for name in head[1:]] == columns[1:]
    assert [cell for line in lines if line.startswith("second") for cell in line.split()[1:]] == [
        str(i) for i in range(20, 40)
    ]


def test_a_word_that_is_too_long_keeps_both_ends(printed):
    lines = printed("Title", ("name", "x"), [(f"begin{'_' * 200}{i}", i) for i in range(3)])
    assert max(map(len, lines)) <= 80
    for i, line in enumerate(lines[2:]):
        assert line.startswith("begin_") and "..." in line and line.endswith(f"_{i}  {i}")


def test_numbers_are_aligned(printed):
    *_, first, second = printed("Title", ("name", "n"), [("a", "1"), ("b", "1,000")])
    assert (first, second) == ("a         1", "b     1,000")


def test_sentences_end_lines_at_words(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    text = "  " + " ".join(f"word{i}" for i in range(40))
    console.say(text)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and words(lines) == text.split()
    assert [line[:5] for line in lines[:2]] == ["  wor", "    w"]


@pytest.mark.parametrize("width", ["0", "1", "12", "x", "9" * 6])
def test_strange_widths(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    console.say("some words")
    console.table("Title", ("name", "n"), [("first", "1,000,000"), ("second " * 5, 2)])
    assert words([capsys.readouterr().out])[:2] == ["some", "words"]


@pytest.mark.parametrize("how", ["say", "note"])
def test_nothing_moves_the_cursor(capsys, how):
    getattr(console, how)(FORBIDDEN)
    console.table(FORBIDDEN, ("a", FORBIDDEN), [(FORBIDDEN, 1), ("\ud800", 2)])
    text = "".join(capsys.readouterr())
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b]0;title\\x07\\x1b[31mred\\nFAKE LINE" in text and "\\ud800" in text


def test_a_stdout_that_is_ascii():
    code = "from edgernn.cli import console; console.say('3 \u03a9'); console.table('t', ('\u03a9',), [('\u03a9',)])"
    environment = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout.split()) == (0, ["3", "\\u03a9", "t", "\\u03a9", "\\u03a9"])


@pytest.fixture(scope="session")
def long_names(make_artifact):
    """A stack of two LSTM layers with 60 classes, and names as long as data has them."""
    layers = (("lstm", 24, {}), ("lstm", 24, {}), ("dense", 60, {}))
    return make_artifact(*layers, outputs=tuple(CLASSES))


@pytest.fixture
def narrow(cli):
    """Runs a command as it is without a terminal; its stdout, no line of which is wider than 80 columns."""

    def run(*arguments):
        outcome = cli(*arguments, env={"COLUMNS": None})
        assert outcome.exit_code == 0, outcome.output
        assert max(map(len, outcome.stdout.splitlines())) <= 80, outcome.stdout
        return outcome.stdout

    return run


def test_commands_about_an_artifact(long_names, narrow):
    text = narrow("inspect", long_names, "-v")
    assert ", ".join(CLASSES) in " ".join(text.split())
    narrow("validate", long_names)
    narrow("bench", long_names, "--steps", 10)
    narrow("bench", long_names, "--target", "host", "--target", "qemu:cortex_m4")


@pytest.mark.parametrize("command", [("boards",), ("boards", "-v"), ("runtimes",)], ids=str)
def test_commands_about_this_machine(narrow, command):
    narrow(*command)


@pytest.mark.usefixtures("untrained")
def test_a_build(narrow, windows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    windows(features=np.array(NAMES[:3]), classes=np.array(CLASSES[:3]))
    sets = ["data.path=windows.npz", "data.source=npz", "model.units=[8, 8]", "model.cell=lstm", "name=long"]
    sets += ["quantize.operands=int16", "prune.sparsity=0.5", "prune.units=0.5"]
    narrow("build", *(word for text in sets for word in ("--set", text)), "--folds", "-v")
    narrow("inspect", "build/long", "-v")
