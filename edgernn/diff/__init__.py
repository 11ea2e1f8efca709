# SPDX-License-Identifier: Apache-2.0
"""Where kernels differ on a .tflite file that anybody made: the first operator, with its inputs and both results.

`graph` reads the file, `samples` the data, `paths` are the kernels in processes of their own, `compare` runs them side
by side, `exact` tells what an operator should give in real numbers.
"""
