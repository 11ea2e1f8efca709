# SPDX-License-Identifier: Apache-2.0
"""Scratch folders, interrupted at every line."""

import subprocess
import sys
from itertools import count

import pytest

from edgernn.scratch import scratch

INTERRUPTED = """
import sys
from pathlib import Path
from edgernn.scratch import scratch

def trace(frame, event, argument):
    global left
    if Path(frame.f_code.co_filename).name not in ("scratch.py", "contextlib.py"):
        return None
    left -= event == "line"
    if not left:
        sys.settrace(None)
        raise SystemExit(143)
    return trace

def use():
    with scratch(Path(sys.argv[1])) as folder:
        (folder / "file").touch()

left = int(sys.argv[2])
sys.settrace(trace)
use()
sys.settrace(None)
"""


def test_a_folder_is_gone_when_its_block_ends(tmp_path):
    with scratch(tmp_path, ".name.") as folder:
        assert folder.parent == tmp_path and folder.name.startswith(".name.")
        assert folder.is_dir() and folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path):
    with pytest.raises(FileNotFoundError), scratch(tmp_path / "nowhere"):
        raise AssertionError("there is no such folder")


def test_an_interruption_at_any_line_leaves_nothing(tmp_path):
    for line in count(1):
        command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(line)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.stderr, list(tmp_path.iterdir())) == ("", []), line
        if not done.returncode:
            break
        assert done.returncode == 143
    assert line > 15
