# SPDX-License-Identifier: Apache-2.0
"""How good a model's outputs are."""

from collections.abc import Sequence
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


def judged(outputs: npt.NDArray[Any], data: Dataset) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The outputs [m, K] among [n, T, K] that are judged, and what they should be: classes [m] or targets [m, K].

    Which those are, `Dataset.judged` says.
    """
    return outputs[data.judged], data.wanted


def evaluate(outputs: npt.NDArray[Any], data: Dataset) -> dict[str, float]:
    """Quality of network outputs [n, T, K], of every step, on these windows (`judged`).

    Classification: accuracy and macro_f1. Regression, where `outputs` are in the targets' units: mae and rmse of one
    target, in its unit; of several nothing that would mix their units (`scores` has it). r2 is the mean over the
    targets that change in these windows, and missing where none does.
    """
    return quality(*judged(outputs, data), data.targets)


def quality(found: npt.NDArray[Any], wanted: npt.NDArray[Any], targets: Sequence[str]) -> dict[str, float]:
    """`evaluate` of results [m, K] that were judged: wanted are classes [m] where there are no targets, else [m, K]."""
    if targets:
        return _regression(scores(targets, found, wanted))
    table = confusion(found.argmax(axis=1), wanted, found.shape[1])
    f1 = [row.f1 for row in per_class(table, [""] * len(table)) if row.f1 is not None]
    return {"accuracy": float(np.trace(table) / table.sum()), "macro_f1": float(np.mean(f1))}


def confusion(
    found: npt.NDArray[np.integer[Any]], wanted: npt.NDArray[np.integer[Any]], classes: int
) -> npt.NDArray[np.int64]:
    """int64 [C, C]: how many results of class row were found to be of class column. found, wanted: [m], 0..C-1."""
    cells = wanted.astype(np.int64) * classes + found
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True)
class ClassScore:
    """One class; windows: results that should be of it (of steps: so many steps).

    precision is None where nothing was found to be of the class, recall where nothing is of it, f1 where both hold.
    """

    name: str
    windows: int
    precision: float | None
    recall: float | None
    f1: float | None


def per_class(table: npt.NDArray[np.int64], names: Sequence[str]) -> tuple[ClassScore, ...]:
    """A row for each class of a confusion matrix [C, C]."""
    return tuple(_class_score(name, table[:, c].sum(), table[c].sum(), table[c, c]) for c, name in enumerate(names))


def _class_score(name: str, found: np.int64, wanted: np.int64, hits: np.int64) -> ClassScore:
    def share(part: np.int64, whole: np.int64) -> float | None:
        return float(part / whole) if whole else None

    return ClassScore(name, int(wanted), share(hits, found), share(hits, wanted), share(2 * hits, found + wanted))


def calibration_error(logits: npt.NDArray[Any], wanted: npt.NDArray[np.integer[Any]], bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3), 0 to 1.

    logits [m, C] become probabilities by softmax; the results are put into `bins` equal ranges of the largest one, and
    the differences between its mean and the accuracy are averaged, weighted by the results in the range. wanted: [m].
    """
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    confidence = exponents.max(axis=1) / exponents.sum(axis=1)
    right = logits.argmax(axis=1) == wanted
    # Ranges are open below and closed above, as in the paper.
    number = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(number, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(logits))


@dataclass(frozen=True)
class TargetScore:
    """One real target, in its unit.

    r2 is None where the target never changes; std: its deviation, the rmse of the best constant; last_value_rmse: that
    of the last value, where the target is a channel too (a forecast), else None.
    """

    name: str
    mae: float
    rmse: float
    r2: float | None
    std: float
    last_value_rmse: float | None


def baselines(train: Dataset, test: Dataset) -> dict[str, float]:
    """What takes no model, judged on the windows of `test` like one.

    Classification: "majority", the accuracy of always giving the most frequent class of `train`. Regression:
    "mean_mae", "mean_rmse" and "mean_r2" of always giving the means of `train`; where every target is a channel too (a
    forecast), also "last_value_mae", "last_value_rmse" and "last_value_r2" of giving the channel's value at the step.
    Those that `evaluate` would leave out are missing.
    """
    known, wanted = train.wanted, test.wanted
    if test.task == "classification":
        return {"majority": float((wanted == np.bincount(known).argmax()).mean())}
    means = np.broadcast_to(known.mean(axis=0, dtype=np.float64), wanted.shape)
    constant = _regression(scores(test.targets, means, wanted))
    found = {f"mean_{key}": value for key, value in constant.items()}
    last = test.last_values
    if last is not None:
        found |= {f"last_value_{key}": value for key, value in evaluate(last, test).items()}
    return found


def scores(names: Sequence[str], found: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[TargetScore, ...]:
    """A row for each target of results [m, K] and what they should be; the last values are not looked at."""
    return tuple(_target_score(name, found[:, k], wanted[:, k].astype(np.float64)) for k, name in enumerate(names))


def _target_score(name: str, found: npt.NDArray[Any], wanted: npt.NDArray[np.float64]) -> TargetScore:
    error = found - wanted
    # Compared by range: rounding gives a constant such as 0.1 a deviation just above 0.
    variance = float(wanted.var()) if wanted.min() < wanted.max() else 0.0
    square = float(np.square(error).mean())
    r2 = 1 - square / variance if variance else None
    return TargetScore(name, float(np.abs(error).mean()), square**0.5, r2, variance**0.5, None)


def _regression(rows: Sequence[TargetScore]) -> dict[str, float]:
    found = {"mae": rows[0].mae, "rmse": rows[0].rmse} if len(rows) == 1 else {}
    explained = [row.r2 for row in rows if row.r2 is not None]
    return found | ({"r2": float(np.mean(explained))} if explained else {})


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
