# SPDX-License-Identifier: Apache-2.0
"""What `edgernn build`, `convert` and `inspect` print of a model: how good it is, and what quantization did."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import gt, lt
from typing import TYPE_CHECKING, Any

from edgernn.cli.console import say, table

if TYPE_CHECKING:
    from edgernn.pack import Stage

_SIZES = {"parameters": "parameters", "nonzero_parameters": "not zero", "weight_bytes": "bytes"}
"""What the manifest has among the metrics of a form of the model, and how the tables call it."""
_BASELINES = {"majority": "majority class", "mean": "mean", "last_value": "last value"}
_BETTER: Mapping[str, Callable[[float, float], bool]] = {"accuracy": gt, "r2": gt, "rmse": lt}
"""By what a model is compared with a baseline, the first metric that both have: what a better value is."""


def show_stages(title: str, stages: "Sequence[Stage]", operands: str) -> None:
    """A row a form of the model: its metrics, where it could be judged, and its size."""
    sizes = [dict(zip(_SIZES, (s.parameters, s.nonzero, s.weight_bytes), strict=True)) for s in stages]
    forms: dict[str, Mapping[str, Any]] = {
        stage.name: {**stage.metrics, **size} for stage, size in zip(stages, sizes, strict=True)
    }
    show_forms(title, forms, operands)


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


def show_forms(title: str, forms: Mapping[str, Mapping[str, Any]], operands: str) -> None:
    """A row a form of the model, as a manifest has it under "metrics"; a number that a form lacks is "-".

    operands: of the integer model, "int8" or "int16".
    """
    from edgernn.model import form_name

    names = list(dict.fromkeys(name for values in forms.values() for name in values))
    names = [name for name in names if name not in _SIZES] + [name for name in _SIZES if name in names]
    rows = [
        (form_name(form, operands), *(_number(values.get(name)) for name in names)) for form, values in forms.items()
    ]
    table(title, ("model", *(_SIZES.get(name, name) for name in names)), rows)


def is_judged(form: Mapping[str, Any]) -> bool:
    """Whether there is more of a form of the model than its size."""
    return not set(form) <= set(_SIZES)


def show_quantization(layers: Sequence[Any]) -> None:
    """Two rows a matrix: scales and room, and what they cut; `layers` as a manifest has them under "quantization"."""
    matrices = list(_matrices(layers))
    scales = ("operand", "weights", "result")
    rows = [(m["name"], *(m[key] for key in scales), m["accumulator_bits"]) for _, m in matrices]
    shares = ("clipped_operand", "clipped_weights", "clipped_result")
    cells = [
        (m["name"], *(_share(m[key]) for key in shares), *(_of_layer(layer) if layer else ("", "")))
        for layer, m in matrices
    ]
    table("Scales of quantization", ("matrix", *scales, "accumulator bits"), rows)
    say("")
    columns = ("matrix", "operands", "weights", "results", "states", "layer's signal to noise")
    table("Values at the end of their range, and integers against floats", columns, cells)


def _matrices(layers: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each matrix, the first one of a layer with its layer."""
    for layer in layers:
        for number, matrix in enumerate(layer["matrices"]):
            yield (layer if number == 0 else None), matrix


def _of_layer(layer: Mapping[str, Any]) -> tuple[str, str]:
    return _share(layer["clipped_states"]), f"{float(layer['signal_to_noise']):.1f} dB"


def _share(value: Any) -> str:
    return f"{float(value):.2%}"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
