# SPDX-License-Identifier: Apache-2.0
"""edgernn export"""

from pathlib import Path

import click

from edgernn import export
from edgernn.cli.console import made
from edgernn.cli.selection import Known


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=Known("format", export.formats()),
    required=True,
    metavar="FORMAT",
    help=f"The build system: {', '.join(export.formats())}.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to make.")
@click.option("--name", default="", help="What files and identifiers begin with. Default: the artifact's name.")
@click.option("--force", is_flag=True, help="Replace the earlier export in --out.")
def command(artifact: Path, form: str, out: Path, name: str, force: bool) -> None:
    """Write the model in ARTIFACT as C for a build system.

    The same C99 sources in the layout that each of them expects, with an example that streams a sensor and a README.
    """
    from edgernn import load

    export.export(load(artifact), form, out, name=name, force=force)
    made(out, f"Exported to {out}: its README.md says how to use it")
