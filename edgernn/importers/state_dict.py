# SPDX-License-Identifier: Apache-2.0
"""PyTorch's state_dict in a .safetensors file, with a short TOML file that says what its tensors belong to:

    take = "last"            # out[:, -1]; or "all" for every step's output; or "h_n", which both directions need
    mean = [0.5, 2.0]        # if forward() normalizes: numbers, or the name of a tensor in the file
    std = "std"

    [[layers]]
    name = "gru"             # of its parameters in front of .weight_ih_l0; "" where there is nothing in front
    kind = "gru"             # gru, lstm, rnn or dense
    merge = "concat"         # of two directions: concat, sum or ave

    [[layers]]
    name = "head.1"
    kind = "dense"
    activation = "softmax"   # linear, relu, sigmoid, tanh, and softmax at the end

How many layers nn.GRU(num_layers=...) has, and whether in both directions, is seen from its parameters. What no tensor
shows has to be as PyTorch has it by default: nn.RNN with tanh.
"""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ConfigError, MissingExtraError, ModelError
from edgernn.importers.chain import MAX_PARAMETERS, Chain, Imported

Array = npt.NDArray[Any]

MAX_BYTES = 5 * MAX_PARAMETERS
MAX_HEADER = 2**20
MAX_DESCRIPTION = 2**18
"""Bytes of the file, of the part of it that names its tensors, and of the description."""

_GATES = {"gru": [1, 0, 2], "lstm": [0, 1, 2, 3], "rnn": [0]}
"""Places of Keras' gates among PyTorch's: z, r, n from r, z, n."""
_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_KINDS = ("gru", "lstm", "rnn", "dense")
_TAKES = ("last", "all", "h_n")
_TOP = {"layers": list, "take": str, "mean": (list, str), "std": (list, str)}
_LAYER: dict[str, type | tuple[type, ...]] = {"name": str, "kind": str, "activation": str, "merge": str}
_LARGEST = 1e30
_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_TRAP = (
    'take = "last" of a layer in both directions is out[:, -1], whose backward half has seen one step only; give '
    'take = "h_n" for a model that uses torch.cat((h_n[-2], h_n[-1]), dim=1)'
)


def read(path: Path, description: Path | None = None) -> Imported:
    """The model in `path`, as `description` (by default the .toml beside it) says.

    Raises ModelError with one sentence for what is damaged or not supported, ConfigError for the description, OSError.
    """
    tensors = _tensors(path)
    beside = path.with_suffix(".toml") if description is None else description
    if not beside.is_file():
        raise ConfigError(
            f"{beside} is missing: describe the layers of {path.name} in a TOML file and give it with --description"
        )
    told = _description(beside)
    layers = [_Parameters(layer, tensors) for layer in told["layers"]]
    left = sorted(set(tensors).difference(*(layer.names for layer in layers), _named(told)))
    if left:
        raise ModelError(f"no layer in {beside.name} has the tensor {_quote(left[0])}; describe all of the model")
    return _build(told, layers, tensors, beside.name)


