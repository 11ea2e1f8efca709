# SPDX-License-Identifier: Apache-2.0
"""Makes the intermediate results of any .tflite readable, on kernels that keep none of them."""

from collections.abc import Sequence

from edgernn.backends.tflite.graph import pack, schema


def with_all_outputs(model: bytes) -> bytes:
    """The same model with everything that its main graph computes as an output, in graph order.

    Outputs go by tensor names (`Interpreter.get_output_details`); signatures are left out, since theirs no longer hold.
    """
    main = schema().ModelT.InitFromPackedBuf(model).subgraphs[0]
    return with_outputs(model, [int(tensor) for operator in main.operators or [] for tensor in operator.outputs])


def with_outputs(model: bytes, tensors: Sequence[int]) -> bytes:
    """The same model with these tensors of its main graph as its outputs, and without signatures."""
    exposed = schema().ModelT.InitFromPackedBuf(model)
    exposed.subgraphs[0].outputs = list(tensors)
    exposed.signatureDefs = None
    return pack(exposed)
