# SPDX-License-Identifier: Apache-2.0
"""A model's configuration as the chain of its layers: Sequential and functional models, and such models within.

Keras names the weights of a layer by its class and its place among the layers of that class, or by its name, depending
on the file (`edgernn.importers.keras.store`), so a node has both.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgernn.errors import ModelError
from edgernn.importers.keras.options import Options, flat, shown

_MODELS = ("Sequential", "Functional", "Model")
RECURRENT = ("GRU", "LSTM", "SimpleRNN")
CELLS = tuple(f"{kind}Cell" for kind in RECURRENT)
EACH_STEP = ("Dense", "Activation", "ReLU", "Softmax", "Dropout", "Identity")
"""What TimeDistributed may wrap."""
_MASKS = ("Any", "NotEqual")
_ONLY = "only a chain of layers from one input to one output is supported"
_ONLY_MASKING = "only the mask of a Masking layer of the chain is supported"
_MAX_DEPTH = 8
_MAX_LAYERS = 1000


@dataclass(frozen=True)
class Node:
    """A layer: its class and its name; where it is, for errors; where its weights are.

    path: names of groups in a .keras file; top: name of the outermost layer that holds it; children: layers or cells
    that it wraps; item: what a subscript asks for; trainable: whether Keras trains it.
    """

    kind: str
    name: str
    where: str
    config: Mapping[str, Any]
    path: tuple[str, ...]
    top: str
    children: tuple["Node", ...] = ()
    item: object = None

    @property
    def trainable(self) -> bool:
        return self.config.get("trainable", True) is not False

    @property
    def options(self) -> Options:
        return Options(self.config, self.where)


@dataclass(frozen=True)
class Graph:
    """The layers in the order of the data, and the shape [batch, steps, features] of the model's input."""

    nodes: tuple[Node, ...]
    steps: int | None
    features: int


@dataclass(frozen=True)
class _Model:
    """A model within: `number` is its place in the one around it, "" for the outermost."""

    config: Mapping[str, Any]
    path: tuple[str, ...]
    top: str
    number: str
    depth: int


def read_graph(config: object) -> Graph:
    """The graph of a model's configuration as its file has it. Raises ModelError for anything but a chain."""
    kind, values = _class(config, "the model")
    if kind not in _MODELS:
        known = "give a Sequential or functional model"
        raise ModelError(f"the model is of the class {shown(kind)}, whose code is not in the file; {known}")
    nodes = list(_chain(kind, _Model(values, (), "", "", 0)))
    steps, features = _input_shape([node.config for node in nodes] + [values])
    return Graph(tuple(node for node in nodes if node.kind != "InputLayer"), steps, features)


def _chain(kind: str, model: _Model) -> Iterator[Node]:
    if model.depth > _MAX_DEPTH:
        raise ModelError(f"its models are more than {_MAX_DEPTH} deep in each other")
    entries = _entries(model)
    order = range(len(entries)) if kind == "Sequential" else _order(model, entries)
    paths = list(_paths(entries))
    for at in order:
        yield from _expand(entries[at], paths[at], at, model)


def _entries(model: _Model) -> list[Mapping[str, Any]]:
    """Configurations of the layers of a model. Very old files have them in place of the model's own."""
    layers = model.config.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, Mapping) for layer in layers):
        raise ModelError("the model's configuration has no list of layers; save the model again")
    if not 0 < len(layers) <= _MAX_LAYERS:
        raise ModelError(f"a model has {len(layers)} layers; there can be 1 to {_MAX_LAYERS}")
    return layers


