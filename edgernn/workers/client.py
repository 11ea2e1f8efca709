# SPDX-License-Identifier: Apache-2.0
"""The side of the protocol that asks (docs/runtimes.md). It trusts nothing that a worker says."""

import json
import math
import os
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import WorkerError

PROTOCOL = 1
_LONGEST_LINE = 1 << 24
_LARGEST_PAYLOAD = 1 << 31
_MOST_DIMENSIONS = 32
_DTYPES = frozenset(
    ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
    + ["float16", "float32", "float64", "complex64", "complex128"]
)
OPAQUE = "opaque"
"""The dtype of a tensor whose values a worker can't tell: a string or a resource. Its array is empty."""

_STARTING, _WORKING, _ENDING = 120.0, 600.0, 5.0
"""Seconds for a worker's first answer, for any other, and for its end. Emulated machines are slow."""
_CHUNK = 1 << 18
_TAIL = 2000
_WORDS = 300

Json = dict[str, Any]


class RefusedError(WorkerError):
    """The runtime in a worker refuses what it is asked, in its own words; the worker goes on."""


@dataclass(frozen=True)
class Identity:
    """What a worker is: names and versions."""

    runtime: str
    version: str
    python: str
    numpy: str
    machine: str
    kernels: tuple[str, ...]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a model. scales and zero_points: none, one, or one for each channel."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Of its values, where they can be told."""
        return 0 if self.dtype == OPAQUE else math.prod(self.shape) * np.dtype(self.dtype).itemsize


class Worker:
    """A program with a runtime in it, for one model at a time.

    It ends at `close`, at the end of a `with`, when nobody has it any more, and with this process. All methods raise
    WorkerError when it dies, does not answer, or answers nonsense, and then it has ended; RefusedError when its
    runtime refuses. `name` stands in these errors.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts it with this environment, all of it."""
        self._name, self._received = name, bytearray()
        self._inputs: tuple[TensorInfo, ...] = ()
        self._outputs: tuple[TensorInfo, ...] = ()
        self._patience = _STARTING
        self._stderr = tempfile.TemporaryFile()
        self._line, theirs = socket.socketpair()
        self._line.settimeout(_ENDING)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._stderr, env=dict(environment)
                )
        except BaseException as error:
            self._line.close()
            self._stderr.close()
            if isinstance(error, OSError):
                raise WorkerError(f"{name} can't be started: {command[0]}: {error.strerror}") from error
            raise
        self._end = weakref.finalize(self, _end, self._process, self._line, self._stderr)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it. Another time does nothing."""
        self._end()

    def hello(self) -> Identity:
        """Asks it who it is."""
        answer, _ = self._ask("said hello", {"do": "hello"})
        with self._nonsense():
            if answer["protocol"] != PROTOCOL:
                raise ValueError
            texts = {key: _text(answer[key]) for key in ("runtime", "version", "python", "numpy", "machine")}
            return Identity(**texts, kernels=tuple(map(_text, _list(answer["kernels"]))))

    def load(self, content: bytes, kernels: str) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
        """Loads a model to run on these kernels; its inputs and outputs, in the order of its main graph."""
        self._inputs = self._outputs = ()
        answer, _ = self._ask("loaded the model", {"do": "load", "kernels": kernels}, content)
        with self._nonsense():
            inputs, outputs = (tuple(map(_tensor, _list(answer[key]))) for key in ("inputs", "outputs"))
        self._inputs, self._outputs = inputs, outputs
        return inputs, outputs

    def run(self, inputs: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """One invocation: arrays of the inputs' shapes and dtypes, in their order; the outputs, in theirs.

        What the model itself remembers goes from one invocation to the next. Raises ValueError for arrays that don't
        fit.
        """
        for info, array in zip(self._inputs, inputs, strict=True):
            if (array.shape, array.dtype.name) != (info.shape, info.dtype):
                raise ValueError(f"{info.name} takes {info.dtype} {info.shape}, not {array.dtype} {array.shape}")
        payload = b"".join(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for array in inputs)
        answer, content = self._ask("ran the model", {"do": "run"}, payload)
        with self._nonsense():
            return list(_arrays(self._outputs, [_shape(shape) for shape in _list(answer["shapes"])], content))

    def reset(self) -> None:
        """Lets the model forget what it remembers."""
        self._ask("reset the model", {"do": "reset"})

    def _ask(self, doing: str, request: Json, payload: bytes = b"") -> tuple[Json, bytes]:
        """The answer and its bytes. `doing` says what the worker does meanwhile, in the past tense."""
        if not self._end.alive:
            raise WorkerError(f"{self._name} has ended: start it again")
        header = {**request, "bytes": len(payload)} if payload else request
        deadline = time.monotonic() + self._patience
        try:
            self._write(json.dumps(header).encode() + b"\n" + payload, deadline)
            with self._nonsense():
                answer = _object(self._read_line(deadline))
                content = self._read(_size(answer.get("bytes", 0)), deadline)
        except (OSError, EOFError) as error:
            raise self._lost(doing, error) from error
        except BaseException:
            self.close()
            raise
        self._patience = _WORKING
        if "error" in answer:
            raise RefusedError(f"{self._name}: {_clean(str(answer['error']))}")
        return answer, content

    def _write(self, content: bytes, deadline: float) -> None:
        self._line.settimeout(max(deadline - time.monotonic(), 0.001))
        self._line.sendall(content)

    def _read_line(self, deadline: float) -> bytes:
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > _LONGEST_LINE:
                raise ValueError
            self._receive(deadline)
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def _read(self, size: int, deadline: float) -> bytes:
        while len(self._received) < size:
            self._receive(deadline)
        content = bytes(self._received[:size])
        del self._received[:size]
        return content

    def _receive(self, deadline: float) -> None:
        self._line.settimeout(max(deadline - time.monotonic(), 0.001))
        part = self._line.recv(_CHUNK)
        if not part:
            raise EOFError
        self._received += part

    def _nonsense(self) -> "_Nonsense":
        return _Nonsense(self)

    def _lost(self, doing: str, error: Exception) -> WorkerError:
        """What became of a worker that gives no answer; it has ended then."""
        if isinstance(error, TimeoutError):
            how = f"did not answer in {self._patience:.0f} seconds"
        else:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING)
            how = _fate(self._process.returncode)
        words = self._last_words()
        self.close()
        return WorkerError(f"{self._name} {how} while it {doing}{f', and said: {words}' if words else ''}")

    def _last_words(self) -> str:
        """The last line of its stderr, for an error."""
        size = os.fstat(self._stderr.fileno()).st_size
        tail = os.pread(self._stderr.fileno(), _TAIL, max(size - _TAIL, 0)).decode(errors="replace")
        lines = [line for line in map(_clean, tail.splitlines()) if line]
        return lines[-1] if lines else ""


class _Nonsense:
    """Makes one error of all that can be wrong with an answer, and ends its worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ArithmeticError | LookupError | RecursionError | TypeError | ValueError):
            self._worker.close()
            raise WorkerError(
                f"{self._worker._name} gave an answer that is none: check that what runs there is a worker of edgernn"
            ) from error


