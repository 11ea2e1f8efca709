# SPDX-License-Identifier: Apache-2.0
"""Waiting for what another process does."""

import time
from collections.abc import Callable

_LONGEST = 60.0
"""Seconds: never reached on a machine that is merely busy."""


def wait_until(condition: Callable[[], object]) -> None:
    """Returns once the condition holds. Raises AssertionError when it takes too long."""
    deadline = time.monotonic() + _LONGEST
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
