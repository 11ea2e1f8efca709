# SPDX-License-Identifier: Apache-2.0
"""edgernn boards"""

import json

import click

from edgernn.cli.console import say, table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the packages and programs that each one needs.")
def command(as_json: bool) -> None:
    """List the boards that run on this machine.

    Each is a --target of `edgernn validate` and `edgernn bench`. What is missing for one is named with the Debian
    packages that it is in.
    """
    from edgernn.device.boards import boards

    found = boards().values()
    if as_json:
        keys = ("name", "target", "core", "emulated", "packages", "missing")
        say(json.dumps([{key: getattr(board, key) for key in keys} for board in found], indent=2))
        return
    rows = [
        (
            board.target,
            board.core,
            board.emulated or "-",
            f"lacks {', '.join(board.missing)}" if board.missing else "ready",
        )
        for board in found
    ]
    table("Boards", ("target", "core", "runs in", "tools"), rows, texts=4)
    packages = dict.fromkeys(package for board in found if board.missing for package in board.packages)
    if packages:
        say(f"For what is missing: sudo apt install make {' '.join(packages)}")
