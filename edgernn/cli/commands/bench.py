# SPDX-License-Identifier: Apache-2.0
"""edgernn bench"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgernn.cli import selection
from edgernn.cli.console import say, table

if TYPE_CHECKING:
    from edgernn.bench.device import Figures
    from edgernn.bench.host import Latency


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@selection.options
@click.option(
    "--steps", type=click.IntRange(10, 10_000_000), default=5000, show_default=True, help="Timed steps, each runtime."
)
@selection.optimize
def command(
    artifact: Path, names: tuple[str, ...], target_names: tuple[str, ...], steps: int, optimization: str
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

    runtimes, devices = selection.runtimes(names, target_names), targets.select(target_names, optimization)
    model = load(artifact)
    expected = golden.load(artifact, model.integer.program)
    shown = []
    if runtimes:
        shown.append(_show_latencies(host.measure(model, expected, runtimes, steps)))
    if devices:
        shown.append(_show_figures([device.measure(model, expected, target) for target in devices]))
    if not any(shown):
        raise click.exceptions.Exit(1)


def _show_latencies(latencies: "Sequence[Latency]") -> bool:
    """Prints the table, where there is anything for it; returns whether there is."""
    timed = [latency for latency in latencies if latency.steps]
    slowest = max((latency.p50 for latency in timed), default=0)
    reference = next((latency.p50 for latency in timed if latency.name == "numpy"), None)
    columns = ("runtime", "version", "steps", "p50 us", "p95 us", "p99 us", "mean us", "x slowest", "x reference")
    rows = [
        (
            *(t.name, t.version, t.steps),
            *(f"{us:.2f}" for us in (t.p50, t.p95, t.p99, t.mean)),
            _times(slowest / t.p50),
            _times(reference / t.p50) if reference else "-",
        )
        for t in timed
    ]
    if rows:
        table("One step, called from Python, one thread; x: how many times faster at p50", columns, rows)
    for latency in latencies:
        if latency.reason:
            say(f"{latency.name}: {latency.reason}")
    return bool(timed)


def _times(ratio: float) -> str:
    """Of a runtime that is far slower too, two digits."""
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2g}"


def _show_figures(figures: "Sequence[Figures]") -> bool:
    """Prints the table, where there is anything for it; returns whether there is."""
    measured = [entry for entry in figures if not entry.reason]
    columns = (
        "target",
        "version",
        "a step",
        "in",
        "step code",
        "runtime code",
        "constants",
        "flash",
        "state",
        "stack",
        "RAM",
    )
    rows = [
        (
            *(f.name, f.version, f"{f.cost:,.0f}", f.unit),
            *((f.sizes.step, f.sizes.runtime, f.sizes.constants, f.sizes.flash) if f.sizes else "----"),
            *(f.state, f.stack or "-", f.ram or "-"),
        )
        for f in measured
    ]
    title = "One step on a device, and the bytes of its firmware"
    if rows:
        table(f"{title}; QEMU counts instructions, not cycles, and its ns say nothing about a Pi", columns, rows)
    for entry in figures:
        if entry.reason:
            say(f"{entry.name}: {entry.reason}")
    return bool(measured)
