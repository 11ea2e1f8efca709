# SPDX-License-Identifier: Apache-2.0
"""edgernn evaluate"""

from pathlib import Path

import click

from edgernn.cli import evaluation, outcome


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Labelled windows (.npz with x and y), or CSV like that of the build, instead of the held-out part.",
)
@click.option("--continuous", is_flag=True, help="Judge streams that are never reset, as a device runs them.")
@click.option(
    "--each", type=click.Choice(["class", "group", "target"]), help="Show this table alone, with all of its rows."
)
@outcome.option
def command(artifact: Path, data: Path | None, continuous: bool, each: str | None, json_file: Path | None) -> None:
    """Show how good ARTIFACT is.

    Judges the integer model on the windows that the build held out, from what the artifact stores, or on others with
    --data: beside the float model and what takes no model, by class or target, and by group. docs/evaluate.md says what
    each figure means.

    \b
    edgernn evaluate build/watch
    edgernn evaluate build/watch --continuous
    edgernn evaluate build/mine --data recordings/new --each group
    """
    from edgernn import load
    from edgernn.evaluate import evaluate

    outcome.check(json_file)
    model = load(artifact)
    if data is None:
        found = evaluate(model, continuous=continuous)
    else:
        from edgernn.evaluate.read import read

        found = evaluate(model, read(data, model), continuous=continuous)
    outcome.give(json_file, found.to_json, lambda: evaluation.show(found, each))
