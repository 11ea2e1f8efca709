# SPDX-License-Identifier: Apache-2.0
"""Targets: how they are named, what they refuse, and that they leave nothing behind."""

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn import Model, load
from edgernn.artifact import digest
from edgernn.device import boards, firmware, link, targets
from edgernn.device.link import Device
from edgernn.device.transport import BAUD
from edgernn.errors import ConfigError, DeviceError, MissingToolError
from edgernn.golden import compute
from edgernn.validate import validate

VALUES = 32 * (2 + 5)


@pytest.fixture
def scratch(monkeypatch, tmp_path):
    """Where temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def other(make_artifact):
    """Another model of the same sizes."""
    return load(make_artifact(("gru", 5, {}), ("dense", 2, {}), seed=1))


def only(name):
    (target,) = targets.select([name])
    return target


def children():
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("serial:/dev/ttyACM0", ("/dev/ttyACM0", BAUD)),
        ("serial:/dev/ttyUSB1@921600", ("/dev/ttyUSB1", 921600)),
        ("serial:COM3", ("COM3", BAUD)),
        ("serial:socket://127.0.0.1:5555", ("socket://127.0.0.1:5555", BAUD)),
    ],
)
def test_serial_ports(name, port):
    target = only(name)
    assert (target.name, target._port, target.emulates_board) == (name, port, False)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("ssh:pi@raspberrypi.local", ("pi", "raspberrypi.local", 22)),
        ("ssh:pi@192.168.0.7:2222", ("pi", "192.168.0.7", 2222)),
        ("ssh:raspberrypi", ("somebody", "raspberrypi", 22)),
    ],
)
def test_machines(name, address, monkeypatch):
    monkeypatch.setenv("LOGNAME", "somebody")
    assert (only(name).name, only(name)._address) == (name, address)


def test_all_boards_once():
    names = [target.name for target in targets.select(["qemu:cortex_m4", "all", "host", "serial:/dev/ttyACM0"])]
    assert sorted(names[:-1]) == sorted(board.target for board in boards.boards().values())
    assert (names[0], names[-1]) == ("qemu:cortex_m4", "serial:/dev/ttyACM0")


NONE = "there is no target '{}'"
ALL = NONE + "; there are host, local-aarch64, .*, serial:PORT, ssh:USER@HOST, all$"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", ALL),
        ("x", ALL),
        ("ssh:a@b:c", ALL),
        ("ssh:a@b@c", ALL),
        ("cortex_m4", NONE + r": did you mean qemu:cortex_m4\?$"),
        ("qemu:", NONE + r": did you mean qemu:cortex_m0 or .* or qemu:riscv32\?$"),
        ("serial:", NONE + r": did you mean serial:PORT\?$"),
        ("ssh:", NONE + r": did you mean ssh:USER@HOST\?$"),
        ("linux_aarch64", ALL),
        ("qemu:host", NONE),
        ("qemu:x", NONE),
        ("local-x", NONE),
    ],
)
def test_what_is_no_target(name, words):
    with pytest.raises(ConfigError, match=words.format(name)):
        targets.select([name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"ssh:{'a' * 64}", "has no legal name of a host .*: check it"),
        ("ssh:pi@a..b", "has no legal name of a host .*: check it"),
        ("ssh:pi@x:0", "has the port 0: give one from 1 to 65535"),
        ("ssh:pi@x:65536", "has the port 65536: give one"),
        ("serial:/dev/ttyACM0@0", "has 0 baud: give one from 50 to 16000000"),
        (f"serial:/dev/ttyACM0@{2**31}", "has 2147483648 baud: give one"),
        ("serial:socket://127.0.0.1", "has no host and port: give them, as in serial:socket://127.0.0.1:5555"),
        ("serial:socket://:5555", "has no host and port: give them"),
        ("serial:socket://127.0.0.1:99999", "has no host and port: give them"),
        ("serial:rfc2217://x:port", "has no host and port: give them"),
        ("serial:socket://[::1:5555", "has no host and port: give them"),
    ],
)
def test_parts_of_a_target_that_can_not_be(name, words):
    with pytest.raises(ConfigError, match=f"the target '{re.escape(name)}' {words}"):
        targets.select([name])


@pytest.mark.parametrize("error", [OSError, KeyError])
def test_a_user_without_a_name(monkeypatch, error):
    def fail():
        raise error("uid not found")

    monkeypatch.setattr("getpass.getuser", fail)
    with pytest.raises(ConfigError, match="this machine knows no name of yours: give .* ssh:USER@HOST"):
        targets.select(["ssh:raspberrypi"])
    assert only("ssh:pi@raspberrypi")._address == ("pi", "raspberrypi", 22)


@pytest.mark.parametrize("name", ["host", "local-armv7", "qemu:cortex_m4", "qemu:cortex_m0"])
def test_nothing_is_left_behind(model, expected, scratch, name):
    before = children()
    with only(name) as target:
        (result,) = validate(model, expected, [target]).runtimes
        assert (result.name, result.status, result.steps, result.values) == (name, "agrees", 32, VALUES), result.reason
        assert result.version == target.version()
        assert list(scratch.iterdir()) and children() > before
    assert not list(scratch.iterdir()) and children() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_behind_by_a_failure(model, expected, scratch, monkeypatch, error):
    before = children()

    def fail(device, x, timeout):
        raise error

    monkeypatch.setattr(Device, "step", fail)
    with pytest.raises(error), only("qemu:cortex_m4") as target:
        validate(model, expected, [target])
    assert not list(scratch.iterdir()) and children() == before


def test_an_emulator_that_crashes(model, expected, monkeypatch):
    step, calls = Device.step, []

    def crash(device, x, timeout):
        calls.append(x)
        if len(calls) == 20:
            device._transport._program._process.kill()
        return step(device, x, timeout)

    monkeypatch.setattr(Device, "step", crash)
    with only("qemu:cortex_m4") as target:
        (result,) = validate(model, expected, [target]).runtimes
    assert (result.status, result.values) == ("unavailable", 0)
    assert result.reason.startswith("qemu-system-arm was ended by SIGKILL")


def test_a_wrong_weight_is_found(model, expected, monkeypatch):
    sources = firmware.sources

    def spoil(integer, name):
        files = sources(integer, name)
        head, opening, rest = files["model.c"].partition("EDGERNN_W_BLOCK(")
        first, comma, others = rest.partition(",")
        files["model.c"] = f"{head}{opening}{(int(first) + 90) % 100}{comma}{others}"
        return files

    monkeypatch.setattr(firmware, "sources", spoil)
    with only("host") as target:
        (result,) = validate(model, expected, [target]).runtimes
        assert result.status == "unavailable" and "host fails its self-test at step 1: " in result.reason
    monkeypatch.setattr("edgernn.device.targets.Target._check", lambda *arguments: None)
    with only("host") as target:
        (result,) = validate(model, expected, [target]).runtimes
    assert result.status == "differs" and result.mismatches > 0
    assert result.first_difference.op.startswith(("linear", "add", "mul", "sub", "requantize"))


def test_a_tool_that_is_missing(model, expected, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with only("qemu:cortex_m4") as target:
        with pytest.raises(MissingToolError):
            target.load(model.folder, model.integer)
        (result,) = validate(model, expected, [target]).runtimes
    assert (result.status, result.version) == ("unavailable", "")
    assert "the board cortex_m4 needs make, which is not installed: install Debian's package make" in result.reason


def test_a_serial_port(model, expected, image, pty):
    port = pty(image)
    with only(f"serial:{port}") as target:
        (result,) = validate(model, expected, [target]).runtimes
        assert (result.name, result.version, result.status) == (f"serial:{port}", "host", "agrees"), result.reason
        assert (result.values, target.sizes) == (VALUES, None)


def test_a_board_that_holds_another_model(model, other, image, pty):
    with only(f"serial:{pty(image)}") as target, pytest.raises(DeviceError) as refusal:
        target.load(other.folder, other.integer)
    held, wanted = (digest(each.integer)[:16] for each in (model, other))
    assert f" holds the model {held} and {other.folder} is {wanted}: build its firmware" in str(refusal.value)
    assert str(refusal.value).endswith(f"edgernn firmware {other.folder} --board host, and flash it")


@pytest.mark.parametrize(
    "changed",
    [{"spec_version": 2}, {"operand_bytes": 2}, {"features": 4}, {"outputs": 65535}, {"state_bytes": 12}],
    ids=str,
)
def test_a_board_that_tells_of_another_form_of_the_model(model, image, pty, monkeypatch, changed):
    info = Device.info
    monkeypatch.setattr(Device, "info", lambda device: replace(info(device), **changed))
    words = r"tells of specification, .* \(.*\), and its model has \(1, 1, 3, 2, 10\): flash edgernn's firmware"
    with only(f"serial:{pty(image)}") as target, pytest.raises(DeviceError, match=words):
        target.load(model.folder, model.integer)


def test_a_port_where_nobody_answers(model, expected, pty, monkeypatch):
    monkeypatch.setattr(targets, "_SERIAL_PATIENCE", 0.3)
    with only(f"serial:{pty()}") as target:
        (result,) = validate(model, expected, [target]).runtimes
    assert result.status == "unavailable"
    assert "did not answer the request 'info' in time: check that it runs edgernn's firmware" in result.reason


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("cat",), "answered the request 'info' with 0 bytes of kind 0x01: flash edgernn's firmware"),
        (("yes", "login:"), "did not answer the request 'info' in time"),
    ],
)
def test_a_port_where_something_else_answers(model, pty, monkeypatch, command, words):
    monkeypatch.setattr(targets, "_SERIAL_PATIENCE", 0.2)
    monkeypatch.setattr(link, "_LONGEST_NOISE", 0.1)
    with only(f"serial:{pty(*command)}") as target, pytest.raises(DeviceError, match=words):
        target.load(model.folder, model.integer)


@pytest.mark.parametrize(
    ("layers", "operands"),
    [
        ([("gru", 4, {}), ("dense", 2, {})], "int16"),
        ([("dense", 3, {})], "int8"),
        ([("rnn", 3, {})], "int8"),
    ],
    ids=str,
)
def test_other_kinds_of_models(quantized, layers, operands):
    """Wide operands; no state at all; an output that is a state."""
    x, lengths = np.random.default_rng(0).normal(size=(2, 9, 5)).astype(np.float32), np.array([9, 4], np.int32)
    integer = quantized(*layers, operands=operands)
    expected = compute(integer, integer.quantize_input(x), lengths)
    with only("host") as target:
        (result,) = validate(Model(Path("made"), {}, integer), expected, [target]).runtimes
    sizes = [integer.program.tensors[name].size for name in integer.program.outputs]
    assert (result.status, result.values) == ("agrees", 13 * sum(sizes)), result.reason
