# SPDX-License-Identifier: Apache-2.0
"""A user's arrays as the inputs of a model, sample by sample."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import MAX_BYTES
from edgernn.data.npz import KEYS
from edgernn.diff.graph import Graph, Tensor
from edgernn.errors import ConfigError, DataError
from edgernn.npz import read_npz

_LENGTHS = "lengths"
_ONLY_INPUT = "x"

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Sample:
    """One invocation: its place, whether states start anew before it, and arrays by the indices of inputs."""

    window: int
    step: int
    first: bool
    inputs: dict[int, Array]


@dataclass(frozen=True, eq=False)
class Samples:
    """All invocations.

    given: what the data gives, [windows, steps, *shape] by the index of an input, in the input's own dtype;
    lengths: steps of each window; carried: the outputs that come back as inputs, by the indices of the inputs;
    start: what these inputs are at the first step; windowed: whether the data has windows, and not one sequence or
    samples that have nothing to do with each other.
    """

    given: Mapping[int, Array]
    lengths: tuple[int, ...]
    carried: Mapping[int, int]
    start: Mapping[int, Array]
    windowed: bool

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.lengths)

    def __iter__(self) -> Iterator[Sample]:
        for window, length in enumerate(self.lengths):
            for step in range(length):
                inputs = {index: array[window, step] for index, array in self.given.items()}
                yield Sample(window, step, step == 0, inputs)

    def place(self, window: int, step: int) -> str:
        """Where a sample stands in the data, in words."""
        return f"window {window}, step {step}" if self.windowed else f"sample {step}"


def load(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file. Raises DataError; nothing is unpickled."""
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the path of an .npz file")
    try:
        return read_npz(path, limit=MAX_BYTES)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be used, {error}; save it with numpy.savez") from error


def prepare(graph: Graph, arrays: Arrays, states: Mapping[str, str], limit: int | None = None) -> Samples:
    """The samples that `arrays` hold for the inputs of `graph`.

    An array goes by the key of an input in the model's signature or by the name of its tensor; `x` is the only input
    that is no state. Its leading axis counts samples, and may be the axis of size 1 that the input begins with. Where
    a model remembers something, the samples are one sequence, or windows [n, steps, ...] that start anew each, with
    `lengths` [n] if they vary. Floats for an integer input are quantized with its scale and zero point.

    states: inputs by label with the output that each takes from the step before, beside those whose key is that of an
    output; what the arrays give is not taken from anywhere. A state starts at what stands for zero.
    limit: takes the first so many of the leading axis. Raises DataError, ConfigError for wrong `states`.
    """
    carried = _carried(graph, states)
    named = _assign(graph, arrays, carried)
    carried = {index: source for index, source in carried.items() if index not in named}
    remembers = bool(carried) or graph.keeps_state
    given, windowed = {}, set()
    for index, (name, array) in named.items():
        tensor = graph.tensors[index]
        laid, has_windows = _lay(name, array[:limit] if array.ndim else array, tensor, remembers)
        given[index] = _as_input(name, laid, tensor)
        windowed.add(has_windows)
    sizes = {(array.shape[:2]) for array in given.values()}
    if len(sizes) != 1 or len(windowed) != 1:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in named.values())
        raise DataError(f"the arrays hold different numbers of samples: {shapes}; give each the same leading axis")
    (count, steps), (is_windowed,) = sizes.pop(), windowed
    if not count * steps:
        raise DataError("the arrays hold no samples; give at least one")
    lengths = _lengths(arrays.get(_LENGTHS), count, steps, limit, is_windowed)
    start = {index: _zero(graph.tensors[index]) for index in carried}
    return Samples(given, lengths, carried, start, is_windowed)


def _carried(graph: Graph, states: Mapping[str, str]) -> dict[int, int]:
    """Outputs by the inputs that take them."""
    carried = {graph.input_keys[key]: graph.output_keys[key] for key in graph.input_keys if key in graph.output_keys}
    inputs, outputs = _labels(graph, graph.inputs), _labels(graph, graph.outputs)
    for wanted, known, what in ((list(states), inputs, "input"), (list(states.values()), outputs, "output")):
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise ConfigError(f"the model has no {what} {unknown[0]!r}; it has {', '.join(known)}")
    carried |= {inputs[target]: outputs[source] for target, source in states.items()}
    for target, source in carried.items():
        ours, theirs = graph.tensors[target], graph.tensors[source]
        if _kind(ours) != _kind(theirs):
            raise ConfigError(
                f"the state {graph.label(target)} can't be carried from {graph.label(source)}: one is {_words(ours)}, "
                f"the other {_words(theirs)}; give it in the data"
            )
    return carried


