# SPDX-License-Identifier: Apache-2.0
"""Accuracy of models whose state is never reset."""

from math import sqrt
from statistics import mean, stdev
from typing import Any

from benchmarks.tables.markdown import Blocks, table

_TRAINED = {"window": "on windows", "never": "never reset"}


def _streams(figures: dict[str, Any]) -> str:
    """The quantized models, mean and standard error over the seeds; differences are taken within a seed."""
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for row in figures["rows"]:
        if "cell" in row:
            found.setdefault((row["cell"], row["reset"]), []).append(row["int8"])
    rows = []
    for (cell, reset), own in found.items():
        ways = [[figure[judged] for figure in own] for judged in _TRAINED]
        gain = _apart([figure["never"] for figure in own], [figure["never"] for figure in found[cell, "window"]])
        rows.append((f"{cell.upper()}-32", _TRAINED[reset], *map(_over, ways), gain if reset == "never" else ""))
    share = _over([row["majority"] for row in figures["rows"] if "majority" in row])
    columns = ("model", "trained", "every window from zero", "never reset", "gained there, points")
    return table(columns, [*rows, ("the most frequent class", "", share, share, "")])


def _over(values: list[float]) -> str:
    return f"{mean(values):.1%} ± {_error(values):.1%}"


def _apart(values: list[float], others: list[float]) -> str:
    points = [100 * (value - other) for value, other in zip(values, others, strict=True)]
    return f"{mean(points):+.1f} ± {_error(points):.1f}"


def _error(values: list[float]) -> float:
    return stdev(values) / sqrt(len(values))


BLOCKS: Blocks = {"streams": (("streams",), _streams)}
