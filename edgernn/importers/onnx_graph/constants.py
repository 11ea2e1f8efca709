# SPDX-License-Identifier: Apache-2.0
"""Operators of constants and shapes, computed with NumPy. A result never has more numbers than a model may."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ModelError
from edgernn.importers.chain import MAX_PARAMETERS
from edgernn.importers.onnx_graph.file import Node
from edgernn.importers.onnx_graph.steps import Dim

Array = npt.NDArray[Any]

_BINARY: dict[str, Callable[[Any, Any], Any]] = {"Add": np.add, "Mul": np.multiply, "Sub": np.subtract}
_UNARY: dict[str, Callable[[Any], Any]] = {"Neg": np.negative, "Reciprocal": np.reciprocal, "Sqrt": np.sqrt}
_TYPES = {1: "f4", 6: "i4", 7: "i8", 9: "?", 10: "f4", 11: "f8", 16: "f4"}


def compute(node: Node, given: Sequence[Any], opset: int) -> tuple[Array, ...]:
    """The node's results. Raises ModelError for an operator that is not computed here."""
    if node.op == "Constant":
        return (_constant(node),)
    if any(value is not None and not isinstance(value, np.ndarray) for value in given) or not given:
        raise ModelError(f"{node.where}: this operator is not supported where it stands")
    return _computed(node, given, opset)


def axes_of(node: Node, given: Sequence[Any]) -> list[int] | None:
    """The axes of Squeeze, Unsqueeze and the like, which are an attribute in old files and an input in others."""
    if len(given) > 1 and given[1] is not None:
        return integers(given[1], node.where)
    return node.integers("axes")


def integers(value: Any, where: str) -> list[int]:
    """A constant vector of integers. Raises ModelError when it is none."""
    sizes = integers_or_sizes(value, where)
    if any(isinstance(size, Dim) for size in sizes):
        raise ModelError(f"{where}: it depends on a size that can change")
    return [int(size) for size in sizes]  # type: ignore[arg-type]


def integers_or_sizes(value: Any, where: str) -> list[int | Dim]:
    """A vector of integers, in which sizes may not be known."""
    if not isinstance(value, np.ndarray) or value.ndim > 1 or value.size > 64 or value.dtype.kind not in "iO":
        raise ModelError(f"{where}: it depends on something that is not known, or no list of integers")
    return [size if isinstance(size, Dim) else int(size) for size in value.ravel()]


def _constant(node: Node) -> Array:
    tensor = node.tensor("value")
    if tensor is not None:
        return tensor
    if "value_int" in node.attributes:
        return np.array(node.integer("value_int", 0), np.int64)
    if "value_ints" in node.attributes:
        return np.array(node.integers("value_ints"), np.int64)
    if "value_float" in node.attributes:
        return np.array(node.number("value_float", 0.0), np.float32)
    if "value_floats" in node.attributes:
        return np.array(node.numbers("value_floats"), np.float32)
    raise ModelError(f"{node.where}: its value is of a type that is not supported")


def _computed(node: Node, given: Sequence[Any], opset: int) -> tuple[Array, ...]:
    first = given[0]
    if node.op in _UNARY:
        return (np.asarray(_UNARY[node.op](first)),)
    if node.op in _BINARY or node.op in ("Div", "Equal"):
        return (_binary(node, first, given[1]),)
    if node.op == "ReduceProd":
        kept = node.integer("keepdims", 1)
        return (np.array(np.prod(first), first.dtype).reshape([1] * first.ndim if kept else []),)
    if node.op in ("Identity", "Dropout"):
        return (first,)
    if node.op == "Cast":
        return (_cast(node, first),)
    if node.op == "Shape":
        start, end = node.integer("start", 0), node.integer("end", first.ndim)
        return (np.array(first.shape[start:end], np.int64),)
    if node.op == "Concat":
        if sum(value.size for value in given) > MAX_PARAMETERS:
            raise ModelError(f"{node.where}: its result is larger than any model")
        return (np.concatenate(given, axis=node.integer("axis", 0)),)
    if node.op == "Gather":
        return (_gather(node, first, given[1]),)
    return _moved(node, given, opset)


