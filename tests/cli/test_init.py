# SPDX-License-Identifier: Apache-2.0
"""`edgernn init`: a commented file that builds the defaults."""

import pytest

from edgernn import config


@pytest.mark.parametrize("source", config.SOURCES)
def test_the_file_is_the_default(cli, tmp_path, source):
    file = tmp_path / "my config.toml"
    outcome = cli("init", file, "--source", source)
    assert outcome.exit_code == 0
    wrote, then = outcome.stdout.splitlines()
    assert wrote == f"Wrote {file}" and then.endswith(f"run edgernn build '{file}'")
    assert config.load(file) == config.load(None, [f"data.source={source}"])


def test_the_name_of_the_file(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("init").stdout.splitlines()[1] == "Next: set data.path to your .npz file, then run edgernn build"
    assert config.load(tmp_path / "edgernn.toml") == config.load(None, ["data.source=npz"])


def test_an_existing_file_is_replaced_by_force_only(cli, refused, tmp_path):
    file = tmp_path / "edgernn.toml"
    file.write_text("mine")
    assert "exists already: add --force" in refused(1, "init", file)
    assert file.read_text() == "mine"
    assert cli("init", file, "--force").exit_code == 0
    assert file.read_text() == config.commented("npz")


def test_a_place_that_cannot_be_written(cli, refused, tmp_path):
    assert "can't be written (No such file or directory)" in refused(1, "init", tmp_path / "no" / "edgernn.toml")
    assert "can't be written" in refused(1, "init", tmp_path / ("x" * 300))
    assert cli("init", tmp_path).exit_code == 2
    assert cli("init", tmp_path / "a.toml", "--source", "excel").exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", config.SOURCES)
def test_stdout_gets_the_file_alone(cli, tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    outcome = cli("init", "-", "--source", source)
    assert (outcome.exit_code, outcome.output) == (0, config.commented(source))
    assert list(tmp_path.iterdir()) == []


def test_a_build_takes_the_file(cli, windows, tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    windows()
    assert cli("init").exit_code == 0
    outcome = cli("build", "--set", "model.units=4")
    assert outcome.exit_code == 0 and outcome.stderr.startswith("The configuration is edgernn.toml\n")
    assert (tmp_path / "build" / "windows" / "manifest.json").is_file()


def test_a_build_refuses_a_broken_file_of_its_own(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edgernn.toml").symlink_to("nowhere")
    assert "edgernn.toml can't be read (No such file or directory)" in refused(2, "build", "-q")
