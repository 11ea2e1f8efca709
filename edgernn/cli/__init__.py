# SPDX-License-Identifier: Apache-2.0
"""The command line: one file a command, found by its name; heavy imports stand inside the commands."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Entry point of `edgernn`. Exit status: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    _stand_in_for_closed_streams()
    try:
        from edgernn.cli.group import edgernn

        edgernn()
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in ("click", "pydantic", "rich"):
            raise
        from edgernn.errors import MissingExtraError

        sys.exit(f"edgernn: {MissingExtraError('the command line', package, 'cli')}")


def _stand_in_for_closed_streams() -> None:
    """Lets a job start without stdin, stdout or stderr (`>&-`): what it prints there is lost, what it reads is nothing.

    Without that, Python has None for the stream, and the next file that is opened gets the stream's number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one: those before it are open by now.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))


def _end(number: int, at: FrameType | None) -> None:
    """Ends the command as if it were done, so that it removes its files and ends its programs."""
    raise SystemExit(128 + number)
