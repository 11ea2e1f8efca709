# SPDX-License-Identifier: Apache-2.0
"""edgernn init"""

import shlex
from pathlib import Path

import click

from edgernn import config
from edgernn.cli.console import emit, say
from edgernn.cli.files import write
from edgernn.cli.selection import Known

OWN = Path("edgernn.toml")
"""What `edgernn init` writes and `edgernn build` takes where nothing else is named."""
_STDOUT = Path("-")
_NEXT = {
    "watch": "",
    "npz": "set data.path to your .npz file, then ",
    "csv": "set data.path, data.columns, and data.label or data.target to those of your recordings, then ",
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=OWN)
@click.option(
    "--source",
    type=Known("source", config.SOURCES),
    default="npz",
    show_default=True,
    help="Where the data comes from.",
)
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
def command(file: Path, source: str, force: bool) -> None:
    """Write a commented configuration.

    FILE (edgernn.toml; - for stdout) gets every key with its default and what it means, for data from --source: arrays
    in an .npz file, recordings in CSV files, or the built-in smartwatch recordings. `edgernn build` takes edgernn.toml
    by itself, and another FILE by its name.
    """
    if file == _STDOUT:
        emit(config.commented(source).rstrip("\n"))
        return
    write(file, config.commented(source), replace=force)
    say(f"Wrote {file}")
    run = shlex.join(["edgernn", "build", *([] if file == OWN else [str(file)])])
    say(f"Next: {_NEXT[source]}run {run}")
