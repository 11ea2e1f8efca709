# SPDX-License-Identifier: Apache-2.0
"""edgernn build"""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from edgernn.cli.commands.validate import show
from edgernn.cli.console import Phases, say, table

if TYPE_CHECKING:
    from edgernn.build import Built, Folds


@click.command()
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the artifact. Default: build/NAME.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key, as in --set model.units=16."
)
@click.option(
    "--folds", is_flag=True, help="First cross-validate over folds of unseen people (or recordings), and show all."
)
@click.option("--force", is_flag=True, help="Replace the artifact in --out.")
def command(config: Path | None, out: Path | None, overrides: tuple[str, ...], folds: bool, force: bool) -> None:
    """Make a quantized, validated artifact.

    Trains, prunes, quantizes and exports the model that CONFIG (TOML, see `edgernn init`) describes, checks that every
    runtime gives the reference's bytes, and only then puts the artifact in its place. Without CONFIG: a GRU of 32 units
    on smartwatch recordings of shoulder exercises.
    """
    from edgernn import artifact
    from edgernn.build import build, cross_validate
    from edgernn.config import artifact_name, load

    settings = load(config, overrides)
    folder = out or Path("build") / artifact_name(settings)
    artifact.check_target(folder, force=force)

    results: Folds = ()
    if folds:
        results = cross_validate(settings, Phases())
        _show_folds(results)
    _show(build(settings, folder, force=force, folds=results, phase=Phases()))


def _show(built: "Built") -> None:
    say(built.division)
    say("")
    names = list(built.stages[0].metrics)
    rows = [
        (
            *(stage.name, *(f"{stage.metrics[name]:.4f}" for name in names)),
            *(f"{number:,}" for number in (stage.parameters, stage.nonzero, stage.weight_bytes)),
        )
        for stage in built.stages
    ]
    table("Held-out windows", ("model", *names, "parameters", "not zero", "bytes"), rows)
    say("")
    cells = [
        (
            *(matrix.name, matrix.operand, matrix.weights, matrix.result, matrix.accumulator_bits),
            *(f"{share:.2%}" for share in (matrix.clipped_operand, matrix.clipped_weights, matrix.clipped_result)),
            *((f"{layer.clipped_states:.2%}", f"{layer.signal_to_noise:.1f} dB") if number == 0 else ("", "")),
        )
        for layer in built.layers
        for number, matrix in enumerate(layer.matrices)
    ]
    scales = ("operand", "weights", "result", "accumulator bits")
    columns = ("matrix", *scales, "clipped: operand", "weights", "result", "states", "layer's signal to noise")
    table("Quantization: scales, share of clipped values, integer against float", columns, cells)
    say("")
    show(built.validation)
    say("")
    totals = built.totals
    say(
        f"{totals['weight_bytes']:,} bytes of weights, {totals['state_bytes']:,} bytes of state, "
        f"{totals['macs_per_step']:,} multiplications a step"
    )
    say(f"Artifact: {built.folder}")


def _show_folds(folds: "Folds") -> None:
    metric = next(iter(folds[0][0].metrics))
    names = [stage.name for stage in folds[0]]
    values = np.array([[stage.metrics[metric] for stage in fold] for fold in folds])
    labels = [*(f"fold {number + 1}" for number in range(len(folds))), "mean"]
    rows = [
        (label, *(f"{value:.4f}" for value in row))
        for label, row in zip(labels, [*values, values.mean(axis=0)], strict=True)
    ]
    table(f"{metric} on held-out groups", ("fold", *names), rows)
    say("")