def _labels(graph: Graph, tensors: Sequence[int]) -> dict[str, int]:
    """Tensors by every name that a user may give: keys of the signature first, so that they are shown first."""
    keys = graph.input_keys if tensors is graph.inputs else graph.output_keys
    names = {graph.tensors[index].name: index for index in tensors if index not in keys.values()}
    return {**{key: index for key, index in keys.items() if index in tensors}, **names}


def _assign(graph: Graph, arrays: Arrays, carried: Mapping[int, int]) -> dict[int, tuple[str, Array]]:
    """The arrays and their names by the indices of inputs."""
    labels = _labels(graph, graph.inputs)
    needed = [index for index in graph.inputs if index not in carried]
    names = {graph.tensors[index].name: index for index in graph.inputs} | labels
    if len(needed) == 1 and _ONLY_INPUT not in names:
        names[_ONLY_INPUT] = needed[0]
    assigned: dict[int, tuple[str, Array]] = {}
    for name, array in arrays.items():
        if name in names:
            if names[name] in assigned:
                raise DataError(f"{assigned[names[name]][0]} and {name} are the same input of the model: give one")
            assigned[names[name]] = name, array
        elif name not in KEYS:
            raise DataError(f"{name!r} is no input of the model, which has {', '.join(labels)}: rename the array")
    missing = [graph.label(index) for index in needed if index not in assigned]
    if missing:
        found = ", ".join(arrays) or "nothing"
        raise DataError(
            f"there is no array {missing[0]!r} for the model's inputs {', '.join(labels)}; the file holds {found}"
        )
    return assigned


def _lay(name: str, array: Array, tensor: Tensor, remembers: bool) -> tuple[Array, bool]:
    """The array as [windows, steps, *shape], and whether it has windows."""
    shapes = [tensor.shape] + ([tensor.shape[1:]] if tensor.shape[:1] == (1,) else [])
    if remembers and array.shape[2:] in shapes and array.ndim >= 2:
        return array.reshape(*array.shape[:2], *tensor.shape), True
    if array.ndim >= 1 and array.shape[1:] in shapes:
        return array.reshape(1, len(array), *tensor.shape), False
    wanted = " or ".join(_dimensions("n", shape) for shape in shapes)
    windows = f", or windows {_dimensions('n, steps', shapes[-1])}" if remembers else ""
    raise DataError(f"{name} has the shape {list(array.shape)}, but the model takes {wanted}{windows}")


def _dimensions(first: str, shape: Sequence[int]) -> str:
    return f"[{', '.join((first, *map(str, shape)))}]"


def _as_input(name: str, array: Array, tensor: Tensor) -> Array:
    if array.dtype.newbyteorder("=") == np.dtype(tensor.dtype if tensor.readable else object):
        return array.astype(tensor.dtype)
    if not np.issubdtype(array.dtype, np.floating):
        wanted = f"{tensor.dtype} or floats" if tensor.scales else tensor.dtype
        raise DataError(f"{name} has the dtype {array.dtype}, but the model takes {wanted}: convert it")
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds values that are no finite numbers: leave those samples out")
    if tensor.dtype.startswith("float"):
        return array.astype(tensor.dtype)
    if len(tensor.scales) != 1 or not 0 < tensor.scales[0] < np.inf or not tensor.readable:
        raise DataError(f"{name} holds floats, but the model takes {tensor.dtype} without one scale: convert it")
    bounds = np.iinfo(tensor.dtype)
    quantized = np.rint(array.astype(np.float64) / tensor.scales[0]) + tensor.zero_points[0]
    return quantized.clip(bounds.min, bounds.max).astype(tensor.dtype)


def _lengths(lengths: Array | None, count: int, steps: int, limit: int | None, windowed: bool) -> tuple[int, ...]:
    if lengths is None:
        return (steps,) * count
    lengths = lengths[:limit] if lengths.ndim else lengths
    if not windowed:
        # A model that remembers nothing takes whole windows, whose padding it was trained on.
        return (steps,) * count
    if lengths.shape != (count,) or not np.issubdtype(lengths.dtype, np.integer):
        raise DataError(f"lengths is {lengths.dtype} {list(lengths.shape)}; give {count} integers, one a window")
    if lengths.min() < 1 or lengths.max() > steps:
        raise DataError(f"lengths go from {lengths.min()} to {lengths.max()}; the windows have 1 to {steps} steps")
    return tuple(map(int, lengths))


def _zero(tensor: Tensor) -> Array:
    """What stands for zero."""
    return np.full(tensor.shape, tensor.zero_points[0] if tensor.zero_points else 0, tensor.dtype)


def _kind(tensor: Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.dtype, tensor.scales, tensor.zero_points


def _words(tensor: Tensor) -> str:
    scales = f", scale {', '.join(f'{scale:.6g}' for scale in tensor.scales)}" if tensor.scales else ""
    points = f", zero point {', '.join(map(str, tensor.zero_points))}" if tensor.scales else ""
    return f"{tensor.dtype} {list(tensor.shape)}{scales}{points}"