class _Parameters:
    """What the file has of one layer of the description."""

    def __init__(self, layer: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
        self.layer, self.kind = layer, layer["kind"]
        prefix = layer["name"] + "." if layer["name"] else ""
        self.where = f"layer {_quote(layer['name'])} ({self.kind})"
        self.tensors = {name[len(prefix) :]: array for name, array in tensors.items() if name.startswith(prefix)}
        self.names = {prefix + name for name in self._own()}
        if not self.names:
            known = ", ".join(map(_quote, sorted(tensors)[:8]))
            raise ModelError(f"{self.where}: the file has no tensor {_quote(prefix + self._first())}; it has {known}")

    @property
    def inputs(self) -> int:
        return int(self.get(self._first()).shape[-1])

    @property
    def both(self) -> bool:
        """Whether it reads windows in both directions."""
        return "weight_ih_l0_reverse" in self.tensors

    @property
    def depth(self) -> int:
        """How many layers it is."""
        return sum(f"weight_ih_l{i}" in self.tensors for i in range(len(self.tensors)))

    def get(self, name: str) -> Array:
        found = self.tensors.get(name)
        if found is None:
            raise ModelError(f"{self.where}: the file has no {name} of it")
        if found.ndim != (1 if name.startswith("bias") else 2):
            raise ModelError(f"{self.where}: its {name} has the shape {list(found.shape)[:8]}")
        return found

    def dense(self) -> tuple[Array, Array]:
        """The matrix [inputs, units] and the bias."""
        weight = self.get("weight")
        return weight.T, self.get("bias") if "bias" in self.tensors else np.zeros(len(weight), np.float32)

    def recurrent(self, suffix: str) -> Mapping[str, Array]:
        """The weights of one of its layers in one direction, as `edgernn.cells` has them."""
        w, r = self.get(f"weight_ih_{suffix}"), self.get(f"weight_hh_{suffix}")
        biased = f"bias_ih_{suffix}" in self.tensors or f"bias_hh_{suffix}" in self.tensors
        biases = [
            self.get(f"bias_{part}_{suffix}") if biased else np.zeros(len(w), np.float32) for part in ("ih", "hh")
        ]
        gates, units = len(_GATES[self.kind]), r.shape[1]
        shapes = [array.shape for array in (r, *biases)]
        if len(w) != gates * units or shapes != [(gates * units, units), (gates * units,), (gates * units,)]:
            raise ModelError(f"{self.where}: its tensors of {suffix} are not those of a {self.kind} of {units} units")
        first, second = (self._ordered(bias) for bias in biases)
        # A sum of two float32 numbers in float64 is rounded once, in the chain.
        bias = np.stack([first, second]) if self.kind == "gru" else first.astype(np.float64) + second
        return {"kernel": self._ordered(w).T, "recurrent_kernel": self._ordered(r).T, "bias": bias}

    def _ordered(self, array: Array) -> Array:
        parts = np.split(array, len(_GATES[self.kind]), axis=0)
        return np.concatenate([parts[i] for i in _GATES[self.kind]], axis=0)

    def _first(self) -> str:
        return "weight" if self.kind == "dense" else "weight_ih_l0"

    def _own(self) -> list[str]:
        if self.kind == "dense":
            return [name for name in ("weight", "bias") if name in self.tensors]
        suffixes = [f"l{i}{end}" for i in range(self.depth) for end in ("", "_reverse")]
        return [name for part in _PARTS for suffix in suffixes if (name := f"{part}_{suffix}") in self.tensors]


def _build(told: Mapping[str, Any], layers: Sequence[_Parameters], tensors: Mapping[str, Array], file: str) -> Imported:
    recurrent = [i for i, layer in enumerate(layers) if layer.kind != "dense"]
    if not recurrent:
        raise ModelError(f"{file} describes no gru, lstm or rnn; give a model that has one")
    chain = Chain(layers[0].inputs)
    _normalize(chain, told, tensors)
    for i, layer in enumerate(layers):
        if layer.kind == "dense":
            kernel, bias = layer.dense()
            chain.dense(kernel, bias, where=layer.where)
            chain.activation(layer.layer["activation"], where=layer.where)
            continue
        if layer.both:
            _both(chain, layer, told["take"])
        else:
            _one_way(chain, layer)
        if i == recurrent[-1] and told["take"] != "all" and chain.sequence:
            chain.last_step(layer.where)
    return chain.finish()


def _one_way(chain: Chain, layer: _Parameters) -> None:
    if "merge" in layer.layer:
        raise ModelError(f"{layer.where}: it is in one direction, so there is nothing to merge")
    for k in range(layer.depth):
        chain.recurrent(layer.kind, layer.recurrent(f"l{k}"), _options(layer), sequences=True, where=layer.where)


def _both(chain: Chain, layer: _Parameters, take: str) -> None:
    if layer.depth > 1:
        raise ModelError(f"{layer.where}: it has {layer.depth} layers in both directions; one is supported")
    if take == "last":
        raise ModelError(f"{layer.where}: {_TRAP}")
    forward, backward = layer.recurrent("l0"), layer.recurrent("l0_reverse")
    merge = layer.layer.get("merge", "concat")
    sequences = take == "all"
    chain.bidirectional(
        layer.kind, forward, backward, _options(layer), merge=merge, sequences=sequences, where=layer.where
    )


def _options(layer: _Parameters) -> dict[str, Any]:
    return {"reset_after": True} if layer.kind == "gru" else {}


def _normalize(chain: Chain, told: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
    """(x - mean) / std in front of everything, where the description says so."""
    if "mean" not in told and "std" not in told:
        return
    numbers = []
    for key, default in (("mean", 0.0), ("std", 1.0)):
        value = told.get(key, [default])
        if isinstance(value, str) and value not in tensors:
            raise ModelError(f"{key} is to be the tensor {_quote(value)}, which the file does not have")
        numbers.append(np.asarray(tensors[value] if isinstance(value, str) else value, np.float64).ravel())
    mean, std = numbers
    size = max(mean.size, std.size)
    if not all(array.size in (1, size) for array in numbers):
        raise ModelError(f"mean has {mean.size} numbers and std {std.size}")
    with np.errstate(all="ignore"):
        factor = np.broadcast_to(1 / std, (size,))
        chain.affine(factor, -mean * factor, "mean and std")


def _named(told: Mapping[str, Any]) -> set[str]:
    return {told[key] for key in ("mean", "std") if isinstance(told.get(key), str)}


def _description(path: Path) -> dict[str, Any]:
    """The description, with defaults, everything of the right type and nothing that is not known."""
    with path.open("rb") as file:
        content = file.read(MAX_DESCRIPTION + 1)
    if len(content) > MAX_DESCRIPTION:
        raise ConfigError(f"{path.name} has more than {MAX_DESCRIPTION} bytes; a description of layers is short")
    try:
        told = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path.name} is no readable TOML: {str(error).splitlines()[0][:120]}") from error
    _check(told, _TOP, path.name)
    layers = told.get("layers", [])
    if not layers:
        raise ConfigError(f"{path.name} describes no layers: give a [[layers]] with name and kind for each")
    told["layers"] = [_layer(layer, f"layer {i} in {path.name}") for i, layer in enumerate(layers)]
    _choice(told.setdefault("take", "last"), _TAKES, "take", path.name)
    for key in ("mean", "std"):
        value = told.get(key, "")
        if not isinstance(value, str) and not all(map(_is_number, value)):
            raise ConfigError(f"{path.name}: {key} has to be a list of numbers to 1e30, or the name of a tensor")
    return told


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -_LARGEST <= value <= _LARGEST


def _layer(layer: Any, where: str) -> dict[str, Any]:
    if not isinstance(layer, dict):
        raise ConfigError(f"{where} is no table with name and kind")
    _check(layer, _LAYER, where)
    missing = [key for key in ("name", "kind") if key not in layer]
    if missing:
        raise ConfigError(f"{where} has no {missing[0]}")
    _choice(layer["kind"], _KINDS, "kind", where)
    only = {"activation": layer["kind"] == "dense", "merge": layer["kind"] != "dense"}
    for key, fits in only.items():
        if key in layer and not fits:
            raise ConfigError(f"{where}: a {layer['kind']} layer has no {key}")
    return {**({"activation": "linear"} if layer["kind"] == "dense" else {}), **layer}


def _check(table: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{where} has the key {_quote(key)}; there are {', '.join(known)}")
        if not isinstance(value, known[key]):
            raise ConfigError(f"{where}: {key} is of the wrong type")


def _choice(value: str, choices: Sequence[str], key: str, where: str) -> None:
    if value not in choices:
        raise ConfigError(f"{where}: {key} is {_quote(value)}; there are {', '.join(choices)}")


def _tensors(path: Path) -> dict[str, Array]:
    """Every tensor by its name, float32 or float64."""
    try:
        from safetensors import deserialize
    except ImportError as error:
        raise MissingExtraError("reading a .safetensors file", "safetensors", "convert") from error
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size <= MAX_BYTES else b""
    if size > MAX_BYTES:
        raise ModelError(f"the file has more than {MAX_BYTES} bytes, which is more than any model for a small device")
    if int.from_bytes(content[:8], "little") > MAX_HEADER:
        raise ModelError(
            "it is no readable .safetensors file, or one with more tensors than any model for a small device"
        )
    try:
        found: list[tuple[str, dict[str, Any]]] = deserialize(content)  # type: ignore[no-untyped-call]
    except Exception as error:
        # The library has one exception for all damage, of a type of its own.
        raise ModelError("it is no readable .safetensors file, cut short or damaged") from error
    return {name: _array(name, tensor) for name, tensor in found}


def _array(name: str, tensor: Mapping[str, Any]) -> Array:
    content, shape = tensor["data"], tensor["shape"]
    if tensor["dtype"] == "BF16":
        wide = np.frombuffer(content, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(shape)
    if tensor["dtype"] not in _DTYPES:
        raise ModelError(f"the tensor {_quote(name)} holds {_quote(str(tensor['dtype']))[1:-1]}; floats are supported")
    array = np.frombuffer(content, _DTYPES[tensor["dtype"]]).reshape(shape)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _quote(text: str) -> str:
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")
