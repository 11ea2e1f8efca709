# SPDX-License-Identifier: Apache-2.0
"""Folders in the user's cache that are there whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgernn.errors import MissingExtraError, WorkerError
from edgernn.scratch import scratch

VARIABLE = "EDGERNN_CACHE"
"""Names another folder for what edgernn keeps."""


class StoredFolder:
    """A folder named after what is in it: `name`, which is no beginning of another's, and `key`, a version."""

    def __init__(self, name: str, key: str) -> None:
        self._name, self._key = name, key

    @property
    def path(self) -> Path:
        """Where it is or would be. Raises MissingExtraError without platformdirs."""
        return _cache() / f"{self._name}-{self._key}"

    def exists(self) -> bool:
        """Whether it is there. Nothing is where the cache folder can't be found or read."""
        with suppress(MissingExtraError):
            return os.path.exists(self.path)
        return False

    def make(self, fill: Callable[[Path], None]) -> None:
        """Fills a folder aside and renames it; does nothing when it is there.

        One process makes it and others wait for that one. Whatever ends it, a signal or an error of `fill`, there is
        no folder then; what a killed process leaves aside goes the next time. Raises WorkerError when files can't be
        written.
        """
        with self._explained(), self._alone():
            if self.exists():
                return
            self._clean()
            with scratch(self.path.parent, self._aside) as aside:
                fill(aside)
                aside.rename(self.path)

    def remove(self) -> bool:
        """Takes it away, with any key; returns whether there was one."""
        if not os.path.exists(self.path.parent):
            return False
        with self._explained(), self._alone():
            found = list(self.path.parent.glob(f"{self._name}-*"))
            for folder in found:
                folder.rename(tempfile.mkdtemp(prefix=self._aside, dir=self.path.parent))
            self._clean()
            return bool(found)

    @property
    def _aside(self) -> str:
        return f".{self._name}-"

    def _clean(self) -> None:
        """What is aside while nobody else makes this folder is left from one that was killed."""
        for left in self.path.parent.glob(f"{self._aside}*"):
            shutil.rmtree(left)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        import fcntl

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.parent / f"{self._name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WorkerError(
                f"{error.filename or self.path.parent} can't be written ({error.strerror}): make room, or set "
                f"{VARIABLE} to another folder"
            ) from error


def _cache() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).absolute() / "runtimes"
    try:
        import platformdirs
    except ImportError as error:
        raise MissingExtraError("finding the cache folder", "platformdirs", "runtimes") from error
    return platformdirs.user_cache_path("edgernn") / "runtimes"
