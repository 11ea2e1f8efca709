# SPDX-License-Identifier: Apache-2.0
"""Makes the models of this folder: python make.py, once with each version of Keras, into a folder of its name.

They were made with Keras 3.15.1 (TensorFlow 2.21.0), 2.15.0 (2.15.1) and 2.12.0 (2.12.1). Beside each model is an .npz
file of windows `x`, their `lengths`, what Keras computes of them, `y`, and `versions`.
"""

import os
import platform
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import h5py
import keras
import numpy as np
import tensorflow

STEPS, FEATURES = 9, 3
KERAS_3 = keras.__version__.startswith("3")
FOLDER = Path(__file__).parent / keras.__version__
rng = np.random.default_rng(4)
K = keras.layers


def normalization(**options):
    layer = K.Normalization(**options)
    if "mean" not in options:
        layer.adapt(rng.normal(3, 2, (40, STEPS, FEATURES)).astype(np.float32))
    return layer


def gru_stack():
    """Both kinds of GRU, without and with a bias, and all that may stand around them."""
    return keras.Sequential(
        [
            K.Input((STEPS, FEATURES)),
            normalization(),
            K.Rescaling([0.5, 2.0, -1.0], offset=np.array([0.1, 0.2, 0.3]) if KERAS_3 else [0.1, 0.2, 0.3]),
            K.GaussianNoise(0.1),
            K.GRU(5, return_sequences=True, dropout=0.2, recurrent_dropout=0.1),
            K.SpatialDropout1D(0.2),
            K.GRU(4, return_sequences=True, use_bias=False),
            K.Reshape((STEPS, 4)),
            K.GRU(4, reset_after=False, unroll=True),
            K.Dropout(0.3, seed=1),
            K.Flatten(),
            K.Dense(6, activation="relu", use_bias=False),
            K.Dense(5, activation="tanh"),
            K.Dense(3, activation="softmax"),
        ]
    )


def lstm_functional():
    """A mask, a subscript, activations of their own, and targets."""
    inputs = outputs = K.Input((None, FEATURES))
    outputs = K.Masking(0.0)(outputs)
    outputs = K.LSTM(5, return_sequences=True)(outputs)
    outputs = K.LSTM(4, return_sequences=True, use_bias=False)(outputs)
    outputs = K.Dense(4)(outputs[:, -1, :])
    outputs = K.ReLU()(outputs)
    outputs = K.Activation("sigmoid")(K.Dense(4)(outputs))
    return keras.Model(inputs, K.Dense(2, name="head")(outputs))


def cells_per_step():
    """Cells, stacked and single, and an output for every step."""
    return keras.Sequential(
        [
            K.Input((None, FEATURES)),
            normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.0, 9.0]) if KERAS_3 else K.Rescaling(0.5),
            K.RNN([K.GRUCell(4), K.LSTMCell(3), K.LSTMCell(5), K.GRUCell(3, reset_after=False)], return_sequences=True),
            K.RNN(K.SimpleRNNCell(4, use_bias=False), return_sequences=True),
            K.SimpleRNN(4, return_sequences=True),
            K.TimeDistributed(K.Dense(4, activation="relu")),
            K.TimeDistributed(K.Dropout(0.1)),
            K.Dense(3),
            K.Softmax(),
        ]
    )


def bidirectional_concat():
    return keras.Sequential([K.Input((STEPS, FEATURES)), normalization(), K.Bidirectional(K.LSTM(4)), K.Dense(3)])


def bidirectional_sum():
    layer = K.Bidirectional(K.GRU(4, use_bias=False), merge_mode="sum")
    return keras.Sequential([K.Input((STEPS, FEATURES)), layer, K.Dense(3, activation="softmax")])


def bidirectional_average():
    """With a backward layer of its own, and a cell."""
    forward, backward = K.RNN(K.SimpleRNNCell(4)), K.RNN(K.SimpleRNNCell(4), go_backwards=True)
    layer = K.Bidirectional(forward, merge_mode="ave", backward_layer=backward)
    return keras.Sequential([K.Input((None, FEATURES)), layer, K.Dense(3)])


