# SPDX-License-Identifier: Apache-2.0
"""The committed results as Markdown, and the README that shows them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import results

_STAGES = {"float": "float", "unit_pruned": "units removed", "pruned": "weights pruned", "int8": "quantized"}
README = Path(__file__).parent.parent / "README.md"


def update(text: str) -> str:
    """`text` with what the results say between each pair of marks like <!-- speed --> and <!-- /speed -->."""
    accuracy, speed = results.read("accuracy"), results.read("speed")
    blocks = {"accuracy": _accuracy(accuracy), "demo": _demo(speed), "speed": _speed(speed)}
    for name, block in blocks.items():
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->\n")
        assert opening and closing, name
        text = f"{before}{opening}\n{block}\n\n{closing}{after}"
    return text


def _demo(figures: dict[str, Any]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in figures["build_output"])


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
    return _table(("model", "", "mean", *folds), rows)


def _speed(figures: dict[str, Any]) -> str:
    reference = next(entry["p50"] for entry in figures["latency_us"] if entry["name"] == "numpy")
    rows = [(entry["name"], entry["version"], f"{reference / entry['p50']:.1f}") for entry in figures["latency_us"]]
    return _table(("runtime", "version", "times as fast as the reference, one step, p50"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
