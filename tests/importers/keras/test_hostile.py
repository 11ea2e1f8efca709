# SPDX-License-Identifier: Apache-2.0
"""Files that are damaged or made to harm: always one sentence, nothing run, memory bounded."""

import copy
import io
import json
import random
import tracemalloc
import warnings
import zipfile

import h5py
import numpy as np
import pytest

from edgernn.errors import ModelError
from edgernn.importers import keras
from edgernn.importers.keras.store import MAX_CONFIG, MAX_FILE

MODELS = ["gru_stack", "lstm_functional", "cells_per_step", "bidirectional_average", "nested"]


def zipped(path, members, compression=zipfile.ZIP_STORED):
    with warnings.catch_warnings():
        # Of two members with one name.
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in members:
                archive.writestr(name, data)
    return path


@pytest.fixture
def members(folder):
    with zipfile.ZipFile(folder / "stateful.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("name", ["../x", "/etc/x", "assets/../../x", "C:\\x", "assets//x", ".."])
def test_a_member_that_leads_out(tmp_path, members, reason, name):
    path = zipped(tmp_path / "a.keras", [*members.items(), (name, b"")])
    assert "a path that leads out of it, which is refused" in reason(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.keras"]


def test_assets_are_left_alone(tmp_path, members):
    path = zipped(tmp_path / "a.keras", [*members.items(), ("assets/", b""), ("assets/layers/x.txt", b"x")])
    assert keras.read(path).features == 3


def test_two_members_of_one_name(tmp_path, members, reason):
    path = zipped(tmp_path / "a.keras", [*members.items(), ("config.json", b"{}")])
    assert "two members of the same name" in reason(path)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_missing_member(tmp_path, members, reason, name):
    del members[name]
    assert reason(zipped(tmp_path / "a.keras", members.items())).startswith(f"it has no {name}")


@pytest.mark.parametrize(("name", "limit"), [("config.json", MAX_CONFIG), ("model.weights.h5", MAX_FILE)])
def test_a_bomb(tmp_path, members, reason, name, limit):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, data in members.items():
            if member != name:
                archive.writestr(member, data)
        with archive.open(name, "w") as stream:
            for _ in range(limit // 2**20 + 1):
                stream.write(bytes(2**20))
    tracemalloc.start()
    message = reason(path)
    assert f"its {name} declares " in message and f"above the limit of {limit}" in message
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size(tmp_path, members, reason):
    members["config.json"] = bytes(2**24)
    path = zipped(tmp_path / "a.keras", members.items(), zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    path.write_bytes(content.replace((2**24).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    assert reason(path) == "its config.json is damaged or encrypted; save the model again"


def test_a_file_that_is_too_large(tmp_path, reason):
    path = tmp_path / "a.h5"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert "bytes, which is more than a model for a small device has" in reason(path)


def test_a_password(tmp_path, members, reason):
    path = zipped(tmp_path / "a.keras", members.items())
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\1\2")
    while start >= 0:
        content[start + 8] |= 1
        start = content.find(b"PK\1\2", start + 1)
    path.write_bytes(content)
    assert "is damaged or encrypted" in reason(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4" + bytes(100), b"{}", bytes(1000), b"\x89HDF\r\n\x1a\n"])
def test_no_model(tmp_path, reason, content):
    (tmp_path / "a.keras").write_bytes(content)
    assert reason(tmp_path / "a.keras")


def test_no_file(tmp_path, reason):
    assert "it can't be read (No such file or directory); give the path of a .keras or .h5 file" in reason(
        tmp_path / "a"
    )
    assert "it can't be read (Is a directory)" in reason(tmp_path)


def test_weights_without_a_model(tmp_path, reason):
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file["layers/gru/cell/vars/0"] = np.zeros(3)
    assert reason(tmp_path / "a.weights.h5") == (
        "it holds weights without a model; save the whole model with model.save"
    )


@pytest.mark.parametrize(
    "config",
    [
        b"[" * 100_000,
        b'{"class_name": ' * 20_000,
        b'{"class_name": "Sequential", "config": {"layers": ' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"class_name": ' + b"9" * 10_000 + b"}",
        b'{"class_name": "Sequential", "config": {"layers": [1e999, NaN]}}',
        b"\xff\xfe{}",
        b"{",
        b"null",
        b"[]",
        b'"Sequential"',
        b" " * (MAX_CONFIG + 1),
    ],
    ids=range(11),
)
def test_a_configuration(tmp_path, members, reason, config):
    members["config.json"] = config
    assert reason(zipped(tmp_path / "a.keras", members.items()))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["model_config"] = np.bytes_(b"x") if b"\xff" in config else config.decode()
        file.create_group("model_weights")
    assert reason(tmp_path / "a.h5")


def test_models_in_models(folder, rewritten, reason):
    def change(config):
        for _ in range(100):
            config = {"class_name": "Sequential", "config": {"name": "m", "layers": [config]}}
        return config

    assert "models are more than 8 deep in each other" in reason(rewritten(folder / "stateful.keras", change))


def test_very_many_layers(folder, rewritten, reason):
    def change(config):
        layers = config["config"]["layers"]
        config["config"]["layers"] = [layers[0], *([layers[1]] * 1000)]
        return config

    assert "a model has 1001 layers; there can be 1 to 1000" in reason(rewritten(folder / "stateful.keras", change))


def member(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (member("layers/gru/cell/vars/0", h5py.SoftLink("/layers/gru/cell/vars/1")), "'0' is a link to somewhere else"),
        (member("layers/gru/cell/vars/0", h5py.ExternalLink("/etc/passwd", "x")), "'0' is a link to somewhere else"),
        (member("layers/gru/cell", h5py.SoftLink("/layers/gru")), "'cell' is a link to somewhere else"),
        (member("layers/gru/cell/vars/0", np.zeros((3, 12), complex)), "neither plain numbers nor texts"),
        (member("layers/gru/cell/vars/0", np.zeros((3, 13))), "weights have the shapes"),
        (member("layers/gru/cell/vars/1", np.zeros(())), "it has 4 units, and a recurrent kernel of []"),
        (member("layers/gru/cell/vars/2", np.full((2, 12), np.nan)), "bias holds numbers that are not finite"),
        (member("layers/gru/cell/vars/2", np.full((2, 12), 1e300)), "bias holds numbers that are not finite"),
        (member("layers/dense/vars/0", np.zeros((0, 0))), "it has 2 units, and a kernel of [0, 0]"),
        (member("layers/dense/vars/0", np.zeros((9, 2))), "its matrix is [9, 2] where 4 values come in"),
        (member("layers/dense/vars", np.zeros(3)), "it has an array where a group is expected"),
        (member("layers", 3.0), "it has an array where a group is expected"),
    ],
)
def test_weights(folder, reweighted, reason, change, expected):
    assert expected in reason(reweighted(folder / "stateful.keras", change))


def test_declared_sizes(folder, reweighted, reason):
    def change(file):
        del file["layers/gru/cell/vars/0"]
        file["layers/gru/cell/vars"].create_dataset("0", (2**31, 2**20), "f8")

    assert "declares 18014398509481984 bytes, which the file does not hold" in reason(
        reweighted(folder / "stateful.keras", change)
    )


def test_a_list_of_weights_that_names_one_array_again_and_again(folder, tmp_path, reason):
    path = tmp_path / "a.h5"
    path.write_bytes((folder / "stateful.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        group = file["model_weights/gru"]
        group["big"] = np.zeros(2**22, np.float32)
        group.attrs["weight_names"] = ["big"] * 3000
    assert "far too many" in reason(path)


def test_a_name_that_leads_elsewhere(folder, rewritten, reason):
    def change(config):
        config["config"]["layers"][1]["config"]["name"] = "../gru"
        return config

    assert "a layer has the name '../gru', which can't be looked up" in reason(
        rewritten(folder / "stateful.h5", change)
    )


def places(value, path=()):
    """Paths of all values in JSON, but of those that only matter for training."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            if not key.endswith(("initializer", "constraint", "regularizer")):
                yield from places(inner, (*path, key))
    if isinstance(value, list):
        for i, inner in enumerate(value):
            yield from places(inner, (*path, i))


ODD = [
    None,
    True,
    0,
    -1,
    2**70,
    1e308,
    float("inf"),
    "",
    "x\n\x1b[2J",
    "x" * 5000,
    [],
    [None],
    [[1], [2]],
    {},
    {"a": {}},
]


def refused_or_read(path):
    try:
        keras.read(path)
    except ModelError as error:
        message = str(error).removeprefix(f"{path}: ")
        assert message and message.isprintable() and len(message) < 1000
        return True
    return False


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("model", MODELS)
def test_a_wrong_value_anywhere_in_the_configuration(folder, rewritten, model, suffix):
    rng, refused = random.Random(model + suffix), 0

    def change(config):
        config = copy.deepcopy(config)
        *keys, last = rng.choice([path for path in places(config) if path])
        holder = config
        for key in keys:
            holder = holder[key]
        if isinstance(holder, dict) and rng.random() < 0.2:
            del holder[last]
        else:
            holder[last] = rng.choice(ODD)
        return config

    for _ in range(60):
        refused += refused_or_read(rewritten(folder / f"{model}{suffix}", change))
    assert refused > 12


def damaged(content, rng):
    """A copy that is cut short, or with some bytes changed where there are any."""
    content = bytearray(content)
    if rng.random() < 0.1:
        return content[: rng.randrange(len(content))]
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = next(at for at in iter(lambda: rng.randrange(len(content)), None) if content[at] or rng.random() < 0.02)
        content[at] = rng.choice([0, 255, rng.randrange(256), content[at] ^ 1 << rng.randrange(8)])
    return content


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("model", MODELS)
def test_damaged_copies(folder, tmp_path, model, suffix):
    """Those of a .keras file are damaged within the members too, behind the check sums."""
    rng, refused, path = random.Random(model + suffix), 0, tmp_path / f"a{suffix}"
    original = (folder / f"{model}{suffix}").read_bytes()
    for i in range(150):
        if suffix == ".h5" or i % 2:
            path.write_bytes(damaged(original, rng))
        else:
            with zipfile.ZipFile(io.BytesIO(original)) as archive:
                parts = {name: archive.read(name) for name in archive.namelist()}
            parts["model.weights.h5"] = bytes(damaged(parts["model.weights.h5"], rng))
            zipped(path, parts.items())
        refused += refused_or_read(path)
    assert refused > 30


def test_code_is_not_run(folder, rewritten, reason, tmp_path):
    """A Lambda layer of Keras 2 is pickled byte code, one of Keras 3 marshalled."""
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}

    def change(config):
        layers = config["config"]["layers"]
        layers.append({"class_name": "Lambda", "config": {"name": "l", "function": code}, "module": "keras.layers"})
        return config

    assert "layer 4, 'l' (Lambda) is not supported: it holds code, which is never run" in reason(
        rewritten(folder / "stateful.keras", change)
    )


def test_a_configuration_is_data(folder, rewritten):
    """What is not known to matter is not looked at, whatever it is."""

    def change(config):
        config["config"]["layers"][1]["config"]["kernel_initializer"] = {"module": "os", "class_name": "system"}
        config["compile_config"] = {"loss": {"module": "builtins", "class_name": "function", "config": "exec"}}
        return json.loads(json.dumps(config))

    assert keras.read(rewritten(folder / "stateful.keras", change)).features == 3
