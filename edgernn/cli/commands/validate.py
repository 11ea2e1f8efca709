# SPDX-License-Identifier: Apache-2.0
"""edgernn validate"""

from pathlib import Path

import click

from edgernn.cli import agreement, outcome, selection
from edgernn.cli.console import Phases
from edgernn.errors import DataError

_FIRST_STEPS = 3
"""Of every window: over a serial line, or emulated, those of the built-in data take a few seconds."""


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--data", type=click.Path(path_type=Path), help="Windows of your own (.npz with x) instead of the held-out ones."
)
@selection.options
@click.option(
    "--steps",
    type=click.IntRange(1),
    help=f"Compare the first steps of every window only. Default: all; {_FIRST_STEPS} on a target or emulated.",
)
@outcome.option
def command(
    artifact: Path,
    data: Path | None,
    names: tuple[str, ...],
    target_names: tuple[str, ...],
    steps: int | None,
    json_file: Path | None,
) -> None:
    """Check that every runtime and device gives the reference's bytes.

    Steps the held-out windows of ARTIFACT through the NumPy reference and every runtime or device, each with a state of
    its own, and compares every output and every state at every step. Exit status 0 only if all agree.

    \b
    edgernn validate build/watch
    edgernn validate build/watch --target qemu:cortex_m4 --target ssh:pi@mypi
    edgernn validate build/watch --runtime all --target all
    """
    from edgernn import golden, load
    from edgernn.data.npz import load_samples
    from edgernn.device import targets
    from edgernn.validate import Report, Result, validate

    outcome.check(json_file)
    runtimes, devices = selection.runtimes(names, target_names), targets.select(target_names)
    model = load(artifact)
    if data is None:
        expected = golden.load(artifact, model.integer.program)
    else:
        x, lengths = load_samples(data)
        interface = model.integer.interface
        if x.shape[2] != len(interface.channels):
            raise DataError(
                f"{data} has {x.shape[2]} channels, the model takes {len(interface.channels)}: "
                + ", ".join(interface.channels)
            )
        operands = model.integer.quantize_input(interface.steps(x, lengths))
        expected = golden.compute(model.integer, operands, lengths)
    some = expected.first(steps or _FIRST_STEPS)
    every = some if steps else expected
    vectors = [some if runtime.emulated else every for runtime in runtimes]
    with Phases()("validate", sum(part.steps for part in vectors) + some.steps * len(devices)) as progress:
        results: list[Result] = []
        for runtime, own in zip(runtimes, vectors, strict=True):
            results += validate(model, own, [runtime], progress).runtimes
        for device in devices:
            with device:
                results += validate(model, some, [device], progress).runtimes
    report = Report(tuple(results))
    outcome.give(json_file, report.to_json, lambda: agreement.show(report), good=report.agrees)