def _moved(node: Node, given: Sequence[Any], opset: int) -> tuple[Array, ...]:
    first = given[0]
    if node.op == "Transpose":
        return (first.transpose(node.integers("perm")),)
    if node.op == "Reshape":
        sizes = integers(given[1], node.where)
        kept = node.integer("allowzero", 0) == 0
        return (first.reshape([first.shape[i] if size == 0 and kept else size for i, size in enumerate(sizes)]),)
    if node.op == "Squeeze":
        axes = axes_of(node, given)
        return (first.squeeze(None if axes is None else tuple(axes)),)
    if node.op == "Unsqueeze":
        return (np.expand_dims(first, tuple(axes_of(node, given) or ())),)
    if node.op == "Slice":
        places: list[Any] = [slice(None)] * first.ndim
        for axis, start, end, step in slices(node, given, first.ndim):
            places[axis] = slice(start, None if step < 0 and end <= -(2**31) else end, step)
        return (first[tuple(places)],)
    if node.op == "Split":
        axis = node.integer("axis", 0)
        sizes = split_sizes(node, given, first.shape[axis])
        return tuple(np.split(first, np.cumsum(sizes)[:-1], axis=axis))
    raise ModelError(f"{node.where}: this operator is not supported")


def slices(node: Node, given: Sequence[Any], rank: int) -> list[tuple[int, int, Any, int]]:
    """Axis, start, end and step of each part of a Slice; an end can be a size that is not known."""
    if len(given) == 1:
        starts, ends = node.integers("starts") or [], node.integers("ends") or []
        axes, steps = node.integers("axes") or list(range(len(starts))), [1] * len(starts)
        if not len(starts) == len(ends) == len(axes):
            raise ModelError(f"{node.where}: its starts, ends and axes are not equally many")
        return list(zip([axis % rank for axis in axes], starts, ends, steps, strict=True))
    starts = integers(given[1], node.where)
    bounds = integers_or_sizes(given[2], node.where)
    axes = integers(given[3], node.where) if len(given) > 3 and given[3] is not None else list(range(len(starts)))
    steps = integers(given[4], node.where) if len(given) > 4 and given[4] is not None else [1] * len(starts)
    return list(zip([axis % rank for axis in axes], starts, bounds, steps, strict=True))


def split_sizes(node: Node, given: Sequence[Any], size: int) -> list[int]:
    """The sizes of the parts of a Split."""
    sizes = integers(given[1], node.where) if len(given) > 1 and given[1] is not None else node.integers("split")
    if sizes is None:
        count = node.integer("num_outputs", len(node.outputs))
        each = -(-size // count)
        sizes = [min(each, size - i * each) for i in range(count)]
    if sum(sizes) != size or min(sizes) < 0 or len(sizes) != len(node.outputs):
        raise ModelError(f"{node.where}: it splits {size} values into parts of other sizes")
    return sizes


def _binary(node: Node, a: Array, b: Array) -> Array:
    if math.prod(np.broadcast_shapes(a.shape, b.shape)) > MAX_PARAMETERS:
        raise ModelError(f"{node.where}: its result is larger than any model")
    if node.op == "Equal":
        return _equal(node, a, b)
    if node.op == "Div":
        if a.dtype.kind in "iO":
            return np.array(a // b)
        return np.array(a / b)
    return np.array(_BINARY[node.op](a, b))


def _equal(node: Node, a: Array, b: Array) -> Array:
    if a.dtype == object or b.dtype == object:
        left, right = integers_or_sizes(a, node.where), integers_or_sizes(b, node.where)
        if left == right:
            return np.array([True] * len(left))
        raise ModelError(f"{node.where}: it compares sizes that can change")
    return np.asarray(a == b)


def _cast(node: Node, value: Array) -> Array:
    kind = _TYPES.get(node.integer("to", 0))
    if kind is None:
        raise ModelError(f"{node.where}: it converts to a type that is not supported")
    if value.dtype == object:
        if kind not in ("i4", "i8"):
            raise ModelError(f"{node.where}: it converts a size that can change")
        return value
    return value.astype(kind)


def _gather(node: Node, value: Array, places: Array) -> Array:
    if value.size // max(value.shape[node.integer("axis", 0)], 1) * places.size > MAX_PARAMETERS:
        raise ModelError(f"{node.where}: its result is larger than any model")
    return np.asarray(np.take(value, places.astype(np.int64), axis=node.integer("axis", 0)))
