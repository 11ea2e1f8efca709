# SPDX-License-Identifier: Apache-2.0
"""Makes the intermediate results of any .tflite readable, on kernels that keep none of them."""

from edgernn.backends.tflite.graph import pack, schema


def with_all_outputs(model: bytes) -> bytes:
    """The same model with everything that its main graph computes as an output, in graph order.

    Outputs go by tensor names (`Interpreter.get_output_details`); signatures are left out, since theirs no longer hold.
    """
    exposed = schema().ModelT.InitFromPackedBuf(model)
    main = exposed.subgraphs[0]
    main.outputs = [int(tensor) for operator in main.operators or [] for tensor in operator.outputs]
    exposed.signatureDefs = None
    return pack(exposed)
