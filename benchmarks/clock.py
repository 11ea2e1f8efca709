# SPDX-License-Identifier: Apache-2.0
"""Times of something that computes in one thread. Standard library only."""

import time
from collections.abc import Callable

_TRIES = 5
_WAITED = 1.02
"""Seconds that passed by seconds that were computed: above, another program had the processor."""

Times = tuple[float, float]
"""Seconds that passed, and those that all threads of the process computed."""


def timed(work: Callable[[], object]) -> Times:
    """The time of one call."""
    computed, start = time.process_time(), time.perf_counter()
    work()
    return time.perf_counter() - start, time.process_time() - computed


def undisturbed(turn: Callable[[], Times]) -> Times:
    """A turn in which no other program had the processor; the last of a few where there is none."""
    for _ in range(_TRIES):
        passed, computed = turn()
        if passed < _WAITED * computed:
            break
    return passed, computed
