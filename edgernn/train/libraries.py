# SPDX-License-Identifier: Apache-2.0
"""TensorFlow and Keras, imported once, quiet and deterministic."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from edgernn.errors import EdgernnError, MissingExtraError


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
        with _quiet():
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back what C++ code writes to stderr before it can be told not to, unless the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(kept, written.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
