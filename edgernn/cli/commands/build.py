# SPDX-License-Identifier: Apache-2.0
"""edgernn build"""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from edgernn.cli import results
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

    tested: Folds = ()
    if folds:
        tested = cross_validate(settings, Phases())
        _show_folds(tested)
    _show(build(settings, folder, force=force, folds=tested, phase=Phases()))


def _show(built: "Built") -> None:
    say(built.division)
    say("")
    results.show_stages("Held-out windows", built.stages)
    say("")
    results.show_layers(built.layers)
    say("")
    show(built.validation)
    say("")
    results.show_artifact(built.folder, built.footprints)


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
