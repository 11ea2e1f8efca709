# SPDX-License-Identifier: Apache-2.0
"""`edgernn bench`: a row a runtime, and ratios."""

import json
import sys


def test_the_table(pristine, cli, runtime_names):
    outcome = cli("bench", pristine, "--steps", 20)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    title, columns, *rows, told = outcome.stdout.splitlines()
    assert title.endswith(", 20 steps each") and columns.split()[:3] == ["runtime", "version", "p50"]
    assert told == "x: how many times as fast at p50"
    cells = [row.split() for row in rows]
    assert [row[0] for row in cells] == runtime_names
    for row in cells:
        p50, p95, p99, mean, slowest, reference = map(float, row[2:])
        assert 0 < p50 <= p95 <= p99 and mean > 0 and slowest >= 1 and reference > 0
    assert float(cells[0][-1]) == 1.0


def test_json(pristine, cli):
    options = ["--steps", 10, "--runtime", "numpy", "--target", "host", "--json", "-"]
    found = json.loads(cli("bench", pristine, *options).stdout)
    ((runtime,), (target,)) = found["runtimes"], found["targets"]
    assert (runtime["name"], runtime["steps"], runtime["reason"]) == ("numpy", 10, "")
    assert (target["name"], target["unit"]) == ("host", "ns") and target["cost"] > 0


def test_one_runtime(pristine, cli):
    outcome = cli("bench", pristine, "--steps", 10, "--runtime", "litert-builtin")
    assert outcome.stdout.splitlines()[2].split()[-2:] == ["1.0", "-"]


def test_a_runtime_that_is_missing(pristine, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    outcome = cli("bench", pristine, "--steps", 10)
    assert outcome.exit_code == 0
    assert "litert-builtin: running a TFLite model needs ai-edge-litert, which is not installed" in outcome.stdout
    alone = cli("bench", pristine, "--runtime", "litert-builtin")
    assert alone.exit_code == 1 and alone.stdout.count("\n") == 1


def test_usage(pristine, cli, refused):
    assert cli("bench", pristine, "--steps", 0).exit_code == 2
    assert "there is no runtime 'x'" in refused(2, "bench", pristine, "--runtime", "x")


def test_targets(pristine, cli):
    outcome = cli("bench", pristine, "--target", "qemu:cortex_m4", "--target", "host", "--target", "qemu:riscv32")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    _, columns, *rows, told, first, second, third = outcome.stdout.splitlines()
    assert told == "instructions: not cycles, as QEMU counts them"
    assert columns.split() == "target a step in step code runtime code constants flash state stack RAM".split()
    assert [line.split()[0] for line in (first, second, third)] == ["qemu:cortex_m4:", "host:", "qemu:riscv32:"]
    cells = [row.replace(",", "").split() for row in rows]
    assert [row[0] for row in cells] == ["qemu:cortex_m4", "host", "qemu:riscv32"]
    for row, unit in zip(cells, ("instructions", "ns", "instructions"), strict=True):
        at = row.index(unit)
        cost, (step, runtime, constants, flash, state) = row[at - 1], map(int, row[at + 1 : at + 6])
        assert int(cost) > 0 and 0 < step + runtime + constants < flash and state == 10


def test_targets_and_runtimes(pristine, cli):
    outcome = cli("bench", pristine, "--target", "host", "--runtime", "numpy", "--steps", 10)
    lines = outcome.stdout.splitlines()
    assert (
        lines[0].startswith("Microseconds a step")
        and lines[4] == "On a device: bytes of the whole program, a step in ns"
    )
    assert (lines[2].split()[0], lines[6].split()[0]) == ("numpy", "host")


def test_targets_that_are_missing(pristine, cli, refused):
    outcome = cli("bench", pristine, "--target", "serial:/dev/none", "--target", "host")
    assert outcome.exit_code == 0
    assert "serial:/dev/none: /dev/none can't be opened" in outcome.stdout
    alone = cli("bench", pristine, "--target", "serial:/dev/none")
    assert alone.exit_code == 1 and alone.stdout.startswith("serial:/dev/none: ") and alone.stdout.count("\n") == 1
    assert "there is no target 'x'" in refused(2, "bench", pristine, "--target", "x")
