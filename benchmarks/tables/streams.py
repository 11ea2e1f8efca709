# SPDX-License-Identifier: Apache-2.0
"""Accuracy of models whose state is never reset."""

from math import sqrt
from statistics import mean, stdev
from typing import Any

from benchmarks.tables.markdown import Blocks, table

_TRAINED = {"window": "on windows", "never": "never reset"}


def _streams(figures: dict[str, Any]) -> str:
    """The quantized models, mean and standard error over the seeds."""
    models = [row for row in figures["rows"] if "cell" in row]
    ways = dict.fromkeys((row["cell"], row["reset"]) for row in models)
    rows = [
        (f"{cell.upper()}-32", _TRAINED[reset], *(_over([row["int8"][judged] for row in own]) for judged in _TRAINED))
        for cell, reset in ways
        for own in [[row for row in models if (row["cell"], row["reset"]) == (cell, reset)]]
    ]
    share = _over([row["majority"] for row in figures["rows"] if "majority" in row])
    columns = ("model", "trained", "every window from zero", "never reset")
    return table(columns, [*rows, ("the most frequent class", "", share, share)])


def _over(values: list[float]) -> str:
    return f"{mean(values):.1%} ± {stdev(values) / sqrt(len(values)):.1%}"


BLOCKS: Blocks = {"streams": (("streams",), _streams)}
