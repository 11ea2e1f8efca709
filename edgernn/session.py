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


class _Samples:
    """What sessions and streams share: samples are checked and become operands, outputs become results."""

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

    def _through(
        self,
        samples: npt.NDArray[Any],
        advance: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
        axes: Sequence[str] = (),
    ) -> npt.NDArray[Any]:
        """Results for samples or operands [..., F], by what takes operands to outputs; axes: what "..." is."""
        if samples.dtype.newbyteorder("=") == self._operand.dtype:
            self._check_operands(samples)
            return advance(samples.astype(self._operand.dtype, copy=False))
        if samples.dtype.kind not in "iuf":
            raise DataError(f"a step takes real numbers, not {samples.dtype}")
        with np.errstate(over="ignore"):
            samples = samples.astype(np.float32)
        self._check_finite(samples, axes)
        return self._model.dequantize_output(advance(self._model.quantize_input(samples)))

    def _check_features(self, shape: tuple[int, ...]) -> None:
        self._check_size(shape, len(self._model.interface.features), "features")

    @staticmethod
    def _check_size(shape: tuple[int, ...], size: int, noun: str) -> None:
        if shape != (size,):
            raise DataError(f"a step takes {size} {noun}, not an array of shape {list(shape)}")

    def _check_operands(self, operands: npt.NDArray[Any]) -> None:
        limit = OPERAND_LIMIT[self._operand.dtype]
        if ((operands < -limit) | (operands > limit)).any():
            raise DataError(f"an operand must lie within +-{limit}; pass raw sensor values as floats")

    def _check_finite(self, samples: npt.NDArray[np.float32], axes: Sequence[str]) -> None:
        finite = np.isfinite(samples)
        if finite.all():
            return
        at = np.unravel_index(np.argmin(finite), finite.shape)
        *place, feature = map(int, at)
        where = "".join(f", {axis} {i}" for axis, i in zip(axes, place, strict=True))
        raise DataError(
            f"feature {feature} ({self._model.interface.features[feature]}) of the sample{where} is {samples[at]} "
            "in float32, which is not finite"
        )


class Session(_Samples):
    """One stream through a model. Sessions of the same model are independent of each other.

    A session belongs to one thread at a time; threads with sessions of their own step at the same time.
    """

    def __init__(self, model: IntegerModel, engine: str | None = None) -> None:
        """engine: "native" or "numpy"; None takes the native one where it is installed.

        Raises ConfigError for another name, and EdgernnError for "native" where it is not installed.
        """
        super().__init__(model, choose(model, engine))
        self._quick = self._engine.quick

    def reset(self) -> None:
        """Forgets the past: the state is zero again, as before the first step."""
        self._engine.reset()

    def step(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """One time step.

        x: a sample [F] of raw sensor values; the result is float32 [K]: logits for classes, targets in their own unit
        otherwise. Or an array of the operands' dtype (int8, or int16 where the model has it), as
        `IntegerModel.quantize_input` gives it; the result is then the int16 [K] of the program.
        A bidirectional model takes the sample t and the sample T - 1 - t of a window side by side, [2 F].
        Raises DataError for another shape, for values that are no finite numbers, and for operands out of range; and
        EdgernnError while another thread runs this session.
        """
        y = self._quick(x)
        return self._step(x) if y is None else y

    def run(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Many steps in one call; the results of all of them.

        x: samples [T, F] as `step` takes them, from the present state on, which gives [T, K]; or windows [n, T, F],
        each from a state of zero, which gives [n, T, K] and leaves the session's own state as it is. Windows have
        plain samples, also for a bidirectional model, whose result is that of the last step.
        Raises what `step` raises; nothing has changed then.
        """
        samples = _array(x)
        if samples.ndim not in (2, 3) or not all(samples.shape[:-1]):
            raise DataError(
                "a run takes an array [steps, features] or [windows, steps, features], "
                f"not one of shape {list(samples.shape)}"
            )
        if samples.ndim == 2:
            self._check_features(samples.shape[-1:])
            return self._through(samples, self._engine.run, ["step"])
        interface = self._model.interface
        noun = "values of a sample" if interface.bidirectional else "features"
        self._check_size(samples.shape[-1:], len(interface.channels), noun)
        return self._through(interface.steps(samples), self._engine.run_windows, ["window", "step"])

    def _step(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """`step` for whatever x may be."""
        sample = _array(x)
        self._check_features(sample.shape)
        return self._through(sample, lambda operand: self._engine.run(operand[None])[0])


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

    def reset(self, stream: int | None = None) -> None:
        """Forgets the past of a stream, 0 to n - 1, or of all. Raises DataError for another number."""
        if stream is not None and not 0 <= stream < self._count:
            raise DataError(f"there is no stream {stream}, only 0 to {self._count - 1}")
        self._engine.reset(stream)

    def step(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """One time step of every stream: from [n, F] to [n, K], as `Session.step` takes a sample to its result."""
        samples = _array(x)
        if samples.ndim != 2:
            raise DataError(f"a step takes an array [streams, features], not one of shape {list(samples.shape)}")
        self._check(samples)
        return self._through(samples, lambda operands: self._engine.run(operands[:, None])[:, 0], ["stream"])

    def run(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Many steps of every stream from its present state on: from [n, T, F] to [n, T, K]."""
        samples = _array(x)
        if samples.ndim != 3 or not samples.shape[1]:
            raise DataError(f"a run takes an array [streams, steps, features], not one of shape {list(samples.shape)}")
        self._check(samples)
        return self._through(samples, self._engine.run, ["stream", "step"])

    def _check(self, samples: npt.NDArray[Any]) -> None:
        self._check_features(samples.shape[-1:])
        if len(samples) != self._count:
            raise DataError(f"there are {self._count} streams, not {len(samples)}")


def _array(x: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError("the rows of the samples differ in length") from error
