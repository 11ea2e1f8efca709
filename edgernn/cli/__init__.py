# SPDX-License-Identifier: Apache-2.0
"""The command line: one file a command, found by its name; heavy imports stand inside the commands."""

import sys


def main() -> None:
    """Entry point of `edgernn`. Exit status: 0 done, 1 failed, 2 wrong usage."""
    try:
        from edgernn.cli.group import edgernn

        edgernn()
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in ("click", "pydantic", "rich"):
            raise
        sys.exit(f"edgernn: the command line needs {package}, which is not installed: run pip install 'edgernn[cli]'")
