# SPDX-License-Identifier: Apache-2.0
"""edgernn init"""

from pathlib import Path

import click

from edgernn import config
from edgernn.cli.console import say
from edgernn.errors import EdgernnError


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
    try:
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(config.commented(source))
    except FileExistsError:
        raise EdgernnError(f"{file} exists already: add --force to replace it, or name another file") from None
    except OSError as error:
        raise EdgernnError(f"{file} can't be written ({error.strerror}): name another file") from error
    say(f"Wrote {file}. Change it, then run: edgernn build {file}")
