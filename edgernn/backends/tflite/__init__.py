# SPDX-License-Identifier: Apache-2.0
"""TFLite models of one streaming step, batch 1: written as flatbuffers directly, run by LiteRT's kernels
here, and by those of other runtimes in environments of their own.

`export` writes model.tflite (integers) and model_float.tflite. Both have one signature, `step`: inputs `x` and the
states, outputs `y` and the new states under the same keys, all of shape [1, size]. The key of a state is its name with
"_" for "/", so that a runner takes it as a keyword: `runner(x=..., gru_0_h=...)`. The metadata entry `edgernn` is JSON
with the task, the names and the normalization of inputs and outputs.
"""

from edgernn.backends.tflite import elsewhere, runtime
from edgernn.backends.tflite.write import export

__all__ = ["RUNTIMES", "export"]

RUNTIMES = (*runtime.RUNTIMES, *elsewhere.RUNTIMES)
