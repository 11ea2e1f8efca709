# SPDX-License-Identifier: Apache-2.0
"""Writes what TensorFlow's converter makes of cases: python -m benchmarks.peers.keras_files FOLDER...

WHILE and UNROLLED beside each case: Keras' layer with its weights in float32, which takes the case's samples as one
window; as a loop in the graph, and as a copy of its operators for every step.
"""

import os
import sys
from pathlib import Path

from benchmarks.peers.case import Case, read

WHILE, UNROLLED = "keras.tflite", "keras_unrolled.tflite"


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for folder in map(Path, sys.argv[1:]):
        case = read(folder)
        (folder / WHILE).write_bytes(_converted(case, unroll=False))
        (folder / UNROLLED).write_bytes(_converted(case, unroll=True))


def _converted(case: Case, *, unroll: bool) -> bytes:
    import keras
    import tensorflow

    kind = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[case.cell]
    layer = kind(case.units, return_sequences=True, unroll=unroll)
    inputs = keras.Input(batch_shape=(1, *case.x.shape))
    network = keras.Model(inputs, layer(inputs))
    layer.set_weights([case.weights[name] for name in ("kernel", "recurrent_kernel", "bias")])
    content: bytes = tensorflow.lite.TFLiteConverter.from_keras_model(network).convert()
    return content


if __name__ == "__main__":
    main()
