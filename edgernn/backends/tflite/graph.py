# SPDX-License-Identifier: Apache-2.0
"""Writes .tflite files: a graph builder over the schema classes of ai-edge-litert.

The only place that knows the schema (`schema.fbs` of TensorFlow Lite). The same graph gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import MissingExtraError

SIGNATURE = "step"
"""Key of the only signature of a file."""

_ALIGNMENT = 16
"""Kernels read constants where they lie in the file, and may use vector loads."""

_FILE_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
_LAST_OLD_CODE = 127
"""Operator codes above it do not fit the one-byte field that old readers use."""

_OPTIONS = {
    "ADD": "AddOptions",
    "CAST": "CastOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "QUANTIZE": "QuantizeOptions",
    "SPLIT": "SplitOptions",
    "SUB": "SubOptions",
}

_VERSIONS = {
    ("ADD", "int16"): 3,
    ("CAST", "int16"): 3,
    ("FULLY_CONNECTED", "int16"): 7,
    ("LOGISTIC", "int16"): 3,
    ("MAXIMUM", "int16"): 4,
    ("MAXIMUM", "int8"): 2,
    ("MINIMUM", "int16"): 4,
    ("MUL", "int16"): 4,
    ("QUANTIZE", "int16"): 2,
    ("RELU", "int16"): 3,
    ("SPLIT", "int16"): 4,
    ("SUB", "int16"): 5,
    ("TANH", "int16"): 3,
}
"""The first version of an operator with a kernel for results of that dtype, where it is not 1."""


def schema() -> ModuleType:
    """The generated schema classes. Raises MissingExtraError when ai-edge-litert is not installed."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise MissingExtraError("exporting to TFLite", "ai-edge-litert", "litert") from error
    module: ModuleType = schema_py_generated
    return module


class Graph:
    """A graph under construction. Tensors are known by the index that `tensor` and `constant` return."""

    def __init__(self) -> None:
        self._schema = schema()
        self._tensors: list[Any] = []
        self._dtypes: list[str] = []
        self._operators: list[Any] = []
        self._codes: dict[tuple[str, int], int] = {}
        self._buffers: list[bytes] = [b""]

    def tensor(self, name: str, shape: Sequence[int], dtype: str, frac: int | None = None) -> int:
        """A value: float32, or integers q that stand for q * 2**-frac."""
        return self._add(name, shape, dtype, None if frac is None else [frac], 0)

    def constant(self, name: str, data: npt.NDArray[Any], frac: int | npt.NDArray[Any] | None = None) -> int:
        """A constant with one `frac`, or one for each row (index of axis 0)."""
        fracs = None if frac is None else np.atleast_1d(np.asarray(frac)).tolist()
        self._buffers.append(np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes())
        return self._add(name, data.shape, data.dtype.name, fracs, len(self._buffers) - 1)

    def op(self, kind: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """Appends the builtin operator `kind`; `options` are the fields of its options in the schema."""
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._code(kind, self._dtypes[outputs[0]])
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if kind in _OPTIONS:
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, _OPTIONS[kind])
            operator.builtinOptions = getattr(self._schema, f"{_OPTIONS[kind]}T")(**options)
        self._operators.append(operator)

    def cast(self, source: int, target: int) -> None:
        """Appends a CAST, whose options repeat the dtypes of its tensors."""
        types = self._tensors[source].type, self._tensors[target].type
        self.op("CAST", [source], [target], inDataType=types[0], outDataType=types[1])

    def finish(self, inputs: Mapping[str, int], outputs: Mapping[str, int], metadata: Mapping[str, bytes]) -> bytes:
        """The file, with the tensors of the signature SIGNATURE by key and in order, and its named metadata."""
        model = self._schema.ModelT(version=_SCHEMA_VERSION, description="edgernn")
        model.subgraphs = [self._subgraph(inputs, outputs)]
        model.operatorCodes = [self._operator_code(kind, version) for kind, version in self._codes]
        model.signatureDefs = [self._signature(inputs, outputs)]
        first = len(self._buffers)
        model.metadata = [self._schema.MetadataT(name, first + i) for i, name in enumerate(metadata)]
        model.buffers = [self._buffer(data) for data in (*self._buffers, *metadata.values())]
        return pack(model)

    def _add(self, name: str, shape: Sequence[int], dtype: str, fracs: list[int] | None, buffer: int) -> int:
        tensor = self._schema.TensorT(name=name, shape=list(shape), buffer=buffer)
        tensor.type = getattr(self._schema.TensorType, dtype.upper())
        if fracs is not None:
            scales = [2.0**-frac for frac in fracs]
            tensor.quantization = self._schema.QuantizationParametersT(scale=scales, zeroPoint=[0] * len(scales))
        self._tensors.append(tensor)
        self._dtypes.append(dtype)
        return len(self._tensors) - 1

    def _code(self, kind: str, dtype: str) -> int:
        return self._codes.setdefault((kind, _VERSIONS.get((kind, dtype), 1)), len(self._codes))

    def _operator_code(self, kind: str, version: int) -> Any:
        code = getattr(self._schema.BuiltinOperator, kind)
        return self._schema.OperatorCodeT(
            deprecatedBuiltinCode=min(code, _LAST_OLD_CODE), builtinCode=code, version=version
        )

    def _subgraph(self, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> Any:
        subgraph = self._schema.SubGraphT(tensors=self._tensors, operators=self._operators, name="main")
        subgraph.inputs, subgraph.outputs = list(inputs.values()), list(outputs.values())
        return subgraph

    def _signature(self, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> Any:
        signature = self._schema.SignatureDefT(signatureKey=SIGNATURE)
        signature.inputs = [self._schema.TensorMapT(name, index) for name, index in inputs.items()]
        signature.outputs = [self._schema.TensorMapT(name, index) for name, index in outputs.items()]
        return signature

    def _buffer(self, data: bytes) -> Any:
        return self._schema.BufferT(data=np.frombuffer(data, np.uint8) if data else None)


class _AlignedBuffer:
    """Constant bytes at a multiple of _ALIGNMENT in the file; the schema classes alone don't align them."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name that ModelT.Pack calls
        if self._buffer.data is not None:
            builder.Prep(_ALIGNMENT, len(self._buffer.data))
        offset: int = self._buffer.Pack(builder)
        return offset


def pack(model: Any) -> bytes:
    """The file of a `ModelT` of the schema."""
    import flatbuffers

    model.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())
