# SPDX-License-Identifier: Apache-2.0
"""-q and -v: how much a command says. Every command has -q; -v those that have more to say."""

import copy
from collections.abc import Callable
from typing import Any

import click

_QUIET, _VERBOSE = "edgernn.quiet", "edgernn.verbose"


def _remember(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.meta[f"edgernn.{option.name}"] = True


def quiet(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds -q; the group does it for its commands, so this is for commands below them."""
    told = "Print errors only, and what was asked for: JSON, results of a stream, the path of an artifact."
    return click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=_remember, help=told)(command)


def with_quiet(command: click.Command) -> click.Command:
    """The command with -q."""
    changed = copy.copy(command)
    changed.params = list(command.params)
    quiet(changed)
    return changed


def verbose(more: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds -v, which prints `more`."""
    told = f"Print more: {more}."
    return click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_remember, help=told)


def is_quiet() -> bool:
    """Whether the running command was given -q."""
    return _has(_QUIET)


def is_verbose() -> bool:
    """Whether the running command was given -v."""
    return _has(_VERBOSE)


def _has(key: str) -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and key in context.meta
