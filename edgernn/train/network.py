# SPDX-License-Identifier: Apache-2.0
"""The float model as a Keras network, and back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgernn import cells
from edgernn.model import FloatModel, Interface, Layer
from edgernn.train.libraries import tensorflow_and_keras


@dataclass(frozen=True)
class LayerSpec:
    """A layer before it has weights; `kind` and `options` as in `edgernn.cells`."""

    kind: str
    units: int
    options: dict[str, Any]


def initialize(interface: Interface, specs: Sequence[LayerSpec], seed: int) -> FloatModel:
    """A model with fresh weights: Glorot uniform kernels, orthogonal recurrent ones, forget-gate bias 1."""
    _, keras = tensorflow_and_keras()
    keras.utils.set_random_seed(seed)
    inputs, layers = len(interface.features), []
    for spec in specs:
        names = cells.get(spec.kind).shapes(inputs, spec.units, **spec.options)
        layer = _keras_layer(spec.kind, spec.units, spec.options)
        layer.build((None, None, inputs))
        weights = dict(zip(names, layer.get_weights(), strict=True))
        layers.append(Layer(spec.kind, spec.units, spec.options, weights))
        inputs = spec.units
    return FloatModel(interface, tuple(layers))


def build(model: FloatModel, dropout: float = 0.0, recurrent_dropout: float = 0.0) -> Any:
    """A keras.Model with the weights of `model`: normalized windows [n, T, F] to the outputs of every step [n, T, K].

    Dropout holds one mask for all steps of a window, on the inputs of every layer but the first and on hidden states.
    """
    _, keras = tensorflow_and_keras()
    inputs = outputs = keras.Input((None, len(model.interface.features)))
    for number, layer in enumerate(model.layers):
        if dropout and number:
            outputs = keras.layers.Dropout(dropout, noise_shape=(None, 1, None))(outputs)
        trained = _keras_layer(layer.kind, layer.units, layer.options, recurrent_dropout)
        outputs = trained(outputs)
        trained.set_weights(list(layer.weights.values()))
    return keras.Model(inputs, outputs)


def extract(network: Any, model: FloatModel) -> FloatModel:
    """`model` with the weights that `network`, once built from it, has now."""
    trained = [layer for layer in network.layers if layer.get_weights()]
    weights = [
        dict(zip(layer.weights, map(np.array, values.get_weights()), strict=True))
        for layer, values in zip(model.layers, trained, strict=True)
    ]
    layers = (replace(layer, weights=w) for layer, w in zip(model.layers, weights, strict=True))
    return replace(model, layers=tuple(layers))


def _keras_layer(kind: str, units: int, options: dict[str, Any] | Any, recurrent_dropout: float = 0.0) -> Any:
    _, keras = tensorflow_and_keras()
    cell = cells.get(kind)
    if not cell.STATES:
        return getattr(keras.layers, cell.KERAS)(units, **options)
    return getattr(keras.layers, cell.KERAS)(
        units, return_sequences=True, recurrent_dropout=recurrent_dropout, recurrent_initializer="orthogonal", **options
    )
