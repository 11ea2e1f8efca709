# SPDX-License-Identifier: Apache-2.0
"""Unit pruning: whole hidden units go, so that the dense model is smaller."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Float
from edgernn.model import FloatModel, Layer

Kept = npt.NDArray[np.int64]


def remove_units(
    model: FloatModel, x: npt.NDArray[np.float32], lengths: npt.NDArray[np.int32], share: float
) -> FloatModel:
    """`model` without that share of the units of every hidden layer: those that matter least on raw windows [n, T, F].

    A unit matters by the variance of its output times the squared weights that read it. What a removed unit gave on
    average is lost; fine-tuning makes up for it.
    """
    deviations = _deviations(model, x, lengths)
    layers = list(model.layers)
    for number, deviation in enumerate(deviations):
        layer, after = layers[number], layers[number + 1]
        importance = deviation**2 * sum(np.square(matrix).sum(axis=1) for matrix in _readers(layer, after))
        count = max(1, layer.units - round(share * layer.units))
        kept = np.sort(np.argsort(-importance, kind="stable")[:count])
        layers[number] = _without_units(layer, kept)
        layers[number + 1] = replace(after, weights={**after.weights, "kernel": after.weights["kernel"][kept]})
    return replace(model, layers=tuple(layers))


def _readers(layer: Layer, after: Layer) -> list[Float]:
    """Matrices [units, ...] whose rows read the units of `layer`."""
    readers = [after.weights["kernel"]]
    return [*readers, layer.weights["recurrent_kernel"]] if "recurrent_kernel" in layer.weights else readers


def _without_units(layer: Layer, kept: Kept) -> Layer:
    """Takes the kept units' columns of every gate, and their rows of the recurrent kernel."""

    def columns(weight: Float) -> Float:
        gates = weight.reshape(*weight.shape[:-1], -1, layer.units)
        return gates[..., kept].reshape(*weight.shape[:-1], -1)

    weights = {name: columns(weight) for name, weight in layer.weights.items()}
    if "recurrent_kernel" in weights:
        weights["recurrent_kernel"] = weights["recurrent_kernel"][kept]
    return replace(layer, units=len(kept), weights=weights)


def _deviations(
    model: FloatModel, x: npt.NDArray[np.float32], lengths: npt.NDArray[np.int32]
) -> list[npt.NDArray[np.float64]]:
    """Standard deviation of every unit of each layer but the last over the steps within the windows, [units]."""
    inside = np.arange(x.shape[1]) < lengths[:, None]
    outputs = list(model.layer_outputs(x).values())
    return [values[inside].std(axis=0, dtype=np.float64) for values in outputs[:-1]]
