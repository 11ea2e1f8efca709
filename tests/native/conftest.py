# SPDX-License-Identifier: Apache-2.0
"""Programs as bytes, and the extension around them."""

from collections.abc import Callable

import numpy as np
import pytest

from edgernn.native import _engine
from edgernn.native.serialize import serialize
from edgernn.spec.program import Program


@pytest.fixture(scope="session")
def buffers(all_programs: dict[str, Program]) -> dict[str, bytes]:
    """All programs, serialized, by their names."""
    return {name: serialize(program) for name, program in all_programs.items()}


@pytest.fixture(scope="session")
def engine_of() -> Callable[..., _engine.Model]:
    """Loads bytes that have so many features and outputs, with scales of one."""

    def load(buffer: bytes, features: int = 1, outputs: int = 1) -> _engine.Model:
        one, none = (np.full(features, value, np.float32) for value in (1, 0))
        return _engine.Model(buffer, none, one, 1.0, np.ones(outputs, np.float32), np.zeros(outputs, np.float32))

    return load
