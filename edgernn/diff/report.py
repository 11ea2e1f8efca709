# SPDX-License-Identifier: Apache-2.0
"""A comparison as JSON, and the summaries that its tables show."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.diff.compare import Comparison, Count, Culprit, Report
from edgernn.diff.graph import Graph

_MOST_VALUES = 1 << 16
"""Of a tensor in JSON: more are left out, and said to be."""


@dataclass(frozen=True)
class KindCount:
    """All operators of a kind: how many there are, how many differ on equal inputs, and their values there."""

    kind: str
    operators: int
    differing: int
    values: Count


def by_kind(graph: Graph, comparison: Comparison) -> tuple[KindCount, ...]:
    """The kinds of which an operator differs although its inputs agree, the largest share of values first."""
    totals = Counter(op.kind for op in graph.ops)
    found: dict[str, list[Count]] = {}
    for entry in comparison.ops:
        if entry.equal_inputs.differing:
            found.setdefault(entry.op.kind, []).append(entry.equal_inputs)
    kinds = [KindCount(kind, totals[kind], len(counts), sum(counts, Count())) for kind, counts in found.items()]
    return tuple(sorted(kinds, key=lambda entry: -entry.values.share))


def places(culprit: Culprit) -> list[tuple[int, ...]]:
    """Indices of the values that differ, in order; none where the shapes do."""
    if culprit.expected.shape != culprit.found.shape:
        return []
    width = f"V{culprit.expected.dtype.itemsize}"
    wrong = np.ascontiguousarray(culprit.expected).view(width) != np.ascontiguousarray(culprit.found).view(width)
    return [tuple(map(int, place)) for place in np.argwhere(wrong)]


def to_json(report: Report) -> dict[str, Any]:
    """All of the report as JSON-able values."""
    return {
        "agrees": report.agrees,
        "base": report.base,
        "samples": report.samples,
        "operators": len(report.graph.ops),
        "runtimes": [_comparison(report.graph, comparison) for comparison in report.paths],
        "pairs": [{"runtimes": list(pair), **asdict(count)} for pair, count in report.pairs.items()],
    }


def _comparison(graph: Graph, comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "version": comparison.version,
        "status": comparison.status,
        "reason": comparison.reason,
        "outputs": asdict(comparison.outputs),
        "disturbed": comparison.disturbed,
        "first": None if comparison.first is None else _culprit(graph, comparison.first),
        "operators": [
            {
                "index": entry.op.index,
                "kind": entry.op.kind,
                "results": _names(graph, entry.op.outputs),
                "all": asdict(entry.all),
                "equal_inputs": asdict(entry.equal_inputs),
            }
            for entry in comparison.ops
        ],
    }


def _culprit(graph: Graph, culprit: Culprit) -> dict[str, Any]:
    return {
        "place": culprit.place,
        "index": culprit.op.index,
        "kind": culprit.op.kind,
        "activation": culprit.op.activation,
        "keeps_state": culprit.keeps,
        "inputs": [_tensor(graph, index, culprit.inputs.get(index)) for index in culprit.op.given],
        "result": _tensor(graph, culprit.result, None),
        "expected": _numbers(culprit.expected),
        "found": _numbers(culprit.found),
        "exact": None if culprit.exact is None else _numbers(culprit.exact),
        "differing": [list(place) for place in places(culprit)[:_MOST_VALUES]],
    }


def _tensor(graph: Graph, index: int, values: npt.NDArray[Any] | None) -> dict[str, Any]:
    tensor = graph.tensors[index]
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scales": list(tensor.scales),
        "zero_points": list(tensor.zero_points),
        "constant": tensor.data is not None,
        "values": None if values is None else _numbers(values),
    }


def _numbers(values: npt.NDArray[Any]) -> Any:
    """Nested lists; None for too many. What JSON has no number for becomes text."""
    if values.size > _MOST_VALUES:
        return None
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        texts: Any = values.astype(str).tolist()
        return texts
    return values.tolist()


def _names(graph: Graph, tensors: Iterable[int]) -> list[str]:
    return [graph.tensors[index].name for index in tensors]
