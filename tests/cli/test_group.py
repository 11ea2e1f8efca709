# SPDX-License-Identifier: Apache-2.0
"""The commands as a whole: they are found, they teach, and a wrong one is usage."""

import os
import subprocess
import sys

import pytest

import edgernn
from edgernn.cli import console
from edgernn.engine import native

COMMANDS = "bench boards build convert diff evaluate export firmware init inspect run runtimes validate".split()


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
    assert max(map(len, outcome.stdout.splitlines())) <= 80


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["build", "--zzz"], "no such option '--zzz': `edgernn build --help` says what it takes"),
        (["--zzz"], "no such option '--zzz': `edgernn --help` says what it takes"),
        (["--versoin"], "no such option '--versoin'. Did you mean '--version'?"),
        (["inspect", "x", "--jsn"], "no such option '--jsn'. Did you mean '--json'?"),
        (["validate"], "missing argument 'ARTIFACT': `edgernn validate --help` says what it takes"),
        (["build", "a", "b"], "got unexpected extra argument (b): `edgernn build --help` says what it takes"),
        (["evaluate", "x", "--each", "clas"], "invalid value for '--each': 'clas' is not one of 'class', 'group', "),
        (["inspect", "x", "--clock", "64"], "'64' is no clock: give a number and its unit, as in 64MHz: `edgernn insp"),
        (["runtimes", "--json", "install", "tflm"], "--json is for the list only: `edgernn runtimes --help` says "),
    ],
)
def test_wrong_usage_is_one_line(refused, arguments, sentence):
    assert sentence in refused(2, *arguments)


def test_no_command_shows_the_help(cli):
    assert "\nCommands:\n" in cli().output


def test_text_is_printed_as_it_is(capsys):
    console.say("[red]a:bug:b[/red] " + "x" * 30)
    console.table("[b]title :bug:", ("a", "b"), [("[i]:bug:", "1"), ("x", 2)])
    text = capsys.readouterr().out
    assert text.startswith("[red]a:bug:b[/red] " + "x" * 30 + "\n[b]title :bug:")
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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["biuld"], "there is no command 'biuld': did you mean build?"),
        (["valdate", "x"], "there is no command 'valdate': did you mean validate?"),
        (["validate", "x", "--runtime", "litrt"], "did you mean litert-xnnpack or litert-builtin or litert-reference?"),
        (["../build"], "there is no command '../build': did you mean build?"),
        (["frobnicate"], f"there is no command 'frobnicate'; there are {', '.join(COMMANDS)}"),
        (["runtimes", "instal"], "there is no command 'instal': did you mean install?"),
        (["runtimes", "list"], "there is no command 'list'; there are install, remove"),
        (["runtimes", "install", "tflmm"], "there is no environment 'tflmm': did you mean tflm?"),
        (["validate", "x", "--runtime", "litert-xnpack"], "no runtime 'litert-xnpack': did you mean litert-xnnpack?"),
        (["validate", "x", "--target", "qemu:cortexm4"], "no target 'qemu:cortexm4': did you mean qemu:cortex_m4?"),
        (["firmware", "x", "--board", "cortex-m4"], "there is no board 'cortex-m4': did you mean cortex_m4?"),
        (["export", "x", "--out", "y", "--format", "zehpyr"], "there is no format 'zehpyr': did you mean zephyr?"),
        (["init", "--source", "cvs"], "there is no source 'cvs'; there are watch, npz, csv"),
    ],
)
def test_mistyped_names(refused, arguments, sentence):
    assert sentence in refused(2, *arguments)


def test_errors_are_safe_on_a_terminal(refused):
    message = refused(2, "build", "--set", "model.\x1b[31munits\u202e=3")
    assert message.isprintable() and "\\x1b[31m" in message


def test_words_of_the_command_line_are_safe_on_a_terminal(cli):
    outcome = cli("inspect", "x", "\x1b[31my")
    assert outcome.exit_code == 2 and "\x1b" not in outcome.stderr and "\\x1b[31my" in outcome.stderr


def test_quiet_commands_print_what_was_asked_for_alone(pristine, cli, tmp_path):
    for command in (["inspect", pristine], ["validate", pristine, "--runtime", "numpy"], ["boards"], ["runtimes"]):
        outcome = cli(*command, "-q")
        assert (outcome.exit_code, outcome.output) == (0, ""), command
    assert cli("boards", "--json", "--quiet").stdout.startswith("[")
    exported = cli("export", pristine, "--format", "c", "--out", tmp_path / "c", "-q")
    assert exported.output == f"{tmp_path / 'c'}\n"
    assert cli("run", pristine, "--input", "-", "-q", input="1,2,3\n" * 12).stdout.startswith('{"step": 11')
    failed = cli("inspect", tmp_path / "none", "-q")
    assert failed.exit_code == 1 and failed.stderr.startswith("edgernn: ")


def test_a_quiet_build_prints_the_path(cli, windows, tmp_path, untrained):
    sets = [word for text in ("data.source=npz", f"data.path={windows()}") for word in ("--set", text)]
    outcome = cli("build", "-q", "--out", tmp_path / "out", *sets)
    assert (outcome.exit_code, outcome.output) == (0, f"{tmp_path / 'out'}\n")


SHELL = [sys.executable, "-c", "import sys; sys.argv = ['edgernn']; from edgernn.cli import main; main()"]


def test_completion():
    source = {**os.environ, "_EDGERNN_COMPLETE": "bash_source"}
    script = subprocess.run(SHELL, env=source, capture_output=True, text=True).stdout
    assert "complete -o nosort -F _edgernn_completion edgernn" in script
    for words, found in (("edgernn bu", "plain,build"), ("edgernn inspect --verb", "plain,--verbose")):
        asked = {"_EDGERNN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = subprocess.run(SHELL, env={**os.environ, **asked}, capture_output=True, text=True)
        assert done.stdout.splitlines() == [found]


@pytest.mark.parametrize(
    ("words", "closed", "status", "stderr"),
    [
        ("inspect ARTIFACT", ">&-", 0, ""),
        ("validate ARTIFACT --runtime numpy", ">&-", 0, "validate ...\n"),
        ("validate ARTIFACT --runtime numpy", "2>&-", 0, ""),
        ("run ARTIFACT --input -", "<&-", 1, "edgernn: the input has 0 samples, "),
        ("inspect nowhere", ">&- 2>&- <&-", 1, ""),
        ("biuld", ">&-", 2, "edgernn: there is no command 'biuld': did you mean build?\n"),
    ],
)
def test_closed_streams(pristine, words, closed, status, stderr):
    line = f'"$0" -m edgernn {words.replace("ARTIFACT", str(pristine))} {closed}'
    done = subprocess.run(["sh", "-c", line, sys.executable], capture_output=True, text=True)
    assert (done.returncode, done.stderr[: len(stderr)]) == (status, stderr)
    assert "Traceback" not in done.stderr
