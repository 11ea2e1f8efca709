# SPDX-License-Identifier: Apache-2.0
"""edgernn bench"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgernn.cli import outcome, selection
from edgernn.cli.console import say, table

if TYPE_CHECKING:
    from edgernn.bench.device import Figures
    from edgernn.bench.host import Latency


_UNITS = {
    "instructions": "instructions: not cycles, as QEMU counts them",
    "ns": "ns: of QEMU on this machine; they say nothing about a device",
}
"""What a unit means where QEMU stands for a device."""


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@selection.options
@click.option(
    "--steps", type=click.IntRange(10, 10_000_000), default=5000, show_default=True, help="Timed steps, each runtime."
)
@selection.optimize
@outcome.option
def command(
    artifact: Path,
    names: tuple[str, ...],
    target_names: tuple[str, ...],
    steps: int,
    optimization: str,
    json_file: Path | None,
) -> None:
    """Measure one step of ARTIFACT, on this machine or on devices.

    Each runtime is called from Python on one thread; runtimes take turns. The machine's noise is in the times, so
    compare the ratios of one run rather than times of two.

    With --target: what a device counts for a step, and the flash and RAM of its firmware, a whole program. Step code,
    runtime code and constants together are what `edgernn inspect` calls flash, counted in a real image.
    """
    from edgernn import golden, load
    from edgernn.bench import device, host
    from edgernn.device import targets

    outcome.check(json_file)
    runtimes, devices = selection.runtimes(names, target_names), targets.select(target_names, optimization)
    model = load(artifact)
    expected = golden.load(artifact, model.integer.program)
    latencies = host.measure(model, expected, runtimes, steps) if runtimes else ()
    figures = [device.measure(model, expected, target) for target in devices]
    measured = not all([*(entry.reason for entry in latencies), *(entry.reason for entry in figures)])
    outcome.give(
        json_file, lambda: _content(artifact, latencies, figures), lambda: _show(latencies, figures), good=measured
    )


def _content(artifact: Path, latencies: "Sequence[Latency]", figures: "Sequence[Figures]") -> dict[str, Any]:
    """What --json gives: docs/evaluate.md."""
    return {
        "artifact": str(artifact),
        "runtimes": [asdict(latency) for latency in latencies],
        "targets": [asdict(entry) for entry in figures],
    }


def _show(latencies: "Sequence[Latency]", figures: "Sequence[Figures]") -> None:
    if latencies:
        _show_latencies(latencies)
    if figures:
        _show_figures(figures)


def _show_latencies(latencies: "Sequence[Latency]") -> None:
    """Prints the table, where there is anything for it."""
    timed = [latency for latency in latencies if latency.steps]
    slowest = max((latency.p50 for latency in timed), default=0)
    reference = next((latency.p50 for latency in timed if latency.name == "numpy"), None)
    columns = ("runtime", "version", "steps", "p50", "p95", "p99", "mean", "x slowest", "x numpy")
    rows = [
        (
            *(t.name, t.version, t.steps),
            *(f"{us:.1f}" for us in (t.p50, t.p95, t.p99, t.mean)),
            _times(slowest / t.p50),
            _times(reference / t.p50) if reference else "-",
        )
        for t in timed
    ]
    if rows:
        title = "Microseconds a step, called from Python, one thread"
        table(title, columns, rows, once={"steps": "{} steps each"})
        say("x: how many times as fast at p50")
    for latency in latencies:
        if latency.reason:
            say(f"{latency.name}: {latency.reason}")


def _times(ratio: float) -> str:
    """Of a runtime that is far slower too, two digits."""
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2g}"


def _bytes(count: int | None) -> str:
    return f"{count:,}" if count else "-"


def _show_figures(figures: "Sequence[Figures]") -> None:
    """Prints the table, where there is anything for it."""
    measured = [entry for entry in figures if not entry.reason]
    columns = ("target", "a step", "in", "step code", "runtime code", "constants", "flash", "state", "stack", "RAM")
    rows = [
        (
            *(f.name, f"{f.cost:,.0f}", f.unit),
            *map(_bytes, (f.sizes.step, f.sizes.runtime, f.sizes.constants, f.sizes.flash) if f.sizes else (None,) * 4),
            *map(_bytes, (f.state, f.stack, f.ram)),
        )
        for f in measured
    ]
    if rows:
        table("On a device: bytes of the whole program", columns, rows, once={"in": "a step in {}"})
        for unit, sentence in _UNITS.items():
            if any(f.unit == unit and f.version and "QEMU" in f.version for f in measured):
                say(sentence)
    versions = dict.fromkeys(entry.version for entry in measured)
    for version in versions:
        say(f"{', '.join(entry.name for entry in measured if entry.version == version)}: {version}")
    for entry in figures:
        if entry.reason:
            say(f"{entry.name}: {entry.reason}")
