# SPDX-License-Identifier: Apache-2.0
"""What each of Keras' layers is in a chain, and which options of it are supported."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import cells
from edgernn.errors import ModelError
from edgernn.importers.chain import Chain, Imported
from edgernn.importers.keras.graph import Graph, Node
from edgernn.importers.keras.options import Options, flat, shown
from edgernn.importers.keras.store import Arrays, Leaf

_KINDS = {"GRU": "gru", "LSTM": "lstm", "SimpleRNN": "rnn"}
_EPSILON = 1e-7
"""Of keras.config.epsilon(): Normalization takes no smaller deviation."""
_POLICIES = ("DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1")
"""Keras' names of a type to compute in, over its versions."""
_REASONS = {
    "Lambda": "it holds code, which is never run; use layers of Keras",
    "CuDNNGRU": "load the model and save it with a GRU layer, which takes over its weights",
    "CuDNNLSTM": "load the model and save it with an LSTM layer, which takes over its weights",
    "GlobalAveragePooling1D": "give the last recurrent layer return_sequences=False in its place",
    "GlobalMaxPooling1D": "give the last recurrent layer return_sequences=False in its place",
    "BatchNormalization": "fold it into the layer next to it, or normalize with Normalization in front",
}


@dataclass
class Reading:
    """What a layer's handler works with; `weights` by the path of a leaf."""

    chain: Chain
    weights: Mapping[tuple[str, ...], Arrays]
    steps: int | None


def leaves(nodes: Sequence[Node]) -> Iterator[Leaf]:
    """Where the weights of layers are, in the order of the configuration."""
    for node in nodes:
        if node.children:
            yield from leaves(node.children)
        elif node.kind in _KINDS or node.kind.removesuffix("Cell") in _KINDS:
            count = 3 if node.options.flag("use_bias", True) else 2
            yield Leaf(_cell_path(node), node.top, count, node.trainable)
        elif node.kind == "Dense":
            yield Leaf(node.path, node.top, 2 if node.options.flag("use_bias", True) else 1, node.trainable)
        elif node.kind == "Normalization" and node.options.any("mean") is None:
            yield Leaf(node.path, node.top, 3, False)


def _cell_path(node: Node) -> tuple[str, ...]:
    return node.path if node.kind.endswith("Cell") else (*node.path, "cell")


def build(graph: Graph, weights: Mapping[tuple[str, ...], Arrays]) -> Imported:
    """The chain of a graph's layers. Raises ModelError with the place of what is not supported."""
    reading = Reading(Chain(graph.features, graph.steps), weights, graph.steps)
    for node in graph.nodes:
        lower = _precision(node)
        if lower:
            reading.chain.note(f"{node.where}: Keras computes it in {lower}, here it is float32 with the same weights")
        _handler(node)(reading, node)
    return reading.chain.finish()


def check(nodes: Sequence[Node]) -> None:
    """Refuses layers that are not supported, before any weights are looked for."""
    for node in nodes:
        _handler(node)
        for one in _with_children(node):
            _precision(one)


