# SPDX-License-Identifier: Apache-2.0
"""A GRU, an LSTM and a stacked model on every board: every output and every state, bit for bit."""

from pathlib import Path

import numpy as np
import pytest

from edgernn import Model
from edgernn.device import boards, targets
from edgernn.golden import compute
from edgernn.quantize import quantize
from edgernn.validate import validate

MODELS = {
    "gru": [("gru", 32, {}), ("dense", 7, {})],
    "lstm": [("lstm", 24, {}), ("dense", 7, {})],
    "stacked": [
        ("lstm", 16, {}),
        ("gru", 17, {"reset_after": False}),
        ("dense", 9, {"activation": "relu"}),
        ("dense", 3, {}),
    ],
}
WINDOWS, STEPS, FEATURES = 8, 40, 6
VALUES = 10_000


@pytest.fixture(scope="session")
def made(make_model):
    """A model of these layers and what the specification gives for it, half of the windows far beyond its range."""
    kept = {}

    def make(name):
        if name not in kept:
            rng = np.random.default_rng(1)
            x = (rng.normal(size=(WINDOWS, STEPS, FEATURES)) * np.repeat([1, 30], WINDOWS // 2)[:, None, None]).astype(
                np.float32
            )
            lengths = np.full(WINDOWS, STEPS, np.int32)
            integer = quantize(
                make_model(*MODELS[name], features=FEATURES), x[: WINDOWS // 2], lengths[: WINDOWS // 2]
            ).model
            kept[name] = Model(Path(name), {}, integer), compute(integer, integer.quantize_input(x), lengths)
        return kept[name]

    return make


NIGHTLY = {
    (board, name) for board in ("qemu:cortex_m3", "qemu:cortex_m7", "qemu:cortex_m33") for name in ("gru", "lstm")
}
"""Their kernels are those of the Cortex-M0 or M4."""


@pytest.mark.parametrize(
    ("board", "name"),
    [
        pytest.param(board, name, marks=pytest.mark.nightly if (board, name) in NIGHTLY else ())
        for board in boards.targets()
        for name in MODELS
    ],
)
def test_every_value(made, board, name):
    model, expected = made(name)
    with targets.select([board])[0] as target:
        (result,) = validate(model, expected, [target]).runtimes
    assert (result.status, result.reason, result.first_difference) == ("agrees", "", None)
    assert result.mismatches == 0 and result.values >= VALUES
    assert result.steps == WINDOWS * STEPS
