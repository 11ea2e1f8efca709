# SPDX-License-Identifier: Apache-2.0
"""Streaming inference: samples in, one after the other, with a state that lasts; of one stream or of many."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from edgernn.engine import Engine, choose
from edgernn.errors import ConfigError, DataError
from edgernn.model import IntegerModel
from edgernn.spec.ops import OPERAND_LIMIT

_Array = npt.NDArray[Any]
_Advance = Callable[[_Array], _Array]
"""From operands [..., F] to the program's outputs [..., K]."""
_Take = Callable[[_Array, _Advance, Sequence[str]], _Array]
"""From sensor values or operands [..., F] to their kind of result; the strings say what each axis of "..." is."""


class _Samples:
    """What sessions and streams share: what comes in is checked and becomes operands, outputs become results."""

    def __init__(self, model: IntegerModel, engine: Engine) -> None:
        self._model = model
        self._engine = engine
        self._operand = model.program.tensors[model.program.x]

    @property
    def engine(self) -> str:
        """What computes the steps: "native" or "numpy"."""
        return self._engine.name

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session can't be copied: open another one, and run what it should have seen")

    def _values(self, samples: _Array, advance: _Advance, axes: Sequence[str]) -> _Array:
        """A `_Take` of sensor values, whose results are float32."""
        if samples.dtype.kind not in "iuf":
            raise DataError(f"a step takes real numbers, not {samples.dtype}")
        with np.errstate(over="ignore"):
            samples = samples.astype(np.float32)
        finite = np.isfinite(samples)
        if not finite.all():
            raise DataError(f"{self._first_outside(samples, finite, axes)} in float32, which is not finite")
        return self._model.dequantize_output(advance(self._model.quantize_input(samples)))

    def _operands(self, operands: _Array, advance: _Advance, axes: Sequence[str]) -> _Array:
        """A `_Take` of operands, whose results are the program's outputs."""
        dtype = self._operand.dtype
        if operands.dtype.newbyteorder("=") != dtype:
            raise DataError(
                f"the operands of this model are an array of {dtype}, not of {operands.dtype}: make them with "
                "quantize_input, or give sensor values to step or run"
            )
        limit = OPERAND_LIMIT[dtype]
        within = (operands >= -limit) & (operands <= limit)
        if not within.all():
            raise DataError(
                f"{self._first_outside(operands, within, axes)}, but an operand must lie within +-{limit}: "
                "give sensor values to step or run"
            )
        return advance(operands.astype(dtype, copy=False))

    def _first_outside(self, samples: _Array, fits: npt.NDArray[np.bool_], axes: Sequence[str]) -> str:
        """The beginning of a sentence about the first value that does not fit."""
        at = np.unravel_index(np.argmin(fits), fits.shape)
        *place, feature = map(int, at)
        where = "".join(f", {axis} {i}" for axis, i in zip(axes, place, strict=True))
        return f"feature {feature} ({self._model.interface.features[feature]}) of the sample{where} is {samples[at]}"

    def _check_features(self, shape: tuple[int, ...]) -> None:
        self._check_size(shape, len(self._model.interface.features), "features")

    @staticmethod
    def _check_size(shape: tuple[int, ...], size: int, noun: str) -> None:
        if shape != (size,):
            raise DataError(f"a step takes {size} {noun}, not an array of shape {list(shape)}")