def _with_children(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _with_children(child)


def _handler(node: Node) -> Callable[[Reading, Node], None]:
    if node.kind not in _HANDLERS:
        known = ", ".join(kind for kind in _HANDLERS if kind not in _SUBSCRIPTS)
        raise ModelError(f"{node.where} is not supported: {_REASONS.get(node.kind, f'there are {known}')}")
    return _HANDLERS[node.kind]


def _precision(node: Node) -> str | None:
    """The type that Keras computes a layer in where it is less precise than float32; quantized layers are refused."""
    policy = node.config.get("dtype")
    if isinstance(policy, Mapping) and policy.get("class_name") in _POLICIES:
        inner = policy.get("config")
        policy = inner.get("name") if isinstance(inner, Mapping) else policy
    if policy in (None, "float32", "float64"):
        return None
    if policy not in ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16"):
        raise ModelError(f"{node.where}: its dtype is {shown(policy)}; give the model from before it was quantized")
    return str(policy)


def _recurrent(reading: Reading, node: Node) -> None:
    sequences = _directions(reading.chain, node, node.options, backwards=False)
    own = node.children or (node,)
    for number, cell in enumerate(own, 1):
        kind, weights, options = _cell(reading, cell)
        between = number < len(own)
        reading.chain.recurrent(kind, weights, options, sequences=sequences or between, where=node.where)


def _directions(chain: Chain, node: Node, options: Options, *, backwards: bool) -> bool:
    """Whether a recurrent layer gives all steps. Refuses what goes another way than forwards, or `backwards`."""
    options.must("go_backwards", backwards, default=False)
    options.must("return_state", False, default=False)
    options.must("time_major", False, default=False)
    if options.flag("stateful", False):
        chain.note(f"{node.where} is stateful: a session keeps its state too, until it is reset")
    sequences = options.flag("return_sequences", False)
    if node.kind == "RNN":
        options.any("cell")
        options.done()
    return sequences


def _cell(reading: Reading, node: Node) -> tuple[str, dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Kind, weights by Keras' names, and options of a cell of `edgernn.cells`. A missing bias is zero."""
    kind, given = _KINDS[node.kind.removesuffix("Cell")], node.options
    units = given.size("units")
    given.must("activation", "tanh")
    if kind != "rnn":
        given.must("recurrent_activation", "sigmoid")
    options = {"reset_after": given.flag("reset_after", False)} if kind == "gru" else {}
    arrays = reading.weights[_cell_path(node)]
    if given.flag("use_bias", True):
        bias = arrays[2]
    else:
        bias = np.zeros(cells.get(kind).shapes(1, units, **options)["bias"], np.float32)
    for key in ("return_sequences", "return_state", "go_backwards", "stateful", "time_major"):
        given.any(key)
    given.done()
    if arrays[1].shape[:1] != (units,):
        raise ModelError(f"{node.where}: it has {units} units, and a recurrent kernel of {list(arrays[1].shape)}")
    return kind, {"kernel": arrays[0], "recurrent_kernel": arrays[1], "bias": bias}, options


def _bidirectional(reading: Reading, node: Node) -> None:
    options = node.options
    options.must("merge_mode", "concat", "sum", "ave", default="concat")
    merge = str(options.any("merge_mode", "concat"))
    for key in ("layer", "backward_layer"):
        options.any(key)
    options.done()
    for way in node.children:
        way.options.must("stateful", False, default=False)
    ways = [
        _directions(reading.chain, way, way.options, backwards=backwards)
        for way, backwards in zip(node.children, (False, True), strict=True)
    ]
    own = [way.children or (way,) for way in node.children]
    if len(own[0]) != 1 or len(own[1]) != 1:
        raise ModelError(f"{node.where}: it wraps stacked cells; supported is one cell in each direction")
    (kind, one, given), (other_kind, other, other_given) = (_cell(reading, cell) for (cell,) in own)
    if (kind, given, ways[0]) != (other_kind, other_given, ways[1]):
        raise ModelError(f"{node.where}: its two directions are not of one kind, with the same options")
    reading.chain.bidirectional(kind, one, other, given, merge=merge, sequences=ways[0], where=node.where)


def _time_distributed(reading: Reading, node: Node) -> None:
    if not reading.chain.sequence:
        raise ModelError(f"{node.where}: it takes a value for every step, and the layer before it gives the last only")
    (inner,) = node.children
    node.options.any("layer")
    _HANDLERS[inner.kind](reading, inner)


def _dense(reading: Reading, node: Node) -> None:
    options = node.options
    units, function = options.size("units"), options.function("activation")
    kernel, *rest = reading.weights[node.path]
    bias = rest[0] if options.flag("use_bias", True) else np.zeros(units, np.float32)
    options.done()
    if kernel.shape[1:] != (units,):
        raise ModelError(f"{node.where}: it has {units} units, and a kernel of {list(kernel.shape)}")
    reading.chain.dense(kernel, bias, where=node.where)
    reading.chain.activation(function, where=node.where)


def _activation(reading: Reading, node: Node) -> None:
    options = node.options
    function = options.function("activation")
    options.done()
    reading.chain.activation(function, where=node.where)


def _relu(reading: Reading, node: Node) -> None:
    options = node.options
    if "max_value" not in node.config:
        raise ModelError(f"{node.where}: it is a function's call, not a layer; use the layer ReLU")
    options.must("max_value", None)
    for key in ("negative_slope", "threshold"):
        if options.number(key, 0):
            raise ModelError(f"{node.where}: {key} is {shown(options.any(key))}; supported is 0 only")
    options.done()
    reading.chain.activation("relu", where=node.where)


def _softmax(reading: Reading, node: Node) -> None:
    options = node.options
    if "axis" not in node.config:
        raise ModelError(f"{node.where}: it is a function's call, not a layer; use the layer Softmax")
    axis = flat(options.any("axis"))
    if axis not in ([-1], [2 if reading.chain.sequence else 1]):
        raise ModelError(f"{node.where}: its axis is {shown(options.any('axis'))}; supported is -1, the last one, only")
    options.done()
    reading.chain.activation("softmax", where=node.where)


def _normalization(reading: Reading, node: Node) -> None:
    options = node.options
    axis = flat(options.any("axis", -1))
    if axis not in ([], [None], [-1], [2]):
        raise ModelError(f"{node.where}: its axis is {shown(options.any('axis'))}; supported is -1, the features, only")
    options.any("variance")
    if options.any("mean") is None:
        mean, variance, _ = reading.weights[node.path]
    else:
        mean, variance = np.asarray(options.numbers("mean")), np.asarray(options.numbers("variance"))
    mean, variance = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    if not (variance >= 0).all() or 1 not in (mean.size, variance.size) and mean.size != variance.size:
        raise ModelError(f"{node.where}: its mean or variance is broken; adapt it again")
    std = np.maximum(np.sqrt(variance), _EPSILON)
    if options.flag("invert", False):
        reading.chain.affine(std, mean, node.where)
    else:
        reading.chain.affine(1 / std, -mean / std, node.where)
    options.done()


def _rescaling(reading: Reading, node: Node) -> None:
    options = node.options
    scale, offset = options.numbers("scale"), options.numbers("offset")
    options.done()
    reading.chain.affine(scale, offset, node.where)


def _masking(reading: Reading, node: Node) -> None:
    value = node.options.number("mask_value", 0)
    reading.chain.mask(value, node.where)
    reading.chain.note(
        f"{node.where}: Keras skips steps whose values are all {value:g}; here a window's length takes its place"
    )


def _nothing(reading: Reading, node: Node) -> None:
    reading.chain.note(f"{node.where} does nothing outside training and is left out")


def _flatten(reading: Reading, node: Node) -> None:
    if reading.chain.sequence:
        raise ModelError(
            f"{node.where}: it makes one row of all steps; supported is the last one's value: return_sequences=False"
        )
    reading.chain.note(f"{node.where} keeps the shape of what it gets and is left out")


def _reshape(reading: Reading, node: Node) -> None:
    chain = reading.chain
    options = node.options
    target = flat(options.any("target_shape"))
    options.done()
    size, steps = chain.size, reading.steps
    if chain.sequence:
        # What has rows of the same size has as many of them as before.
        kept = len(target) == 2 and (target[1] == size or (target[1] == -1 and target[0] == steps))
    else:
        kept = target in ([size], [-1])
    if not kept:
        raise ModelError(f"{node.where}: it reshapes to {shown(target)}; supported is only what keeps the shape")
    chain.note(f"{node.where} keeps the shape of what it gets and is left out")


def _item(reading: Reading, node: Node) -> None:
    """x[:, -1] and x[:, -1, :], the last step."""
    given = node.item if isinstance(node.item, list) else [node.item]
    everything = [_is_everything(part) for part in given]
    if len(given) not in (2, 3) or given[1] != -1 or not everything[0] or not all(everything[2:]):
        raise ModelError(f"{node.where}: it takes a part of the values; supported is the last step only, x[:, -1]")
    reading.chain.last_step(node.where)


def _is_everything(part: object) -> bool:
    if not isinstance(part, Mapping):
        return part == Ellipsis
    given = part.get("config", part)
    return isinstance(given, Mapping) and all(given.get(key) is None for key in ("start", "stop", "step"))


_SUBSCRIPTS = ("GetItem", "SlicingOpLambda")
_HANDLERS: dict[str, Callable[[Reading, Node], None]] = {
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "SimpleRNN": _recurrent,
    "RNN": _recurrent,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "TimeDistributed": _time_distributed,
    "Activation": _activation,
    "ReLU": _relu,
    "Softmax": _softmax,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "Masking": _masking,
    "Dropout": _nothing,
    "SpatialDropout1D": _nothing,
    "GaussianDropout": _nothing,
    "GaussianNoise": _nothing,
    "AlphaDropout": _nothing,
    "ActivityRegularization": _nothing,
    "Identity": _nothing,
    "Flatten": _flatten,
    "Reshape": _reshape,
    **dict.fromkeys(_SUBSCRIPTS, _item),
}
