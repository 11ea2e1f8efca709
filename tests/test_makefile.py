# SPDX-License-Identifier: Apache-2.0
"""What `make` would do: a demo installs what a build needs, and says first what that takes."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_demo_installs_what_a_build_needs(run_tool):
    first, *others = run_tool("make", "-C", ROOT, "-n", "-B", "--no-print-directory", "demo").splitlines()
    assert "GB" in first and "minutes" in first
    installs = [line for line in others if "/pip install" in line]
    assert len(installs) == 1 and installs[0].endswith("'.[build]'")
    assert others[-1].endswith("edgernn build build/watch.toml --out build/watch --force")


def test_checks_install_what_they_need(run_tool):
    lines = run_tool("make", "-C", ROOT, "-n", "-B", "--no-print-directory", "lint").splitlines()
    assert any(line.endswith("'.[build,dev]'") for line in lines)
