# SPDX-License-Identifier: Apache-2.0
"""edgernn beside other runtimes on the host, how its time grows, and what it takes to start."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.tables.markdown import Blocks, table

_BASE = "edgernn: native"
_SHOWN = ("gru, 32, 64", "lstm, 32, 64")


def _step(figures: dict[str, Any]) -> str:
    return _ratios(figures, "step")


def _window(figures: dict[str, Any]) -> str:
    return _ratios(figures, "window")


def _ratios(figures: dict[str, Any], mode: str) -> str:
    """Contenders down, cases across: times as long as edgernn; then what is missing, and why."""
    cases = figures["cases"]
    found = {title: _by_name(case["contenders"], mode) for title, case in cases.items()}
    missing = {title: _by_name(case["missing"], mode) for title, case in cases.items()}
    names = _ordered([*found.values(), *missing.values()])
    rows = [[f"{_BASE}, us", "", *(f"{entries[_BASE]['us']:.2f}" for entries in found.values()), ""]]
    for name in names:
        entries = [entries.get(name) for entries in found.values()]
        there = [entry for entry in entries if entry]
        if there and name != _BASE:
            ratios = [_times(entry["ratio"]) if entry else "-" for entry in entries]
            error = max(entry["largest_difference"] for entry in there)
            rows.append([name, there[0]["arithmetic"], *ratios, f"{error:.0e}" if error < 1e-3 else f"{error:.2f}"])
    columns = ["", "arithmetic", *map(_case, cases), "off by"]
    return "\n\n".join([table(columns, rows), *_reasons(missing)])


def _reasons(missing: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[str]:
    """A list of what can't be done, and why; nothing where everything can."""
    names: dict[str, list[str]] = {}
    for entries in missing.values():
        for name, entry in entries.items():
            names.setdefault(entry["reason"], []).append(name)
    lines = [f"- {', '.join(dict.fromkeys(told))}: {reason}." for reason, told in names.items()]
    return ["\n".join(lines)] if lines else []


def _short(figures: dict[str, Any]) -> str:
    """The layers of 32 inputs and 64 units: a step and a window of each contender."""
    columns, entries = ["times as long as edgernn"], []
    for mode in ("step", "window"):
        for title in _SHOWN:
            columns.append(f"{title.partition(',')[0].upper()}, a {mode}")
            entries.append(_by_name(figures["cases"][title]["contenders"], mode))
    names = _ordered(entries)
    rows = [[name, *(_times(entry[name]["ratio"]) if name in entry else "-" for entry in entries)] for name in names]
    return table(columns, rows)


def _setup(figures: dict[str, Any]) -> str:
    """The machine, the versions, and how steady it was."""
    entries = [entry for case in figures["cases"].values() for entry in case["contenders"] if entry["name"] != _BASE]
    widths = [(entry["quartiles"][1] - entry["quartiles"][0]) / entry["ratio"] for entry in entries]
    runtimes = ", ".join(f"{name} {version}" for name, version in figures["runtimes"].items())
    return (
        f"On {figures['machine']['cpu']}, with {runtimes}, C by {figures['versions']['compiler']}. "
        f"The middle half of the {figures['rounds']} rounds spans {np.median(widths):.0%} of the ratio shown, in the "
        f"median over all {len(widths)} ratios, and {max(widths):.0%} in the most unsteady one."
    )


def _scaling(figures: dict[str, Any]) -> str:
    peak, rows = figures["peak"]["macs_per_ns"], []
    for series in figures["series"]:
        for point in series["points"]:
            shape = f"{point['inputs']}", f"{point['units']}", f"{point['macs']:,}"
            rate = point["macs"] / point["ns"]
            rows.append((series["cell"].upper(), *shape, f"{point['ns']:,.0f}", f"{rate:.1f}", f"{rate / peak:.0%}"))
    columns = ("cell", "inputs", "units", "MACs", "ns a step", "MACs a ns", "share of the peak")
    told = f"The peak is {peak:.0f} MACs a ns, by {figures['peak']['instruction']}."
    return f"{table(columns, rows)}\n\n{told}"


def _product(figures: dict[str, Any]) -> str:
    stream, window = figures["stream"], figures["window"]
    rows = [
        ("one vector", f"{stream['macs_per_ns']:.0f}", f"{stream['share']:.0%}", f"{stream['bound']:.0%}"),
        (f"{window['vectors']} vectors", f"{window['macs_per_ns']:.0f}", f"{window['share']:.0%}", ""),
    ]
    columns = ("at once", "MACs a ns", "share of the peak", "at most, to read the weights")
    peak = f"The peak is {figures['peak_macs_per_ns']:.0f} MACs a ns, by {figures['instruction']}."
    return f"{table(columns, rows)}\n\n{peak} Kernels: `{figures['kernels']}`."


def _startup(figures: dict[str, Any]) -> str:
    least = min(entry["peak_mb"] for entry in figures["runtimes"].values())
    rows = [
        (
            name,
            f"{entry['import_ms']:.0f}",
            f"{entry['first_ms']:.1f}",
            f"{entry['peak_mb']:.0f}",
            f"{entry['peak_mb'] - least:.0f}",
        )
        for name, entry in figures["runtimes"].items()
    ]
    return table(("runtime", "import, ms", "load and first step, ms", "memory at most, MB", "MB above NumPy"), rows)


def _by_name(entries: Sequence[dict[str, Any]], mode: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in entries if entry["mode"] == mode}


def _ordered(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every name that occurs, those of a runtime together."""
    names = list(dict.fromkeys(name for found in entries for name in found))
    runtimes = list(dict.fromkeys(name.partition(":")[0] for name in names))
    return sorted(names, key=lambda name: runtimes.index(name.partition(":")[0]))


def _case(title: str) -> str:
    cell, _, shape = title.partition(", ")
    return f"{cell.upper()} ({shape})"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


BLOCKS: Blocks = {
    "product": (("product",), _product),
    "peers": (("peers",), _short),
    "peers_step": (("peers",), _step),
    "peers_window": (("peers",), _window),
    "peers_setup": (("peers",), _setup),
    "scaling": (("scaling",), _scaling),
    "startup": (("startup",), _startup),
}
