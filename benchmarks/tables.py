# SPDX-License-Identifier: Apache-2.0
"""The committed results as Markdown, and the pages that show them."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import results

_STAGES = {"float": "float", "unit_pruned": "units removed", "pruned": "weights pruned", "int8": "quantized"}
_PEER_SHAPE = "32, 64"
_ROOT = Path(__file__).parent.parent
PAGES = (_ROOT / "README.md", _ROOT / "docs" / "c.md", _ROOT / "docs" / "runtimes.md")
"""What shows results."""


def update(text: str) -> str:
    """`text` with what the results say between each pair of marks like <!-- speed --> and <!-- /speed -->.

    Where a benchmark has not run yet, what stands there stays.
    """
    for name in re.findall(r"<!-- (\w+) -->\n", text):
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->\n")
        assert closing, name
        if not results.exists(BLOCKS[name][0]):
            continue
        measure, block = BLOCKS[name]
        text = f"{before}{opening}\n{block(results.read(measure))}\n\n{closing}{after}"
    return text


def _demo(figures: dict[str, Any]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in figures["build_output"])


def _agreement(figures: dict[str, Any]) -> str:
    """Runtimes and their kernels down, architectures across; then the devices, which all run the C."""
    architectures = list(dict.fromkeys(row["architecture"] for row in figures["runtimes"]))
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in figures["runtimes"]:
        family = re.sub(r"^pi\d-", "", row["name"]).removesuffix(f"-{row['kernels']}")
        found.setdefault((f"{family} {row['version']}", row["kernels"]), {})[row["architecture"]] = _differing(row)
    matrix = [(*key, *(cells.get(name, "") for name in architectures)) for key, cells in found.items()]
    devices = [(row["architecture"], row["name"], row["version"], _differing(row)) for row in figures["devices"]]
    tables = (
        _table(("values that differ", "kernels", *architectures), matrix),
        _table(("the C on", "target", "compiler, emulator", "values that differ"), devices),
    )
    return "\n\n".join(tables)


def _differing(row: dict[str, Any]) -> str:
    return row["status"] if row["status"] == "unavailable" else f"{row['mismatches']:,} of {row['values']:,}"


def _control(figures: dict[str, Any]) -> str:
    """Each cell as the stock converter and as edgernn makes it: the most of each kind between any two runtimes."""
    columns = (
        "",
        "bytes",
        "runtimes",
        "outputs that differ",
        "largest difference",
        "windows of another class",
        "crashes",
    )
    rows = []
    for cell, made in figures["cells"].items():
        for title, key in (("TensorFlow's converter", "stock"), ("edgernn", "edgernn")):
            entry, worst = made[key], made[key]["worst"]
            differing = (
                f"{worst['share']:.1%} of {entry['values']:,}" if worst["share"] else f"0 of {entry['values']:,}"
            )
            told = (differing, f"{worst['largest']}", f"{worst['other_class']}", f"{len(entry['failed'])}")
            rows.append((f"{cell.upper()}, {title}", f"{entry['bytes']:,}", f"{len(figures['runtimes'])}", *told))
    return _table(columns, rows)


def _control_by_path(figures: dict[str, Any]) -> str:
    """What every other path gives on the stock converter's models, against the first one."""
    base, *others = (runtime["name"] for runtime in figures["runtimes"])
    rows = []
    for name in others:
        told = []
        for made in figures["cells"].values():
            pair = [pair for pair in made["stock"]["pairs"] if pair["runtimes"] == [base, name]]
            told.append(f"{pair[0]['share']:.1%}" if pair else "crashes")
        rows.append((name, *told))
    return _table((f"against {base}", *(cell.upper() for cell in figures["cells"])), rows)


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


BLOCKS: Mapping[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "agreement": ("agree", lambda figures: _agreement(figures["watch"])),
    "agreement_of_random_models": ("agree", lambda figures: _agreement(figures["random"])),
    "control": ("control", _control),
    "control_by_path": ("control", _control_by_path),
    "accuracy": ("accuracy", _accuracy),
    "demo": ("speed", _demo),
    "speed": ("speed", _speed),
    "session": ("speed", _session),
    "instructions": ("boards", _instructions),
    "lstm": ("boards", _peer),
    "sizes": ("boards", _sizes),
}
"""What each pair of marks shows: a benchmark, and the Markdown of its results."""