def _paths(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Keras' names of the layers' groups: "gru", "gru_1"."""
    used: dict[str, int] = {}
    for entry in entries:
        name = snake_case(str(entry.get("class_name"))[:80])
        used[name] = used.get(name, -1) + 1
        yield f"{name}_{used[name]}" if used[name] else name


def snake_case(name: str) -> str:
    """Keras' name of a class: SimpleRNN is simple_rnn."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _expand(entry: Mapping[str, Any], path: str, at: int, model: _Model) -> Iterator[Node]:
    number = f"{model.number}{at + 1}"
    node = _node(entry, number, (*model.path, "layers", path), model.top)
    if node.kind in _MODELS:
        yield from _chain(node.kind, _Model(node.config, node.path, node.top, f"{number}.", model.depth + 1))
    else:
        yield node


def _node(entry: object, number: str, path: tuple[str, ...], top: str) -> Node:
    kind, config = _class(entry, f"layer {number}")
    assert isinstance(entry, Mapping)
    given = config.get("name", entry.get("name"))
    name = given if isinstance(given, str) else kind
    where = f"layer {number}, {shown(name)} ({kind})"
    node = Node(kind, name, where, config, path, top or name, item=_item(entry))
    return replace(node, children=tuple(_children(node)))


def _class(entry: object, where: str) -> tuple[str, Mapping[str, Any]]:
    """Class and configuration of a layer of Keras' own. Raises ModelError for somebody's own class."""
    if not isinstance(entry, Mapping):
        raise ModelError(f"{where} has no configuration; save the model again")
    kind, config = entry.get("class_name"), entry.get("config")
    if not isinstance(kind, str) or not kind:
        raise ModelError(f"{where} has no class; save the model again")
    module, registered = entry.get("module"), entry.get("registered_name")
    own = module is not None and not str(module).startswith(("keras", "tf_keras", "tensorflow.keras"))
    # Keras names a module for each of its own classes, and none for a class of somebody's script.
    own = own or registered is not None and (registered != kind or module is None)
    if own or not kind.isidentifier() or len(kind) > 40:
        own_class = shown(registered or kind)
        raise ModelError(f"{where} is of the class {own_class}, whose code is not in the file; use Keras' own")
    if kind == "Sequential" and isinstance(config, list):
        config = {"layers": config}
    if not isinstance(config, Mapping):
        raise ModelError(f"{where} has no configuration; save the model again")
    return kind, config


def _children(node: Node) -> Iterator[Node]:
    """What a layer wraps, with the places of its weights."""
    if node.kind == "RNN":
        cell = _inner(node, node.config.get("cell"), (*CELLS, "StackedRNNCells"), "cell")
        yield from _stacked(cell) if cell.kind == "StackedRNNCells" else (cell,)
    if node.kind == "TimeDistributed":
        yield _inner(node, node.config.get("layer"), EACH_STEP, "layer")
    if node.kind == "Bidirectional":
        forward = node.config.get("layer")
        backward = node.config.get("backward_layer") or _reversed(forward)
        yield _inner(node, forward, (*RECURRENT, "RNN"), "forward_layer")
        yield _inner(node, backward, (*RECURRENT, "RNN"), "backward_layer")


def _stacked(node: Node) -> Iterator[Node]:
    cells = node.config.get("cells")
    if not isinstance(cells, list) or len(cells) > _MAX_LAYERS or not all(isinstance(cell, Mapping) for cell in cells):
        raise ModelError(f"{node.where}: it has no list of cells; save the model again")
    for cell, path in zip(cells, _paths(cells), strict=True):
        yield _inner(node, cell, CELLS, "cells", path)


def _inner(node: Node, entry: object, allowed: Sequence[str], *path: str) -> Node:
    kind, config = _class(entry, f"{node.where}: what it wraps")
    if kind not in allowed:
        raise ModelError(f"{node.where}: it wraps {shown(kind)}; supported are {', '.join(allowed)}")
    config = {**config, "trainable": node.trainable and config.get("trainable", True) is not False}
    inner = replace(node, kind=kind, config=config, path=(*node.path, *path), children=())
    return replace(inner, children=tuple(_children(inner)))


def _reversed(entry: object) -> object:
    """The backward layer where the file leaves it out: the forward one the other way round."""
    kind, config = _class(entry, "what a Bidirectional layer wraps")
    return {"class_name": kind, "config": {**config, "go_backwards": not config.get("go_backwards")}}


def _input_shape(configs: Sequence[Mapping[str, Any]]) -> tuple[int | None, int]:
    for config in configs:
        for key in ("batch_shape", "batch_input_shape", "build_input_shape"):
            shape = config.get(key)
            if isinstance(shape, list) and shape and shape[-1] is not None:
                return _steps_features(shape)
    raise ModelError("the model's configuration does not say the shape of its input; build the model and save it again")


def _steps_features(shape: list[Any]) -> tuple[int | None, int]:
    sizes = [size for size in shape[1:] if isinstance(size, int) and not isinstance(size, bool) and size > 0]
    if len(shape) != 3 or not isinstance(shape[2], int) or not (shape[1] is None or len(sizes) == 2):
        raise ModelError(f"the model's input has the shape {shown(shape)}; supported is [batch, steps, features]")
    return shape[1], shape[2]


def _order(model: _Model, entries: Sequence[Mapping[str, Any]]) -> list[int]:
    """Places of a functional model's layers from its input to its output."""
    names = [_name(entry) for entry in entries]
    places = {name: at for at, name in enumerate(names)}
    if len(places) != len(names):
        raise ModelError("two layers of the model have the same name; save the model again")
    at = _only(model.config.get("output_layers"), "output", places)
    start = _only(model.config.get("input_layers"), "input", places)
    order, masks = [at], set[int]()
    while at != start:
        source, masked = _source(entries[at], names[at], places)
        masks.update(masked)
        at = source
        if at in order:
            raise ModelError(f"the layer {shown(names[at])} leads back to itself; {_ONLY}")
        order.append(at)
    order.reverse()
    aside = _mask_places(entries, names, places, masks, order)
    for at in range(len(entries)):
        if at not in order and at not in aside:
            raise ModelError(f"the layer {shown(names[at])} is a branch; {_ONLY}")
    return order


def _name(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    name = entry.get("name", config.get("name") if isinstance(config, Mapping) else None)
    if not isinstance(name, str):
        raise ModelError("a layer of the model has no name; save the model again")
    return name


def _only(value: object, what: str, places: Mapping[str, int]) -> int:
    """The place of the one input or output layer: ["gru", 0, 0], or a list or a dict of one such."""
    found = flat(list(value.values()) if isinstance(value, Mapping) else value)
    if len(found) != 3:
        raise ModelError(f"the model has {len(found) // 3} {what}s; {_ONLY}")
    return _place(found, places)


def _place(history: Sequence[object], places: Mapping[str, int]) -> int:
    """Of the layer that a tensor comes from, by its name and the numbers of call and result."""
    name = history[0] if len(history) == 3 else None
    if not isinstance(name, str) or name not in places:
        raise ModelError(f"a layer takes values from {shown(name)}, which is none of the model's; save the model again")
    if history[2] != 0:
        raise ModelError(f"the layer {shown(name)} has more than one result; {_ONLY}")
    return places[name]


def _source(entry: Mapping[str, Any], name: str, places: Mapping[str, int]) -> tuple[int, list[int]]:
    """Where a layer's input and its masks come from."""
    calls = entry.get("inbound_nodes")
    if not isinstance(calls, list) or len(calls) != 1:
        times = len(calls) if isinstance(calls, list) else 0
        raise ModelError(f"the layer {shown(name)} is used {times} times; {_ONLY}")
    inputs, keywords = _call(calls[0])
    if len(inputs) != 1:
        raise ModelError(f"the layer {shown(name)} takes {len(inputs)} values; {_ONLY}")
    masked = []
    for key, value in keywords.items():
        if key == "mask" and isinstance(value, Mapping):
            masked.append(_place(_history(value), places))
        elif key not in ("slice_spec", "name") and value not in (None, False):
            raise ModelError(f"the layer {shown(name)} is called with {shown(key)}; only its input is supported")
    return _place(inputs[0], places), masked


def _call(call: object) -> tuple[list[list[object]], dict[str, object]]:
    """Histories of the tensors that a layer is called with, and the keywords: Keras 3, then 2."""
    if isinstance(call, Mapping):
        arguments, keywords = call.get("args"), call.get("kwargs")
        arguments = arguments if isinstance(arguments, list) else []
        tensors = [_history(value) for value in flat(arguments) if isinstance(value, Mapping) and _is_tensor(value)]
        return tensors, dict(keywords) if isinstance(keywords, Mapping) else {}
    calls = call if isinstance(call, list) else []
    if calls and isinstance(calls[0], str):
        calls = [calls]
    inputs: list[list[object]] = []
    named: dict[str, object] = {}
    for tensor in calls:
        if not isinstance(tensor, list) or len(tensor) not in (3, 4):
            raise ModelError("the calls of the model's layers can't be read; save the model again")
        inputs.append(tensor[:3])
        named.update(tensor[3] if len(tensor) == 4 and isinstance(tensor[3], Mapping) else {})
    return inputs, named


def _is_tensor(value: Mapping[str, Any]) -> bool:
    return value.get("class_name") == "__keras_tensor__"


def _history(tensor: Mapping[str, Any]) -> list[object]:
    config = tensor.get("config")
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    return history if isinstance(history, list) else []


def _mask_places(
    entries: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    places: Mapping[str, int],
    masks: set[int],
    order: Sequence[int],
) -> set[int]:
    """Operations that compute the mask of a Masking layer of the chain, which stand beside it in Keras 3."""
    fed = {order[i - 1] for i, at in enumerate(order) if i and entries[at].get("class_name") == "Masking"}
    aside: set[int] = set()
    for at in masks:
        trail: set[int] = set()
        while at not in order:
            if entries[at].get("class_name") not in _MASKS or at in trail:
                raise ModelError(f"the layer {shown(names[at])} makes a mask; {_ONLY_MASKING}")
            trail.add(at)
            at, _ = _source(entries[at], names[at], places)
        if at not in fed:
            raise ModelError(f"a mask is made from {shown(names[at])}; {_ONLY_MASKING}")
        aside |= trail
    return aside


def _item(entry: Mapping[str, Any]) -> object:
    """What stands between the brackets of a subscript: Keras 3's second argument, Keras 2's keyword."""
    calls = entry.get("inbound_nodes")
    if not isinstance(calls, list) or len(calls) != 1:
        return None
    if isinstance(calls[0], Mapping):
        arguments = calls[0].get("args")
        return arguments[1] if isinstance(arguments, list) and len(arguments) == 2 else None
    return _call(calls[0])[1].get("slice_spec")
