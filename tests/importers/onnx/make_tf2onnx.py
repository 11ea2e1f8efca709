# SPDX-License-Identifier: Apache-2.0
"""Writes tf2onnx/: Keras models that tf2onnx converted to ONNX, what they compute, and the versions that did it.

In an environment of its own, with Python 3.11: pip install tensorflow-cpu==2.15.1 tf2onnx==1.17.0 onnx==1.16.2
"numpy<2", then python make_tf2onnx.py. NAME.npz has windows x [n, T, F] and y, what Keras computes with the model of
NAME.onnx.
"""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

FOLDER = Path(__file__).with_name("tf2onnx")
FEATURES, UNITS, OUTPUTS, STEPS, WINDOWS = 3, 6, 4, 11, 5


def normalization() -> keras.layers.Layer:
    return layers.Normalization(mean=[0.5, -1.0, 2.0], variance=[4.0, 0.25, 2.25])


def models() -> dict[str, list[keras.layers.Layer]]:
    return {
        "gru": [layers.GRU(UNITS), layers.Dense(OUTPUTS)],
        "gru_reset_before": [layers.GRU(UNITS, reset_after=False), layers.Dense(OUTPUTS, activation="tanh")],
        "gru_no_bias": [layers.GRU(UNITS, use_bias=False), layers.Dense(OUTPUTS, use_bias=False)],
        "lstm": [layers.LSTM(UNITS), layers.Dense(OUTPUTS, activation="softmax")],
        "rnn": [layers.SimpleRNN(UNITS), layers.Dense(OUTPUTS, activation="sigmoid")],
        "lstm_every_step": [layers.LSTM(UNITS, return_sequences=True), layers.TimeDistributed(layers.Dense(OUTPUTS))],
        "gru_stacked": [
            normalization(),
            layers.GRU(UNITS, return_sequences=True),
            layers.Dropout(0.3),
            layers.LSTM(5),
            layers.Dense(7, activation="relu"),
            layers.Dense(OUTPUTS, activation="softmax"),
        ],
        "gru_rescaled": [layers.Rescaling(0.25, offset=-0.5), layers.GRU(UNITS), layers.Dense(OUTPUTS)],
        "lstm_both": [layers.Bidirectional(layers.LSTM(UNITS)), layers.Dense(OUTPUTS)],
        "gru_both": [layers.Bidirectional(layers.GRU(UNITS)), layers.Dense(OUTPUTS)],
        "gru_both_average": [layers.Bidirectional(layers.GRU(UNITS), merge_mode="ave"), layers.Dense(OUTPUTS)],
        "lstm_both_sum": [layers.Bidirectional(layers.LSTM(UNITS), merge_mode="sum"), layers.Dense(OUTPUTS)],
        "rnn_both": [layers.Bidirectional(layers.SimpleRNN(UNITS)), layers.Dense(OUTPUTS)],
        "gru_both_every_step": [
            layers.Bidirectional(layers.GRU(UNITS, return_sequences=True)),
            layers.Dense(OUTPUTS),
        ],
        "lstm_dense_every_step": [layers.LSTM(UNITS, return_sequences=True), layers.Dense(OUTPUTS)],
        "gru_pooled": [
            layers.GRU(UNITS, return_sequences=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(OUTPUTS),
        ],
    }


def write(name: str, given: list[keras.layers.Layer], x: np.ndarray) -> None:
    model = keras.Sequential([keras.Input((None, FEATURES)), *given])
    rng = np.random.default_rng(5)
    for layer in given:
        if not isinstance(layer, layers.Normalization):
            layer.set_weights([rng.normal(0, 0.5, weight.shape) for weight in layer.get_weights()])
    signature = [tf.TensorSpec((None, None, FEATURES), tf.float32, name="x")]
    tf2onnx.convert.from_keras(model, signature, opset=17, output_path=str(FOLDER / f"{name}.onnx"))
    np.savez(FOLDER / f"{name}.npz", x=x, y=model.predict(x, verbose=0))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(1).normal(size=(WINDOWS, STEPS, FEATURES)).astype(np.float32)
    for name, given in models().items():
        write(name, given, x)
    versions = {package: version(package) for package in ("tensorflow-cpu", "keras", "tf2onnx", "onnx", "numpy")}
    text = json.dumps({"python": platform.python_version(), **versions}, indent=2)
    (FOLDER / "versions.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
