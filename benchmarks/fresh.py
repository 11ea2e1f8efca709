# SPDX-License-Identifier: Apache-2.0
"""What a runtime takes until its first result: python fresh.py RUNTIME FOLDER, in the environment of the runtime.

FOLDER is an artifact of a model of FEATURES and UNITS. Prints as JSON the milliseconds to import the runtime, those
from there to the first result, and the most memory of this process in bytes. Imports nothing that it is not to measure.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

FEATURES, UNITS = 6, 32
Phases = Iterator[None]
"""Comes to rest when the runtime is imported, and ends with a result."""


def numpy(folder: str) -> Phases:
    """What all others need."""
    import numpy

    yield
    numpy.zeros(FEATURES)


def edgernn(folder: str) -> Phases:
    import edgernn

    yield
    edgernn.load(folder).session().step([0.0] * FEATURES)


def litert(folder: str) -> Phases:
    from ai_edge_litert.interpreter import Interpreter

    yield
    _invoke(Interpreter(f"{folder}/model.tflite", num_threads=1))


def tflite_runtime(folder: str) -> Phases:
    from tflite_runtime.interpreter import Interpreter

    yield
    _invoke(Interpreter(f"{folder}/model.tflite", num_threads=1))


def tflm(folder: str) -> Phases:
    from tflite_micro import runtime

    yield
    interpreter = runtime.Interpreter.from_file(f"{folder}/model.tflite", arena_size=1 << 16)
    interpreter.invoke()
    interpreter.get_output(0)


def onnxruntime(folder: str) -> Phases:
    import numpy
    import onnxruntime

    yield
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
    types = {"tensor(int8)": "int8", "tensor(int16)": "int16"}
    session.run(None, {port.name: numpy.zeros((1, port.shape[-1]), types[port.type]) for port in session.get_inputs()})


def pytorch(folder: str) -> Phases:
    """A float layer of the same size, which comes from no file."""
    import torch

    yield
    torch.set_num_threads(1)
    layer = torch.nn.GRU(FEATURES, UNITS)
    with torch.inference_mode():
        layer(torch.zeros(1, 1, FEATURES))


def _invoke(interpreter: Any) -> None:
    interpreter.allocate_tensors()
    interpreter.invoke()
    interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


RUNTIMES = {run.__name__: run for run in (numpy, edgernn, litert, tflite_runtime, tflm, onnxruntime, pytorch)}


def _memory() -> int:
    """The most that this process had in memory at once, in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main() -> None:
    runtime, folder = sys.argv[1:]
    phases = RUNTIMES[runtime](folder)
    start = time.perf_counter()
    next(phases)
    imported = time.perf_counter()
    next(phases, None)
    ready = time.perf_counter()
    print(f'{{"import_ms": {(imported - start) * 1e3}, "first_ms": {(ready - imported) * 1e3}, "bytes": {_memory()}}}')


if __name__ == "__main__":
    main()
