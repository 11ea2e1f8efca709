# SPDX-License-Identifier: Apache-2.0
"""The tests that take longer than CI may, marked `nightly`: how many of each file ran, all passed, and their time."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_ROOT = Path(__file__).parents[1]
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", "-m", "nightly")


def measure() -> dict[str, Any]:
    """Raises CalledProcessError where a test fails, so that no result says otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        subprocess.run([*_PYTEST, f"--junitxml={report}"], cwd=_ROOT, check=True)
        cases = list(ElementTree.parse(report).iter("testcase"))
    return {"what": "tests marked nightly, all of which passed", "files": summed(cases)}


def summed(cases: Iterable[ElementTree.Element]) -> dict[str, dict[str, float]]:
    """Number of tests and seconds of each module, of the test cases of a JUnit report."""
    files: dict[str, dict[str, float]] = {}
    for case in cases:
        name = case.attrib["classname"]
        file = files.setdefault(name, {"tests": 0, "seconds": 0.0})
        file["tests"] += 1
        file["seconds"] = round(file["seconds"] + float(case.attrib["time"]), 1)
    return dict(sorted(files.items()))
