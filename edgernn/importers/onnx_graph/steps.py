# SPDX-License-Identifier: Apache-2.0
"""What an ONNX graph does to its data, one step after the other, and how the steps become layers of a chain.

A factor and an offset become part of the layer in front of or behind them, which is the same function; in front of all
layers they are the normalization.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ModelError
from edgernn.importers.chain import Chain, Imported

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Dim:
    """A size that is not known: a product of named sizes and a number."""

    names: tuple[str, ...]
    factor: int = 1

    def __mul__(self, other: "int | Dim") -> "Dim":
        if isinstance(other, Dim):
            return Dim(tuple(sorted(self.names + other.names)), self.factor * other.factor)
        return Dim(self.names, self.factor * int(other))

    __rmul__ = __mul__


Size = int | Dim


@dataclass(eq=False)
class Axis:
    """One axis of the data, known by its identity. role: "time", "batch", "values", "stack" for what lies behind each
    other, "rows" for several axes as one (`parts`), or "" while not known.
    """

    size: Size
    role: str = ""
    parts: tuple["Axis", ...] = ()


@dataclass(frozen=True, eq=False)
class Input:
    """The graph's input, with its axes in the file's order."""

    name: str
    axes: tuple[Axis, ...]


@dataclass(frozen=True, eq=False)
class Affine:
    """x * factor + offset along an axis; without one both are single numbers."""

    parent: "Step"
    where: str
    axis: Axis | None
    factor: Array
    offset: Array


@dataclass(frozen=True, eq=False)
class Linear:
    """x @ kernel + bias along an axis, which becomes `result`."""

    parent: "Step"
    where: str
    axis: Axis
    result: Axis
    kernel: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Activation:
    parent: "Step"
    where: str
    name: str


@dataclass(frozen=True, eq=False)
class Last:
    """The last step of a window."""

    parent: "Step"
    where: str


@dataclass(frozen=True, eq=False)
class Layer:
    """A recurrent layer, weights as `edgernn.cells` has them. use: what of two directions goes on: "sequence" for every
    step's output, "concat" or "sum" for the final states, "" in one direction.
    """

    parent: "Step"
    where: str
    kind: str
    options: Mapping[str, Any]
    forward: Mapping[str, Array]
    backward: Mapping[str, Array] | None = None
    use: str = ""


Step = Input | Affine | Linear | Activation | Last | Layer


def line(last: Step) -> list[Any]:
    """All steps from the input to `last`, in the order of the data."""
    steps: list[Any] = [last]
    while not isinstance(steps[-1], Input):
        steps.append(steps[-1].parent)
    return steps[::-1]


def assign_values(step: Step, axis: Axis) -> None:
    """`axis` holds the values of a sample: so do those it came from. Raises ModelError when a step works on another."""
    axis.role = "values"
    for one in line(step)[::-1]:
        if isinstance(one, Affine) and one.axis is not None and one.axis.role != "values":
            raise ModelError(
                f"{one.where}: it works along the steps or the batch; only along the features is supported"
            )
        if isinstance(one, Linear):
            if one.result.role != "values":
                raise ModelError(f"{one.where}: it mixes steps or windows; only along the features is supported")
            one.axis.role = "values"


def build(last: Step, notes: Sequence[str]) -> Imported:
    """The chain of layers that the steps up to `last` are."""
    source, *steps = line(last)
    values = [axis for axis in source.axes if axis.role == "values"]
    if not values or not any(isinstance(step, Layer) for step in steps):
        raise ModelError("the model has no recurrent layer on the way to its output: give one with a GRU, LSTM or RNN")
    features = values[0].size
    if not isinstance(features, int):
        raise ModelError(f"the input {source.name!r} leaves open how many features it has; export it with their number")
    steps_declared = [axis.size for axis in source.axes if axis.role == "time" and isinstance(axis.size, int)]
    chain = Chain(features, steps_declared[0] if steps_declared else None)
    for step in _folded(steps):
        _append(chain, step)
    for note in dict.fromkeys(notes):
        chain.note(note)
    return chain.finish()


def _append(chain: Chain, step: Any) -> None:
    if isinstance(step, Affine):
        chain.affine(step.factor, step.offset, step.where)
    elif isinstance(step, Linear):
        chain.dense(step.kernel, step.bias, where=step.where)
    elif isinstance(step, Activation):
        chain.activation(step.name, where=step.where)
    elif isinstance(step, Last):
        chain.last_step(step.where)
    elif step.use and step.backward is not None:
        merge, sequences = ("concat", True) if step.use == "sequence" else (step.use, False)
        chain.bidirectional(
            step.kind, step.forward, step.backward, step.options, merge=merge, sequences=sequences, where=step.where
        )
    else:
        chain.recurrent(step.kind, step.forward, step.options, sequences=True, where=step.where)


def _folded(steps: Sequence[Any]) -> list[Any]:
    """The steps with as few factors and offsets of their own as there can be."""
    found: list[Any] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(step, Affine) and isinstance(last, Affine):
            found[-1] = replace(last, factor=last.factor * step.factor, offset=last.offset * step.factor + step.offset)
        elif isinstance(step, Affine) and isinstance(last, Linear):
            found[-1] = replace(last, kernel=last.kernel * step.factor, bias=last.bias * step.factor + step.offset)
        elif isinstance(step, Last):
            found.insert(_behind_layers(found), step)
        elif isinstance(last, Affine) and len(found) > 1 and isinstance(step, Linear | Layer) and _one_way(step):
            found[-1] = _taking_over(step, last)
        else:
            found.append(step)
    return found


def _behind_layers(steps: Sequence[Any]) -> int:
    """The place behind the last recurrent layer: what follows it works on every step by itself."""
    return max((i + 1 for i, step in enumerate(steps) if isinstance(step, Layer)), default=0)


def _one_way(step: Any) -> bool:
    return not isinstance(step, Layer) or step.backward is None


def _taking_over(step: Any, affine: Affine) -> Any:
    """`step` of (x * factor + offset)."""
    if isinstance(step, Linear):
        kernel, bias = _absorbed(step.kernel, step.bias, affine)
        return replace(step, kernel=kernel, bias=bias)
    forward = dict(step.forward)
    kernel, bias = np.asarray(forward["kernel"], np.float64), np.array(forward["bias"], np.float64)
    first = bias[0] if bias.ndim == 2 else bias
    forward["kernel"], first[...] = _absorbed(kernel, first, affine)
    return replace(step, forward=forward | {"bias": bias})


def _absorbed(kernel: Array, bias: Array, affine: Affine) -> tuple[Array, Array]:
    factor = np.broadcast_to(affine.factor, len(kernel))
    offset = np.broadcast_to(affine.offset, len(kernel))
    return kernel * factor[:, None], bias + offset @ kernel
