# SPDX-License-Identifier: Apache-2.0
"""Lines: what they carry, what they say when the other end is gone, and that nothing outlives them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgernn.device.transport import WAITING, SerialPort, emulated, hosted
from edgernn.errors import DeviceError, MissingExtraError
from tests.waiting import wait_until

QEMU = ("qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none")


def process_of(line):
    return line._program._process


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def read(line, size):
    received = b""
    while len(received) < size and (part := line.read(5.0)):
        received += part
    return received


@pytest.fixture
def opened():
    """Closes what a test has opened."""
    lines = []
    yield lambda line: lines.append(line) or line
    for line in lines:
        line.close()


def test_a_program_echoes(opened):
    line = opened(hosted(["cat"]))
    content = bytes(range(256)) * 100
    line.write(content)
    assert read(line, len(content)) == content
    assert line.read(0.01) == b""


def test_a_serial_port_echoes(opened, pty):
    line = opened(SerialPort(pty("cat")))
    content = bytes(range(256)) * 10
    line.write(content)
    assert read(line, len(content)) == content
    assert line.read(0.01) == b""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo first >&2; echo second >&2; exit 3", "sh ended with status 3, and said: first; second$"),
        ("exit 0", "sh ended with status 0$"),
        ("kill -SEGV $$", "sh was ended by SIGSEGV$"),
    ],
)
def test_a_program_that_ends(opened, script, words):
    line = opened(hosted(["sh", "-c", script]))
    with pytest.raises(DeviceError, match=words):
        while True:
            line.read(5.0)
    with pytest.raises(DeviceError, match=words):
        line.write(b"x")


def test_a_program_that_takes_nothing(opened, monkeypatch):
    monkeypatch.setattr("edgernn.device.transport._WRITING", 0.05)
    monkeypatch.setattr("edgernn.device.transport._ENDING", 0.05)
    line = opened(hosted(["sleep", "60"]))
    with pytest.raises(DeviceError, match=r"sleep is lost \(the program takes nothing more \(timed out\)\)"):
        line.write(bytes(10_000_000))


def test_a_program_that_is_not_there():
    line = hosted(["/nowhere/firmware.elf"])
    with pytest.raises(DeviceError, match="firmware.elf ended with status .* No such file"):
        line.read(5.0)
    line.close()


def test_closing_ends_the_program():
    for command in (["cat"], ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]):
        line = hosted(command)
        pid = process_of(line).pid
        line.close()
        assert not is_alive(pid)


def test_an_emulator_without_an_image_that_is_killed(opened):
    line = opened(emulated([*QEMU, "-S", "-serial", WAITING]))
    assert line.read(0.01) == b""
    process_of(line).kill()
    with pytest.raises(DeviceError, match="qemu-system-arm was ended by SIGKILL"):
        line.read(5.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-M", "no-such-board"], "qemu-system-arm ended with status 1, and said: .*unsupported machine type"),
        (["-kernel", "/nowhere/firmware.elf"], "qemu-system-arm ended with status 1, and said: .*firmware.elf"),
    ],
)
def test_an_emulator_that_does_not_start(arguments, words):
    with pytest.raises(DeviceError, match=words):
        line = emulated([*QEMU, *arguments, "-serial", WAITING])
        try:
            line.read(10.0)
        finally:
            line.close()


def test_an_emulator_that_does_not_wait(monkeypatch):
    monkeypatch.setattr("edgernn.device.transport._STARTING", 0.1)
    monkeypatch.setattr("edgernn.device.transport._ENDING", 0.1)
    with pytest.raises(DeviceError, match=r"sleep is lost \(it does not start\)"):
        emulated(["sleep", "60"])


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda end: end.name)
@pytest.mark.parametrize("start", [f"hosted({['sleep', '600']})", f"emulated({[*QEMU, '-S', '-serial', WAITING]})"])
def test_nothing_outlives_python(start, end):
    script = f"""
import time
from edgernn.device.transport import emulated, hosted
line = {start}
print(line._program._process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as python:
        pid = int(python.stdout.readline())
        wait_until(lambda: Path(f"/proc/{pid}/comm").read_text().startswith(("sleep", "qemu")))
        assert is_alive(pid)
        python.send_signal(end)
    wait_until(lambda: not is_alive(pid))


def test_a_port_that_is_not_there(tmp_path):
    with pytest.raises(DeviceError, match=r"/none can't be opened \(No such file or directory\): check its name"):
        SerialPort(str(tmp_path / "none"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeviceError, match="/file can't be opened"):
        SerialPort(str(tmp_path / "file"))
    with pytest.raises(DeviceError, match="x://y can't be opened .*protocol"):
        SerialPort("x://y")


def test_a_port_that_is_taken(opened, pty):
    port = pty()
    opened(SerialPort(port))
    with pytest.raises(DeviceError, match="can't be opened .*unavailable.*: check .* what else uses it"):
        SerialPort(port)


def test_a_port_that_is_unplugged():
    ours, theirs = os.openpty()
    line = SerialPort(os.ttyname(theirs))
    os.close(theirs)
    os.close(ours)
    with pytest.raises(DeviceError, match="/dev/pts/.* was lost .*: check its cable"):
        line.read(1.0)
    with pytest.raises(DeviceError, match="/dev/pts/.* was lost .*: check its cable"):
        line.write(b"x")
    line.close()


def test_serial_without_pyserial(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(MissingExtraError, match=r"needs pyserial, .* pip install '\.\[device\]'"):
        SerialPort("/dev/null")
