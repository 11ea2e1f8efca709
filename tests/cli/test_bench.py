# SPDX-License-Identifier: Apache-2.0
"""`edgernn bench`: a row a runtime, and ratios."""

import sys


def test_the_table(pristine, cli):
    outcome = cli("bench", pristine, "--steps", 20)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    _, columns, *rows = outcome.stdout.splitlines()
    assert columns.split()[:3] == ["runtime", "version", "steps"]
    cells = [row.split() for row in rows]
    assert [row[0] for row in cells] == ["numpy", "litert-xnnpack", "litert-builtin", "litert-reference"]
    for row in cells:
        p50, p95, p99, mean, slowest, reference = map(float, row[3:])
        assert 0 < p50 <= p95 <= p99 and mean > 0 and slowest >= 1 and reference > 0
    assert float(cells[0][-1]) == 1.0


def test_one_runtime(pristine, cli):
    outcome = cli("bench", pristine, "--steps", 10, "--runtime", "litert-builtin")
    assert outcome.stdout.splitlines()[2].split()[-2:] == ["1.0", "-"]


def test_a_runtime_that_is_missing(pristine, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    outcome = cli("bench", pristine, "--steps", 10)
    assert outcome.exit_code == 0
    assert "litert-builtin: running a TFLite model needs ai-edge-litert, which is not installed" in outcome.stdout
    assert cli("bench", pristine, "--runtime", "litert-builtin").exit_code == 1


def test_usage(pristine, cli, refused):
    assert cli("bench", pristine, "--steps", 0).exit_code == 2
    assert "there is no runtime 'x'" in refused(2, "bench", pristine, "--runtime", "x")
