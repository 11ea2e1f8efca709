# SPDX-License-Identifier: Apache-2.0
"""A worker for runtimes of TFLite models: runs in the environment of one of them and imports nothing of edgernn.

Usage: python tflite_worker.py litert|tflite-runtime|tflm. It speaks the protocol of docs/runtimes.md on stdin and
stdout. Python >= 3.10, NumPy 1 or 2.
"""

import json
import math
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module, metadata
from typing import Any, BinaryIO

PROTOCOL = 1
LONGEST_LINE = 1 << 24
LARGEST_PAYLOAD = 1 << 31
SIGNED_AND_NOT = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *SIGNED_AND_NOT, "float16", "float32", "float64", "complex64", "complex128")
OPAQUE = "opaque"
"""The dtype of tensors whose values can't be told: strings, resources."""

RESOLVERS = {"xnnpack": "AUTO", "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}
SMALLEST_ARENA, LARGEST_ARENA = 1 << 16, 1 << 30

Json = dict[str, Any]


class LiteRt:
    """The interpreter of LiteRT, or of tflite-runtime, its former name."""

    kernels = tuple(RESOLVERS)

    def __init__(self, package: str) -> None:
        self._api = import_module(f"{package}.interpreter")
        self.version = metadata.version(package.replace("_", "-"))

    def load(self, content: bytes, kernels: str) -> "LiteRtModel":
        resolver = getattr(self._api.OpResolverType, RESOLVERS[kernels])
        model = self._api.Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
        model.allocate_tensors()
        return LiteRtModel(model)


class LiteRtModel:
    """A model in an interpreter, with its tensors in the words of the protocol."""

    def __init__(self, model: Any) -> None:
        self._model = model
        inputs, outputs = model.get_input_details(), model.get_output_details()
        self._inputs = [detail["index"] for detail in inputs]
        self._outputs = [detail["index"] for detail in outputs]
        self.inputs = [described(detail["name"], detail) for detail in inputs]
        self.outputs = [described(detail["name"], detail) for detail in outputs]

    def run(self, arrays: list[Any]) -> list[Any]:
        for index, array in zip(self._inputs, arrays, strict=True):
            self._model.set_tensor(index, array)
        self._model.invoke()
        return [
            None if tensor["dtype"] == OPAQUE else self._model.get_tensor(index)
            for index, tensor in zip(self._outputs, self.outputs, strict=True)
        ]


class Tflm:
    """The interpreter of TensorFlow Lite for Microcontrollers, with its portable kernels."""

    kernels = ("reference",)

    def __init__(self) -> None:
        self._api = import_module("tflite_micro").runtime
        self.version = metadata.version("tflite-micro")

    def load(self, content: bytes, kernels: str) -> "TflmModel":
        """Its interpreter tells neither names nor how many tensors there are, so they are read from the file."""
        if content[4:8] != b"TFL3":
            raise ValueError("it is no TFLite model")
        schema = self._api.schema_fb
        graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)).subgraphs[0]
        inputs, outputs = ([graph.tensors[i].name.decode() for i in part] for part in (graph.inputs, graph.outputs))
        return TflmModel(self._interpreter(content), inputs, outputs)

    def _interpreter(self, content: bytes) -> Any:
        """In the first arena that is enough, each four times the last."""
        arena = max(SMALLEST_ARENA, 2 * len(content))
        while True:
            try:
                return self._api.Interpreter.from_bytes(content, arena_size=arena)
            except RuntimeError:
                if arena >= LARGEST_ARENA:
                    raise
            arena *= 4


class TflmModel:
    """A model in an interpreter, with its tensors in the words of the protocol."""

    def __init__(self, model: Any, inputs: list[str], outputs: list[str]) -> None:
        self._model = model
        self.inputs = [described(name, model.get_input_details(i)) for i, name in enumerate(inputs)]
        self.outputs = [described(name, model.get_output_details(i)) for i, name in enumerate(outputs)]

    def run(self, arrays: list[Any]) -> list[Any]:
        for index, array in enumerate(arrays):
            self._model.set_input(array, index)
        self._model.invoke()
        return [
            None if tensor["dtype"] == OPAQUE else self._model.get_output(index)
            for index, tensor in enumerate(self.outputs)
        ]


RUNTIMES: Json = {
    "litert": lambda: LiteRt("ai_edge_litert"),
    "tflite-runtime": lambda: LiteRt("tflite_runtime"),
    "tflm": Tflm,
}