def stateful():
    options = {"batch_shape": (1, STEPS, FEATURES)} if KERAS_3 else {"batch_input_shape": (1, STEPS, FEATURES)}
    return keras.Sequential([K.InputLayer(**options), K.GRU(4, stateful=True), K.Dense(2)])


def nested():
    """Models in models, the inner ones partly frozen, so that .h5 files have their weights in another order."""
    body = keras.Sequential(
        [
            K.Input((STEPS, FEATURES)),
            normalization(invert=True),
            K.GRU(4, return_sequences=True, trainable=False),
            K.GRU(4),
        ]
    )
    inner = K.Input((4,))
    head = keras.Model(inner, K.Dense(2)(K.Dense(4, activation="tanh", trainable=False)(inner)))
    inputs = K.Input((STEPS, FEATURES))
    return keras.Model(inputs, head(body(inputs)))


def low_precision():
    """Weights of 16 bits. What Keras computes in them is not compared closely."""
    return keras.Sequential(
        [
            K.Input((STEPS, FEATURES)),
            K.GRU(4, return_sequences=True, dtype="mixed_bfloat16"),
            K.GRU(4, dtype="float16"),
            K.Dense(2, dtype="bfloat16"),
        ]
    )


MODELS = [gru_stack, lstm_functional, cells_per_step, bidirectional_concat, bidirectional_sum, bidirectional_average]
MODELS += [stateful, nested, *([low_precision] if KERAS_3 else [])]
if keras.__version__.startswith("2.12"):
    # The first version with .keras files, in which weights have other names; it loses those of nested models.
    MODELS = [gru_stack, lstm_functional, cells_per_step, bidirectional_concat]


def randomize(model):
    """Weights as training might leave them: biases that are not zero."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            randomize(layer)
        elif "normalization" not in layer.name:
            weights = layer.get_weights()
            layer.set_weights([rng.normal(0, 0.5, weight.shape).astype(weight.dtype) for weight in weights])


def windows(model):
    x = rng.normal(1, 2, (1 if model.inputs[0].shape[0] == 1 else 4, STEPS, FEATURES)).astype(np.float32)
    lengths = np.full(len(x), STEPS)
    if any(isinstance(layer, K.Masking) for layer in model.layers):
        lengths = np.array([9, 5, 1, 7])
        x[np.arange(STEPS) >= lengths[:, None]] = 0
    return x, lengths


def save(model, name):
    """Writes the model as .keras and .h5, and what it computes. The .keras file is read back by Keras; of the .h5 files
    it can't read those with a mask (version 3), and mixes up the weights of frozen layers in a nested model."""
    x, lengths = windows(model)
    paths = FOLDER / f"{name}.keras", FOLDER / f"{name}.h5"
    zipped = {"save_format": "keras_v3"} if keras.__version__.startswith("2.12") else {}
    model.save(paths[0], **zipped)
    model.save(paths[1])
    y = np.asarray(model(x), np.float32)
    if name != "lstm_functional" or not keras.__version__.startswith("2.12"):
        # Keras 2.12 can't load a ReLU layer that it saved.
        np.testing.assert_allclose(keras.models.load_model(paths[0], compile=False)(x), y, atol=1e-6)
    versions = [f"keras {keras.__version__}", f"tensorflow {tensorflow.__version__}", f"h5py {h5py.__version__}"]
    versions += [f"numpy {np.__version__}", f"python {platform.python_version()}"]
    np.savez_compressed(FOLDER / f"{name}.npz", x=x, y=y, lengths=lengths, versions=versions)


def main():
    FOLDER.mkdir(exist_ok=True)
    for function in MODELS:
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        model = function()
        randomize(model)
        save(model, function.__name__)


if __name__ == "__main__":
    main()
