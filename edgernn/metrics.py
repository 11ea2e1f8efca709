# SPDX-License-Identifier: Apache-2.0
"""How good a model's outputs are."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import Dataset


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
