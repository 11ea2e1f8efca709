# SPDX-License-Identifier: Apache-2.0
"""The integer program itself, and the interpreter of the specification that runs it."""

from pathlib import Path

from edgernn.artifact import write_model
from edgernn.backends.numpy.runtime import RUNTIMES
from edgernn.model import FloatModel, IntegerModel

__all__ = ["RUNTIMES", "export"]


def export(model: IntegerModel, original: FloatModel, name: str, folder: Path) -> None:
    """Writes model.json and weights.npz."""
    write_model(folder, model)
