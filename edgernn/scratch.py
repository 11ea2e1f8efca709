# SPDX-License-Identifier: Apache-2.0
"""Folders for the time of a block."""

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_THERE: set[Path] = set()


@contextmanager
def scratch(within: Path | None = None, prefix: str = "edgernn-") -> Iterator[Path]:
    """A new folder that only this user can read, in `within` or where temporary files go; gone when the block ends.

    It is known before it is there until after it has gone, which tempfile's is not: an exception at any moment, like
    the one that a signal raises, does not leave it behind. Raises OSError when it can't be made.
    """
    folder = Path(within or tempfile.gettempdir(), prefix + secrets.token_urlsafe(6))
    _THERE.add(folder)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _THERE.discard(folder)


@atexit.register
def _remove_all() -> None:
    """What was interrupted while it was made or removed."""
    for folder in list(_THERE):
        _remove(folder)
