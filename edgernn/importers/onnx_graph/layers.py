# SPDX-License-Identifier: Apache-2.0
"""Operators of data: recurrent layers, dense layers, activations, and what moves axes about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ModelError
from edgernn.importers.onnx_graph import values
from edgernn.importers.onnx_graph.constants import axes_of, integers, integers_or_sizes, slices, split_sizes
from edgernn.importers.onnx_graph.file import Node, quote
from edgernn.importers.onnx_graph.steps import Activation, Affine, Axis, Dim, Layer, Linear, Size, assign_values
from edgernn.importers.onnx_graph.values import Fill, Piece, Signal, State

Array = npt.NDArray[Any]
Value = Array | Fill | State | Signal

_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
_ACTIVATIONS = {"GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"], "RNN": ["tanh"]}
_ORDER = {"GRU": [0, 1, 2], "LSTM": [0, 2, 3, 1], "RNN": [0]}
"""Places of Keras' gates among ONNX': z, r, n in both; i, f, g, o from i, o, f, g."""
_FLOATS, _HALVES = (1, 10, 11, 16), (10, 16)


@dataclass
class Reading:
    """What is known of the file beside its values. streaming: it takes the initial states."""

    opset: int
    streaming: bool = False
    notes: list[str] = field(default_factory=list)
    nodes: int = 0

    def settled(self, signal: Signal, where: str) -> Signal:
        done, notes = values.settle(signal, where)
        self.notes.extend(notes)
        return done


def _recurrent(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    """GRU, LSTM or RNN: every step's output, the final h, and the final c."""
    where = node.where
    x, w, r, bias, lengths, h, c, peepholes = [*given, *[None] * (8 - len(given))][:8]
    if not isinstance(x, Signal):
        raise ModelError(f"{where}: its data is no input of the model, or an initial state too")
    if not (isinstance(w, np.ndarray) and isinstance(r, np.ndarray)):
        raise ModelError(f"{where}: its weights are not constants of the file")
    _refuse_options(node, lengths, peepholes)
    for state in (h, c):
        _check_state(state, where, reading)
    directions = 2 if node.text("direction", "forward") == "bidirectional" else 1
    units = r.shape[-1]
    gates = _GATES[node.op]
    if w.ndim != 3 or w.shape[:2] != (directions, gates * units) or r.shape != (directions, gates * units, units):
        raise ModelError(f"{where}: its weights have the shapes {list(w.shape)} and {list(r.shape)}")
    if node.integer("hidden_size", units) != units:
        raise ModelError(f"{where}: its hidden_size is not the {units} of its weights")
    if bias is not None and (not isinstance(bias, np.ndarray) or bias.shape != (directions, 2 * gates * units)):
        raise ModelError(f"{where}: its bias is no constant of {2 * gates * units} values a direction")
    x = reading.settled(x, where)
    time, batch = _axes(x, node)
    assign_values(x.pieces[0].step, x.axes[2])
    if x.axes[2].size != w.shape[2]:
        raise ModelError(f"{where}: its matrix takes {w.shape[2]} values where {_text(x.axes[2].size)} come in")
    sides = [_weights(node, w[i], r[i], None if bias is None else bias[i]) for i in range(directions)]
    options = {"reset_after": node.integer("linear_before_reset", 0) == 1} if node.op == "GRU" else {}
    layer = Layer(x.pieces[0].step, where, node.op.lower(), options, sides[0], sides[1] if directions == 2 else None)
    return _outputs(node, layer, time, batch, units)


def _outputs(node: Node, layer: Layer, time: Axis, batch: Axis, units: int) -> Sequence[Value]:
    batch_first = node.integer("layout", 0) == 1
    names = ("forward", "backward") if layer.backward is not None else ("forward",)
    stack = Axis(2, "stack") if len(names) == 2 else Axis(1)
    unit = Axis(units, "values")
    every = (batch, time, stack, unit) if batch_first else (time, stack, batch, unit)
    final = (batch, stack, unit) if batch_first else (stack, batch, unit)
    ends = [Piece(layer, name, "last" if name == "forward" else "first", final=True) for name in names]
    cells = [Piece(layer, name, "cell", final=True) for name in names]
    return (
        Signal(every, tuple(Piece(layer, name) for name in names)),
        Signal(final, tuple(ends)),
        *([Signal(final, tuple(cells))] if node.op == "LSTM" else []),
    )


