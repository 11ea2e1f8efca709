# SPDX-License-Identifier: Apache-2.0
"""--json: where what a command found goes, and the exit status."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgernn.cli.console import say
from edgernn.cli.files import write
from edgernn.errors import EdgernnError

_STDOUT = Path("-")

option = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path),
    help="Write what was found to this file as JSON, - for stdout.",
)


def check(json_file: Path | None) -> None:
    """Raises EdgernnError when there is no folder for the file: better before the work than after."""
    if json_file is not None and not json_file.parent.is_dir():
        raise EdgernnError(f"{json_file} can't be written, there is no folder {json_file.parent}: name another file")


def is_shown(json_file: Path | None) -> bool:
    """Whether there is anything but JSON on stdout."""
    return json_file != _STDOUT


def give(
    json_file: Path | None, content: Callable[[], dict[str, Any]], show: Callable[[], None], *, good: bool = True
) -> None:
    """The report as JSON on stdout, or shown and perhaps written; ends with status 1 unless `good`."""
    if not is_shown(json_file):
        say(json.dumps(content()))
    else:
        show()
        if json_file is not None:
            write(json_file, json.dumps(content(), indent=2) + "\n", replace=True)
    if not good:
        raise click.exceptions.Exit(1)