class Worker:
    """One runtime, and the model in it."""

    def __init__(self, name: str) -> None:
        self._numpy = import_module("numpy")
        self._name, self._runtime = name, RUNTIMES[name]()
        self._content, self._kernels = b"", ""
        self._model: Any = None
        self._actions = {"hello": self._hello, "load": self._load, "run": self._run, "reset": self._reset}

    def answer(self, request: Json, payload: bytes) -> tuple[Json, bytes]:
        """The answer's line and the bytes after it. Any exception is to be told."""
        action = self._actions.get(str(request.get("do")))
        if action is None:
            raise ValueError(f"it does {', '.join(self._actions)} only")
        return action(request, payload)

    def _hello(self, request: Json, payload: bytes) -> tuple[Json, bytes]:
        told = {"protocol": PROTOCOL, "runtime": self._name, "version": self._runtime.version}
        told |= {"python": platform.python_version(), "numpy": self._numpy.__version__}
        return {**told, "machine": platform.machine(), "kernels": self._runtime.kernels}, b""

    def _load(self, request: Json, payload: bytes) -> tuple[Json, bytes]:
        kernels = str(request.get("kernels"))
        if kernels not in self._runtime.kernels:
            raise ValueError(f"it has the kernels {', '.join(self._runtime.kernels)} only")
        if not payload:
            raise ValueError("the model is empty")
        self._content, self._kernels = payload, kernels
        self._renew()
        return {"inputs": self._model.inputs, "outputs": self._model.outputs}, b""

    def _run(self, request: Json, payload: bytes) -> tuple[Json, bytes]:
        model = self._loaded()
        results = [self._readable(result) for result in model.run(list(self._arrays(payload)))]
        return {"shapes": [result.shape for result in results]}, b"".join(result.tobytes() for result in results)

    def _reset(self, request: Json, payload: bytes) -> tuple[Json, bytes]:
        self._loaded()
        self._renew()
        return {}, b""

    def _renew(self) -> None:
        """A new interpreter: what a model remembers is in the old one."""
        self._model = None
        self._model = self._runtime.load(self._content, self._kernels)

    def _loaded(self) -> Any:
        if self._model is None:
            raise ValueError("no model is loaded")
        return self._model

    def _arrays(self, payload: bytes) -> Iterator[Any]:
        tensors = self._model.inputs
        if any(tensor["dtype"] == OPAQUE for tensor in tensors):
            raise ValueError("the model has an input of a kind that can't be given")
        dtypes = [self._numpy.dtype(tensor["dtype"]) for tensor in tensors]
        sizes = [math.prod(t["shape"]) * dtype.itemsize for t, dtype in zip(tensors, dtypes, strict=True)]
        if len(payload) != sum(sizes):
            raise ValueError(f"the inputs have {len(payload)} bytes instead of {sum(sizes)}")
        end = 0
        for tensor, dtype, size in zip(tensors, dtypes, sizes, strict=True):
            start, end = end, end + size
            values = self._numpy.frombuffer(payload[start:end], dtype.newbyteorder("<"))
            yield values.astype(dtype).reshape(tensor["shape"])

    def _readable(self, result: Any) -> Any:
        """The result, little-endian; nothing for what is opaque."""
        if result is None:
            return self._numpy.zeros(0, "uint8")
        return result.astype(result.dtype.newbyteorder("<"), copy=False)


def described(name: str, detail: Json) -> Json:
    """A tensor in the words of the protocol, from those of an interpreter."""
    dtype = import_module("numpy").dtype(detail["dtype"]).name
    quantization = detail["quantization_parameters"]
    return {
        "name": name,
        "shape": [int(size) for size in detail["shape"]],
        "dtype": dtype if dtype in DTYPES else OPAQUE,
        "scales": [float(scale) for scale in quantization["scales"]],
        "zero_points": [int(point) for point in quantization["zero_points"]],
    }


def receive(source: BinaryIO) -> tuple[Json, bytes] | None:
    """The next request and its bytes; None at the end. Raises ValueError for what is no request."""
    line = source.readline(LONGEST_LINE)
    if not line:
        return None
    request = json.loads(line)
    size = request.get("bytes", 0) if isinstance(request, dict) else None
    if type(size) is not int or not 0 <= size <= LARGEST_PAYLOAD:
        raise ValueError("a request is a line of JSON, an object, and its bytes are a number")
    payload = source.read(size)
    return (request, payload) if len(payload) == size else None


def send(sink: BinaryIO, header: Json, payload: bytes) -> None:
    if payload:
        header = {**header, "bytes": len(payload)}
    sink.write(json.dumps(header).encode() + b"\n" + payload)
    sink.flush()


def serve(name: str, source: BinaryIO, sink: BinaryIO) -> None:
    """Answers until the requests end."""
    worker: Worker | None = None
    while (received := receive(source)) is not None:
        try:
            worker = worker or Worker(name)
            header, payload = worker.answer(*received)
        except Exception as error:
            header, payload = {"error": sentence(error)}, b""
        send(sink, header, payload)


def sentence(error: Exception) -> str:
    """An exception on one line."""
    text = " ".join(str(error).split()).rstrip(".")
    return text if text and isinstance(error, RuntimeError | ValueError) else f"{type(error).__name__}: {text}"


def main() -> None:
    """The protocol has stdout for itself: what the runtime prints goes to stderr. No core files are left behind."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    with suppress(ImportError, OSError, ValueError):
        resource = import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        serve(sys.argv[1], source, sink)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)


if __name__ == "__main__":
    main()
