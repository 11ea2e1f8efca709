# SPDX-License-Identifier: Apache-2.0
"""TensorFlow and Keras, imported once, quiet and deterministic."""

import os
from functools import cache
from typing import Any

from edgernn.errors import EdgernnError, MissingExtraError
from edgernn.stderr import held_back


def check_installed() -> None:
    """Raises MissingExtraError when TensorFlow or Keras is not installed, without importing them."""
    MissingExtraError.require("training", "train", "tensorflow", "keras")


@cache
def tensorflow_and_keras() -> tuple[Any, Any]:
    """The modules tensorflow and keras.

    Raises MissingExtraError when one is not installed, EdgernnError when Keras was set up with another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with held_back(lambda line: True):
            import keras
            import tensorflow
    except ModuleNotFoundError as error:
        raise MissingExtraError("training", error.name or "tensorflow", "train") from error
    if keras.backend.backend() != "tensorflow":
        raise EdgernnError("training needs Keras on TensorFlow: run with KERAS_BACKEND=tensorflow")
    tensorflow.config.experimental.enable_op_determinism()
    # A fold or a stage of a build compiles a network of its own, which TensorFlow takes for a mistake.
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow, keras
