# SPDX-License-Identifier: Apache-2.0
"""What stands in a .tflite file: the tensors and operators of its main graph."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.backends.tflite.graph import schema
from edgernn.errors import ModelError

ABSENT = -1
"""Stands for an optional input that an operator does not have."""

DTYPES = {
    "BOOL": "bool",
    "FLOAT16": "float16",
    "FLOAT32": "float32",
    "FLOAT64": "float64",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "INT8": "int8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "UINT8": "uint8",
}
"""Types of the schema whose values are read and compared; others are strings, handles or packed."""

_HANDLES = ("RESOURCE", "VARIANT")


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the main graph.

    dtype: NumPy's name, or the schema's in lower case where values can't be read; scales, zero_points: none, one, or
    one for each index of `axis`; variable: keeps its values from one run to the next; data: the bytes of a constant.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    variable: bool
    data: npt.NDArray[np.uint8] | None

    @property
    def readable(self) -> bool:
        """Whether values can be read and compared."""
        return self.dtype in DTYPES.values()

    @property
    def constant(self) -> npt.NDArray[Any] | None:
        """The values of a constant; None for what is computed, and for what can't be read."""
        if self.data is None or not self.readable:
            return None
        dtype = np.dtype(self.dtype).newbyteorder("<")
        if self.data.size != math.prod(self.shape) * dtype.itemsize:
            return None
        return np.frombuffer(self.data.tobytes(), dtype).reshape(self.shape)

    def dequantize(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """(q - zero point) * scale of values in the tensor's shape, or of scalars where there is one scale at most."""
        if not self.scales:
            return values.astype(np.float64)
        broadcast = [1] * values.ndim
        if len(self.scales) > 1:
            broadcast[self.axis] = len(self.scales)
        scale, zero = (np.array(v, np.float64).reshape(broadcast) for v in (self.scales, self.zero_points))
        real: npt.NDArray[np.float64] = (values.astype(np.float64) - zero) * scale
        return real


@dataclass(frozen=True)
class Op:
    """An operator; inputs and outputs are indices of tensors, ABSENT for an optional input that is not given.

    kind: the schema's name, or the custom operator's own; activation: the fused one, "NONE" without; options: those of
    its options in the schema that are integers.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    activation: str
    options: Mapping[str, int] = field(default_factory=dict)

    @property
    def given(self) -> tuple[int, ...]:
        """The inputs that it has."""
        return tuple(tensor for tensor in self.inputs if tensor != ABSENT)


@dataclass(frozen=True, eq=False)
class Graph:
    """The main graph. input_keys, output_keys: indices of its tensors by their keys in its first signature."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_keys: Mapping[str, int]
    output_keys: Mapping[str, int]

    @property
    def results(self) -> tuple[int, ...]:
        """What operators compute and what can be read, in graph order, each tensor once."""
        computed = (tensor for op in self.ops for tensor in op.outputs)
        return tuple(dict.fromkeys(tensor for tensor in computed if self.tensors[tensor].readable))

    @property
    def keeps_state(self) -> bool:
        """Whether something in it may last from one run to the next."""
        handles = any(tensor.dtype.upper() in _HANDLES for tensor in self.tensors)
        return handles or any(tensor.variable for tensor in self.tensors)

    def label(self, tensor: int) -> str:
        """How a user knows a tensor: the key of an input or output in the signature, otherwise its name."""
        keys = {index: key for known in (self.output_keys, self.input_keys) for key, index in known.items()}
        return keys.get(tensor, self.tensors[tensor].name)

    def keeps(self, op: Op) -> bool:
        """Whether an operator reads what an earlier run left, which no input shows."""
        used = [self.tensors[tensor] for tensor in op.given]
        return any(tensor.variable or tensor.dtype.upper() in _HANDLES for tensor in used)


def read(content: bytes) -> Graph:
    """The main graph of a file whose flatbuffer a runtime has verified. Raises ModelError, MissingExtraError."""
    classes = schema()
    try:
        model = classes.ModelT.InitFromPackedBuf(content)
        return _graph(classes, model)
    except ModelError:
        raise
    except Exception as error:
        # The generated classes raise whatever damaged bytes lead to.
        raise ModelError(f"it is no TFLite model or a damaged one ({type(error).__name__})") from error


def _graph(classes: Any, model: Any) -> Graph:
    main = model.subgraphs[0]
    if any(buffer.offset > 1 for buffer in _list(model.buffers)):
        raise ModelError("it keeps its constants behind the flatbuffer, which is not supported")
    types = {number: name for name, number in vars(classes.TensorType).items() if not name.startswith("_")}
    tensors = tuple(_tensor(model, i, tensor, types[tensor.type]) for i, tensor in enumerate(main.tensors))
    kinds = {number: name for name, number in vars(classes.BuiltinOperator).items() if not name.startswith("_")}
    activations = {n: name for name, n in vars(classes.ActivationFunctionType).items() if not name.startswith("_")}
    ops = []
    for i, operator in enumerate(_list(main.operators)):
        kind = _kind(model.operatorCodes[operator.opcodeIndex], kinds)
        given = {} if operator.builtinOptions is None else vars(operator.builtinOptions)
        options = {name: value for name, value in given.items() if type(value) is int}
        fused = activations[options.get("fusedActivationFunction", 0)]
        ops.append(Op(i, kind, _indices(operator.inputs), _indices(operator.outputs), fused, options))
    inputs, outputs = _indices(main.inputs), _indices(main.outputs)
    signature = next((s for s in _list(model.signatureDefs) if s.subgraphIndex == 0), None)
    graph = Graph(
        tensors,
        tuple(ops),
        inputs,
        outputs,
        _keys(signature.inputs if signature else None),
        _keys(signature.outputs if signature else None),
    )
    _check(graph)
    return graph


def _tensor(model: Any, index: int, tensor: Any, kind: str) -> Tensor:
    quantization = tensor.quantization
    scales = [] if quantization is None else [float(scale) for scale in _list(quantization.scale)]
    zeros = [] if quantization is None else [int(zero) for zero in _list(quantization.zeroPoint)]
    if len(zeros) < 2:
        zeros = (zeros or [0]) * len(scales)
    if len(zeros) != len(scales):
        raise ModelError(f"tensor {index} has {len(scales)} scales and {len(zeros)} zero points")
    axis = 0 if quantization is None else int(quantization.quantizedDimension)
    shape = _indices(tensor.shape)
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise ModelError(f"tensor {index} has {len(scales)} scales, which don't fit its shape {list(shape)}")
    data = model.buffers[tensor.buffer].data
    return Tensor(
        index=index,
        name=_text(tensor.name) or f"tensor {index}",
        shape=shape,
        dtype=DTYPES.get(kind, kind.lower()),
        scales=tuple(scales),
        zero_points=tuple(zeros),
        axis=axis,
        variable=bool(tensor.isVariable),
        data=None if data is None or len(data) == 0 else np.asarray(data, np.uint8),
    )


def _kind(code: Any, kinds: Mapping[int, str]) -> str:
    if code.customCode:
        return _text(code.customCode)
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return kinds.get(number, f"operator {number}")


def _keys(entries: Any) -> dict[str, int]:
    return {_text(entry.name): int(entry.tensorIndex) for entry in _list(entries)}


def _check(graph: Graph) -> None:
    used = [*graph.inputs, *graph.outputs, *graph.input_keys.values(), *graph.output_keys.values()]
    used += [tensor for op in graph.ops for tensor in (*op.given, *op.outputs)]
    wrong = [tensor for tensor in used if not 0 <= tensor < len(graph.tensors)]
    if wrong:
        raise ModelError(f"it uses tensor {wrong[0]}, but has {len(graph.tensors)}")
    if not (set(graph.input_keys.values()) <= {*graph.inputs} and set(graph.output_keys.values()) <= {*graph.outputs}):
        raise ModelError("its signature names tensors that are no inputs or outputs")


def _indices(numbers: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in _list(numbers))


def _list(entries: Sequence[Any] | None) -> Sequence[Any]:
    return [] if entries is None else list(entries)


def _text(name: bytes | str | None) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""
    return "".join(c if c.isprintable() else "?" for c in text)