def _refuse_options(node: Node, lengths: Any, peepholes: Any) -> None:
    where = node.where
    direction = node.text("direction", "forward")
    if direction not in ("forward", "bidirectional"):
        raise ModelError(f"{where}: its direction is {quote(direction)}; there are 'forward' and 'bidirectional'")
    if node.integer("layout", 0) not in (0, 1):
        raise ModelError(f"{where}: its layout is neither 0 nor 1")
    default = _ACTIVATIONS[node.op] * (2 if direction == "bidirectional" else 1)
    used = [name.lower() for name in node.texts("activations")] or default
    if used != default:
        raise ModelError(
            f"{where}: its activations are {quote(', '.join(used))[1:-1]}; {', '.join(default)} is supported"
        )
    if "clip" in node.attributes:
        raise ModelError(f"{where}: it clips values inside the layer (clip), which is not supported")
    if node.integer("linear_before_reset", 0) not in (0, 1):
        raise ModelError(f"{where}: its linear_before_reset is neither 0 nor 1")
    if node.integer("input_forget", 0):
        raise ModelError(f"{where}: its input and forget gates are coupled (input_forget), which is not supported")
    if lengths is not None:
        raise ModelError(f"{where}: it takes the length of each window (sequence_lens); export it for whole windows")
    if peepholes is not None and not _is_zero(peepholes):
        raise ModelError(f"{where}: it has peepholes (P), which are not supported; use an LSTM without them")


def _check_state(state: Any, where: str, reading: Reading) -> None:
    if state is None or isinstance(state, State) or _is_zero(state):
        return
    if isinstance(state, Signal):
        raise ModelError(f"{where}: its initial state is computed from the data; only zero or an input is supported")
    raise ModelError(f"{where}: its initial state is not zero; only zero or an input of the graph is supported")


