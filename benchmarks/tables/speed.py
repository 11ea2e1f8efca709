# SPDX-License-Identifier: Apache-2.0
"""The default build, and a step of it."""

from typing import Any

from benchmarks.tables.markdown import Blocks, table


def _demo(figures: dict[str, Any]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in figures["build_output"])


def _speed(figures: dict[str, Any]) -> str:
    reference = next(entry["p50"] for entry in figures["latency_us"] if entry["name"] == "numpy")
    rows = [(entry["name"], entry["version"], f"{reference / entry['p50']:.1f}") for entry in figures["latency_us"]]
    return table(("runtime", "version", "times as fast as the reference, one step, p50"), rows)


def _session(figures: dict[str, Any]) -> str:
    own = figures["session_us"]
    rows = [(title, f"{own[title] - own['C']:.2f}") for title in own if title != "C"]
    return table(("a sample as", "us above the step in C"), rows)


BLOCKS: Blocks = {"demo": (("speed",), _demo), "speed": (("speed",), _speed), "session": (("speed",), _session)}
