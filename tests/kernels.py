# SPDX-License-Identifier: Apache-2.0
"""The native engine's kernels, each forced in turn. A plugin of conftest.py."""

import pytest

from edgernn.native import _engine

VARIABLE = "EDGERNN_KERNELS"
FAMILIES = _engine.families()
"""Those that this machine can run."""


@pytest.fixture(params=FAMILIES)
def kernel_family(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each family: models that a test loads are of it."""
    monkeypatch.setenv(VARIABLE, request.param)
    return str(request.param)
