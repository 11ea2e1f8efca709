# SPDX-License-Identifier: Apache-2.0
"""What edgernn was to reach, beside what it reaches."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.tables.markdown import Blocks, table

_INSTRUCTIONS = {
    ("cortex_m4", "lstm", "32, 64"): 41_000,
    ("cortex_m4", "gru", "32, 64"): 31_000,
    ("cortex_m4", "gru", "6, 32"): 9_000,
    ("cortex_m4", "lstm", "6, 32"): 12_000,
    ("cortex_m0", "lstm", "32, 64"): 100_000,
    ("cortex_m55", "lstm", "32, 64"): 20_000,
}
"""Of a step at most."""
_TIMES = {("edgernn: generated C alone", "the step in C"): 15, ("edgernn: native", "`session.step`"): 5}
"""How many times as long a step of a peer takes at least."""
_CASE = "gru, 32, 64"
_PEERS = {"LiteRT": "LiteRT: model.tflite", "onnxruntime": "onnxruntime: float node"}
"""And which of a peer's steps is meant; its fastest one is shown too, where that is another one."""
_SHARE_OF_PEAK = 0.5
_ZEROS, _DENSE, _PRUNED = "0.75", "dense", "75 % of 4x4"
_TIMES_FEWER, _POINTS = 1.8, 0.5

_Row = tuple[str, str, str, bool]
"""What, the goal, what is reached, and whether that is enough."""


def _goals(
    boards: dict[str, Any],
    peers: dict[str, Any],
    product: dict[str, Any],
    sparse: dict[str, Any],
    pruned: dict[str, Any],
    seeds: dict[str, Any],
) -> str:
    rows = [*_instructions(boards), *_times(peers), *_shares(product), _fewer(sparse), _lost(pruned, seeds)]
    shown = [(what, goal, found, "yes" if enough else "no") for what, goal, found, enough in rows]
    return table(("", "goal", "reached", "enough"), shown)


def _instructions(figures: dict[str, Any]) -> Iterator[_Row]:
    for (board, cell, shape), goal in _INSTRUCTIONS.items():
        found = figures["boards"][board][cell][shape]
        yield f"{cell.upper()} ({shape}), {board}, instructions", f"at most {goal:,}", f"{found:,}", found <= goal


def _times(figures: dict[str, Any]) -> Iterator[_Row]:
    contenders = figures["cases"][_CASE]["contenders"]
    ratios = {entry["name"]: float(entry["ratio"]) for entry in contenders if entry["mode"] == "step"}
    for (own, title), goal in _TIMES.items():
        for peer, meant in _PEERS.items():
            fastest = min((name for name in ratios if name.startswith(f"{peer}: ")), key=ratios.__getitem__)
            for name in dict.fromkeys((meant, fastest)):
                found = ratios[name] / ratios[own]
                yield f"GRU (32, 64), {name}, by {title}", f"at least {goal} x", f"{found:.1f} x", found >= goal


def _shares(figures: dict[str, Any]) -> Iterator[_Row]:
    window = figures["window"]
    for title, share in (("one vector", figures["stream"]["share"]), (f"{window['vectors']} vectors", window["share"])):
        what = f"{figures['model']}, inner product of {title}, share of the peak"
        yield what, f"at least {_SHARE_OF_PEAK:.0%}", f"{share:.0%}", share >= _SHARE_OF_PEAK


def _fewer(figures: dict[str, Any]) -> _Row:
    costs = figures["costs"]
    fewer = costs["0"]["cortex_m4"] / costs[_ZEROS]["cortex_m4"]
    what = f"{figures['model']}, 75% zeros in blocks, cortex_m4, instructions of dense by those"
    return what, f"at least {_TIMES_FEWER}", f"{fewer:.2f}", fewer >= _TIMES_FEWER


def _lost(*figures: dict[str, Any]) -> _Row:
    """Over all folds and seeds, with the standard error of that mean over seeds; the folds are the same in each."""

    def accuracy(name: str) -> npt.NDArray[np.float64]:
        models = [model for one in figures for model in one["models"] if model["name"].startswith(name)]
        return np.array([[100 * fold["int8"] for fold in model["folds"]] for model in models])

    lost = accuracy(_DENSE) - accuracy(_PRUNED)
    mean, error = lost.mean(), np.sqrt(lost.var(axis=0, ddof=1).mean() / lost.size)
    what = f"GRU of 64 units on `watch`, 75% zeros in blocks, points of accuracy below dense, {len(lost)} seeds"
    return what, f"at most {_POINTS}", f"{mean:.2f} (standard error {error:.2f})", bool(mean <= _POINTS)


BLOCKS: Blocks = {"goals": (("boards", "peers", "product", "sparse", "pruned", "seeds"), _goals)}
