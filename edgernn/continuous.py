# SPDX-License-Identifier: Apache-2.0
"""What becomes of a model's quality where its state is never reset, as on a device that nobody told to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Float
from edgernn.data import streams
from edgernn.data.dataset import Dataset
from edgernn.data.streams import Stream
from edgernn.metrics import evaluate, judged
from edgernn.model import FloatModel, IntegerModel, Interface, Reset, form_name
from edgernn.session import Session

_CLEAR_LOSS, _CLEAR_ERRORS = 0.01, 2.0
_BLOCK = 4
"""Windows: results closer to each other than that say about the same."""
WAYS: Mapping[Reset, str] = {"window": "a state of zero at every window", "never": "a state that is never reset"}


@dataclass(frozen=True)
class Comparison:
    """One model on the same held-out windows: metrics where every window starts from a state of zero ("window"), and
    inside streams that are never reset ("never").

    loss: what the score of "never" (accuracy or r2) lies below that of "window"; error: the standard error of that.
    """

    window: Mapping[str, float]
    never: Mapping[str, float]
    loss: float
    error: float

    @property
    def clear(self) -> bool:
        """Whether "never" is worse by more than a point and more than chance explains."""
        return self.loss > max(_CLEAR_LOSS, _CLEAR_ERRORS * self.error)


@dataclass(frozen=True)
class Continuous:
    """reset: what the model was trained for; streams: how many there are; changes: of class within them, None for
    regression; measured: by "float" and "int8"."""

    reset: Reset
    streams: int
    changes: int | None
    measured: Mapping[str, Comparison]

    def to_json(self) -> dict[str, Any]:
        """The manifest's "streams"."""
        return asdict(self)


def never_reset(model: FloatModel | IntegerModel, data: Dataset, found: Sequence[Stream]) -> Float:
    """Outputs [n, T, K] of the steps of every window, inside the streams `found` (`streams.streams`) of the data."""
    run = model.predict if isinstance(model, FloatModel) else Session(model).run
    outputs: Float = streams.outputs(data, found, run)
    return outputs


def measure(
    reset: Reset, data: Dataset, found: Sequence[Stream], outputs: Mapping[str, tuple[Float, Float]]
) -> Continuous:
    """outputs: by "float" and "int8", those of windows from zero and of `never_reset`, both [n, T, K]."""
    changes = streams.class_changes(data, found) if data.task == "classification" else None
    measured = {name: _compared(data, found, *both) for name, both in outputs.items()}
    return Continuous(reset, len(found), changes, measured)


def sentences(continuous: Continuous, operands: str) -> tuple[str, ...]:
    """What `edgernn build` says: the figures, and a warning where the model loses by never being reset.

    operands: of the integer model, "int8" or "int16".
    """
    metric = next(iter(continuous.measured["int8"].never))
    if "r2" in continuous.measured["int8"].never:
        metric = "r2"
    never, window = (
        ", ".join(
            f"{form_name(form, operands)} {getattr(both, way)[metric]:.4f}"
            for form, both in continuous.measured.items()
        )
        for way in ("never", "window")
    )
    lines = [f"Held-out streams, never reset: {metric} {never} (every window from zero: {window})"]
    if continuous.changes == 0:
        lines.append("No class changes within these streams, so they do not tell what a change costs.")
    if continuous.measured["int8"].clear:
        lines.append(_advice(continuous, metric))
    return tuple(lines)


def used_another_way(interface: Interface, manifest: Mapping[str, Any], reset: Reset) -> str:
    """A warning for whoever runs a model with the other kind of reset than it was measured with; else nothing."""
    if reset == interface.reset:
        return ""
    return (
        f"this artifact was trained and measured with {WAYS[interface.reset]}, so its accuracy says nothing about "
        f"{WAYS[reset]}{_figure(manifest, reset)}"
    )


def described(interface: Interface) -> str:
    """What `edgernn inspect` says."""
    return f"{WAYS[interface.reset]}, as it was trained and measured"


def _advice(continuous: Continuous, metric: str) -> str:
    points = f"{100 * continuous.measured['int8'].loss:.1f} points of {metric}"
    if continuous.reset == "never":
        return f'Never reset, the model loses {points} though trained for it: try train.reset = "window".'
    return (
        f"Never reset, the model loses {points}: reset the state at every window, as `edgernn run` and the exported "
        'examples do, or train with train.reset = "never".'
    )


def _figure(manifest: Mapping[str, Any], reset: Reset) -> str:
    try:
        (metric, value), *_ = manifest["streams"]["measured"]["int8"][reset].items()
        return f" (the build measured {metric} {value:.4f} for that)"
    except (KeyError, TypeError, AttributeError, ValueError):
        return ""


def _compared(data: Dataset, found: Sequence[Stream], window: Float, never: Float) -> Comparison:
    difference = _scores(window, data) - _scores(never, data)
    blocks = _blocks(data, found)
    sums, counts = np.bincount(blocks, weights=difference), np.bincount(blocks)
    mean = float(difference.mean())
    error = float(np.sqrt(np.square(sums - mean * counts).sum())) / len(difference)
    return Comparison(evaluate(window, data), evaluate(never, data), mean, error)


def _scores(outputs: Float, data: Dataset) -> npt.NDArray[np.float64]:
    """[m]: what every judged result adds to the score: 1 for a right class, or its share of r2."""
    given, wanted = judged(outputs, data)
    if data.task == "classification":
        right: npt.NDArray[np.float64] = (given.argmax(axis=1) == wanted).astype(np.float64)
        return right
    variance = wanted.astype(np.float64).var(axis=0)
    changing = variance > 0
    errors = np.square(given.astype(np.float64) - wanted)[:, changing] / variance[changing]
    scores: npt.NDArray[np.float64] = 1 - errors.mean(axis=1) if changing.any() else np.zeros(len(wanted))
    return scores


def _blocks(data: Dataset, found: Sequence[Stream]) -> npt.NDArray[np.int64]:
    """int64 [m]: for every judged result the number of its block of time, because neighbours are not independent."""
    first, of_window = 0, np.zeros(data.n, np.int64)
    for stream in found:
        number = stream.ends // (_BLOCK * data.x.shape[1])
        of_window[stream.windows] = first + number
        first += int(number.max()) + 1
    return of_window.repeat(data.counted.sum(axis=1)) if data.per_step else of_window
