# SPDX-License-Identifier: Apache-2.0
"""`edgernn diff`: the exit status is 0 only if every result of every operator is the same on every path."""

import json
from pathlib import Path

import numpy as np
import pytest

STOCK = Path(__file__).parent.parent / "diff" / "stock_gru.tflite"
WINDOWS = STOCK.with_suffix(".npz")
LITERT = ("--runtime", "litert-xnnpack", "--runtime", "litert-builtin", "--runtime", "litert-reference")


@pytest.fixture
def own(pristine, tmp_path):
    """edgernn's own model, and three windows of six steps for it."""
    np.savez(tmp_path / "own.npz", x=np.random.default_rng(0).normal(size=(3, 6, 3)), lengths=[6, 1, 4])
    return pristine / "model.tflite", "--data", tmp_path / "own.npz"


def test_a_model_that_agrees(own, cli):
    outcome = cli("diff", *own, *LITERT)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[0] == "Outputs of 11 samples, compared with litert-reference"
    rows = [line.split() for line in outcome.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["litert-reference", "litert-xnnpack", "litert-builtin"]
    assert all(row[2:] == ["agrees", "77", "0", "0.00%", "0", "0"] for row in rows[1:])
    assert outcome.stderr == "compare ...\n"


def test_a_model_that_differs(cli):
    outcome = cli("diff", STOCK, "--data", WINDOWS, *LITERT)
    assert outcome.exit_code == 1
    text = outcome.stdout
    assert "Share of output values that differ between any two" in text
    assert "Operators of litert-xnnpack that differ from litert-reference although their inputs agree\nkind " in text
    assert "First, at sample 0: operator 42 of 65, MUL\n  input  functional_1/gru_1/gru_cell_5/Sigmoid_1: int8" in text
    assert "    1 of 8 values differ:\n    [0, 7]: litert-reference 34 (0.306195), litert-xnnpack 33 (0.2" in text
    assert ", exact 33.4965\n" in text
    assert "First, at sample 6: operator 51 of 65, FULLY_CONNECTED\n" in text
    assert "constant int8 [24, 3], 24 scales; [20]: -127 -63 -11\n" in text


def test_paths_that_differ_alike_are_told_once(cli):
    names = ("litert-reference", "litert-builtin", "tflite-runtime-builtin")
    outcome = cli("diff", STOCK, "--data", WINDOWS, *(word for name in names for word in ("--runtime", name)))
    assert outcome.exit_code == 1
    assert "tflite-runtime-builtin differs from litert-reference as litert-builtin does\n" in outcome.stdout
    assert "\n2  litert-builtin, tflite-runtime-builtin " in outcome.stdout
    assert outcome.stdout.count("First, at") == 1


def test_json_on_stdout_and_into_a_file(cli, tmp_path):
    told = cli("diff", STOCK, "--data", WINDOWS, *LITERT, "--samples", 1, "--json", "-")
    into = cli("diff", STOCK, "--data", WINDOWS, *LITERT, "--samples", 1, "--json", tmp_path / "report.json")
    report = json.loads(told.stdout)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert (told.exit_code, into.exit_code, report["agrees"], report["samples"]) == (1, 1, False, 1)
    assert "First, at sample 0" in into.stdout
    first = next(entry for entry in report["runtimes"] if entry["name"] == "litert-xnnpack")["first"]
    place = tuple(first["differing"][0])
    assert np.array(first["expected"])[place] != np.array(first["found"])[place]
    assert [len(entry["scales"]) for entry in first["inputs"]] == [1, 1]


def test_another_base(cli):
    outcome = cli("diff", STOCK, "--data", WINDOWS, *LITERT[:2], "--base", "litert-builtin", "--samples", 3)
    assert outcome.stdout.splitlines()[0] == "Outputs of 3 samples, compared with litert-builtin"
    assert [line.split()[0] for line in outcome.stdout.splitlines()[2:4]] == ["litert-builtin", "litert-xnnpack"]


def test_a_state_by_name(own, cli):
    plain = cli("diff", *own, *LITERT, "--json", "-")
    named = cli("diff", *own, *LITERT, "--json", "-", "--state", "gru_0_h=gru_0_h")
    assert (plain.exit_code, json.loads(plain.stdout)) == (0, json.loads(named.stdout))


def test_a_runtime_that_is_not_installed(own, cli, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "none"))
    outcome = cli("diff", *own, "--runtime", "tflm", "--runtime", "litert-reference")
    assert outcome.exit_code == 1
    assert "\ntflm is not installed: run edgernn runtimes install tflm\n" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--runtime", "litert-builtin"), "there is one runtime only"),
        (("--runtime", "litert"), "there is no runtime 'litert': did you mean litert-xnnpack or "),
        (("--base", "none"), "there is no runtime 'none'"),
        (("--state", "x"), "--state x is no INPUT=OUTPUT"),
        (("--state", "a=y"), "the model has no input 'a'; it has x, gru_0_h"),
    ],
    ids=str,
)
def test_wrong_options(own, refused, arguments, words):
    assert words in refused(2, "diff", *own, *arguments)


def test_json_into_nowhere(own, refused, tmp_path):
    assert "there is no folder" in refused(1, "diff", *own, "--json", tmp_path / "no" / "report.json")


@pytest.mark.parametrize("content", [None, b"", b"x" * 100, b"\0\0\0\0TFL3" + b"\xff" * 100], ids=str)
def test_what_is_no_model(own, refused, tmp_path, content):
    file = tmp_path / "other.tflite"
    if content is not None:
        file.write_bytes(content)
    message = refused(1, "diff", file, *own[1:])
    assert message.startswith(f"edgernn: {file}: ")
    assert ("no such file" if content is None else "can't be compared") in message


def test_data_that_does_not_fit(own, refused, tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros((2, 7)))
    assert "x has the shape [2, 7], but the model takes" in refused(1, "diff", own[0], "--data", tmp_path / "other.npz")
    assert "no such file" in refused(1, "diff", own[0], "--data", tmp_path / "missing.npz")


def test_litert_that_is_not_installed(own, refused, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    message = refused(1, "diff", *own, *LITERT)
    assert "which is not installed: run pip install '.[litert]'" in message


def test_the_page_shows_what_the_command_prints(cli):
    page = (STOCK.parent.parent.parent / "docs" / "diff.md").read_text(encoding="utf-8")
    names = ("litert-reference", "litert-xnnpack", "litert-builtin", "tflite-runtime-builtin")
    command = ["diff", STOCK, "--data", WINDOWS, *(word for name in names for word in ("--runtime", name))]
    printed = cli(*command, env={"COLUMNS": None}).stdout
    assert max(map(len, printed.splitlines())) <= 80
    shown = "\n".join(f"    {line}".rstrip() for line in printed.splitlines())
    assert f"\n\n{shown}\n\n" in page
