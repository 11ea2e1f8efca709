# SPDX-License-Identifier: Apache-2.0
"""The float model, the integer model, and what both share: how a user's numbers become the network's and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgernn import cells
from edgernn.cells.algebra import Affine, Algebra, Float, FloatAlgebra, V
from edgernn.errors import EdgernnError
from edgernn.spec.ops import OPERAND_LIMIT
from edgernn.spec.program import Program

Reset = Literal["window", "never"]

_SHOWN = 3
"""Names in a summary."""


def form_name(form: str, operands: str) -> str:
    """What is printed for a form of a model, the integers by the dtype of their operands; form: by its name in a
    manifest, which calls them "int8" whatever that dtype is."""
    return operands if form == "int8" else form


@dataclass(frozen=True)
class Interface:
    """What goes in and comes out.

    features: names of the F inputs; mean, std: float32 [F], the input is (x - mean) / std;
    outputs: names of the K outputs, the classes where task is "classification";
    target_mean, target_std: float32 [K], a real target is y * target_std + target_mean (0 and 1 for classes);
    per_step: an output belongs to every step, otherwise to the last step of a window;
    window: steps of the windows it was trained on; rate: samples a second of x, 0 where unknown;
    bidirectional: the model reads windows from both ends at once. A step takes the sample t and the sample T - 1 - t
    side by side, so that the features are those of a sample twice, and only the last step's output counts;
    reset: what it was trained for and what its quality was measured for: "window", a state of zero at the first step of
    every window, or "never", a state that lasts.
    """

    task: str
    per_step: bool
    features: tuple[str, ...]
    outputs: tuple[str, ...]
    mean: Float
    std: Float
    target_mean: Float
    target_std: Float
    window: int
    rate: float
    bidirectional: bool = False
    reset: Reset = "window"

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of a sample's values: the features, or the first half of them where the model is bidirectional."""
        return self.features[: len(self.features) // 2] if self.bidirectional else self.features

    def steps(self, x: npt.NDArray[Any], lengths: npt.NDArray[np.integer[Any]] | None = None) -> npt.NDArray[Any]:
        """What the steps take, [n, T, F], from windows of samples [n, T, channels] of these lengths (None: T)."""
        if not self.bidirectional:
            return x
        ends = np.full(len(x), x.shape[1]) if lengths is None else lengths
        mirrored = np.maximum(ends[:, None] - 1 - np.arange(x.shape[1]), 0)
        return np.concatenate([x, np.take_along_axis(x, mirrored[..., None], axis=1)], axis=2)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs; empty for regression."""
        return self.outputs if self.task == "classification" else ()

    @property
    def summary(self) -> str:
        """What goes in and comes out, on one line: "2 features (x, y) -> 2 targets (a, b), windows of 9 steps"."""
        results = ("class", "es") if self.task == "classification" else ("target",)
        rate = f" at {self.rate:g} Hz" if self.rate else ""
        state = ", never reset" if self.reset == "never" else ""
        return (
            f"{_counted(self.channels, 'feature')} -> {_counted(self.outputs, *results)}, "
            f"windows of {self.window} steps{rate}{state}"
        )

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON-able values, without `reset` where it is "window".

        The digits of its numbers give the same float32 back.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.reset == "window":
            # Left out, so that models from before there was a choice keep their hash.
            del values["reset"]
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}

    def normalize(self, x: npt.NDArray[Any]) -> Float:
        """(x - mean) / std of raw samples [..., F], float32."""
        return (x.astype(np.float32) - self.mean) / self.std

    def denormalize(self, y: npt.NDArray[Any]) -> Float:
        """Targets in the user's unit from network outputs [..., K]; classes' logits stay as they are."""
        return y.astype(np.float32) * self.target_std + self.target_mean


def _counted(names: tuple[str, ...], noun: str, plural: str = "s") -> str:
    """How many there are, and the first of them, on one line whatever they hold."""
    shown = [name if name.isprintable() else repr(name) for name in names[:_SHOWN]]
    more = ["..."] if len(names) > _SHOWN else []
    return f"{len(names)} {noun}{'' if len(names) == 1 else plural} ({', '.join(shown + more)})"


@dataclass(frozen=True)
class Layer:
    """A layer of a float model: weights float32 by Keras' names, in Keras' layout and order (`edgernn.cells`)."""

    kind: str
    units: int
    options: Mapping[str, Any]
    weights: Mapping[str, Float]

    def __post_init__(self) -> None:
        shapes = cells.get(self.kind).shapes(self.inputs, self.units, **self.options)
        found = {name: weight.shape for name, weight in self.weights.items()}
        if shapes != found:
            raise EdgernnError(f"a {self.kind} layer of {self.units} units has weights {shapes}, not {found}")
        object.__setattr__(self, "weights", {name: self.weights[name] for name in shapes})

    @property
    def inputs(self) -> int:
        """Size of the layer's input."""
        return int(self.weights["kernel"].shape[0])

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(weight.size for weight in self.weights.values())


@dataclass(frozen=True)
class FloatModel:
    """Recurrent layers, then dense ones; the last one is the output."""

    interface: Interface
    layers: tuple[Layer, ...]

    def names(self) -> tuple[str, ...]:
        """A name for each layer: its kind and its place, as in gru_0, dense_1."""
        return tuple(f"{layer.kind}_{i}" for i, layer in enumerate(self.layers))

    def matrices(self) -> dict[str, Affine]:
        """Every matrix that `step` multiplies with, by "layer/matrix"."""
        return {
            f"{name}/{matrix}": affine
            for name, layer in zip(self.names(), self.layers, strict=True)
            for matrix, affine in cells.get(layer.kind).matrices(layer.weights, **layer.options).items()
        }

    def states(self) -> dict[str, tuple[int, int]]:
        """Size and fractional bits of every state vector, by "layer/state"."""
        return {
            f"{name}/{state}": (layer.units, frac)
            for name, layer in zip(self.names(), self.layers, strict=True)
            for state, frac in cells.get(layer.kind).STATES.items()
        }

    def step(self, a: Algebra[V], x: V, states: Mapping[str, V]) -> tuple[V, dict[str, V]]:
        """One time step in any interpretation of the algebra: from the operand x and the states to y and new states."""
        new_states: dict[str, V] = {}
        y = x
        for i, (name, layer) in enumerate(zip(self.names(), self.layers, strict=True)):
            cell = cells.get(layer.kind)
            own = {state: states[f"{name}/{state}"] for state in cell.STATES}
            a.scope = name
            y, new = cell.step(a, a.operand(y, "x") if i else y, own, **layer.options)
            new_states.update({f"{name}/{state}": value for state, value in new.items()})
        return y, new_states

    def zero_states(self, n: int) -> dict[str, Float]:
        """The states before the first step of n windows, float32 [n, size], by their names."""
        return {name: np.zeros((n, size), np.float32) for name, (size, _) in self.states().items()}

    def forward(self, x: npt.NDArray[Any]) -> Float:
        """Network outputs [n, T, K] for raw windows [n, T, F], every step's; states start at zero."""
        return self.layer_outputs(x)[self.names()[-1]]

    def predict(self, x: npt.NDArray[Any]) -> Float:
        """`forward`, in the target's own unit."""
        return self.interface.denormalize(self.forward(x))

    def layer_outputs(self, x: npt.NDArray[Any]) -> dict[str, Float]:
        """What every layer gives for raw windows [n, T, F], by its name: [n, T, units]."""
        algebra = _Recorder(self.matrices())
        normalized, states = self.interface.normalize(x), self.zero_states(len(x))
        outputs = []
        for t in range(x.shape[1]):
            y, states = self.step(algebra, normalized[:, t], states)
            outputs.append(y)
        names = self.names()
        given = [*(algebra.taken[name] for name in names[1:]), outputs]
        return {name: np.stack(steps, axis=1) for name, steps in zip(names, given, strict=True)}


class _Recorder(FloatAlgebra):
    """Float arithmetic that keeps what each layer takes from the one before."""

    def __init__(self, matrices: Mapping[str, Affine]) -> None:
        super().__init__(matrices)
        self.taken: dict[str, list[Float]] = {}

    def operand(self, v: Float, name: str) -> Float:
        if name == "x":
            self.taken.setdefault(self.scope, []).append(v)
        return v


@dataclass(frozen=True, eq=False)
class IntegerModel:
    """A program and the float edges around it."""

    interface: Interface
    program: Program

    @property
    def input_factor(self) -> Float:
        """2**frac / std, float32 [F]."""
        factor: Float = np.float32(2.0 ** self.program.tensors[self.program.x].frac) / self.interface.std
        return factor

    @property
    def output_scale(self) -> np.float32:
        """What one unit of an integer output stands for before it is denormalized."""
        return np.float32(2.0 ** -self.program.tensors[self.program.y].frac)

    @property
    def operands(self) -> str:
        """The dtype of what matrices multiply: "int8" or "int16"."""
        return self.program.tensors[self.program.x].dtype

    @property
    def summary(self) -> str:
        """What goes in and comes out, and the dtype of the operands, on one line."""
        return f"{self.interface.summary}, {self.operands}"

    def quantize_input(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Operands for raw samples [..., F]: (x - mean) * (2**frac / std) in float32, rounded half to even, clipped."""
        limit = OPERAND_LIMIT[self.operands]
        with np.errstate(over="ignore"):
            q = np.rint((x.astype(np.float32) - self.interface.mean) * self.input_factor)
        operands: npt.NDArray[Any] = np.clip(q, -limit, limit).astype(self.operands)
        return operands

    def dequantize_output(self, y: npt.NDArray[Any]) -> Float:
        """Logits, or targets in the user's unit, from integer outputs [..., K]."""
        return self.interface.denormalize(y * self.output_scale)

    def zero_states(self, batch: tuple[int, ...] = ()) -> dict[str, npt.NDArray[Any]]:
        """The states before the first step, by the names that the program reads them by."""
        tensors = [self.program.tensors[state.read] for state in self.program.states]
        return {tensor.name: np.zeros((*batch, tensor.size), tensor.dtype) for tensor in tensors}
