# SPDX-License-Identifier: Apache-2.0
"""What is held back of stderr, and what is not."""

import os

import pytest

from edgernn import load
from edgernn.backends import select
from edgernn.stderr import held_back


def known(line):
    return line == b"known\n"


def test_other_lines_follow(capfd):
    with held_back(known):
        os.write(2, b"one\nknown\ntwo")
        assert capfd.readouterr().err == ""
    os.write(2, b"known\n")
    assert capfd.readouterr().err == "one\ntwoknown\n"


def test_a_failure_shows_all(capfd):
    with pytest.raises(OSError), held_back(known):
        os.write(2, b"known\n")
        raise OSError
    assert capfd.readouterr().err == "known\n"


def test_litert_makes_an_interpreter_without_a_word(pristine, capfd):
    model = load(pristine)
    for runtime in select(("litert-xnnpack", "litert-builtin", "litert-reference")):
        runtime.load(pristine, model.integer)
    assert capfd.readouterr() == ("", "")
