# SPDX-License-Identifier: Apache-2.0
"""What the stock converter makes of a Keras network: python -m benchmarks.stock CELL UNITS WINDOWS.npz FOLDER [--plain]

Trains a recurrent layer with a dense one behind it for a few epochs on `x` [n, T, F] and `y` [n], and converts it to
8-bit integers by TensorFlow's `TFLiteConverter`, inputs and outputs included. Writes FOLDER/weights.npz, in the order
of Keras, and FOLDER/model.tflite, which takes a window and gives the last state and the logits. The layer is unrolled
over the window; --plain converts it, untrained, as it is.

A program of its own, because the converter may crash.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

EPOCHS = 15
SEED = 1
_CALIBRATION = 256
"""Windows that the converter takes its ranges from."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cell", choices=("gru", "lstm"))
    parser.add_argument("units", type=int)
    parser.add_argument("windows", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", action="store_true")
    chosen = parser.parse_args()
    with np.load(chosen.windows) as arrays:
        x, y = arrays["x"].astype(np.float32), arrays["y"]
    layers = chosen.cell, chosen.units, int(y.max()) + 1
    network = _network(*layers, (1, *x.shape[1:]), unroll=not chosen.plain)
    if not chosen.plain:
        network.set_weights(_trained(_network(*layers, (None, *x.shape[1:]), unroll=False), x, y))
    weights = network.get_weights()
    np.savez(chosen.folder / "weights.npz", **{f"{i}": weight for i, weight in enumerate(weights)})
    (chosen.folder / "model.tflite").write_bytes(convert(network, x))


def convert(network: Any, x: npt.NDArray[np.float32]) -> bytes:
    """The network as a full-integer model of one window, calibrated on windows x [n, T, F]."""
    import tensorflow

    converter = tensorflow.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representatives(x)
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    content: bytes = converter.convert()
    return content


def _representatives(x: npt.NDArray[np.float32]) -> Iterator[list[npt.NDArray[np.float32]]]:
    for window in x[:: max(len(x) // _CALIBRATION, 1)]:
        yield [window[None]]


def _network(cell: str, units: int, classes: int, shape: tuple[int | None, ...], *, unroll: bool) -> Any:
    """Takes windows of `shape` [n, T, F]; its weights depend on SEED alone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    keras.utils.set_random_seed(SEED)
    kind = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
    inputs = keras.Input(batch_shape=shape, name="x")
    state = kind(units, unroll=unroll, name=cell)(inputs)
    logits = keras.layers.Dense(classes, name="logits")(state)
    return keras.Model(inputs, {"state": state, "logits": logits})


def _trained(network: Any, x: npt.NDArray[np.float32], y: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
    """The network's weights after EPOCHS epochs."""
    import keras

    network = keras.Model(network.inputs, network.output["logits"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss)
    network.fit(x, y, epochs=EPOCHS, batch_size=64, verbose=0)
    weights: list[npt.NDArray[np.float32]] = network.get_weights()
    return weights


if __name__ == "__main__":
    main()
