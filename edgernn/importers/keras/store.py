# SPDX-License-Identifier: Apache-2.0
"""Keras' two kinds of files: a configuration and the weights by their places in it.

.keras: a zip file of config.json and model.weights.h5, whose groups are named by class and number. .h5: one HDF5 file
with the configuration as an attribute; the weights of each layer of the outermost model stand in a list, those that are
trained first. Nothing is unpacked to disk, and nothing is read that is larger than a model can be.
"""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ModelError
from edgernn.importers import hdf5
from edgernn.importers.chain import MAX_PARAMETERS

MAX_FILE = 16 * MAX_PARAMETERS
"""Bytes of a file with an optimizer's two numbers for each float32 weight, and some more."""
MAX_CONFIG = 2**22
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_OLD_LAYERS = "_layer_checkpoint_dependencies"

Arrays = tuple[npt.NDArray[Any], ...]


@dataclass(frozen=True)
class Leaf:
    """The weights of one layer or cell: where they are, how many, and whether they are trained."""

    path: tuple[str, ...]
    top: str
    count: int
    trainable: bool


@dataclass(frozen=True)
class Stored:
    """A file's configuration, and `load`: the weights of leaves in the order of the configuration."""

    config: object
    load: Callable[[Sequence[Leaf]], list[Arrays]]


def open_file(path: Path) -> Stored:
    """A .keras or .h5 file by its content. Raises ModelError, HDF5Error."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size) if size <= MAX_FILE else b""
    except OSError as error:
        raise ModelError(f"it can't be read ({error.strerror}); give the path of a .keras or .h5 file") from None
    if size > MAX_FILE:
        raise ModelError(f"it has more than {MAX_FILE} bytes, which is more than a model for a small device has")
    if content.startswith(hdf5.SIGNATURE):
        return _legacy(hdf5.parse(content))
    if content.startswith(b"PK"):
        return _archive(content)
    raise ModelError("it is no Keras model; give a .keras or .h5 file as model.save writes it")


def _archive(content: bytes) -> Stored:
    members = _members(content)
    config = _json(_member(members, _CONFIG, MAX_CONFIG))
    root = hdf5.parse(_member(members, _WEIGHTS, MAX_FILE))

    def load(leaves: Sequence[Leaf]) -> list[Arrays]:
        return [_variables(root, leaf) for leaf in leaves]

    return Stored(config, load)


@dataclass(frozen=True)
class _Members:
    archive: zipfile.ZipFile
    sizes: dict[str, int]


def _members(content: bytes) -> _Members:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        infos = archive.infolist()
    except Exception as error:
        # zipfile raises many kinds for damaged bytes.
        raise ModelError("it is no readable zip file, cut short or damaged; save the model again") from error
    for info in infos:
        if "\\" in info.filename or {"..", ""} & set(info.filename.removesuffix("/").split("/")):
            raise ModelError(f"it has a member {info.filename[:60]!r}, a path that leads out of it, which is refused")
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise ModelError("it has two members of the same name, which is refused; save the model again")
    return _Members(archive, {info.filename: info.file_size for info in infos})


def _member(members: _Members, name: str, limit: int) -> bytes:
    size = members.sizes.get(name)
    if size is None:
        raise ModelError(f"it has no {name}; save the model again with model.save")
    if size > limit:
        raise ModelError(f"its {name} declares {size} bytes, above the limit of {limit}")
    try:
        with members.archive.open(name) as stream:
            return stream.read(size)
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"its {name} is damaged or encrypted; save the model again") from error


def _json(text: str | bytes) -> object:
    if len(text) > MAX_CONFIG:
        raise ModelError(f"its configuration has more than {MAX_CONFIG} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError("its configuration is no readable JSON; save the model again") from error


def _variables(root: hdf5.Group, leaf: Leaf) -> Arrays:
    path = _old_path(root.group(_OLD_LAYERS), leaf.path) if _OLD_LAYERS in root else "/".join(leaf.path)
    group = root.group(f"{path}/vars")
    if len(group) != leaf.count:
        raise ModelError(f"{path} has {len(group)} weights, where {leaf.count} are expected")
    return tuple(group.array(str(i)) for i in range(leaf.count))


def _old_path(layers: hdf5.Group, path: Sequence[str]) -> str:
    """Of weights in Keras 2.12: its list of layers has another name and counts those with weights twice."""
    _, name, *rest = path
    kind, _, number = name.rpartition("_")
    if number.isdecimal() and f"{kind}_1" not in layers:
        name = f"{kind}_{2 * int(number)}"
    return "/".join((_OLD_LAYERS, name, *rest))


def _legacy(root: hdf5.Group) -> Stored:
    text = root.text("model_config")
    if text is None:
        raise ModelError("it holds weights without a model; save the whole model with model.save")
    weights = root.group("model_weights")

    def load(leaves: Sequence[Leaf]) -> list[Arrays]:
        found: dict[Leaf, Arrays] = {}
        for top in dict.fromkeys(leaf.top for leaf in leaves):
            own = [leaf for leaf in leaves if leaf.top == top]
            found.update(_share(top, own, _listed(weights.group(_one(top)))))
        return [found[leaf] for leaf in leaves]

    return Stored(_json(text), load)


def _one(name: str) -> str:
    if not name or "/" in name:
        raise ModelError(f"a layer has the name {name[:60]!r}, which can't be looked up; save a .keras file")
    return name


def _listed(group: hdf5.Group) -> list[npt.NDArray[Any]]:
    return [group.array(name) for name in group.texts("weight_names") or ()]


def _share(top: str, leaves: Sequence[Leaf], arrays: Sequence[npt.NDArray[Any]]) -> Iterator[tuple[Leaf, Arrays]]:
    """Each leaf's part of the weights of one layer, in which trained ones come first."""
    wanted = sum(leaf.count for leaf in leaves)
    if wanted != len(arrays):
        raise ModelError(f"the layer {top[:60]!r} has {len(arrays)} weights, where {wanted} are expected")
    rest = iter(arrays)
    for leaf in sorted(leaves, key=lambda leaf: not leaf.trainable):
        yield leaf, tuple(np.asarray(next(rest)) for _ in range(leaf.count))
