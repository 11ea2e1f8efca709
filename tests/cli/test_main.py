# SPDX-License-Identifier: Apache-2.0
"""The command as a process: how it ends when it is told to."""

import os
import signal
import subprocess
import sys

import pytest

from tests.waiting import wait_until


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_leaves_nothing(pristine, tmp_path, number, ignored):
    """A port where nobody answers, next to a board that was built; a signal that was ignored before stays so."""
    ours, theirs = os.openpty()
    words = [*("validate", pristine, "--target", "host", "--target", f"serial:{os.ttyname(theirs)}")]
    command = [sys.executable, "-m", "edgernn", *words]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    before = signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(number, before)
    with process:
        wait_until(lambda: list(tmp_path.iterdir()) or process.poll() is not None)
        assert process.poll() is None
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    os.close(ours)
    os.close(theirs)
    assert process.returncode == (1 if ignored else 128 + number)
    assert "Traceback" not in said and not list(tmp_path.iterdir())
