# SPDX-License-Identifier: Apache-2.0
"""A machine over SSH: a server of our own on this one, with its own keys, and without rights."""

import getpass
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgernn.device import ssh, targets
from edgernn.device.link import Device
from edgernn.device.ssh import Machine
from edgernn.errors import DeviceError, MissingExtraError
from edgernn.validate import validate
from tests.waiting import wait_until

USER = getpass.getuser()
CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/home/.ssh/id_ed25519.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
SetEnv TMPDIR={folder}/there
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory, run_tool):
    """The folder of a server; `there` is its temporary one, `home` that of a user who may log in. And its port."""
    folder = tmp_path_factory.mktemp("sshd")
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd, "install Debian's package openssh-server"
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    (folder / "home" / ".ssh").mkdir(parents=True)
    (folder / "there").mkdir()
    keys = [folder / "host", folder / "home" / ".ssh" / "id_ed25519"]
    for key in keys:
        run_tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kind, key, *_ = keys[0].with_suffix(".pub").read_text().split()
    (folder / "home" / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "config").write_text(CONFIG.format(folder=folder, port=port))
    command = [sshd, "-D", "-e", "-f", folder / "config"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        while b"listening" not in (folder / "log").read_bytes():
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
        yield folder, port
        process.terminate()


@pytest.fixture
def home(server, monkeypatch):
    """The user's home; here `ssh` finds its keys and the hosts that it knows."""
    folder, _ = server
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder / "home"


@pytest.fixture
def there(server):
    """The temporary folder of the machine."""
    return server[0] / "there"


@pytest.fixture
def target(server, home):
    with targets.select([f"ssh:{USER}@127.0.0.1:{server[1]}"])[0] as opened:
        yield opened


@pytest.fixture
def machine(server, home):
    opened = Machine(USER, "127.0.0.1", server[1])
    yield opened
    opened.close()


def wait_until_empty(folder):
    wait_until(lambda: not list(folder.iterdir()))


def test_the_model_there_agrees(target, model, expected, there, run_tool):
    (result,) = validate(model, expected, [target]).runtimes
    assert (result.status, result.steps) == ("agrees", 32), result.reason
    assert result.version.startswith("host, gcc ") and target.sizes.flash > 10_000
    (folder,) = there.iterdir()
    (program,) = folder.iterdir()
    told = run_tool("readelf", "-l", program)
    assert "LOAD" in told and "INTERP" not in told, "it is linked statically"
    target.close()
    assert not list(there.iterdir())


def test_a_connection_that_breaks_leaves_nothing(target, model, there):
    device = target.connect(model.folder, model.integer)
    assert list(there.iterdir())
    device._transport._line._stream.get_transport().sock.close()
    with pytest.raises(DeviceError, match="127.0.0.1"):
        device.reset()
    wait_until_empty(there)


def test_a_program_that_ends_says_why(machine, there, tmp_path):
    (tmp_path / "program").write_text("#!/bin/sh\necho no room >&2\nexit 3\n")
    line = machine.start(tmp_path / "program")
    with pytest.raises(DeviceError, match=f"{USER}@127.0.0.1: the program ended with status 3, and said: no room$"):
        Device(line, "there", 5.0).info()
    line.close()
    wait_until_empty(there)


def test_a_file_that_is_no_program(machine, there, tmp_path):
    (tmp_path / "program").write_bytes(b"\x7fELF")
    line = machine.start(tmp_path / "program")
    with pytest.raises(DeviceError, match="the program ended with status 12[67], and said: .*firmware"):
        line.read(5.0)
    line.close()
    wait_until_empty(there)


def test_kinds_of_machines(machine, monkeypatch):
    assert machine.board().name == "host"
    for name, board in {"aarch64": "linux_aarch64", "armv7l": "linux_armv7"}.items():
        monkeypatch.setattr(machine, "_run", lambda command, name=name: name)
        assert machine.board().name == board
    monkeypatch.setattr(machine, "_run", lambda command: "armv6l")
    with pytest.raises(DeviceError, match=f"kind armv6l; there are images for {platform.machine()}, aarch64, armv7l"):
        machine.board()


def test_a_host_that_is_not_known(target, home, monkeypatch, tmp_path, model, expected):
    (tmp_path / ".ssh").mkdir()
    shutil.copy(home / ".ssh" / "id_ed25519", tmp_path / ".ssh")
    monkeypatch.setenv("HOME", str(tmp_path))
    (result,) = validate(model, expected, [target]).runtimes
    assert result.status == "unavailable"
    assert result.reason.startswith(f"{USER}@127.0.0.1 can't be used (Server '[127.0.0.1]")
    assert "not found in known_hosts): log in there once with ssh, which asks whether to trust it" in result.reason


def test_a_host_with_another_key(target, home, server, monkeypatch, tmp_path):
    (tmp_path / ".ssh").mkdir()
    key = (home / ".ssh" / "id_ed25519.pub").read_text()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server[1]} {key}")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(
        DeviceError, match=r"127.0.0.1 can't be used \(.+\): it has another key than ~/.ssh/known_hosts"
    ):
        target.version()


def test_a_user_without_a_key(target, home, monkeypatch, tmp_path):
    (tmp_path / ".ssh").mkdir()
    shutil.copy(home / ".ssh" / "known_hosts", tmp_path / ".ssh")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(
        DeviceError, match=rf"used \(.+\): no key .* opens it, run ssh-copy-id {USER}@127.0.0.1; ~/.ssh/c"
    ):
        target.version()


def test_nobody_is_there(home):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DeviceError, match=r"127.0.0.1 can't be used \(.*Unable to connect.*\): check"):
        Machine(USER, "127.0.0.1", port)


def test_somebody_silent_is_there(home, monkeypatch):
    monkeypatch.setattr(ssh, "_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(DeviceError, match=r"127.0.0.1 can't be used \(.+\): check"):
            Machine(USER, "127.0.0.1", silent.getsockname()[1])


def test_what_can_not_be_copied(machine, there, tmp_path):
    with pytest.raises(DeviceError, match="can't be used .*No such file.*: check .* and has room"):
        machine.start(tmp_path / "none")
    wait_until_empty(there)


def test_no_room_there(machine, monkeypatch):
    monkeypatch.setattr(ssh, "_SCRIPT", "mktemp -d -p /nowhere")
    with pytest.raises(
        DeviceError, match="127.0.0.1: the program ended with status 1, and said: mktemp: .*No such file"
    ):
        machine.start(Path(sys.executable))


def test_without_paramiko(monkeypatch):
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(MissingExtraError, match=r"needs paramiko, .* pip install '\.\[device\]'"):
        Machine("a", "b", 22)
