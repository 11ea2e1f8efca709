# SPDX-License-Identifier: Apache-2.0
"""What C and C++ code writes to stderr although it can't be told not to."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def held_back(known: Callable[[bytes], bool]) -> Iterator[None]:
    """Keeps lines that are `known` away from stderr while the block runs, of all threads; others follow at its end.

    A block that fails gets them all. Does nothing where stderr is closed.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:
        yield
        return
    failed = True
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), _STDERR)
        try:
            yield
            failed = False
        finally:
            os.dup2(kept, _STDERR)
            written.seek(0)
            for line in written:
                if failed or not known(line):
                    os.write(kept, line)
            os.close(kept)
