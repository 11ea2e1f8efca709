# SPDX-License-Identifier: Apache-2.0
"""edgernn boards"""

import json

import click

from edgernn.cli import verbosity
from edgernn.cli.console import emit, say, table


@click.command()
@verbosity.verbose("the parts and real boards that each one stands for")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the packages and programs that each one needs.")
def command(as_json: bool) -> None:
    """List the boards that there is firmware for.

    Each is a --board of `edgernn firmware`, and a --target of `edgernn validate` and `edgernn bench`: a real board by
    its serial port. Where tools are missing, the Debian packages are named that they are in; --json names all.
    """
    from edgernn.device.boards import boards

    found = boards().values()
    if as_json:
        keys = ("name", "target", "core", "emulated", "packages", "missing")
        emit(json.dumps([{key: getattr(board, key) for key in keys} for board in found], indent=2))
        return
    rows = [
        (
            board.name,
            board.target,
            board.core if verbosity.is_verbose() else board.core.partition(" (")[0],
            board.emulated or "-",
            f"lacks {', '.join(board.missing)}" if board.missing else "ready",
        )
        for board in found
    ]
    table("Boards", ("board", "target", "core", "runs in", "tools"), rows, texts=5)
    packages = dict.fromkeys(package for board in found if board.missing for package in board.packages)
    if packages:
        say(f"For what is missing: sudo apt install make {' '.join(packages)}")
