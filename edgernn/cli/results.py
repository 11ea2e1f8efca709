# SPDX-License-Identifier: Apache-2.0
"""What `edgernn build` and `edgernn convert` print of the models that they made."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgernn.cli.console import say, table
from edgernn.cli.footprints import show_footprints

if TYPE_CHECKING:
    from edgernn.backends.c.footprint import Footprint
    from edgernn.pack import Stage
    from edgernn.quantize import LayerReport


def show_stages(title: str, stages: "Sequence[Stage]") -> None:
    """A row a form of the model: its metrics, where it could be judged, and its size."""
    names = list(stages[0].metrics)
    rows = [
        (
            *(stage.name, *(f"{stage.metrics[name]:.4f}" for name in names)),
            *(f"{number:,}" for number in (stage.parameters, stage.nonzero, stage.weight_bytes)),
        )
        for stage in stages
    ]
    table(title, ("model", *names, "parameters", "not zero", "bytes"), rows)


def show_layers(layers: "Sequence[LayerReport]") -> None:
    """A row a matrix: scales, and what they cost."""
    cells = [
        (
            *(matrix.name, matrix.operand, matrix.weights, matrix.result, matrix.accumulator_bits),
            *(f"{share:.2%}" for share in (matrix.clipped_operand, matrix.clipped_weights, matrix.clipped_result)),
            *((f"{layer.clipped_states:.2%}", f"{layer.signal_to_noise:.1f} dB") if number == 0 else ("", "")),
        )
        for layer in layers
        for number, matrix in enumerate(layer.matrices)
    ]
    scales = ("operand", "weights", "result", "accumulator bits")
    columns = ("matrix", *scales, "clipped: operand", "weights", "result", "states", "layer's signal to noise")
    table("Quantization: scales, share of clipped values, integer against float", columns, cells)


def show_artifact(folder: Path, footprints: "Sequence[Footprint]") -> None:
    """What the model costs, and where it is."""
    show_footprints(footprints, rate=0)
    say("")
    say(f"Artifact: {folder}")
