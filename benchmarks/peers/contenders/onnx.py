# SPDX-License-Identifier: Apache-2.0
"""onnxruntime: its GRU and LSTM nodes in float, its dynamically quantized LSTM, and edgernn's integer step."""

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

from benchmarks.peers.case import DYNAMIC, EXACT, FLOAT, STEP, WINDOW, Case, Contender, Missing

INTEGER, NODE, BOUND, QUANTIZED = "model.onnx", "float node", "float node, bound buffers", "dynamically quantized node"
_TYPES = {"tensor(int8)": np.int8, "tensor(int16)": np.int16, "tensor(float)": np.float32}
_ONLY_FATAL = 4


def version() -> str:
    return metadata.version("onnxruntime")


def contenders(case: Case) -> Iterator[Contender | Missing]:
    """The float file, and what is made of it, takes any number of steps."""
    yield Contender(INTEGER, STEP, EXACT, _Stream(_session(case.folder / INTEGER)), [x[None] for x in case.operands])
    yield Missing(INTEGER, WINDOW, "the file is one step")
    samples, window = [x[None, None] for x in case.x], [case.x[:, None]]
    node = case.folder / "model_float.onnx"
    yield Contender(NODE, STEP, FLOAT, _Stream(_session(node)), samples)
    yield Contender(NODE, WINDOW, FLOAT, _Stream(_session(node)), window)
    yield Contender(BOUND, STEP, FLOAT, _Bound(_session(node)), samples)
    quantized = _quantized(node)
    if quantized is None:
        for mode in (STEP, WINDOW):
            yield Missing(
                QUANTIZED, mode, "onnxruntime has no quantized GRU: quantize_dynamic leaves the node in float"
            )
        return
    yield Contender(QUANTIZED, STEP, DYNAMIC, _Stream(_session(quantized)), samples)
    yield Contender(QUANTIZED, WINDOW, DYNAMIC, _Stream(_session(quantized)), window)


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_FATAL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _quantized(path: Path) -> Path | None:
    """What `quantize_dynamic` makes of a file; None where no node has become another."""
    made = path.with_name("model_dynamic.onnx")
    quantize_dynamic(path, made, per_channel=True, weight_type=QuantType.QInt8)
    kinds = {node.op_type for node in onnx.load(made).graph.node}
    return made if "DynamicQuantizeLSTM" in kinds else None


def _zero_states(session: Any) -> list[npt.NDArray[Any]]:
    return [np.zeros((1, port.shape[-1]), _TYPES[port.type]) for port in session.get_inputs()[1:]]


class _Stream:
    """`InferenceSession.run`: inputs are x and the states, outputs y and the new states, in this order."""

    def __init__(self, session: Any) -> None:
        self._run = session.run
        self._names = [port.name for port in session.get_inputs()[1:]]
        self._states: Sequence[npt.NDArray[Any]] = _zero_states(session)

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        feeds = {"x": x, **dict(zip(self._names, self._states, strict=True))}
        y, *self._states = self._run(None, feeds)
        result: npt.NDArray[Any] = y
        return result


class _Bound:
    """`run_with_iobinding` on buffers that stay: a step reads one of two sets of states, and writes the other."""

    def __init__(self, session: Any) -> None:
        value = onnxruntime.OrtValue.ortvalue_from_numpy
        inputs, outputs = session.get_inputs(), session.get_outputs()
        self._run = session.run_with_iobinding
        self._x = value(np.zeros((1, 1, inputs[0].shape[-1]), np.float32))
        self._y = value(np.zeros((1, 1, outputs[0].shape[-1]), np.float32))
        sets = [[value(zero) for zero in _zero_states(session)] for _ in range(2)]
        self._bindings = []
        for read, written in (sets, sets[::-1]):
            binding = session.io_binding()
            for port, buffer in zip(inputs, (self._x, *read), strict=True):
                binding.bind_ortvalue_input(port.name, buffer)
            for port, buffer in zip(outputs, (self._y, *written), strict=True):
                binding.bind_ortvalue_output(port.name, buffer)
            self._bindings.append(binding)

    def __call__(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._x.update_inplace(x)
        self._run(self._bindings[0])
        self._bindings.reverse()
        result: npt.NDArray[np.float32] = self._y.numpy()
        return result
