# SPDX-License-Identifier: Apache-2.0
"""From a float model and calibration windows to the integer model: `quantize`."""

from edgernn.quantize.quantize import Quantized, quantize
from edgernn.quantize.report import LayerReport

__all__ = ["LayerReport", "Quantized", "quantize"]
