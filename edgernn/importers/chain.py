# SPDX-License-Identifier: Apache-2.0
"""A chain of layers under construction: what every reader hands its layers to, one after the other.

A layer in both directions reads a window that is whole. Its two halves never see each other within the layer, so it is
one layer of twice the units over a pair of samples, that of step t and that of step T - 1 - t: the matrices of the two
directions stand on the diagonal, zeros elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import cells
from edgernn.cells.algebra import Float
from edgernn.errors import ModelError
from edgernn.model import Layer

_GATES = {"gru": 3, "lstm": 4, "rnn": 1}
_ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
MAX_PARAMETERS = 2**24
"""The most numbers that an imported model can have."""


@dataclass(frozen=True)
class Imported:
    """A float model as its file has it.

    mean, std: float32 [F], what the file itself does to a sample first: (x - mean) / std, or None where it does
    nothing; layers: as in `edgernn.model.FloatModel`; per_step: an output belongs to every step; bidirectional: the
    first layer reads pairs of samples; softmax: whether the file ended in one, which is left out: outputs are logits.
    masked: float32 [F], the samples that the file skips, or None; notes: what else was left out because it changes
    nothing, in words; steps: of the windows that the file takes, None where it takes any, or a step at a time.
    """

    features: int
    mean: Float | None
    std: Float | None
    layers: tuple[Layer, ...]
    per_step: bool
    bidirectional: bool
    softmax: bool
    notes: tuple[str, ...]
    masked: Float | None = None
    steps: int | None = None


class Chain:
    """Takes layers in the order of the data. `where` names a layer's place for errors: "layer 2, 'gru' (GRU)".

    steps: of the windows that the file declares as its input, None where it leaves them open.
    """

    def __init__(self, features: int, steps: int | None = None) -> None:
        if not 1 <= features <= 2**16:
            raise ModelError(f"the model takes {features} features a step; give one that takes 1 to {2**16}")
        self._features = features
        # A model that declares a single step is made for streams, whose windows are of any length.
        self._steps = None if steps == 1 else steps
        self._factor, self._offset = np.ones(features), np.zeros(features)
        self._normalizes = False
        self._layers: list[Layer] = []
        self._notes: list[str] = []
        self._sequence = True
        self._bidirectional = self._softmax = False
        self._merge = ""
        self._masked: Float | None = None

    @property
    def size(self) -> int:
        """Values a step at this place of the chain."""
        if not self._layers:
            return self._features
        return self._layers[-1].units // (2 if self._merge else 1)

    @property
    def sequence(self) -> bool:
        """Whether there is a value for every step at this place, or one for the window."""
        return self._sequence

    @property
    def empty(self) -> bool:
        """Whether no layer with weights is in front of this place."""
        return not self._layers

    def note(self, text: str) -> None:
        """Something in the file that has no effect on what the model computes."""
        self._notes.append(text)

    def affine(self, factor: npt.ArrayLike, offset: npt.ArrayLike, where: str) -> None:
        """x * factor + offset in front of all layers; each one number, or [F]. Normalization and rescaling are this."""
        factor, offset = (np.asarray(value, np.float64) for value in (factor, offset))
        if self._layers:
            raise ModelError(f"{where}: it changes scales behind the first layer; only in front of it is supported")
        if not all(value.size in (1, self._features) for value in (factor, offset)):
            raise ModelError(f"{where}: it has {factor.size} and {offset.size} numbers for {self._features} features")
        if not (np.isfinite(factor).all() and np.isfinite(offset).all() and (factor != 0).all()):
            raise ModelError(f"{where}: a factor is zero, or a number is not finite")
        with np.errstate(all="ignore"):
            self._factor = self._factor * factor.ravel()
            self._offset = self._offset * factor.ravel() + offset.ravel()
            numbers = self._mean_std()
        if not all(np.isfinite(one).all() for one in numbers) or not numbers[1].all():
            raise ModelError(f"{where}: what it does to the inputs is beyond what float32 holds")
        self._normalizes = True

    def mask(self, value: float, where: str) -> None:
        """Steps whose values are all `value` at this place are skipped."""
        if self._layers or self._masked is not None:
            raise ModelError(f"{where}: it masks what a layer computes; one in front of the first layer is supported")
        self._masked = ((value - self._offset) / self._factor).astype(np.float32)

    def recurrent(
        self,
        kind: str,
        weights: Mapping[str, npt.NDArray[Any]],
        options: Mapping[str, Any],
        *,
        sequences: bool,
        where: str,
    ) -> None:
        """A layer of `edgernn.cells`, weights by Keras' names in Keras' layout; sequences: a value for every step."""
        self._take_sequence(where)
        self._append(kind, _units(weights, where), weights, options, where)
        self._sequence = sequences

    def bidirectional(
        self,
        kind: str,
        forward: Mapping[str, npt.NDArray[Any]],
        backward: Mapping[str, npt.NDArray[Any]],
        options: Mapping[str, Any],
        *,
        merge: str,
        sequences: bool,
        where: str,
    ) -> None:
        """Two layers of `recurrent`, the second one over the reversed window, and what becomes of their last outputs.

        merge: "concat", or "sum" or "ave" in front of a dense layer, which takes over the sum.
        """
        if self._layers:
            raise ModelError(f"{where}: a layer in both directions is supported as the first layer only")
        if sequences:
            raise ModelError(
                f"{where}: it gives a value for every step, from steps that are still to come; in both directions only "
                "a layer whose last outputs are used is supported (return_sequences=False, or PyTorch's h_n)"
            )
        if merge not in ("concat", "sum", "ave"):
            raise ModelError(f"{where}: the directions are merged by {merge!r}; there are concat, sum and ave")
        units = _units(forward, where)
        for weights in (forward, backward):
            self._check(cells.get(kind).shapes(self._features, units, **options), weights, where)
        joined = {name: _joined(kind, name, forward[name], backward[name]) for name in forward}
        self._append(kind, 2 * units, joined, options, where, inputs=2 * self._features)
        self._sequence, self._bidirectional, self._merge = False, True, "" if merge == "concat" else merge

    def dense(self, kernel: npt.NDArray[Any], bias: npt.NDArray[Any], *, where: str) -> None:
        """x @ kernel + bias, float [inputs, units] and [units], of every value so far; `activation` comes behind it."""
        if kernel.ndim != 2 or len(kernel) != self.size or not kernel.shape[1]:
            raise ModelError(f"{where}: its matrix is {list(kernel.shape)} where {self.size} values come in")
        if self._merge:
            kernel = np.vstack([kernel, kernel]) * np.float32(0.5 if self._merge == "ave" else 1)
            self._merge = ""
        self._append("dense", kernel.shape[1], {"kernel": kernel, "bias": bias}, {"activation": "linear"}, where)

    def activation(self, name: str, *, where: str) -> None:
        """A function of every value: linear, relu, sigmoid, tanh behind a dense layer; softmax at the end."""
        if name == "linear":
            return
        last = self._layers[-1] if self._layers else None
        if self._softmax or last is None or last.kind != "dense" or last.options["activation"] != "linear":
            raise ModelError(f"{where}: {name!r} is supported directly behind a dense layer only")
        if name == "softmax":
            self._softmax = True
        elif name in _ACTIVATIONS:
            self._layers[-1] = Layer("dense", last.units, {"activation": name}, last.weights)
        else:
            known = ", ".join((*_ACTIVATIONS, "softmax"))
            raise ModelError(f"{where}: the activation {name!r} is not supported; there are {known}")

    def last_step(self, where: str) -> None:
        """From a value for every step to that of the last one."""
        self._take_sequence(where)
        self._sequence = False

    def finish(self) -> Imported:
        """The model. Raises ModelError when there is nothing in it that could be one."""
        if not self._layers:
            raise ModelError("the model has no layers with weights: give one with a GRU, an LSTM or an RNN")
        if self._merge:
            raise ModelError(f"the directions are merged by {self._merge!r}, which needs a dense layer behind it")
        mean = std = None
        if self._normalizes:
            self._fold_signs()
            mean, std = self._mean_std()
        return Imported(
            features=self._features,
            mean=mean,
            std=std,
            layers=tuple(self._layers),
            per_step=self._sequence,
            bidirectional=self._bidirectional,
            softmax=self._softmax,
            notes=tuple(self._notes),
            masked=self._masked,
            steps=self._steps,
        )

    def _mean_std(self) -> tuple[Float, Float]:
        """Of the affine function in front, written as (x - mean) / std."""
        return (-self._offset / self._factor).astype(np.float32), (1 / self._factor).astype(np.float32)

    def _take_sequence(self, where: str) -> None:
        if not self._sequence:
            raise ModelError(f"{where}: it takes a value for every step, and the layer before it gives the last only")

    def _append(
        self,
        kind: str,
        units: int,
        weights: Mapping[str, npt.NDArray[Any]],
        options: Mapping[str, Any],
        where: str,
        inputs: int = 0,
    ) -> None:
        """A layer whose weights are finite and have the shapes of its cell."""
        if self._softmax:
            raise ModelError(f"{where}: it stands behind a softmax, which is supported at the end only")
        shapes = cells.get(kind).shapes(inputs or self.size, units, **options)
        self._check(shapes, weights, where)
        with np.errstate(over="ignore"):
            converted = {name: np.asarray(weights[name], np.float32) for name in shapes}
        broken = [name for name, weight in converted.items() if not np.isfinite(weight).all()]
        if broken:
            raise ModelError(f"{where}: {broken[0]} holds numbers that are not finite; train the model again")
        self._layers.append(Layer(kind, units, dict(options), converted))

    def _check(
        self, shapes: Mapping[str, tuple[int, ...]], weights: Mapping[str, npt.NDArray[Any]], where: str
    ) -> None:
        """Weights have the shapes of their cell, and are not more than a model can have."""
        found = {name: tuple(weight.shape) for name, weight in weights.items()}
        if found != shapes:
            raise ModelError(f"{where}: its weights have the shapes {found}, where {dict(shapes)} are expected")
        before = sum(layer.parameters for layer in self._layers)
        if before + sum(weight.size for weight in weights.values()) > MAX_PARAMETERS:
            raise ModelError(f"{where}: with it the model has more than {MAX_PARAMETERS} weights")

    def _fold_signs(self) -> None:
        """Factors become positive: a feature that is turned round is one whose weights are."""
        sign = np.sign(self._factor)
        first = self._layers[0]
        signs = np.tile(sign, first.inputs // self._features)[:, None].astype(np.float32)
        kernel = first.weights["kernel"] * signs
        self._layers[0] = Layer(first.kind, first.units, first.options, {**first.weights, "kernel": kernel})
        self._factor, self._offset = self._factor * sign, self._offset * sign


def _units(weights: Mapping[str, npt.NDArray[Any]], where: str) -> int:
    """Of a recurrent layer."""
    shape = weights["recurrent_kernel"].shape
    if len(shape) != 2 or not shape[0]:
        raise ModelError(f"{where}: its recurrent kernel has the shape {list(shape)}, where [units, gates] is expected")
    return int(shape[0])


def _joined(kind: str, name: str, forward: npt.NDArray[Any], backward: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One weight of both directions: gate by gate, matrices as blocks on the diagonal, biases side by side."""
    gates = _GATES[kind]
    if forward.shape != backward.shape or forward.shape[-1] % gates:
        raise ModelError(f"the {name} of the two directions have the shapes {forward.shape} and {backward.shape}")
    parts = zip(np.split(forward, gates, axis=-1), np.split(backward, gates, axis=-1), strict=True)
    if name == "bias":
        return np.concatenate([np.concatenate(pair, axis=-1) for pair in parts], axis=-1)
    return np.concatenate([_diagonal(*pair) for pair in parts], axis=-1)


def _diagonal(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
    zeros = np.zeros((len(a), b.shape[1]), a.dtype), np.zeros((len(b), a.shape[1]), b.dtype)
    return np.block([[a, zeros[0]], [zeros[1], b]])
