# SPDX-License-Identifier: Apache-2.0
"""edgernn build"""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from edgernn.cli import artifacts, outcome, results, verbosity
from edgernn.cli.commands.init import OWN
from edgernn.cli.console import Phases, note, say, table

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
@verbosity.verbose("scales and clipping of every matrix")
@outcome.option
def command(
    config: Path | None, out: Path | None, overrides: tuple[str, ...], folds: bool, force: bool, json_file: Path | None
) -> None:
    """Make a quantized, validated artifact.

    Trains, prunes, quantizes and exports the model that CONFIG (TOML, see `edgernn init`) describes, checks that every
    runtime gives the reference's bytes, and only then puts the artifact in its place. Without CONFIG: edgernn.toml
    where there is one, or else a GRU of 32 units on smartwatch recordings of shoulder exercises.
    """
    from edgernn import artifact
    from edgernn.build import build, cross_validate
    from edgernn.config import artifact_name, load

    outcome.check(json_file)
    if config is None and os.path.lexists(OWN):
        config = OWN
        note(f"The configuration is {OWN}")
    settings = load(config, overrides)
    folder = out or Path("build") / artifact_name(settings)
    artifact.check_target(folder, force=force)

    tested: Folds = ()
    if folds:
        tested = cross_validate(settings, Phases())
        if outcome.is_shown(json_file):
            _show_folds(tested, settings.quantize.operands)
    built = build(settings, folder, force=force, folds=tested, phase=Phases())
    outcome.give(json_file, lambda: _content(built, tested), lambda: _show(built))


def _content(built: "Built", folds: "Folds") -> dict[str, Any]:
    """What --json gives: docs/evaluate.md."""
    from edgernn.backends.c.footprint import described

    return {
        "artifact": str(built.folder),
        "notes": list(built.notes),
        "division": built.division,
        "stages": [asdict(stage) for stage in built.stages],
        "baselines": dict(built.baselines),
        "streams": None if built.continuous is None else built.continuous.to_json(),
        "folds": [[asdict(stage) for stage in stages] for stages in folds],
        "quantization": [asdict(layer) for layer in built.layers],
        "validation": built.validation.to_json(),
        "footprint": described(built.model),
    }


def _show(built: "Built") -> None:
    from edgernn.continuous import sentences

    operands = built.model.operands
    for line in (*built.notes, *built.division.splitlines()):
        say(line)
    say("")
    results.show_stages("Held-out windows", built.stages, operands)
    results.show_baselines(built.baselines, built.stages[-1].metrics)
    if built.continuous is not None:
        for line in sentences(built.continuous, operands):
            say(line)
    say("")
    artifacts.show(built)


def _show_folds(folds: "Folds", operands: str) -> None:
    from edgernn.model import form_name

    metric = next(iter(folds[0][0].metrics))
    names = [form_name(stage.name, operands) for stage in folds[0]]
    values = np.array([[stage.metrics[metric] for stage in fold] for fold in folds])
    labels = [*(f"fold {number + 1}" for number in range(len(folds))), "mean"]
    rows = [
        (label, *(f"{value:.4f}" for value in row))
        for label, row in zip(labels, [*values, values.mean(axis=0)], strict=True)
    ]
    table(f"{metric} on held-out groups", ("fold", *names), rows)
    say("")
