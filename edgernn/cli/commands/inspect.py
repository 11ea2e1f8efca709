# SPDX-License-Identifier: Apache-2.0
"""edgernn inspect"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgernn.cli import footprints, outcome, results, verbosity
from edgernn.cli.console import counted, say, table

if TYPE_CHECKING:
    from edgernn.artifact import Model
    from edgernn.model import Interface


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@verbosity.verbose("scales and clipping of every matrix, and the versions that the artifact was made with")
@footprints.clock
@footprints.optimize
@outcome.option
def command(artifact: Path, clock: float | None, optimization: str, json_file: Path | None) -> None:
    """Show what is in ARTIFACT.

    A row a layer: shape, parameters, share of zeros, multiplications a step (MACs), bytes of weights and state. Then
    what goes in and comes out, and how good each form of the model is. Then, for each core, what a program on a
    microcontroller grows by and what a step costs; no compiler is needed for that.
    """
    from edgernn import load

    outcome.check(json_file)
    model = load(artifact)
    outcome.give(json_file, lambda: _content(model, optimization), lambda: _show(model, optimization, clock))


def _content(model: "Model", optimization: str) -> dict[str, Any]:
    """What --json gives: docs/evaluate.md."""
    from edgernn import footprint
    from edgernn.backends.c.footprint import described

    program = model.integer.program
    said = ("metrics", "quantization", "evaluation", "data", "created_with")
    return {
        "artifact": str(model.folder),
        "name": model.manifest.get("name"),
        "interface": model.integer.interface.to_json(),
        "layers": [asdict(layer) for layer in footprint.layers(program)],
        "footprint": described(model.integer, optimization),
        **{key: model.manifest.get(key) for key in said},
    }


def _show(model: "Model", optimization: str, clock: float | None) -> None:
    from edgernn import footprint
    from edgernn.backends.c.footprint import footprints as cores

    rows = footprint.layers(model.integer.program)
    columns = ("layer", "shape", "parameters", "zeros", "MACs a step", "weight bytes", "state bytes")
    cells = [
        (r.name, r.shape, f"{r.parameters:,}", f"{r.zeros:.0%}")
        + (f"{r.macs:,}", f"{r.weight_bytes:,}", f"{r.state_bytes:,}")
        for r in rows
    ]
    totals = footprint.totals(model.integer.program)
    numbers = (totals["macs_per_step"], totals["weight_bytes"], totals["state_bytes"])
    sums = ("total", "", f"{sum(row.parameters for row in rows):,}", "", *(f"{number:,}" for number in numbers))
    table(f"{model.manifest.get('name')}", columns, [*cells, sums])
    say("")
    _show_interface(model.integer.interface)
    _show_metrics(model)
    say("")
    footprints.show_footprints(cores(model.integer, optimization), model.integer.interface.rate, clock)
    if verbosity.is_verbose():
        _show_origin(model.manifest)


def _show_interface(interface: "Interface") -> None:
    from edgernn.continuous import described

    whole = "each step" if interface.per_step else "each window"
    say(f"Takes {counted(len(interface.channels), 'channel')}: {', '.join(interface.channels)}")
    if interface.task == "classification":
        say(f"Gives a class for {whole}, one of {len(interface.outputs)}: {', '.join(interface.outputs)}")
    else:
        say(f"Gives {counted(len(interface.outputs), 'number')} for {whole}: {', '.join(interface.outputs)}")
    rate = f", {interface.window / interface.rate:g} s at {interface.rate:g} steps a second" if interface.rate else ""
    ends = "; it reads them from both ends" if interface.bidirectional else ""
    say(f"Trained on windows of {counted(interface.window, 'step')}{rate}{ends}")
    say(f"Runs with {described(interface)}")


def _show_metrics(model: "Model") -> None:
    """How good and how large each form of the model is; an artifact of another program may lack it."""
    from edgernn.evaluate import baselines, held_out

    metrics = model.manifest.get("metrics")
    forms = {form: values for form, values in metrics.items() if values} if isinstance(metrics, dict) else {}
    rows = {form: values for form, values in forms.items() if isinstance(values, dict)}
    if not rows:
        return
    say("")
    judged = any(results.is_judged(values) for values in rows.values())
    where = "On the held-out windows" if held_out(model) else "On the windows of the conversion, none held out"
    title = where if judged else "Forms of the model, which no labels judge"
    results.show_forms(title, rows, model.integer.operands)
    results.show_baselines(baselines(model), {})


def _show_origin(manifest: Mapping[str, Any]) -> None:
    """What quantization did, and the versions; an artifact of another program may lack them."""
    try:
        say("")
        results.show_quantization(manifest["quantization"]["layers"])
    except (KeyError, TypeError, ValueError, OverflowError):
        say("The manifest says nothing of its quantization")
    versions = manifest.get("created_with")
    if isinstance(versions, dict):
        say("")
        say("Made with " + ", ".join(f"{package} {version}" for package, version in versions.items()))
