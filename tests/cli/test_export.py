# SPDX-License-Identifier: Apache-2.0
"""`edgernn export`: what it writes, and what it refuses in one sentence."""

import json

import pytest


@pytest.mark.parametrize("format", ["arduino", "c", "cmake", "esp-idf", "platformio", "zephyr"])
def test_every_format(pristine, cli, tmp_path, format):
    outcome = cli("export", pristine, "--format", format, "--out", tmp_path / "out")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == f"Exported to {tmp_path / 'out'}: its README.md says how to use it\n"
    assert json.loads((tmp_path / "out" / "edgernn.json").read_text())["format"] == format
    assert (tmp_path / "out" / "README.md").is_file()


def test_a_name(pristine, cli, tmp_path):
    arguments = ("export", pristine, "--format", "c", "--out", tmp_path / "out", "--name", "fan")
    assert cli(*arguments).exit_code == 0
    assert "void fan_step(" in (tmp_path / "out" / "src" / "fan.h").read_text()


def test_force(pristine, cli, refused, tmp_path):
    arguments = ("export", pristine, "--out", tmp_path / "out", "--format")
    assert cli(*arguments, "c").exit_code == 0
    assert "exists already: add --force to replace it, or choose another folder" in refused(1, *arguments, "cmake")
    assert not (tmp_path / "out" / "CMakeLists.txt").exists()
    assert cli(*arguments, "cmake", "--force").exit_code == 0
    assert (tmp_path / "out" / "CMakeLists.txt").exists()


def test_a_folder_of_something_else(pristine, refused, tmp_path):
    (tmp_path / "cat.jpg").touch()
    message = refused(1, "export", pristine, "--format", "c", "--out", tmp_path, "--force")
    assert message == (
        f"edgernn: {tmp_path} exists and is no export, so it is not replaced: choose another folder with --out"
    )


def test_an_illegal_name(pristine, refused, tmp_path):
    message = refused(2, "export", pristine, "--format", "c", "--out", tmp_path / "out", "--name", "My fan")
    assert message == "edgernn: C files and identifiers can't begin with 'My fan': take 'my_fan', for example"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "rust"], "there is no format 'rust'; there are arduino, c, cmake, esp-idf, platformio, zephyr"),
        ([], "missing option '--format'"),
    ],
)
def test_a_wrong_format(pristine, cli, tmp_path, arguments, words):
    outcome = cli("export", pristine, "--out", tmp_path / "out", *arguments)
    assert outcome.exit_code == 2 and words in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_no_artifact(refused, tmp_path):
    assert "is no artifact" in refused(1, "export", tmp_path, "--format", "c", "--out", tmp_path / "out")
