# SPDX-License-Identifier: Apache-2.0
"""The commands as a whole: they are found, they teach, and a wrong one is usage."""

import subprocess
import sys

import pytest

import edgernn
from edgernn.cli import console
from edgernn.engine import native

COMMANDS = "bench boards build convert diff export firmware init inspect run runtimes validate".split()


def test_help_lists_the_commands(cli):
    text = cli("--help").stdout
    commands = text.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in commands] == COMMANDS
    assert all(line.endswith(".") and not line.endswith("...") for line in commands), "a short help is cut off"
    assert "Exit status: 0 done, 1 failed, 2 wrong usage." in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(cli, command):
    outcome = cli(command, "-h")
    assert outcome.exit_code == 0
    options = outcome.stdout.partition("Options:\n")[2].splitlines()
    assert all(len(line.split()) > 2 for line in options if line.lstrip().startswith("--"))


NO_COMPILER = (
    "install a C compiler and Python's headers (Debian's packages gcc and python3-dev), then install edgernn again"
)


def test_the_version_names_the_engine(cli, monkeypatch):
    assert cli("--version").stdout == f"edgernn {edgernn.__version__}, engine native ({native.kernels()})\n"
    monkeypatch.setattr(native, "_engine", None)
    assert cli("--version").stdout == f"edgernn {edgernn.__version__}, engine numpy ({NO_COMPILER})\n"


def test_the_version_with_kernels_that_are_not_there(refused, monkeypatch):
    monkeypatch.setenv("EDGERNN_KERNELS", "mmx")
    assert refused(1, "--version").startswith("edgernn: there are no kernels 'mmx' on this machine")


def test_a_slow_engine_is_one_line_on_stderr(pristine):
    """Of a process of its own, which warns once."""
    script = f"""
import sys
sys.modules["edgernn.native._engine"] = None
sys.argv = ["edgernn", "inspect", {str(pristine)!r}]
from edgernn.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == (
        "edgernn: the engine in C is not installed, so sessions step in NumPy: the results are the same, but a step "
        f"takes hundreds of times as long; {NO_COMPILER}\n"
    )


@pytest.mark.parametrize("arguments", [["biuld"], ["build", "--nope"], ["../build"], ["validate"], ["build", "a", "b"]])
def test_usage(cli, arguments):
    outcome = cli(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("Usage: ")


def test_text_is_printed_as_it_is(capsys):
    console.say("[red]a:bug:b[/red] " + "x" * 300)
    console.table("[b]title :bug:", ("a", "b"), [("[i]:bug:", "1"), ("x", 2)])
    text = capsys.readouterr().out
    assert text.startswith("[red]a:bug:b[/red] " + "x" * 300 + "\n[b]title :bug:")
    assert "[i]:bug:" in text


def test_phases_are_lines_where_there_is_no_terminal(capsys):
    phase = console.Phases()
    for name in ("fold 1/5: [train]", "export"):
        with phase(name, 3) as progress:
            progress(3)
    assert capsys.readouterr() == ("", "fold 1/5: [train] ...\nexport ...\n")


def test_a_full_stdout(pristine):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "edgernn", "inspect", str(pristine)]
        finished = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert finished.returncode == 1
    assert finished.stderr == "edgernn: the output failed: No space left on device\n"
