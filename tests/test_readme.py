# SPDX-License-Identifier: Apache-2.0
"""The figures of the pages are those of the committed results, and their examples run as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import results, tables

ROOT = Path(__file__).parent.parent
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in tables.PAGES}
README, C_PAGE = PAGES["README"], PAGES["c"]
MEASURES = sorted({measure for measures, _ in tables.BLOCKS.values() for measure in measures})
CLASSES = {"PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"}
ONNX_PAGE = (ROOT / "docs" / "onnx.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_the_figures_are_those_of_the_results(text):
    assert "<!-- " in text and tables.update(text) == text


@pytest.mark.parametrize("measure", MEASURES)
def test_every_benchmark_has_results(measure):
    assert results.exists(measure)


def test_figures_of_a_benchmark_that_has_not_run_stay(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.results.FOLDER", tmp_path)
    assert tables.update(README) == README


def test_every_example_runs(tmp_path):
    """In the order of the page, beside an artifact in build/watch."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "edgernn").write_text(f'#!/bin/sh\nexec {sys.executable} -m edgernn "$@"\n')
    (commands / "edgernn").chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    run("edgernn", "build", "--set", "train.epochs=2", "--set", "prune.sparsity=0")
    outputs = []
    for language, block in re.findall(r"^```(sh|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        for example in block.splitlines() if language == "sh" else [block]:
            outputs.append(run("sh", "-ec", example) if language == "sh" else run(sys.executable, "-c", example))
    (listing,) = re.findall(r"^```c\n(.*?)^```", C_PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "example.c").write_text(listing)
    run("sh", "-ec", "gcc -std=c99 -Wall -Wextra -Werror -Ibuild/watch/c -o example example.c build/watch/c/*.c")
    classes = run("sh", "-ec", "tail -n +2 build/samples.csv | ./example").split()
    assert len(classes) == 2 and set(classes) <= CLASSES
    (listing,) = re.findall(r"^```python\n(.*?)^```", ONNX_PAGE, re.MULTILINE | re.DOTALL)
    assert run(sys.executable, "-c", listing).strip() in CLASSES
    shutil.rmtree(tmp_path / "build")
    printed = "\n".join(outputs)
    assert "Artifact: vibration\n" in printed and "Artifact: vibration_converted\n" in printed
    assert len(re.findall(r"litert-\w+ .* agrees .* 0 +0$", printed, re.MULTILINE)) == 9
    assert printed.count('"probability"') == 2
