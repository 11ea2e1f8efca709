# SPDX-License-Identifier: Apache-2.0
"""The group of commands, and what becomes of an error."""

import importlib
import os
import pkgutil
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import edgernn as package
from edgernn import engine
from edgernn.cli import selection
from edgernn.cli.console import printable, wrapped
from edgernn.cli.verbosity import with_quiet
from edgernn.errors import ConfigError, EdgernnError, SlowEngineWarning

COMMANDS = Path(__file__).parent / "commands"


class _Failure(click.ClickException):
    """An error of ours as one line on stderr; a terminal gets its end at words."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        line = f"edgernn: {self.message}"
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        click.echo(wrapped(line, stderr=True) if on_terminal else printable(line), err=True, file=file)


class _Misuse(_Failure):
    exit_code = 2


class _Interrupted(_Failure):
    exit_code = 128 + signal.SIGINT

    def show(self, file: Any = None) -> None:
        if sys.stderr is not None and sys.stderr.isatty():
            # Behind the ^C that the terminal shows.
            click.echo(err=True, file=file)
        super().show(file)


def _settle_stdout() -> None:
    """Drops what is buffered when it can't be written: Python would try once more at its end, with a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _usage_as_lines(group: click.Context | None = None) -> Iterator[None]:
    """Makes click's sentence about wrong usage one line of ours, with the command whose help says what is right."""
    try:
        yield
    except click.UsageError as error:
        context = error.ctx or group
        sentence = " ".join(error.format_message().split()).removesuffix(".")
        asks = sentence.rstrip(")").endswith("?")
        hint = "" if asks or context is None else f": `{context.command_path} --help` says what it takes"
        raise _Misuse(f"{sentence[:1].lower()}{sentence[1:]}{hint}") from error


class _Commands(selection.Commands):
    """Finds `edgernn NAME` in edgernn/cli/commands/NAME.py and imports no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules([str(COMMANDS)]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return with_quiet(importlib.import_module(f"edgernn.cli.commands.{cmd_name}").command)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if not args:
            # Shows the help, as an error of usage.
            return super().make_context(info_name, args, parent, **extra)
        with _usage_as_lines():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _warnings_as_lines(), _usage_as_lines(ctx):
                result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except EdgernnError as error:
            raise (_Misuse if isinstance(error, ConfigError) else _Failure)(str(error)) from error
        except KeyboardInterrupt as error:
            raise _Interrupted("interrupted") from error
        except BrokenPipeError:
            raise
        except OSError as error:
            # Commands make their own sentences about the files that they are given; what is left is mostly stdout.
            _settle_stdout()
            raise _Failure(f"{error.filename or 'the output'} failed: {error.strerror or error}") from error


def _version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    """Says which edgernn this is, and what its sessions step with."""
    if asked and not context.resilient_parsing:
        try:
            click.echo(f"edgernn {package.__version__}, engine {engine.describe()}")
        except EdgernnError as error:
            raise _Failure(str(error)) from error
        context.exit()


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Warnings of ours are a line on stderr, as errors are."""
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **options: Any) -> None:
        if issubclass(category, SlowEngineWarning):
            click.echo(f"edgernn: {message}", err=True)
        else:
            shown(message, category, *where, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SlowEngineWarning)
        warnings.showwarning = show
        yield


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
def edgernn() -> None:
    """Small recurrent networks for sensors, quantized, with the same bytes on every runtime.

    Start with `edgernn build`: it trains a GRU on smartwatch recordings, prunes and quantizes it, exports it, and
    checks that every runtime gives the same bytes. `edgernn init` writes a configuration for data of your own.

    Exit status: 0 done, 1 failed, 2 wrong usage.
    """
