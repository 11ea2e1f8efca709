# SPDX-License-Identifier: Apache-2.0
"""What `edgernn build` and `edgernn convert` print of the models that they made."""

from collections.abc import Callable, Mapping, Sequence
from operator import gt, lt
from pathlib import Path
from typing import TYPE_CHECKING

from edgernn.cli.console import say, table

if TYPE_CHECKING:
    from edgernn.pack import Stage
    from edgernn.quantize import LayerReport

_BASELINES = {"majority": "majority class", "mean": "mean", "last_value": "last value"}
_BETTER: Mapping[str, Callable[[float, float], bool]] = {"accuracy": gt, "r2": gt, "rmse": lt}
"""By what a model is compared with a baseline, the first metric that both have: what a better value is."""


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


def by_baseline(values: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """`edgernn.metrics.baselines` by what takes no model, as in {"majority class": {"accuracy": 0.2}}."""
    found: dict[str, dict[str, float]] = {}
    for prefix, name in _BASELINES.items():
        own = {key.removeprefix(f"{prefix}_"): value for key, value in values.items() if key.startswith(f"{prefix}_")}
        if prefix in values:
            own["accuracy"] = values[prefix]
        if own:
            found[name] = own
    return found


def show_baselines(values: Mapping[str, float], metrics: Mapping[str, float]) -> None:
    """A line for each baseline, and a warning where the metrics of the model are no better than it."""
    for name, own in by_baseline(values).items():
        say(f"{name}: " + ", ".join(f"{metric} {value:.4f}" for metric, value in own.items()))
        worse = [metric for metric in _BETTER if metric in own and metric in metrics]
        if worse and not _BETTER[worse[0]](metrics[worse[0]], own[worse[0]]):
            say(f"warning: the model is no better than the {name}: look at the data, the split and the training")


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


def show_artifact(folder: Path, totals: Mapping[str, int]) -> None:
    """What the model costs, and where it is."""
    say(
        f"{totals['weight_bytes']:,} bytes of weights, {totals['state_bytes']:,} bytes of state, "
        f"{totals['macs_per_step']:,} multiplications a step"
    )
    say(f"Artifact: {folder}")
