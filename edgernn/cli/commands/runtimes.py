# SPDX-License-Identifier: Apache-2.0
"""edgernn runtimes"""

import json
from typing import TYPE_CHECKING

import click

from edgernn.cli import selection, verbosity
from edgernn.cli.console import emit, note, say, table

if TYPE_CHECKING:
    from edgernn.backends.runtime import Runtime
    from edgernn.workers.environment import Environment

_ALL = "all"
_HERE = "Runtimes in this process"


@click.group(cls=selection.Commands, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="The list as JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the runtimes, and how to get those that are missing.

    Each is a --runtime of `edgernn validate`, and so is the name of an environment, for all its runtimes. An
    environment is a folder in the user's cache, or in $EDGERNN_CACHE, with what its runtimes need.

    \b
    edgernn runtimes install tflite-runtime tflm
    edgernn runtimes install pi-emulated
    """
    if context.invoked_subcommand is None:
        _list(as_json)
    elif as_json:
        raise click.UsageError("--json is for the list only")


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@verbosity.quiet
def install(names: tuple[str, ...]) -> None:
    """Make environments: tflite-runtime, tflm, pi-emulated, or all.

    pip, and for pi-emulated apt-get, download what an environment needs, in exact versions; nothing of this Python or
    this system changes. An environment that is there already is left as it is.
    """
    for environment in _environments(names):
        if environment.installed():
            say(f"{environment.name} is installed already")
            continue
        environment.install(note)
        say(f"{environment.name} is installed")


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@verbosity.quiet
def remove(names: tuple[str, ...]) -> None:
    """Take environments away: their names, or all."""
    for environment in _environments(names):
        removed = environment.remove()
        say(f"{environment.name} is removed" if removed else f"{environment.name} was not installed")


def _list(as_json: bool) -> None:
    from edgernn import backends
    from edgernn.workers.environments import environments

    entries = [_entry(runtime) for runtime in backends.runtimes().values()]
    if as_json:
        emit(json.dumps(entries, indent=2))
        return
    columns = ("name", "kernels", "architecture", "version")
    once = {"architecture": "{}", "version": "{}"}
    for environment in environments():
        own = [entry for entry in entries if entry["environment"] == environment.name]
        rows = [tuple(entry[column] or "not installed" for column in columns) for entry in own]
        if environment.name:
            say("")
        table(environment.name or _HERE, columns, rows, texts=len(columns), once=once)
        if environment.name:
            say(environment.description)
        for reason in dict.fromkeys(str(entry["missing"]) for entry in own if entry["missing"]):
            say(reason)


def _entry(runtime: "Runtime") -> dict[str, object]:
    from edgernn.errors import EdgernnError

    version = missing = ""
    try:
        version = runtime.version()
    except EdgernnError as error:
        missing = str(error)
    return {
        "name": runtime.name,
        "kernels": runtime.kernels,
        "architecture": runtime.architecture,
        "environment": runtime.environment,
        "emulated": runtime.emulated,
        "version": version,
        "missing": missing,
    }


def _environments(names: tuple[str, ...]) -> "list[Environment]":
    """Those of these names, each once. Raises ConfigError for an unknown one."""
    from edgernn.errors import ConfigError, unknown
    from edgernn.workers.environments import environments

    known = {environment.name: environment for environment in environments() if environment.name}
    wrong = [name for name in names if name not in known and name != _ALL]
    if wrong:
        raise ConfigError(unknown("environment", wrong[0], (*known, _ALL)))
    return [environment for name, environment in known.items() if name in names or _ALL in names]
