# SPDX-License-Identifier: Apache-2.0
"""edgernn firmware"""

import shutil
from pathlib import Path

import click

from edgernn.cli import selection
from edgernn.cli.console import made
from edgernn.errors import EdgernnError
from edgernn.scratch import scratch


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--board", "name", required=True, metavar="BOARD", help="A board or target of `edgernn boards`.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the image. Default: build/firmware/BOARD.")
@selection.optimize
def command(artifact: Path, name: str, out: Path | None, optimization: str) -> None:
    """Build the firmware of a board for ARTIFACT.

    The image tests itself, then serves the protocol of docs/device.md on its serial line. Flash it with your board's
    own tool; `edgernn validate --target serial:PORT` then talks to it. OUT gets firmware.elf and firmware.map.
    """
    from edgernn import load
    from edgernn.device import boards, firmware

    board = boards.get(name)
    model, folder = load(artifact), out or Path("build") / "firmware" / board.name
    with scratch() as aside:
        image = firmware.build(board, model.integer, aside, optimization)
        sizes = firmware.measure(board, image)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in (image, image.with_suffix(".map")):
                shutil.copy(path, folder)
        except OSError as error:
            raise EdgernnError(
                f"{folder} can't be written ({error.strerror}): name another folder with --out"
            ) from error
    cost = f"{sizes.flash:,} bytes of flash, {sizes.ram:,} bytes of RAM"
    made(folder / image.name, f"Image: {folder / image.name} ({cost})")
