# SPDX-License-Identifier: Apache-2.0
"""How good a model's outputs are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import Dataset
from edgernn.model import Interface

_LARGEST_RATIO = 200.0


@dataclass(frozen=True)
class Closeness:
    """One output's, or that of all logits.

    signal_to_noise: variance of the float outputs over the mean squared difference, in dB, at most 200, None where they
    never change; largest_difference: in the target's unit.
    """

    name: str
    signal_to_noise: float | None
    largest_difference: float


@dataclass(frozen=True)
class Fidelity:
    """How close integer outputs are to float ones.

    same_class: share of the results that are of the same class in both, None for regression; outputs: "logits", or each
    target by its name.
    """

    same_class: float | None
    outputs: tuple[Closeness, ...]


def evaluate(outputs: npt.NDArray[Any], data: Dataset) -> dict[str, float]:
    """Quality of network outputs [n, T, K], of every step, on these windows.

    Windows are judged at their last step, or with `per_step` at every step before `lengths`. Classification: accuracy
    and macro_f1. Regression: mae, rmse in the target's unit and r2, all averaged over the targets; `outputs` are in
    the target's unit.
    """
    if data.per_step:
        judged, wanted = outputs[data.mask], data.y[data.mask]
    else:
        judged, wanted = outputs[np.arange(data.n), data.lengths - 1], data.y
    if data.task == "classification":
        return _classification(judged.argmax(axis=1), wanted, len(data.classes))
    return _regression(judged, wanted)


def _classification(found: npt.NDArray[Any], wanted: npt.NDArray[Any], classes: int) -> dict[str, float]:
    scores = []
    for c in range(classes):
        hits = int(((found == c) & (wanted == c)).sum())
        total = int((found == c).sum() + (wanted == c).sum())
        if total:
            scores.append(2 * hits / total)
    return {"accuracy": float((found == wanted).mean()), "macro_f1": float(np.mean(scores))}


def _regression(found: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> dict[str, float]:
    wanted = wanted.astype(np.float64)
    error = found - wanted
    spread = np.square(wanted - wanted.mean(axis=0)).sum(axis=0)
    r2 = 1 - np.square(error).sum(axis=0) / np.where(spread > 0, spread, 1)
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "r2": float(r2.mean()),
    }


def fidelity(exact: npt.NDArray[Any], found: npt.NDArray[Any], interface: Interface) -> Fidelity:
    """Results [m, K] of the float model, `exact`, and of the integer model, in the same unit."""
    if interface.task == "classification":
        same = float((exact.argmax(axis=1) == found.argmax(axis=1)).mean())
        return Fidelity(same, (_closeness("logits", exact, found),))
    columns = enumerate(interface.outputs)
    return Fidelity(None, tuple(_closeness(name, exact[:, [i]], found[:, [i]]) for i, name in columns))


def _closeness(name: str, exact: npt.NDArray[Any], found: npt.NDArray[Any]) -> Closeness:
    wide = exact.astype(np.float64)
    signal, difference = float(np.square(wide - wide.mean(axis=0)).sum()), np.abs(found - wide)
    noise = max(float(np.square(difference).sum()), signal * 10 ** (-_LARGEST_RATIO / 10))
    return Closeness(name, 10 * float(np.log10(signal / noise)) if signal else None, float(difference.max()))
