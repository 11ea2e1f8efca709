# SPDX-License-Identifier: Apache-2.0
"""edgernn inspect"""

from pathlib import Path

import click

from edgernn.cli import footprints
from edgernn.cli.console import say, table


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@footprints.clock
@footprints.optimize
def command(artifact: Path, clock: float | None, optimization: str) -> None:
    """Show the layers of ARTIFACT.

    A row a layer: shape, parameters, share of zeros, multiplications a step (MACs), bytes of weights and state, and the
    scales of its weights. Then the totals, what goes in and comes out, and how good each form of the model is. Then,
    for each core, what a program on a microcontroller grows by and what a step costs; no compiler is needed for that.
    """
    from edgernn import footprint, load
    from edgernn.backends.c.footprint import footprints as cores

    model = load(artifact)
    rows = footprint.layers(model.integer.program)
    columns = ("layer", "shape", "parameters", "zeros", "MACs/step", "weight bytes", "state bytes", "weight scales")
    cells = [
        (r.name, r.shape, r.parameters, f"{r.zeros:.0%}", r.macs, r.weight_bytes, r.state_bytes, r.scales) for r in rows
    ]
    totals = footprint.totals(model.integer.program)
    parameters = sum(row.parameters for row in rows)
    sums = ("total", "", parameters, "", totals["macs_per_step"], totals["weight_bytes"], totals["state_bytes"], "")
    table(f"{model.manifest.get('name')}", columns, [*cells, sums])
    interface = model.integer.interface
    say(f"{interface.task} of {', '.join(interface.channels)} into {', '.join(interface.outputs)}")
    seconds = (
        f" ({interface.window / interface.rate:g} s at {interface.rate:g} steps a second)" if interface.rate else ""
    )
    judged = "step" if interface.per_step else "window"
    ways = ", read from both ends" if interface.bidirectional else ""
    say(f"trained on windows of {interface.window} steps{seconds}{ways}, a result for each {judged}")
    metrics = model.manifest.get("metrics")
    for form, values in metrics.items() if isinstance(metrics, dict) else ():
        if isinstance(values, dict):
            say(f"{form}: " + ", ".join(f"{name} {_rounded(value)}" for name, value in values.items()))
    say("")
    footprints.show_footprints(cores(model.integer, optimization), interface.rate, clock)


def _rounded(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
