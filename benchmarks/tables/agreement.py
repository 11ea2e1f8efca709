# SPDX-License-Identifier: Apache-2.0
"""Which runtimes give the same bytes, and which ones do not."""

import re
from typing import Any

from benchmarks.tables.markdown import Blocks, table


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
        table(("values that differ", "kernels", *architectures), matrix),
        table(("the C on", "target", "compiler, emulator", "values that differ"), devices),
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
    return table(columns, rows)


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
    return table((f"against {base}", *(cell.upper() for cell in figures["cells"])), rows)


BLOCKS: Blocks = {
    "agreement": (("agree",), lambda figures: _agreement(figures["watch"])),
    "agreement_of_random_models": (("agree",), lambda figures: _agreement(figures["random"])),
    "control": (("control",), _control),
    "control_by_path": (("control",), _control_by_path),
}