def _is_zero(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype != object and not value.any()
    return isinstance(value, Fill) and value.number == 0


def _axes(x: Signal, node: Node) -> tuple[Axis, Axis]:
    """The axes of steps and of windows, which the first layer says which they are."""
    if len(x.axes) != 3:
        raise ModelError(f"{node.where}: it takes data with 3 axes, and {len(x.axes)} come in")
    time, batch = x.axes[:2] if node.integer("layout", 0) == 0 else (x.axes[1], x.axes[0])
    roles = [axis.role for axis in x.axes]
    if time.role == "":
        if "time" in roles or (time.size != 1 and batch.role):
            raise ModelError(f"{node.where}: what it takes for steps is not what a layer before it did")
        time.role = "time"
    if batch.role == "":
        batch.role = "batch"
    if (time.role, batch.role) != ("time", "batch") or x.axes[2].role not in ("", "values"):
        raise ModelError(f"{node.where}: steps and windows have changed places in front of it (batch_first)")
    return time, batch


def _weights(node: Node, w: Array, r: Array, bias: Array | None) -> Mapping[str, Array]:
    """One direction's in Keras' layout."""
    order, gates = _ORDER[node.op], _GATES[node.op]

    def ordered(value: Array) -> Array:
        parts = np.split(value, gates, axis=0)
        return np.concatenate([parts[i] for i in order], axis=0)

    both = np.zeros(2 * len(w)) if bias is None else np.asarray(bias, np.float64)
    kernel_bias, recurrent_bias = (ordered(half) for half in np.split(both, 2))
    after = node.op == "GRU" and node.integer("linear_before_reset", 0) == 1
    joined = np.stack([kernel_bias, recurrent_bias]) if after else kernel_bias + recurrent_bias
    return {"kernel": ordered(w).T, "recurrent_kernel": ordered(r).T, "bias": joined}


def _matmul(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    left, right = given[0], given[1]
    if isinstance(left, Signal) and isinstance(right, np.ndarray):
        return (_linear(left, len(left.axes) - 1, _matrix(right, len(left.axes), node), 0.0, node.where, reading),)
    if isinstance(left, np.ndarray) and isinstance(right, Signal) and len(right.axes) > 1:
        return (_linear(right, len(right.axes) - 2, _matrix(left, len(right.axes), node).T, 0.0, node.where, reading),)
    raise ModelError(f"{node.where}: it multiplies two things of which none is a constant matrix")


def _text(size: Size) -> str:
    return str(size) if isinstance(size, int) else "an unknown number of"


def _matrix(value: Array, rank: int, node: Node) -> Array:
    while value.ndim > 2 and value.shape[0] == 1 and value.ndim <= rank:
        value = value[0]
    if value.ndim != 2 or value.dtype.kind != "f":
        raise ModelError(f"{node.where}: it multiplies with something of shape {list(value.shape)[:8]}, no matrix")
    return value


def _gemm(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    a, b, c = (*given, None)[:3]
    flip_a, flip_b = node.integer("transA", 0) != 0, node.integer("transB", 0) != 0
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if c is not None and not isinstance(c, np.ndarray):
        raise ModelError(f"{node.where}: what it adds is no constant")
    bias = np.zeros(()) if c is None else np.asarray(c, np.float64) * beta
    if isinstance(a, Signal) and isinstance(b, np.ndarray) and len(a.axes) == 2:
        if flip_a:
            a = replace(a, axes=a.axes[::-1])
        kernel = _matrix(b, 2, node).T if flip_b else _matrix(b, 2, node)
        return (_linear(a, 1, kernel * np.float64(alpha), _along(bias, 1, node), node.where, reading),)
    if isinstance(a, np.ndarray) and isinstance(b, Signal) and len(b.axes) == 2:
        if flip_b:
            b = replace(b, axes=b.axes[::-1])
        kernel = _matrix(a, 2, node) if flip_a else _matrix(a, 2, node).T
        return (_linear(b, 0, kernel * np.float64(alpha), _along(bias, 0, node), node.where, reading),)
    raise ModelError(f"{node.where}: it multiplies two things of which none is a constant matrix")


def _along(bias: Array, axis: int, node: Node) -> Array:
    """What a Gemm adds, as a vector along an axis of its result."""
    full = bias.reshape((1,) * (2 - bias.ndim) + bias.shape)
    if full.ndim != 2 or full.shape[1 - axis] != 1:
        raise ModelError(f"{node.where}: what it adds is {list(bias.shape)[:8]}, no vector along its results")
    return np.asarray(full.ravel())


def _linear(signal: Signal, k: int, kernel: Array, bias: Any, where: str, reading: Reading) -> Signal:
    done = reading.settled(signal, where)
    axis = done.axes[k]
    if axis.role not in ("", "values"):
        raise ModelError(f"{where}: it mixes steps or windows; only along the features or units is supported")
    if axis.size != len(kernel) or np.size(bias) not in (1, kernel.shape[1]):
        raise ModelError(f"{where}: its matrix is {list(kernel.shape)} where {_text(axis.size)} values come in")
    result = Axis(kernel.shape[1], axis.role)
    vector = np.broadcast_to(np.asarray(bias, np.float64).ravel(), kernel.shape[1:])
    step = Linear(done.pieces[0].step, where, axis, result, np.asarray(kernel, np.float64), vector)
    return Signal((*done.axes[:k], result, *done.axes[k + 1 :]), (Piece(step),))


def _arithmetic(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    """Data and a constant: a factor and an offset."""
    left, right = given[0], given[1]
    if isinstance(left, Signal) and isinstance(right, Signal):
        if node.op == "Add":
            return (values.add_up([left, right], node.where),)
        raise ModelError(f"{node.where}: it joins two branches of the model; only a chain of layers is supported")
    signal, constant = (left, right) if isinstance(left, Signal) else (right, left)
    if isinstance(constant, Fill) and constant.number is not None and all(axis.size != 1 for axis in signal.axes):
        constant = np.array(constant.number)
    if not isinstance(constant, np.ndarray) or constant.dtype == object:
        raise ModelError(f"{node.where}: it computes with something that is no constant")
    number = np.asarray(constant, np.float64)
    one, zero = np.ones_like(number), np.zeros_like(number)
    if node.op == "Div" and signal is right:
        raise ModelError(f"{node.where}: it divides by the data, which is not supported")
    factor, offset = {
        "Add": (one, number),
        "Sub": (one, -number) if signal is left else (-one, number),
        "Mul": (number, zero),
        "Div": (1 / number, zero),
    }[node.op]
    return (_affine(signal, factor, offset, node.where, reading),)


def _affine(signal: Signal, factor: Array, offset: Array, where: str, reading: Reading) -> Signal:
    """factor, offset: of one shape, which NumPy's rules put along the data's last axes."""
    done = reading.settled(signal, where)
    wide = [i - factor.ndim for i, size in enumerate(factor.shape) if size != 1]
    if factor.ndim > len(done.axes) or len(wide) > 1:
        raise ModelError(f"{where}: its constant varies along more than the features")
    axis = done.axes[wide[0]] if wide else None
    if axis is not None and (axis.role not in ("", "values") or axis.size != factor.size):
        raise ModelError(f"{where}: its constant has {factor.size} values where {_text(axis.size)} come in")
    shape = (factor.size,) if wide else ()
    step = Affine(done.pieces[0].step, where, axis, factor.reshape(shape), offset.reshape(shape))
    return replace(done, pieces=(Piece(step),))


def _batch_norm(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal, *numbers = given[:5]
    if node.integer("training_mode", 0) or len(numbers) != 4 or len(node.outputs) > 1:
        raise ModelError(f"{node.where}: it is exported for training; call model.eval() in front of the export")
    if not isinstance(signal, Signal) or not all(isinstance(n, np.ndarray) and n.ndim == 1 for n in numbers):
        raise ModelError(f"{node.where}: its numbers are not constants of the file")
    scale, shift, mean, variance = (np.asarray(number, np.float64) for number in numbers)
    factor = scale / np.sqrt(variance + node.number("epsilon", 1e-5))
    offset = shift - mean * factor
    shape = (-1, *[1] * (len(signal.axes) - 2))
    return (_affine(signal, factor.reshape(shape), offset.reshape(shape), node.where, reading),)


def _activation(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    (signal,) = given[:1]
    done = reading.settled(signal, node.where)
    name = node.op.lower()
    if name in ("softmax", "logsoftmax"):
        k = done.place(node.integer("axis", -1 if reading.opset >= 13 else 1), node.where)
        if done.axes[k].role != "values" or (reading.opset < 13 and k != len(done.axes) - 1):
            raise ModelError(
                f"{node.where}: it works along the steps or the batch; only along the classes is supported"
            )
        if name == "logsoftmax":
            reading.notes.append(f"{node.where}: outputs are logits, of which it makes logarithms of probabilities")
            name = "softmax"
    step = Activation(done.pieces[0].step, node.where, name)
    return (replace(done, pieces=(Piece(step),)),)


def _same(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    if node.op == "Dropout":
        mode = given[2] if len(given) > 2 else None
        if mode is not None and not _is_zero(mode):
            raise ModelError(f"{node.where}: it drops values at inference; call model.eval() in front of the export")
        reading.notes.append(f"{node.where}: it does nothing at inference")
    if node.op == "Cast" and node.integer("to", 0) not in _FLOATS:
        raise ModelError(f"{node.where}: it converts data to integers or truth values, which is not supported")
    if node.op == "Cast" and node.integer("to", 0) in _HALVES:
        reading.notes.append(f"{node.where}: it computes with 16 bits from here on, which are read as float32")
    return (given[0],)


def _shape(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    sizes = [axis.size for axis in given[0].axes]
    part = sizes[node.integer("start", 0) : node.integer("end", len(sizes))]
    kind = object if any(isinstance(size, Dim) for size in part) else np.int64
    result = np.empty(len(part), kind)
    result[:] = part
    return (result,)


def _transpose(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    order = node.integers("perm")
    reversed_order = list(range(len(given[0].axes)))[::-1]
    return (values.transpose(given[0], reversed_order if order is None else order, node.where),)


def _squeeze(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal = given[0]
    axes = axes_of(node, given)
    if axes is None:
        places = [k for k, axis in enumerate(signal.axes) if axis.size == 1]
    else:
        places = [signal.place(axis, node.where) for axis in axes]
    for k in sorted(set(places), reverse=True):
        if signal.axes[k].size != 1:
            raise ModelError(f"{node.where}: it takes away an axis of {_text(signal.axes[k].size)} values")
        signal = values.drop(signal, k, streaming=reading.streaming)
    return (signal,)


def _unsqueeze(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal, axes = given[0], axes_of(node, given) or []
    rank = len(signal.axes) + len(axes)
    if rank > 8 or any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"{node.where}: it makes axes where there can't be any")
    for k in sorted(axis % rank for axis in axes):
        signal = values.insert(signal, k)
    return (signal,)


def _reshape(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal = given[0]
    if not isinstance(signal, Signal):
        raise ModelError(f"{node.where}: its shape depends on the data")
    target: list[Size] = list(integers_or_sizes(given[1], node.where))
    if node.integer("allowzero", 0) == 0:
        target = [signal.axes[i].size if size == 0 else size for i, size in enumerate(target)]
    if target.count(-1) > 1 or len(target) > 8:
        raise ModelError(f"{node.where}: its shape leaves more than one size open")
    try:
        return (values.reshape(signal, target, node.where, streaming=reading.streaming),)
    except ModelError:
        if not _bind_steps(signal, target, node, reading):
            raise
    return (values.reshape(signal, target, node.where, streaming=reading.streaming),)


def _bind_steps(signal: Signal, target: Sequence[Size], node: Node, reading: Reading) -> bool:
    """PyTorch's newer exporter may fix the number of steps that it declares as open; then the file is for that many."""
    axes = [axis for axis in signal.axes if axis.size != 1]
    sizes = [size for size in target if size != 1]
    for axis, size in zip(axes, sizes, strict=False):
        if len(axes) == len(sizes) and axis.role == "time" and isinstance(axis.size, Dim) and isinstance(size, int):
            reading.notes.append(
                f"{node.where}: the file is for windows of {size} steps only, which makes no difference"
            )
            axis.size = size
            return size > 1
    return False


def _flatten(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal = given[0]
    k = node.integer("axis", 1) % (len(signal.axes) + 1)
    target: list[Size] = [1, 1]
    for i, axis in enumerate(signal.axes):
        target[i >= k] = target[i >= k] * axis.size
    return (values.reshape(signal, target, node.where, streaming=reading.streaming),)


def _expand(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal = given[0]
    sizes = integers_or_sizes(given[1], node.where) if isinstance(signal, Signal) else []
    own = [axis.size for axis in signal.axes][len(signal.axes) - len(sizes) :]
    if len(sizes) > len(own) or any(size not in (1, old) for size, old in zip(sizes, own, strict=True)):
        raise ModelError(f"{node.where}: it repeats the data, which is not supported")
    return (signal,)


def _gather(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal, places = given[0], given[1]
    if not isinstance(signal, Signal):
        raise ModelError(f"{node.where}: it looks values up by the data (an embedding), which is not supported")
    where = node.where
    k = signal.place(node.integer("axis", 0), where)
    (index,) = integers(places, where) if np.size(places) == 1 else [None]
    if index is None:
        raise ModelError(f"{where}: it takes several places of an axis; only the last step of a window can be taken")
    taken = values.select(signal, k, index, where, streaming=reading.streaming)
    return (values.insert(taken, k) if places.ndim else taken,)


def _slice(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal = given[0]
    if not isinstance(signal, Signal):
        raise ModelError(f"{node.where}: where it cuts depends on the data")
    for k, start, end, step in slices(node, given, len(signal.axes)):
        if step != 1:
            raise ModelError(
                f"{node.where}: it takes every {step}th place; reversed or thinned windows are not supported"
            )
        signal = values.cut(signal, k, start, end, node.where, streaming=reading.streaming)
    return (signal,)


def _split(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    signal = given[0]
    k = signal.place(node.integer("axis", 0), node.where)
    size = signal.axes[k].size
    if not isinstance(size, int):
        raise ModelError(f"{node.where}: it splits an axis whose size can change")
    sizes, parts, start = split_sizes(node, given, size), [], 0
    for length in sizes:
        parts.append(values.cut(signal, k, start, start + length, node.where, streaming=reading.streaming))
        start += length
    return parts


def _concat(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    if not all(isinstance(value, Signal) for value in given):
        raise ModelError(f"{node.where}: it joins data and constants, which is not supported")
    return (values.concat(list(given), node.integer("axis", 0), node.where),)


def _reduce(node: Node, given: Sequence[Any], reading: Reading) -> Sequence[Value]:
    """The sum or the mean of two directions."""
    signal, axes = given[0], axes_of(node, given) or []
    stack = signal.stack
    if stack is None or len(axes) != 1 or signal.axes[signal.place(axes[0], node.where)] is not stack:
        raise ModelError(f"{node.where}: it sums up steps, windows or units; only a layer's two directions can be")
    k = signal.axes.index(stack)
    parts = [values.select(signal, k, i, node.where, streaming=False) for i in range(len(signal.pieces))]
    result = values.add_up(parts, node.where)
    if node.integer("keepdims", 1):
        result = values.insert(result, k)
    if node.op == "ReduceMean":
        result = _affine(result, np.array(0.5), np.array(0.0), node.where, reading)
    return (result,)


Handler = Callable[[Node, Sequence[Any], Reading], Sequence[Value]]

HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrent),
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
    **dict.fromkeys(("LogSoftmax", "Relu", "Sigmoid", "Softmax", "Tanh"), _activation),
    **dict.fromkeys(("Cast", "Dropout", "Identity"), _same),
    **dict.fromkeys(("ReduceMean", "ReduceSum"), _reduce),
    "BatchNormalization": _batch_norm,
    "Concat": _concat,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""What is known, by the operator's name."""
