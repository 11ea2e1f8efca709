# SPDX-License-Identifier: Apache-2.0
"""Post-training quantization."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgernn.errors import EdgernnError
from edgernn.model import FloatModel, IntegerModel
from edgernn.quantize.calibrate import calibrate
from edgernn.quantize.report import LayerReport, report
from edgernn.quantize.trace import trace
from edgernn.spec.ops import OPERAND_LIMIT

_LARGEST_WEIGHT = 2.0**20
"""No 8-bit scale holds more (`quantize_kernel`), and the float model would overflow before that is seen."""


@dataclass(frozen=True)
class Quantized:
    """The integer model and what became of each layer."""

    model: IntegerModel
    layers: tuple[LayerReport, ...]


def quantize(
    model: FloatModel,
    x: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.int32],
    operands: Literal["int8", "int16"] = "int8",
) -> Quantized:
    """The integer model whose scales fit raw calibration windows x [n, T, F] of these lengths.

    Weights are int8, states and gates int16; `operands` is the dtype of what matrices multiply.
    Raises EdgernnError when weights are too large to be represented, or no numbers.
    """
    _check_weights(model)
    calibrated = calibrate(model, x, lengths, OPERAND_LIMIT[operands])
    integer = IntegerModel(model.interface, trace(model, calibrated, operands))
    return Quantized(integer, report(model, integer, x, lengths))


def _check_weights(model: FloatModel) -> None:
    for name, affine in model.matrices().items():
        largest = max(np.abs(affine.weights).max(), np.abs(affine.bias).max())
        if not largest < _LARGEST_WEIGHT:
            raise EdgernnError(
                f"the weights of {name} are far too large or no numbers; train with a lower learning rate"
            )
