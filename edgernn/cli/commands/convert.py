# SPDX-License-Identifier: Apache-2.0
"""edgernn convert"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgernn.cli import artifacts, outcome, results, verbosity
from edgernn.cli.console import Phases, say, table

if TYPE_CHECKING:
    from edgernn.convert import Converted
    from edgernn.metrics import Fidelity

_SCALED_BY = {
    "model": "inputs are scaled by the mean and deviation that came with the model",
    "data": "inputs are scaled by the mean and deviation of the windows, which the first layer takes back exactly",
}


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--calibrate",
    "data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DATA.npz",
    help="Windows x [n, steps, features] as the model takes them; with y they also judge it.",
)
@click.option(
    "--description",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="The layers of a .safetensors file. Default: the .toml of the same name beside it.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the artifact. Default: build/NAME.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key, as in --set quantize.operands=int16."
)
@click.option("--force", is_flag=True, help="Replace the artifact in --out.")
@verbosity.verbose("scales and clipping of every matrix")
@outcome.option
def command(
    model: Path,
    data: Path,
    description: Path | None,
    out: Path | None,
    overrides: tuple[str, ...],
    force: bool,
    json_file: Path | None,
) -> None:
    """Make an artifact of a model trained elsewhere.

    MODEL is a file of Keras (.keras, .h5), an .onnx file of PyTorch or tf2onnx, or PyTorch's weights as .safetensors.
    Neither framework is needed. The model is quantized on the windows in DATA.npz, checked to give the reference's
    bytes on every runtime, and only then put in its place. A layer that can't be taken over exactly is refused by name.

    Keys of --set: name, task, features, outputs, mean, std, normalize, window, rate, quantize.operands and
    quantize.windows; docs/convert.md says what they mean.

    \b
    edgernn convert model.keras --calibrate windows.npz
    edgernn convert model.onnx --calibrate windows.npz --set rate=50
    edgernn convert model.onnx --calibrate windows.npz --set "outputs=['a', 'b']"
    """
    from edgernn.config import load_convert
    from edgernn.convert import artifact_name, convert

    outcome.check(json_file)
    settings = load_convert(overrides)
    folder = out or Path("build") / artifact_name(settings, model)
    converted = convert(model, data, settings, folder, description=description, force=force, phase=Phases())
    outcome.give(json_file, lambda: _content(converted), lambda: _show(converted))


def _content(converted: "Converted") -> dict[str, Any]:
    """What --json gives: docs/evaluate.md."""
    from edgernn.backends.c.footprint import described

    return {
        "artifact": str(converted.folder),
        "notes": list(converted.notes),
        "normalization": converted.normalization,
        "division": converted.division,
        "stages": [asdict(stage) for stage in converted.stages],
        "baselines": dict(converted.baselines),
        "fidelity": asdict(converted.fidelity),
        "quantization": [asdict(layer) for layer in converted.layers],
        "validation": converted.validation.to_json(),
        "footprint": described(converted.model),
    }


def _show(converted: "Converted") -> None:
    for note in converted.notes:
        say(f"note: {note}")
    say(_SCALED_BY[converted.normalization])
    say(converted.division)
    say("")
    results.show_stages("The windows that are compared", converted.stages, converted.model.operands)
    results.show_baselines(converted.baselines, converted.stages[-1].metrics)
    say("")
    _show_fidelity(converted.fidelity)
    say("")
    artifacts.show(converted, converted.fidelity.same_class)


def _show_fidelity(fidelity: "Fidelity") -> None:
    rows = [
        (output.name, _decibels(output.signal_to_noise), f"{output.largest_difference:.4g}")
        for output in fidelity.outputs
    ]
    table("Integer outputs against float ones", ("output", "signal to noise", "largest difference"), rows)
    if fidelity.same_class is not None:
        say(f"{fidelity.same_class:.2%} of the results are of the same class")


def _decibels(ratio: float | None) -> str:
    return "never changes" if ratio is None else f"{ratio:.1f} dB"
