# SPDX-License-Identifier: Apache-2.0
"""Text files are written whole or not at all, through links and devices, and keep their mode."""

import os

import pytest

from edgernn.cli.files import write
from edgernn.errors import EdgernnError


def test_a_new_file(tmp_path):
    write(tmp_path / "a", "text", replace=False)
    assert (tmp_path / "a").read_text() == "text"
    assert os.listdir(tmp_path) == ["a"]


def test_an_existing_file(tmp_path):
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(0o600)
    with pytest.raises(EdgernnError, match="exists already: add --force"):
        write(file, "new", replace=False)
    write(file, "new", replace=True)
    assert file.read_text() == "new" and file.stat().st_mode & 0o777 == 0o600


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link", "new", replace=True)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"


def test_a_full_device(tmp_path):
    with pytest.raises(EdgernnError, match="/dev/full can't be written .No space left"):
        write(tmp_path.joinpath("/dev/full"), "text", replace=True)


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(EdgernnError, match="a can't be written .No space left"):
        write(tmp_path / "a", "text", replace=False)
    assert not os.listdir(tmp_path)
