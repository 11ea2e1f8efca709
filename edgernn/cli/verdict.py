# SPDX-License-Identifier: Apache-2.0
"""What quantization did to a model, in one sentence with what to do about it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgernn.quantize import LayerReport

_POINTS = 1.0
"""Of accuracy. Rounding moved every model of the README's table by at most 0.4 points, up or down: it decides ties, and
held-out windows are few. What loses more than twice that has lost something."""
_RMSE = 0.05
"""Relative. Noise of a third of the error that is there already adds 5 %."""
_CHANGED = 0.02
"""Of the classes, where no true ones are known: a change turns right into wrong or wrong into right, so fewer than
half of them show in the accuracy."""
_DECIBELS = 20.0
"""Of the outputs, where they are all there is: an error of a tenth of what they vary by."""
_STATES = 0.01
"""Of a layer's states. A state that is cut stays wrong for the steps that follow, so few are many; with scales that fit
it is 0. Operands get no limit: tanh and sigmoid end at 1, where the largest operand is, and nothing is lost there."""


def verdict(
    before: Mapping[str, float],
    after: Mapping[str, float],
    layers: "Sequence[LayerReport]",
    operands: str,
    same_class: float | None = None,
) -> str:
    """The sentence about a model whose metrics were `before` in floats and are `after` in integers.

    operands: "int8" or "int16"; same_class: share of the results that both give the same class, None where unknown.
    """
    cost, loses = _cost(before, after, layers, same_class)
    cut, clips = _clipping(layers)
    bits = "8 bits" if operands == "int8" else "16-bit operands"
    what = f"{bits} {cost} and {cut}"
    if not (loses or clips):
        return f"{what}: nothing to do"
    return f"{what}: expect losses; {_advice(operands, clips)}"


def _cost(
    before: Mapping[str, float], after: Mapping[str, float], layers: "Sequence[LayerReport]", same_class: float | None
) -> tuple[str, bool]:
    """The cost in words, and whether it is more than rounding's own."""
    if "accuracy" in before and "accuracy" in after:
        points = 100 * (before["accuracy"] - after["accuracy"])
        if points < 0.05:
            return "cost no accuracy", False
        return f"cost {points:.1f} points of accuracy", points > _POINTS
    if before.get("rmse") and "rmse" in after:
        growth = after["rmse"] / before["rmse"] - 1
        return ("do not raise the RMSE" if growth < 5e-4 else f"raise the RMSE by {growth:.1%}"), growth > _RMSE
    if same_class is not None:
        return f"change {1 - same_class:.1%} of the classes", 1 - same_class > _CHANGED
    ratio = layers[-1].signal_to_noise
    return f"leave the outputs {ratio:.0f} dB above their error", ratio < _DECIBELS


def _clipping(layers: "Sequence[LayerReport]") -> tuple[str, bool]:
    """What is cut most, in words, and whether it is more than states can bear."""
    worst = max(layers, key=lambda layer: layer.clipped_states)
    if worst.clipped_states > _STATES:
        reach = f"they reach {worst.state_limit:g}"
        return f"clip {worst.clipped_states:.1%} of the states of {worst.name} ({reach})", True
    share = max(matrix.clipped_operand for layer in layers for matrix in layer.matrices)
    return ("clip nothing" if share < 5e-4 else f"clip at most {share:.1%} of a layer's operands"), False


def _advice(operands: str, clips: bool) -> str:
    if operands == "int8":
        return "try quantize.operands=int16"
    if clips:
        return "a model whose states stay smaller is needed: train it with more weight_decay, or on shorter windows"
    return "try more windows for calibration (quantize.windows), and look at the layers with edgernn inspect -v"
