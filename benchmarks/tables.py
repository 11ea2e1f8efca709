# SPDX-License-Identifier: Apache-2.0
"""The committed results as Markdown, and the pages that show them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import results

_STAGES = {"float": "float", "unit_pruned": "units removed", "pruned": "weights pruned", "int8": "quantized"}
_PEER_SHAPE = "32, 64"
_ROOT = Path(__file__).parent.parent
PAGES = (_ROOT / "README.md", _ROOT / "docs" / "c.md")
"""What shows results."""


def update(text: str) -> str:
    """`text` with what the results say between each pair of marks like <!-- speed --> and <!-- /speed -->."""
    accuracy, speed, boards = (results.read(name) for name in ("accuracy", "speed", "boards"))
    blocks = {
        "accuracy": _accuracy(accuracy),
        "demo": _demo(speed),
        "speed": _speed(speed),
        "session": _session(speed),
        "instructions": _instructions(boards),
        "lstm": _peer(boards),
        "sizes": _sizes(boards),
    }
    for name in re.findall(r"<!-- (\w+) -->\n", text):
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->\n")
        assert closing, name
        text = f"{before}{opening}\n{blocks[name]}\n\n{closing}{after}"
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


def _session(figures: dict[str, Any]) -> str:
    own = figures["session_us"]
    rows = [(title, f"{own[title] - own['C']:.2f}") for title in own if title != "C"]
    return _table(("a sample as", "us above the step in C"), rows)


def _instructions(figures: dict[str, Any]) -> str:
    """Rows: boards; columns: our cells at each shape, the peer's LSTM below ours."""
    shapes = list(next(iter(figures["boards"].values()))["lstm"])
    rows = []
    for board, cells in figures["boards"].items():
        for cell, costs in cells.items():
            rows.append((board, cell.upper(), *(f"{costs[shape]:,}" for shape in shapes)))
        peer = figures["peer"]["lstm"].get(board)
        if peer:
            rows.append((board, "LSTM of CMSIS-NN", *(f"{peer[shape]:,}" for shape in shapes)))
    return _table(("core", "cell", *(f"({shape})" for shape in shapes)), rows)


def _peer(figures: dict[str, Any]) -> str:
    """The LSTM of (32, 64) beside the peer's."""
    rows = []
    for board, costs in figures["peer"]["lstm"].items():
        own, peer = figures["boards"][board]["lstm"][_PEER_SHAPE], costs[_PEER_SHAPE]
        rows.append(
            (board, f"{figures['boards'][board]['gru'][_PEER_SHAPE]:,}", f"{own:,}", f"{peer:,}", f"{peer / own:.2f}")
        )
    return _table(("core", "our GRU", "our LSTM", "CMSIS-NN's LSTM", "CMSIS-NN's / ours"), rows)


def _sizes(figures: dict[str, Any]) -> str:
    rows = [
        (board, level, *(f"{values[key]:,}" for key in ("step", "runtime", "constants", "static", "state", "stack")))
        for board, levels in figures["sizes"].items()
        for level, values in levels.items()
    ]
    columns = ("core", "level", "step", "runtime", "constants", "static RAM", "state", "stack")
    return _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
