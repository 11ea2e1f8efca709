# SPDX-License-Identifier: Apache-2.0
"""The committed results as plots: docs/plots/*.svg. The same results give the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import results

FOLDER = Path(__file__).parents[1] / "docs" / "plots"
_INK, _OWN, _PEERS = "#808080", "#d95f02", "#5b8db8"
"""Colours that can be read on white and on black."""
_SERIES = {"gru": "#1b9e77", "lstm": "#7570b3", "units": "o-", "inputs": "s--"}
_STYLE = {
    "svg.hashsalt": "edgernn",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "savefig.transparent": True,
}


def write(measures: Sequence[str]) -> None:
    """Draws the plots of these benchmarks. Raises ImportError without matplotlib."""
    for name, (measure, draw) in PLOTS.items():
        if measure in measures:
            figures = results.read(measure)
            _save(FOLDER / f"{name}.svg", draw, figures, origin(figures))


def origin(figures: Mapping[str, Any]) -> str:
    """What a plot says about where it comes from."""
    return f"{figures['command']}, at commit {figures['commit']}"


def _save(path: Path, draw: Callable[[Any, dict[str, Any]], None], figures: dict[str, Any], description: str) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(layout="constrained")
        draw(figure, figures)
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, metadata={"Date": None, "Creator": None, "Description": description})


def _bars(figure: Any, figures: dict[str, Any], mode: str) -> None:
    """Ratios of the layers of 32 inputs and 64 units on a logarithmic axis, bars from 1, the fastest on top."""
    cells = {"GRU": "gru, 32, 64", "LSTM": "lstm, 32, 64"}
    chosen = {
        cell: sorted(
            (entry for entry in figures["cases"][title]["contenders"] if entry["mode"] == mode),
            key=lambda entry: -float(entry["ratio"]),
        )
        for cell, title in cells.items()
    }
    heights = [len(entries) for entries in chosen.values()]
    figure.set_size_inches(7.2, 0.9 + 0.2 * sum(heights))
    panels = figure.subplots(len(chosen), 1, sharex=True, height_ratios=heights)
    for panel, (cell, entries) in zip(panels, chosen.items(), strict=True):
        colours = [_OWN if entry["name"].startswith("edgernn") else _PEERS for entry in entries]
        ratios = [float(entry["ratio"]) for entry in entries]
        bars = panel.barh([_label(entry) for entry in entries], [ratio - 1 for ratio in ratios], left=1, color=colours)
        panel.bar_label(bars, [f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}" for ratio in ratios], padding=3)
        panel.set(xscale="log", title=f"{cell}, 32 inputs and 64 units: a {mode}")
        panel.margins(x=0.12, y=0.01)
        panel.axvline(1, color=_INK, linewidth=0.8)
        _plain(panel.xaxis)
    panels[-1].set_xlabel("times as long as edgernn: native")


def _label(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']} ({entry['arithmetic']})" if not entry["name"].startswith("edgernn") else entry["name"]


def cost_against_macs(figure: Any, series: Sequence[Mapping[str, Any]], key: str, label: str) -> None:
    """Lines through the points of each series {cell, grows, points}, of their `macs` and `key`, on logarithmic axes."""
    figure.set_size_inches(6.4, 4.2)
    axes = figure.subplots()
    for line in series:
        costs = [point[key] for point in line["points"]]
        macs = [point["macs"] for point in line["points"]]
        title = f"{line['cell'].upper()}, {line['grows']} grow"
        axes.plot(macs, costs, _SERIES[line["grows"]], color=_SERIES[line["cell"]], label=title, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="multiplications of weights in a step", ylabel=label)
    for axis in (axes.xaxis, axes.yaxis):
        _plain(axis)
    axes.grid(True)
    axes.legend()


def _board(figure: Any, figures: dict[str, Any], board: str, core: str) -> None:
    cost_against_macs(figure, figures["scaling"][board], "instructions", f"instructions a step, {core}")


def _plain(axis: Any) -> None:
    """Powers of ten alone, in digits."""
    axis.set_major_formatter("{x:,.9g}")
    axis.set_ticks([], minor=True)


PLOTS: Mapping[str, tuple[str, Callable[[Any, dict[str, Any]], None]]] = {
    "peers_step": ("peers", lambda figure, figures: _bars(figure, figures, "step")),
    "peers_window": ("peers", lambda figure, figures: _bars(figure, figures, "window")),
    "scaling": (
        "scaling",
        lambda figure, figures: cost_against_macs(figure, figures["series"], "ns", "ns a step, in C on the host"),
    ),
    "scaling_cortex_m4": ("boards", lambda figure, figures: _board(figure, figures, "cortex_m4", "Cortex-M4")),
    "scaling_cortex_m0": ("boards", lambda figure, figures: _board(figure, figures, "cortex_m0", "Cortex-M0")),
}
"""Each file's benchmark, and what draws its results."""
