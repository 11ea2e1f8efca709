# SPDX-License-Identifier: Apache-2.0
"""The configuration: what `edgernn init` writes is the default, and a mistake names its key and what it should be."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from edgernn import config
from edgernn.config import Config
from edgernn.errors import ConfigError, DataError


@pytest.fixture
def write(tmp_path):
    def write_file(text):
        path = tmp_path / "edgernn.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


def refusal(path=None, *overrides):
    with pytest.raises(ConfigError) as caught:
        config.load(path, overrides)
    message = str(caught.value)
    assert "\n" not in message and "pydantic" not in message and "Config" not in message
    return message


def test_npz_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="absent.npz: no such file; write the path of your .npz file as data.path"):
        config.load(None, ["data.source=npz", f"data.path={tmp_path / 'absent.npz'}"]).data.load()


def test_no_file_means_watch():
    settings = config.load(None)
    assert settings == Config()
    assert (settings.data.source, settings.model.cell, settings.model.units) == ("watch", "gru", 32)


def test_an_empty_file_means_watch(write):
    assert config.load(write("")).model_dump() == config.load(write("[data]\nsource = 'watch'")).model_dump()


@pytest.mark.parametrize("source", config.SOURCES)
def test_the_commented_file_is_the_default(write, source):
    text = config.commented(source)
    assert config.load(write(text)) == config.load(None, [f"data.source={source}"])
    sections = {name: entry for name, entry in tomllib.loads(text).items() if isinstance(entry, dict)}
    fields = {name: set(type(getattr(config.load(write(text)), name)).model_fields) for name in sections}
    assert {name: set(entries) for name, entries in sections.items()} == fields
    assert all("  # " in line for line in text.splitlines() if " = " in line)


def test_augmentation_comes_with_watch_only():
    assert config.load(None).augment.rotation == (15.0, 5.0, 5.0)
    assert config.load(None, ["augment.rotation=[0,0,0]"]).augment.mirror == ("ax", "wy", "wz")
    assert config.load(None, ["data.source=npz"]).augment == config.AugmentConfig()


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("model.units=16", "units", 16),
        ("model.units = 16", "units", 16),
        ("model.units=[16, 8]", "units", (16, 8)),
        ("model.cell=lstm", "cell", "lstm"),
        ("model.cell='lstm'", "cell", "lstm"),
        ("model.cell = lstm ", "cell", "lstm"),
        ("model.reset_after=false", "reset_after", False),
        ("model.dense=[]", "dense", ()),
    ],
)
def test_overrides(write, override, key, value):
    assert getattr(config.load(write("[model]\nunits = 3\ncell = 'rnn'"), [override]).model, key) == value


def test_the_last_override_wins():
    assert config.load(None, ["model.units=1", "model.units=2"]).model.units == 2


def test_values_with_an_equals_sign():
    assert config.load(None, ["data.source=csv", "data.label=a=b"]).data.label == "a=b"


def test_an_integer_is_a_number():
    assert config.load(None, ["train.learning_rate=1"]).train.learning_rate == 1.0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.unit=3", "unknown key model.unit: did you mean model.units?"),
        ("modell.units=3", "unknown key modell: did you mean model?"),
        ("foo=1", "unknown key foo: there are name, data, model, train, augment, prune, quantize"),
        ("data.path=x", "unknown key data.path: it belongs to source npz or csv"),
        ("data.sauce=npz", "unknown key data.sauce: did you mean data.source?"),
        ("model.units.more=3", "model.units is"),
        ("model=5", "model is 5, but should be a section of keys"),
        ("data=5", "data is 5, but should be a section of keys"),
        ("data.source=foo", 'data.source is "foo", but should be watch, npz, csv'),
        ("data.source=[1]", "data.source is [1], but should be watch, npz, csv"),
        ("model.cell=gruu", 'model.cell is "gruu", but should be one of gru, lstm, rnn'),
        ("model.units=0", "model.units is 0, but should be greater than or equal to 1 or be a list"),
        ("model.units=1025", "model.units is 1025, but should be less than or equal to 1024"),
        ("model.units=[]", "should be a valid integer or have at least 1 item (hidden units"),
        ("model.units=[3, 'a']", 'model.units is [3, "a"]'),
        ("model.units='16'", 'model.units is "16"'),
        ("model.units=", 'model.units is ""'),
        ("model.units=2.0", "model.units is 2.0"),
        ("train.epochs=true", "train.epochs is true, but should be a valid integer"),
        ("train.class_weights=1", "train.class_weights is 1, but should be a valid boolean"),
        ("train.learning_rate=nan", "train.learning_rate is NaN, but should be a finite number"),
        ("train.clip_norm=inf", "train.clip_norm is Infinity, but should be a finite number"),
        ("train.seed=-1", "train.seed is -1"),
        ("train.dropout=1", "train.dropout is 1"),
        ("prune.sparsity=0.96", "should be less than or equal to 0.95 (share of the weights"),
        ("prune.block=3x3", "prune.block is \"3x3\", but should be '1x1', '1x4', '4x1' or '4x4' (rows x columns"),
        ("prune.block=[4, 4]", "prune.block is [4, 4], but should be '1x1'"),
        ("quantize.operands=int4", "should be 'int8' or 'int16'"),
        ("augment.rotation=[1, 2]", "augment.rotation is [1, 2], but should have at least 3 items"),
        ("augment.mirror=ax", 'augment.mirror is "ax", but should be a list'),
        ("data.window=3x", "(steps (50) or seconds)"),
        ("data.window=0", "data.window is 0"),
        ("name=a/b", "name is"),
        ("name=..", "name is"),
        ("name=5", "name is 5, but should be a valid string"),
        ("name=2020-01-01", 'name is "2020-01-01", but should be a valid string'),
    ],
)
def test_what_is_wrong_is_named(override, words):
    assert words in refusal(None, override)


@pytest.mark.parametrize("override", ["", "epochs", "=3", "model.=3", ".units=3", "model..units=3", "model.units"])
def test_what_is_no_override(override):
    assert f"--set {override} is no key and value: write it like --set model.units=16" in refusal(None, override)


def test_an_override_below_a_value(write):
    assert "model is no section" in refusal(write("model = 5"), "model.units=3")


@pytest.mark.parametrize(
    "text", ["[model", "units: 3", "{}", b"\xff\xfe", "a = 1\na = 2", "[model]\nunits = 1\n[model]\ncell = 'gru'"]
)
def test_a_file_that_is_no_toml(write, text):
    assert "edgernn.toml is not valid TOML" in refusal(write(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[modle]\nunits = 3", "edgernn.toml has an unknown key modle: did you mean model?"),
        ("[model.units]\nx = 3", 'model.units is {"x": 3}'),
        ("model = [1]", "model is [1], but should be a section of keys"),
        ("[[model]]\nunits = 3", "model is"),
        ("[data]\nsource = 'csv'\nwindow = 1.5", "data.window is 1.5"),
    ],
)
def test_a_file_of_another_kind(write, text, words):
    assert words in refusal(write(text))


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "missing.toml", tmp_path / ("x" * 300)):
        assert "can't be read" in refusal(path)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "watch"),
        (["name=mine"], "mine"),
        (["data.source=npz", "data.path=a/b.npz"], "b"),
        (["data.source=csv", "data.path=a/walks/"], "walks"),
        (["data.source=csv", "data.path=/"], "csv"),
        (["data.source=csv", "data.path=a/walks/{label}/{group}_*.csv"], "walks"),
        (["data.source=csv", "data.path=a/walks/*.csv"], "walks"),
        (["data.source=csv", "data.path=/{label}/*.csv"], "csv"),
    ],
)
def test_the_name_of_an_artifact(overrides, name):
    assert config.artifact_name(config.load(None, overrides)) == name


def test_what_was_set_by_hand_is_not_said_of_the_file(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text("[model]\nunits = 0\n")
    with pytest.raises(ConfigError, match=f"^{re.escape(str(file))}: model.units is 0"):
        config.load(file, ["train.epochs=3"])
    for override, words in (
        ("model.unit=4", "--set has an unknown key model.unit: did you mean model.units?"),
        ("modle.units=4", "--set has an unknown key modle: did you mean model?"),
        ("data.source=cvs", '--set: data.source is "cvs", but should be watch, npz, csv'),
    ):
        with pytest.raises(ConfigError) as caught:
            config.load(None, [override])
        assert str(caught.value) == words


def test_the_present_folder_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert config.artifact_name(config.load(None, ["data.source=csv", "data.path=."])) == tmp_path.name


def test_shared_keys_do_not_reach_the_reader_of_csv(tmp_path):
    (tmp_path / "a.csv").write_text("v,c\n1,a\n2,b\n")
    sets = ["data.source=csv", f"data.path={tmp_path}", "data.columns=['v']", "data.label=c", "data.window=1"]
    shared = ["data.split=recording", "data.split_seed=3", "data.folds=4"]
    assert config.load(None, [*sets, *shared]).data.load().n == 2


def test_settings_of_a_conversion():
    settings = config.load_convert()
    assert (settings.task, settings.normalize, settings.quantize.windows) == ("auto", "auto", 256)
    changed = config.load_convert(["quantize.operands=int16", "outputs=['a', 'b']", "rate=50", "name=mine"])
    assert (changed.quantize.operands, changed.outputs, changed.rate) == ("int16", ("a", "b"), 50.0)
    assert changed.name == "mine"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("taks=regression", "unknown key taks: did you mean task?"),
        (
            "model.units=3",
            "unknown key model: there are name, task, features, outputs, mean, std, normalize, window, rate,",
        ),
        ("data.path=x", "unknown key data: "),
        ("quantize.operand=int8", "unknown key quantize.operand: did you mean quantize.operands?"),
        ("quantize=3", "quantize is 3, but should be a section of keys"),
        ("task=ranking", "task is \"ranking\", but should be 'auto', 'classification' or 'regression'"),
        ("outputs=a", 'outputs is "a", but should be a list'),
        ("window=-1", "window is -1"),
        ("rate=nan", "rate is NaN"),
        ("name=a/b", "name is"),
        ("rate", "--set rate is no key and value: write it like --set quantize.operands=int16"),
    ],
)
def test_settings_of_a_conversion_that_are_wrong(override, words):
    with pytest.raises(ConfigError) as caught:
        config.load_convert([override])
    assert words in str(caught.value) and "\n" not in str(caught.value)


DEEP = "[" * 2000 + "]" * 2000
PATH = ".".join(["a"] * 3000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"a = {DEEP}", "edgernn.toml is not valid TOML: it is nested too deeply"),
        (f"{PATH} = 1", "edgernn.toml is nested too deeply"),
        (f"model = {'[' * 20}{']' * 20}", "edgernn.toml is nested too deeply"),
        (
            f"[model]\nunits = {'1' * 5000}",
            "edgernn.toml is not valid TOML: it has a number or a date that is out of range",
        ),
        (f"[model]\nunits = 0x{'f' * 5000}", "model.units is a number of very many digits, but should be"),
        (f"[train]\nlearning_rate = 1{'0' * 400}", "train.learning_rate is 1000"),
        ("#" * 2**18 + "\n", "edgernn.toml has more than 256 KiB"),
    ],
    ids=lambda value: value[:12],
)
def test_files_that_are_too_much(write, text, words):
    message = refusal(write(text))
    assert words in message and len(message) < 400


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (f"model.units={'1' * 5000}", "has no value of TOML: it has a number or a date that is out of range"),
        (f"model.units={DEEP}", "has no value of TOML: it is nested too deeply"),
        (f"{PATH}=1", "the configuration is nested too deeply"),
        (
            "model.units=3\n[train]\nepochs=1",
            "--set model.units=3 goes on in another line: give each key a --set of its own",
        ),
        ("model.units=3\rmodel.cell=rnn", "goes on in another line"),
        ("model.units=3 # 16", 'model.units is "3 # 16"'),
        ("model.units=3, other = 4", 'model.units is "3, other = 4"'),
        ("name=\udcff", "has bytes that are no UTF-8"),
        ("\udcff=3", "has bytes that are no UTF-8"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_overrides_that_are_too_much(override, words):
    message = refusal(None, override)
    assert words in message and len(message) < 400


def test_settings_of_a_conversion_that_are_too_much():
    with pytest.raises(ConfigError, match="out of range"):
        config.load_convert([f"window={'1' * 5000}"])


def test_files_that_never_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/null"):
        assert f"{path} is no regular file" in refusal(Path(path))
