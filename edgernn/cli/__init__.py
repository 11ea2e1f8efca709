# SPDX-License-Identifier: Apache-2.0
"""The command line: one file a command, found by its name; heavy imports stand inside the commands."""

import sys


def main() -> None:
    """Entry point of `edgernn`. Exit status: 0 done, 1 failed, 2 wrong usage."""
    try:
        from edgernn.cli.group import edgernn
    except ModuleNotFoundError as error:
        if error.name not in ("click", "pydantic", "rich"):
            raise
        sys.exit(
            f"edgernn: the command line needs {error.name}, which is not installed: run pip install 'edgernn[cli]'"
        )
    edgernn()