class Session(_Samples):
    """One stream through a model. Sessions of the same model are independent of each other.

    A session belongs to one thread at a time; threads with sessions of their own step at the same time.
    """

    def __init__(self, model: IntegerModel, engine: str | None = None) -> None:
        """engine: "native" or "numpy"; None takes the native one where it is installed.

        Raises ConfigError for another name, and EdgernnError for "native" where it is not installed.
        """
        super().__init__(model, choose(model, engine))
        self._quick, self._quick_operands = self._engine.quick, self._engine.quick_operands

    def __repr__(self) -> str:
        return f"<edgernn.Session: {self._model.summary}, {self.engine} engine>"

    def reset(self) -> None:
        """Forgets the past: the state is zero again, as before the first step."""
        self._engine.reset()

    def step(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """One time step.

        x: a sample [F] of raw sensor values, real numbers of any dtype, in the units of training; the result is
        float32 [K]: logits for classes, targets in their own unit otherwise.
        A bidirectional model takes the sample t and the sample T - 1 - t of a window side by side, [2 F].
        Raises DataError for another shape and for values that are no finite numbers; and EdgernnError while another
        thread runs this session.
        """
        y = self._quick(x)
        return self._step(x, self._values) if y is None else y

    def step_operands(self, q: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """One time step in the integers of the program.

        q: operands [F], int8 or int16 as the model has them, as `IntegerModel.quantize_input` makes them of a sample;
        the result is int16 [K], which `IntegerModel.dequantize_output` takes to what `step` returns.
        Raises DataError for another dtype, another shape, and operands out of range (+-127, or +-16383); and
        EdgernnError as `step`.
        """
        y = self._quick_operands(q)
        return self._step(q, self._operands) if y is None else y

    def run(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Many steps in one call; the results of all of them.

        x: samples [T, F] as `step` takes them, from the present state on, which gives [T, K]; or windows [n, T, F],
        each from a state of zero, which gives [n, T, K] and leaves the session's own state as it is. Windows have
        plain samples, also for a bidirectional model, whose result is that of the last step.
        Raises what `step` raises; nothing has changed then.
        """
        return self._run(x, self._values)

    def run_operands(self, q: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """`run` in the integers of the program: from operands [T, F] to int16 [T, K], or [n, T, F] to [n, T, K].

        Raises what `step_operands` raises; nothing has changed then.
        """
        return self._run(q, self._operands)

    def _step(self, x: npt.ArrayLike, take: _Take) -> _Array:
        """A step for whatever x may be."""
        sample = _array(x)
        self._check_features(sample.shape)
        return take(sample, lambda operand: self._engine.run(operand[None])[0], [])

    def _run(self, x: npt.ArrayLike, take: _Take) -> _Array:
        samples = _array(x)
        if samples.ndim not in (2, 3) or not all(samples.shape[:-1]):
            raise DataError(
                "a run takes an array [steps, features] or [windows, steps, features], "
                f"not one of shape {list(samples.shape)}"
            )
        if samples.ndim == 2:
            self._check_features(samples.shape[-1:])
            return take(samples, self._engine.run, ["step"])
        interface = self._model.interface
        noun = "values of a sample" if interface.bidirectional else "features"
        self._check_size(samples.shape[-1:], len(interface.channels), noun)
        return take(interface.steps(samples), self._engine.run_windows, ["window", "step"])


class Streams(_Samples):
    """Streams through a model that are stepped together, which takes less time than a session for each of them.

    They belong to one thread at a time.
    """

    def __init__(self, model: IntegerModel, count: int, engine: str | None = None) -> None:
        """count: how many; engine: as for a Session. Raises ConfigError where there are none, and as a Session."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ConfigError(f"streams are counted from 1 on, not {count!r}")
        super().__init__(model, choose(model, engine, count))
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<edgernn.Streams, {self._count} of them: {self._model.summary}, {self.engine} engine>"

    def reset(self, stream: int | None = None) -> None:
        """Forgets the past of a stream, 0 to n - 1, or of all. Raises DataError for another number."""
        if stream is not None and not 0 <= stream < self._count:
            raise DataError(f"there is no stream {stream}, only 0 to {self._count - 1}")
        self._engine.reset(stream)

    def step(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """One time step of every stream: from [n, F] to [n, K], as `Session.step` takes a sample to its result."""
        return self._step(x, self._values)

    def step_operands(self, q: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """One time step of every stream: from [n, F] to [n, K], as `Session.step_operands`."""
        return self._step(q, self._operands)

    def run(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Many steps of every stream from its present state on: from [n, T, F] to [n, T, K]."""
        return self._run(x, self._values)

    def run_operands(self, q: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """`run` in the integers of the program: from operands [n, T, F] to int16 [n, T, K]."""
        return self._run(q, self._operands)

    def _step(self, x: npt.ArrayLike, take: _Take) -> _Array:
        samples = _array(x)
        if samples.ndim != 2:
            raise DataError(f"a step takes an array [streams, features], not one of shape {list(samples.shape)}")
        self._check(samples)
        return take(samples, lambda operands: self._engine.run(operands[:, None])[:, 0], ["stream"])

    def _run(self, x: npt.ArrayLike, take: _Take) -> _Array:
        samples = _array(x)
        if samples.ndim != 3 or not samples.shape[1]:
            raise DataError(f"a run takes an array [streams, steps, features], not one of shape {list(samples.shape)}")
        self._check(samples)
        return take(samples, self._engine.run, ["stream", "step"])

    def _check(self, samples: _Array) -> None:
        self._check_features(samples.shape[-1:])
        if len(samples) != self._count:
            raise DataError(f"there are {self._count} streams, not {len(samples)}")


def _array(x: npt.ArrayLike) -> _Array:
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError("the rows of the samples differ in length") from error
