# SPDX-License-Identifier: Apache-2.0
"""`edgernn runtimes`: the list, and making and removing environments."""

import json

import pytest

from edgernn import backends

ENVIRONMENTS = ["tflite-runtime", "tflm", "pi-emulated"]


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache without environments."""
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_table(cli):
    outcome = cli("runtimes")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    here, *others = outcome.stdout.split("\n\n")
    assert here.splitlines()[1].split() == ["name", "kernels", "version"]
    assert [other.partition("\n")[0].partition(",")[0] for other in others] == ENVIRONMENTS
    known = backends.runtimes()
    listed = [line.split()[0] for line in outcome.stdout.splitlines() if line]
    assert [name for name in listed if name in known] == list(known)
    assert "not installed" not in outcome.stdout


def test_json(cli):
    entries = json.loads(cli("runtimes", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(backends.runtimes())
    (tflm,) = (entry for entry in entries if entry["name"] == "tflm")
    assert tflm["version"].startswith("0.dev") and tflm["missing"] == "" and tflm["emulated"] is False
    (pi,) = (entry for entry in entries if entry["name"] == "pi3-litert-xnnpack")
    assert pi["architecture"] == "aarch64 cortex-a53" and pi["emulated"] is True


def test_what_is_not_installed(cli, empty_cache):
    outcome = cli("runtimes")
    assert outcome.exit_code == 0
    assert [outcome.stdout.count(f"\n{name}, ") for name in ENVIRONMENTS] == [1, 1, 1]
    assert outcome.stdout.count(", not installed\n") == 3
    for name in ENVIRONMENTS:
        assert outcome.stdout.count(f"\n{name} is not installed: run edgernn runtimes install {name}\n") == 1
    entries = json.loads(cli("runtimes", "--json").stdout)
    assert {entry["missing"] for entry in entries if not entry["version"]} == {
        f"{name} is not installed: run edgernn runtimes install {name}" for name in ENVIRONMENTS
    }


def test_install_and_remove(cli, empty_cache):
    outcome = cli("runtimes", "install", "tflm")
    assert (outcome.exit_code, outcome.stdout) == (0, "tflm is installed\n")
    assert "tflm: installing tflite-micro==" in outcome.stderr
    assert cli("runtimes", "install", "tflm", "tflm").stdout == "tflm is installed already\n"
    removed = cli("runtimes", "remove", "all").stdout.splitlines()
    assert removed == ["tflite-runtime was not installed", "tflm is removed", "pi-emulated was not installed"]


def test_installed_ones_are_left_as_they_are(cli):
    outcome = cli("runtimes", "install", "all")
    assert outcome.stdout.splitlines() == [f"{name} is installed already" for name in ENVIRONMENTS]


@pytest.mark.parametrize("action", ["install", "remove"])
def test_wrong_usage(refused, cli, action):
    wanted = "edgernn: there is no environment 'litert'; there are tflite-runtime, tflm, pi-emulated, all"
    assert refused(2, "runtimes", action, "tflm", "litert") == wanted
    assert cli("runtimes", action).exit_code == 2
    assert cli("runtimes", "--json", action, "tflm").exit_code == 2


def test_an_environment_whose_emulator_is_missing(cli, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = cli("runtimes")
    (line,) = (line for line in outcome.stdout.splitlines() if line.startswith("pi-emulated, "))
    assert line.endswith("not installed") and "install Debian's package qemu-user-static\n" in outcome.stdout


def test_a_missing_tool_is_one_line(refused, empty_cache, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    line = refused(1, "runtimes", "install", "pi-emulated")
    assert line.endswith("needs qemu-aarch64-static, which is not installed: install Debian's package qemu-user-static")
