# SPDX-License-Identifier: Apache-2.0
"""Accuracy of models over folds."""

from typing import Any

from benchmarks.tables.markdown import Blocks, table

_STAGES = {"float": "float", "unit_pruned": "units removed", "pruned": "weights pruned", "int8": "quantized"}


def _accuracy(figures: dict[str, Any]) -> str:
    rows = []
    for model in figures["models"]:
        for stage, title in _STAGES.items():
            values = [fold[stage] for fold in model["folds"] if stage in fold]
            if values:
                mean = sum(values) / len(values)
                name = model["name"] if stage == "float" else ""
                rows.append((name, title, f"{mean:.1%}", *(f"{value:.1%}" for value in values)))
    folds = [f"fold {number + 1}" for number in range(len(figures["models"][0]["folds"]))]
    return table(("model", "", "mean", *folds), rows)


def _pruned(figures: dict[str, Any]) -> str:
    """The quantized models alone."""
    rows = []
    for model in figures["models"]:
        values = [fold["int8"] for fold in model["folds"]]
        rows.append((model["name"], f"{sum(values) / len(values):.1%}", *(f"{value:.1%}" for value in values)))
    folds = [f"fold {number + 1}" for number in range(len(figures["models"][0]["folds"]))]
    return table(("zeros", "mean", *folds), rows)


BLOCKS: Blocks = {
    "accuracy": (("accuracy",), _accuracy),
    "pruned": (("pruned",), _pruned),
    "seeds": (("seeds",), _pruned),
}