def _end(process: subprocess.Popen[bytes], line: socket.socket, stderr: IO[bytes]) -> None:
    line.close()
    process.kill()
    process.wait()
    stderr.close()


def _fate(status: int | None) -> str:
    """How a process ended that has this return code."""
    if status is None:
        return "closed its output"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"was killed by signal {-status}"


def _clean(text: str) -> str:
    """One short line of printable characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _WORDS else line[: _WORDS - 3] + "..."


def _object(line: bytes) -> Json:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return _clean(value)


def _size(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST_PAYLOAD:
        raise ValueError
    return value


def _shape(value: object) -> tuple[int, ...]:
    shape = tuple(map(_size, _list(value)))
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError
    return shape


def _tensor(value: Json) -> TensorInfo:
    dtype = _text(value["dtype"])
    points = _list(value["zero_points"])
    if dtype not in _DTYPES | {OPAQUE} or not all(type(point) is int for point in points):
        raise ValueError
    scales = tuple(float(scale) for scale in _list(value["scales"]))
    if not isinstance(value["name"], str):
        raise ValueError
    return TensorInfo(value["name"], _shape(value["shape"]), dtype, scales, tuple(points))


def _arrays(tensors: Sequence[TensorInfo], shapes: Sequence[tuple[int, ...]], content: bytes) -> Any:
    """The tensors' values, of shapes that may be others than those announced."""
    start = 0
    for info, shape in zip(tensors, shapes, strict=True):
        dtype = np.dtype("uint8" if info.dtype == OPAQUE else info.dtype)
        count = math.prod(shape)
        values = np.frombuffer(content, dtype.newbyteorder("<"), count, start) if count else np.zeros(0, dtype)
        yield values.astype(dtype).reshape(shape)
        start += count * dtype.itemsize
    if start != len(content):
        raise ValueError
