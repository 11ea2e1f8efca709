# SPDX-License-Identifier: Apache-2.0
"""edgernn inspect"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgernn.cli import outcome
from edgernn.cli.console import say, table

if TYPE_CHECKING:
    from edgernn.artifact import Model


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@outcome.option
def command(artifact: Path, json_file: Path | None) -> None:
    """Show the layers of ARTIFACT.

    A row a layer: shape, parameters, share of zeros, multiplications a step (MACs), bytes of weights and state, and the
    scales of its weights. Then the totals, what goes in and comes out, and how good each form of the model is.
    """
    from edgernn import load

    outcome.check(json_file)
    model = load(artifact)
    outcome.give(json_file, lambda: _content(model), lambda: _show(model))


def _content(model: "Model") -> dict[str, Any]:
    """What --json gives: docs/commands.md."""
    from edgernn import footprint

    program = model.integer.program
    said = ("metrics", "quantization", "evaluation", "data", "created_with")
    return {
        "artifact": str(model.folder),
        "name": model.manifest.get("name"),
        "interface": model.integer.interface.to_json(),
        "layers": [asdict(layer) for layer in footprint.layers(program)],
        "footprint": footprint.totals(program),
        **{key: model.manifest.get(key) for key in said},
    }


def _show(model: "Model") -> None:
    from edgernn import footprint

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


def _rounded(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
