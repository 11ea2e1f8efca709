# SPDX-License-Identifier: Apache-2.0
"""Instructions and bytes on boards."""

from typing import Any

from benchmarks.tables.markdown import Blocks, table

_PEER_SHAPE = "32, 64"


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
    return table(("core", "cell", *(f"({shape})" for shape in shapes)), rows)


def _peer(figures: dict[str, Any]) -> str:
    """The LSTM of (32, 64) beside the peer's."""
    rows = []
    for board, costs in figures["peer"]["lstm"].items():
        own, peer = figures["boards"][board]["lstm"][_PEER_SHAPE], costs[_PEER_SHAPE]
        rows.append(
            (board, f"{figures['boards'][board]['gru'][_PEER_SHAPE]:,}", f"{own:,}", f"{peer:,}", f"{peer / own:.2f}")
        )
    return table(("core", "our GRU", "our LSTM", "CMSIS-NN's LSTM", "CMSIS-NN's / ours"), rows)


def _sizes(figures: dict[str, Any]) -> str:
    rows = [
        (board, level, *(f"{values[key]:,}" for key in ("step", "runtime", "constants", "static", "state", "stack")))
        for board, levels in figures["sizes"].items()
        for level, values in levels.items()
    ]
    columns = ("core", "level", "step", "runtime", "constants", "static RAM", "state", "stack")
    return table(columns, rows)


def _edgemark(figures: dict[str, Any]) -> str:
    """EdgeMark's published GRU beside ours; the model there is the whole application."""
    published, own = figures["edgemark"]["published"], figures["edgemark"]["own"]
    rows = [
        ("EdgeMark, TFLM", f"{published['flash']:,}", f"{published['ram']:,}", f"{published['ms']:,} ms"),
        (
            "edgernn",
            f"{own['step'] + own['runtime'] + own['constants']:,}",
            f"{own['static'] + own['state'] + own['stack']:,}",
            f"{own['instructions'] * published['steps']:,} instructions",
        ),
    ]
    return table(("", "flash", "RAM", f"{published['steps']} steps"), rows)


def _scaling(figures: dict[str, Any]) -> str:
    rows = [
        (
            board,
            series["cell"].upper(),
            *(f"{point[key]:,}" for key in ("inputs", "units", "macs", "instructions")),
            f"{point['instructions'] / point['macs']:.2f}",
        )
        for board, found in figures["scaling"].items()
        for series in found
        for point in series["points"]
    ]
    return table(("core", "cell", "inputs", "units", "MACs", "instructions", "instructions a MAC"), rows)


BLOCKS: Blocks = {
    "instructions": (("boards",), _instructions),
    "lstm": (("boards",), _peer),
    "sizes": (("boards",), _sizes),
    "edgemark": (("boards",), _edgemark),
    "scaling_boards": (("boards",), _scaling),
}
