# SPDX-License-Identifier: Apache-2.0
"""Networks of every cell, and windows to calibrate them on."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

NETWORKS: dict[str, list[tuple[str, int, dict[str, Any]]]] = {
    "rnn": [("rnn", 6, {}), ("dense", 3, {})],
    "gru": [("gru", 6, {}), ("dense", 3, {})],
    "gru of the paper": [("gru", 6, {"reset_after": False}), ("dense", 3, {})],
    "lstm": [("lstm", 6, {}), ("dense", 3, {})],
    "stack": [("rnn", 4, {}), ("gru", 4, {}), ("gru", 4, {"reset_after": False}), ("lstm", 4, {})],
    "dense": [("lstm", 5, {})]
    + [("dense", 4, {"activation": activation}) for activation in ("relu", "sigmoid", "tanh", "linear")],
}


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS)
def layers(request: pytest.FixtureRequest) -> list[tuple[str, int, dict[str, Any]]]:
    """The layers of a network, as `make_model` takes them."""
    found: list[tuple[str, int, dict[str, Any]]] = request.param
    return found


@pytest.fixture(scope="session")
def windows() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Raw windows [16, 20, 5], with sines and an outlier, and their lengths."""
    rng = np.random.default_rng(0)
    time = np.arange(20)[:, None]
    x = np.sin(time * rng.uniform(0.1, 1, (16, 1, 5))) + 0.3 * rng.normal(size=(16, 20, 5))
    x[3, 7, 2] = 9
    return x.astype(np.float32), rng.integers(5, 21, 16).astype(np.int32)
