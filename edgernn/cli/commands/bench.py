# SPDX-License-Identifier: Apache-2.0
"""edgernn bench"""

from pathlib import Path

import click

from edgernn.cli.console import say, table


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--runtime", "names", multiple=True, metavar="NAME", help="A runtime to time; may be repeated. Default: all."
)
@click.option(
    "--steps", type=click.IntRange(10, 10_000_000), default=5000, show_default=True, help="Timed steps, each runtime."
)
def command(artifact: Path, names: tuple[str, ...], steps: int) -> None:
    """Time one step of ARTIFACT on this machine.

    Each runtime is called from Python on one thread; runtimes take turns. The machine's noise is in the times, so
    compare the ratios of one run rather than times of two.
    """
    from edgernn import backends, golden, load
    from edgernn.bench.host import measure

    model = load(artifact)
    latencies = measure(model, golden.load(artifact, model.integer.program), backends.select(names), steps)
    timed = [latency for latency in latencies if latency.steps]
    slowest = max((latency.p50 for latency in timed), default=0)
    reference = next((latency.p50 for latency in timed if latency.name == "numpy"), None)
    columns = ("runtime", "version", "steps", "p50 us", "p95 us", "p99 us", "mean us", "x slowest", "x reference")
    rows = [
        (
            *(t.name, t.version, t.steps, f"{t.p50:.1f}", f"{t.p95:.1f}", f"{t.p99:.1f}", f"{t.mean:.1f}"),
            f"{slowest / t.p50:.1f}",
            f"{reference / t.p50:.1f}" if reference else "-",
        )
        for t in timed
    ]
    table("One step, called from Python, one thread; x: how many times faster at p50", columns, rows)
    for latency in latencies:
        if latency.reason:
            say(f"{latency.name}: {latency.reason}")
    if not timed:
        raise click.exceptions.Exit(1)
