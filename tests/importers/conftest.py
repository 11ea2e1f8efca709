# SPDX-License-Identifier: Apache-2.0
"""Models as a reader hands them over, and windows for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn import cells
from edgernn.importers.chain import Chain, Imported
from edgernn.model import FloatModel, Interface

FEATURES, STEPS = 3, 9
GAIN, OFFSET = np.array([2.0, -30.0, 0.01]), np.array([5.0, 60.0, -0.02])


def random_weights(rng: np.random.Generator, kind: str, inputs: int, units: int, options: Any) -> dict[str, Any]:
    shapes = cells.get(kind).shapes(inputs, units, **options)
    return {name: rng.normal(0, 1 / np.sqrt(shape[0]), shape) for name, shape in shapes.items()}


@pytest.fixture(scope="session")
def make_imported() -> Callable[..., Imported]:
    """A recurrent layer of 4 units and a dense one, random weights.

    normalizes: the file scales the inputs itself; ways: 2 reads from both ends; gain, offset: of the dense layer.
    """

    def make(
        kind: str = "gru",
        options: dict[str, Any] | None = None,
        *,
        normalizes: bool = False,
        ways: int = 1,
        outputs: int = 3,
        activation: str = "softmax",
        sequences: bool = False,
        gain: float = 1.0,
        offset: float = 0.0,
    ) -> Imported:
        rng, chain = np.random.default_rng(0), Chain(FEATURES)
        options = dict(cells.get(kind).OPTIONS) if options is None else options
        if normalizes:
            chain.affine(1 / GAIN, -OFFSET / GAIN, "normalization")
        weights = [random_weights(rng, kind, FEATURES, 4, options) for _ in range(ways)]
        if not normalizes:
            weights = [{**one, "kernel": one["kernel"] / GAIN[:, None]} for one in weights]
        if ways == 1:
            chain.recurrent(kind, weights[0], options, sequences=sequences, where="recurrent")
        else:
            chain.bidirectional(kind, *weights, options, merge="concat", sequences=False, where="bidirectional")
        chain.dense(gain * rng.normal(size=(4 * ways, outputs)), np.full(outputs, offset), where="dense")
        chain.activation(activation, where="activation")
        return chain.finish()

    return make


@pytest.fixture
def calibration(tmp_path: Path) -> Callable[..., Path]:
    """Writes 20 windows of 3 channels and several lengths to an .npz file, each channel in a range of its own; keywords
    change its arrays, None leaves one out.
    """

    def write(**changed: Any) -> Path:
        rng = np.random.default_rng(1)
        x = rng.normal(size=(20, STEPS, FEATURES)) * np.abs(GAIN) + OFFSET
        arrays = {"x": x, "lengths": rng.integers(3, STEPS + 1, 20), **changed}
        path = tmp_path / "calibration.npz"
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
        return path

    return write


@pytest.fixture(scope="session")
def computed() -> Callable[..., Any]:
    """What a model that was read computes of whole windows [n, T, F]: [n, K], or [n, T, K] per step."""

    def compute(imported: Imported, x: Any) -> Any:
        size, units, ways = imported.features, imported.layers[-1].units, 1 + imported.bidirectional
        zeros = np.zeros(size, np.float32)
        interface = Interface(
            task="regression",
            per_step=imported.per_step,
            features=tuple(map(str, range(size * ways))),
            outputs=tuple(map(str, range(units))),
            mean=np.tile(zeros if imported.mean is None else imported.mean, ways),
            std=np.tile(zeros + 1 if imported.std is None else imported.std, ways),
            target_mean=np.zeros(units, np.float32),
            target_std=np.ones(units, np.float32),
            window=x.shape[1],
            rate=0.0,
        )
        steps = np.concatenate([x, x[:, ::-1]], axis=-1) if imported.bidirectional else x
        y = FloatModel(interface, imported.layers).forward(steps)
        y = y if imported.per_step else y[:, -1]
        if imported.softmax:
            y = np.exp(y - y.max(axis=-1, keepdims=True))
            y /= y.sum(axis=-1, keepdims=True)
        return y

    return compute
