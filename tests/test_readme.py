# SPDX-License-Identifier: Apache-2.0
"""The figures of the pages are those of the committed results, and their examples run as they stand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgernn
from benchmarks import results, tables

ROOT = Path(__file__).parent.parent
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in tables.PAGES}
README, C_PAGE = PAGES["README"], PAGES["c"]
MEASURES = sorted({measure for measures, _ in tables.BLOCKS.values() for measure in measures})
CLASSES = {"PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"}
DOCS = {page.stem: page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_the_figures_are_those_of_the_results(text):
    assert "<!-- " in text and tables.update(text) == text


@pytest.mark.parametrize("measure", MEASURES)
def test_every_benchmark_has_results(measure):
    assert results.exists(measure)


def test_figures_of_a_benchmark_that_has_not_run_stay(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.results.FOLDER", tmp_path)
    assert tables.update(README) == README


def blocks(text, *languages):
    """Language and text of every example of a page, in order."""
    return re.findall(rf"^```({'|'.join(languages)})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def examples(artifact: bool):
    """Commands of the README's examples, in order: those that take what `make demo` built, or those of data of one's
    own, which don't."""
    for language, block in blocks(README, "sh", "python"):
        for example in block.splitlines() if language == "sh" else [block]:
            if ("build/" in example) is artifact:
                yield ("sh", "-ec", example) if language == "sh" else (sys.executable, "-c", example)


@pytest.fixture
def run(tmp_path):
    """Runs a command in an empty folder with `edgernn` at hand: what it prints."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "edgernn").write_text(f'#!/bin/sh\nexec {sys.executable} -m edgernn "$@"\n')
    (commands / "edgernn").chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


def agreeing(text):
    return len(re.findall(r"litert-\w+ .* agrees .* 0 +0$", text, re.MULTILINE))


def test_every_example_beside_an_artifact(run, tmp_path):
    """Of the README, then of the other pages."""
    run("edgernn", "build", "--set", "train.epochs=2", "--set", "prune.sparsity=0")
    text = "\n".join(run(*example) for example in examples(artifact=True))
    assert agreeing(text) == 3, "of validate"
    results = [json.loads(line) for line in text.splitlines() if line.startswith('{"step"')]
    assert len(results) >= 2 and {result["class"] for result in results} <= CLASSES
    assert set(text.split("\n")) & CLASSES, "the example of a session prints a class"

    ((_, listing),) = blocks(C_PAGE, "c")
    (tmp_path / "example.c").write_text(listing)
    run("sh", "-ec", "gcc -std=c99 -Wall -Wextra -Werror -Ibuild/watch/c -o example example.c build/watch/c/*.c")
    classes = run("sh", "-ec", "tail -n +2 build/samples.csv | ./example").split()
    assert len(classes) == 2 and set(classes) <= CLASSES
    printed = {
        page: [run(sys.executable, "-c", block) for _, block in blocks(text, "python")] for page, text in DOCS.items()
    }
    assert printed["onnx"][0].strip() in CLASSES
    assert [line.partition(" ")[2] for line in printed["runtimes"][0].splitlines()] == ["(1, 7)", "(1, 32)"]


def test_every_example_of_data_of_one_s_own(run, tmp_path):
    """They reach what they should."""
    text = "\n".join(run(*example) for example in examples(artifact=False))
    made = ["vibration", "gestures_model", "pump_model", "walks_model", "vibration_converted"]
    assert re.findall(r"^Artifact: (.*)$", text, re.MULTILINE) == made
    assert agreeing(text) == 3 * len(made)
    for name in ("vibration", "vibration_converted"):
        model = edgernn.load(tmp_path / name)
        assert model.classes == ("fast", "idle", "normal", "slow")
        assert model.manifest["metrics"]["int8"]["accuracy"] > 0.95
