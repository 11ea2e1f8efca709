# SPDX-License-Identifier: Apache-2.0
"""edgernn init"""

from pathlib import Path

import click

from edgernn import config
from edgernn.cli.console import say
from edgernn.cli.files import write


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="edgernn.toml")
@click.option(
    "--source",
    type=click.Choice(list(config.SOURCES)),
    default="npz",
    show_default=True,
    help="Where the data comes from.",
)
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
def command(file: Path, source: str, force: bool) -> None:
    """Write a commented configuration.

    FILE (edgernn.toml) gets every key with its default and what it means, for data from --source: arrays in an .npz
    file, recordings in CSV files, or the built-in smartwatch recordings.
    """
    write(file, config.commented(source), replace=force)
    say(f"Wrote {file}. Change it, then run: edgernn build {file}")
