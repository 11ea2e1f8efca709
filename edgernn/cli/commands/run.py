# SPDX-License-Identifier: Apache-2.0
"""edgernn run"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import numpy as np

from edgernn.cli import samples
from edgernn.cli.console import printable
from edgernn.errors import ConfigError, DataError

if TYPE_CHECKING:
    from edgernn.model import Interface
    from edgernn.session import Session


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "source",
    type=click.File("r", encoding="utf-8-sig", errors="replace"),
    required=True,
    metavar="FILE|-",
    help="CSV or JSON lines, - for stdin.",
)
@click.option(
    "--each",
    type=click.Choice(["step", "window"]),
    help="A result for every step, or one for every window of the trained length. Default: step, or window where the "
    "model was trained on whole windows.",
)
@click.option(
    "--reset/--no-reset",
    default=None,
    help="Forget the past at every window, or let the state last. Default: what the model was trained for.",
)
@click.option(
    "--missing",
    type=click.Choice(["error", "hold", "skip"]),
    default="error",
    show_default=True,
    help="What becomes of a line that is no sample, or lacks a value: hold takes the value before it, skip leaves the "
    "line out. Both are told on stderr.",
)
def command(artifact: Path, source: IO[str], each: str | None, reset: bool | None, missing: samples.Missing) -> None:
    """Stream samples through ARTIFACT.

    A line of input is a sample: CSV in the order of the features or under a line of their names, or JSON as a list or
    an object. Samples come at the rate that the model was trained at (see `edgernn inspect`). A line of output is a
    result, as JSON, for each step or window; `step` counts from 0. Results come as soon as their sample is read.

    The state is that which the accuracy of the build was measured with (`edgernn inspect` says it): zero at the start
    of every window, or one that lasts, of a model that was trained with train.reset = "never".
    """
    from edgernn import load
    from edgernn.continuous import used_another_way

    model = load(artifact)
    interface, session = model.integer.interface, model.session()
    if interface.bidirectional and each == "step":
        raise ConfigError(f"{artifact} reads windows from both ends, so no step has a result: leave out --each step")
    if interface.bidirectional and reset is False:
        raise ConfigError(f"{artifact} reads windows from both ends, so no state lasts: leave out --no-reset")
    way = interface.reset if reset is None else "window" if reset else "never"
    if warning := used_another_way(interface, model.manifest, way):
        _note(warning)
    every = 1 if each == "step" or (each is None and interface.per_step) else interface.window
    read = samples.read(source, interface.channels, missing, _note)
    results = _windows(session, read, every) if interface.bidirectional else map(session.step, read)
    steps = 0
    for steps, y in enumerate(results, 1):
        if steps % every == 0:
            click.echo(_line({"step": steps - 1, **_result(interface, y)}))
        if way == "window" and steps % interface.window == 0:
            session.reset()
    if steps < every:
        hint = "add --each step for a result a step" if steps else "give a line for each sample"
        raise DataError(f"the input has {steps} samples, fewer than the {every} of one result: {hint}")
    if left := steps % every:
        _note(f"the last {left:,} of {steps:,} samples fill no window of {every:,}, so they have no result")


def _note(sentence: str) -> None:
    click.echo(f"edgernn: {sentence}", err=True)


def _windows(session: "Session", read: Iterable[samples.Sample], length: int) -> Iterator[Any]:
    """For each sample nothing, but for the last one of a window its result."""
    window: list[samples.Sample] = []
    for sample in read:
        window.append(sample)
        if len(window) < length:
            yield None
        else:
            yield session.run(np.stack(window)[None])[0, -1]
            window = []


def _shortest(value: np.float32) -> float:
    """The same float32 in the fewest digits."""
    return float(np.format_float_positional(value)) if np.isfinite(value) else float(value)


def _line(result: dict[str, Any]) -> str:
    """JSON in one line, names as they are written; what a terminal or its encoding can't show is escaped."""
    text = json.dumps(result, ensure_ascii=False)
    return text if printable(text) == text else json.dumps(result)


def _result(interface: "Interface", y: Any) -> dict[str, Any]:
    """Class and probabilities (softmax), or the targets by name."""
    if interface.task == "regression":
        return {"targets": {name: _shortest(value) for name, value in zip(interface.outputs, y, strict=True)}}
    powers = np.exp(y - y.max())
    best = int(y.argmax())
    return {"class": interface.outputs[best], "probability": round(float(powers[best] / powers.sum()), 4)}
