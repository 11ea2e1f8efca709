# SPDX-License-Identifier: Apache-2.0
"""The group of commands, and what becomes of an error."""

import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

import click

import edgernn as package
from edgernn.cli.console import printable, wrapped
from edgernn.cli.verbosity import with_quiet
from edgernn.errors import ConfigError, EdgernnError, unknown

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


def _settle_stdout() -> None:
    """Drops what is buffered when it can't be written: Python would try once more at its end, with a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Commands(click.Group):
    """Finds `edgernn NAME` in edgernn/cli/commands/NAME.py and imports no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules([str(COMMANDS)]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return with_quiet(importlib.import_module(f"edgernn.cli.commands.{cmd_name}").command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in known and not args[0].startswith("-"):
            raise _Misuse(unknown("command", args[0], known))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except EdgernnError as error:
            raise (_Misuse if isinstance(error, ConfigError) else _Failure)(str(error)) from error
        except click.UsageError as error:
            message = error.format_message()
            # Click's own sentences have lines and tabs.
            safe = "".join(c if c in "\n\t" else printable(c) for c in message)
            if safe == message:
                raise
            raise click.UsageError(safe, ctx=error.ctx) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            # Commands make their own sentences about the files that they are given; what is left is mostly stdout.
            _settle_stdout()
            raise _Failure(f"{error.filename or 'the output'} failed: {error.strerror or error}") from error


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, prog_name="edgernn")
def edgernn() -> None:
    """Small recurrent networks for sensors, quantized, with the same bytes on every runtime.

    Start with `edgernn build`: it trains a GRU on smartwatch recordings, prunes and quantizes it, exports it, and
    checks that every runtime gives the same bytes. `edgernn init` writes a configuration for data of your own.

    Exit status: 0 done, 1 failed, 2 wrong usage.
    """
