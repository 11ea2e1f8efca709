# SPDX-License-Identifier: Apache-2.0
"""ONNX models in the default operators alone: the streaming step in integers, and the float model over sequences.

`export` writes model.onnx and model_float.onnx. Both take `x` and the states, and give `y` and the new states; a state
goes in by its name with "_" for "/", as in `gru_0_h`, and comes out as `gru_0_h_out`. In model.onnx all of them are
integers [batch, size]: the batch is free, so that one run steps any number of streams. In model_float.onnx x and y are
[steps, batch, size]. The metadata entry `edgernn` is JSON with the task, the names and the normalization of inputs and
outputs. Integers mean nothing without their scales: `edgernn.scales` in model.onnx is JSON with what one unit of each
input and output stands for, `edgernn.limit` the largest magnitude of a value of x.
"""

from edgernn.backends.onnx.runtime import RUNTIMES
from edgernn.backends.onnx.write import export

__all__ = ["RUNTIMES", "export"]
