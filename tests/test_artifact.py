# SPDX-License-Identifier: Apache-2.0
"""Loading refuses, in one sentence, whatever is not exactly an artifact; writing is whole or not at all."""

import errno
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn import artifact as artifacts
from edgernn import footprint, golden
from edgernn.backends.c.write import RUNTIME_FILES
from edgernn.errors import ArtifactError

SOURCES = (*RUNTIME_FILES, "small.c", "small.h", "small_float.c", "small_selftest.c")
FILES = (
    *(f"c/{name}" for name in SOURCES),
    *(
        "golden.npz",
        "model.json",
        "model.onnx",
        "model.tflite",
        "model_float.onnx",
        "model_float.tflite",
        "weights.npz",
    ),
)


def refusal(folder):
    with pytest.raises(ArtifactError) as caught:
        edgernn.load(folder)
    message = str(caught.value)
    assert str(folder) in message and "\n" not in message
    return message


def test_an_artifact_is_a_model(pristine):
    model = edgernn.load(str(pristine))
    assert model.classes == ("c0", "c1")
    assert model.folder == pristine
    assert tuple(sorted(model.manifest["files"])) == FILES


def test_what_a_model_is(model):
    assert (model.task, model.window, model.rate, model.reset) == ("classification", 12, 50.0, "window")
    assert (model.features, model.classes, model.targets) == (("f0", "f1", "f2"), ("c0", "c1"), ())
    assert repr(model) == (
        f"<edgernn.Model {model.folder.name}: 3 features (f0, f1, f2) -> 2 classes (c0, c1), "
        "windows of 12 steps at 50 Hz, int8>"
    )


def test_a_model_that_is_never_reset_says_so(make_artifact):
    model = edgernn.load(make_artifact(("gru", 4, {}), ("dense", 2, {}), reset="never"))
    assert model.reset == "never"
    assert repr(model).endswith("windows of 12 steps at 50 Hz, never reset, int8>")


def test_what_a_regression_is(make_artifact):
    folder = make_artifact(("rnn", 3, {}), ("dense", 4, {}), task="regression", rate=0.0)
    model = edgernn.load(folder)
    assert (model.task, model.rate, model.targets, model.classes) == ("regression", None, ("c0", "c1", "c2", "c3"), ())
    about = r"3 features (f0, f1, f2) -> 4 targets (c0, c1, c2, ...), windows of 12 steps, int8"
    assert repr(model) == f"<edgernn.Model small: {about}>"


def test_the_features_of_a_bidirectional_model_are_those_of_a_sample(make_artifact):
    folder = make_artifact(("gru", 4, {}), ("dense", 2, {}), bidirectional=True)
    assert edgernn.load(folder).features == ("f0", "f1", "f2")


def test_a_regression_has_no_classes(make_artifact):
    assert edgernn.load(make_artifact(("rnn", 3, {}), ("dense", 2, {}), task="regression")).classes == ()


def test_writing_what_was_read_gives_the_same_bytes(pristine, tmp_path):
    artifacts.write_model(tmp_path, edgernn.load(pristine).integer)
    for name in ("model.json", "weights.npz"):
        assert (tmp_path / name).read_bytes() == (pristine / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, 1 / 3, 1])
def test_a_changed_byte(artifact, name, place):
    content = bytearray((artifact / name).read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    (artifact / name).write_bytes(content)
    assert f"{name} was changed" in refusal(artifact)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(artifact, name):
    (artifact / name).unlink()
    assert f"{name} can't be read (No such file" in refusal(artifact)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file(artifact, name):
    (artifact / name).write_bytes((artifact / name).read_bytes()[:-1])
    assert f"{name} was changed" in refusal(artifact)


def test_no_artifact(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        assert "is no artifact, it has no manifest.json" in refusal(path)


@pytest.mark.parametrize("version", [0, 2, "1", None, [1], 1e300])
def test_an_unknown_format_version(artifact, edit_json, version):
    edit_json(artifact / "manifest.json", "format_version", value=version)
    assert "this edgernn knows 1" in refusal(artifact)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"manifest"', "{}", "[1, 2]"])
def test_a_manifest_that_is_other_json(artifact, text):
    (artifact / "manifest.json").write_text(text)
    assert "is no manifest, it has no format_version" in refusal(artifact)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"format_version": 1' + b"0" * 5000 + b"}", b"[" * 100_000, b'{"a": \x00}']
)
def test_a_manifest_that_is_no_json(artifact, content):
    (artifact / "manifest.json").write_bytes(content)
    assert "can't be read" in refusal(artifact)


def test_a_manifest_that_is_a_folder(artifact):
    (artifact / "manifest.json").unlink()
    (artifact / "manifest.json").mkdir()
    assert "can't be read" in refusal(artifact)


@pytest.mark.parametrize("files", [None, [], "model.json", {}, {"model.json": "0"}])
def test_a_manifest_without_files(artifact, edit_json, files):
    edit_json(artifact / "manifest.json", "files", value=files)
    assert "lists no model files" in refusal(artifact)


@pytest.mark.parametrize(
    "name",
    ["", "..", "../other", "c/../model.json", "c//small.c", "/etc/passwd", "a\0b", "\ud800", "sub/", "./model.tflite"],
)
def test_a_manifest_that_names_a_file_elsewhere(artifact, edit_json, name):
    (artifact.parent / "other").touch()
    edit_json(artifact / "manifest.json", "files", name, value="0")
    assert "don't use this artifact" in refusal(artifact)


def test_a_manifest_that_names_a_folder(artifact, edit_json):
    edit_json(artifact / "manifest.json", "files", "c", value="0")
    assert "can't be read (Is a directory)" in refusal(artifact)


@pytest.mark.parametrize("digest", [None, 0, [], "", "A" * 64])
def test_a_hash_of_another_kind(artifact, edit_json, digest):
    edit_json(artifact / "manifest.json", "files", "model.tflite", value=digest)
    assert "model.tflite was changed" in refusal(artifact)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "1", "[" * 100_000, '{"program": 1}', '{"interface": {}}'])
def test_a_model_that_is_other_json(artifact, rehash, text):
    (artifact / "model.json").write_text(text)
    rehash(artifact)
    assert "does not hold a valid model" in refusal(artifact)


def test_json_beyond_any_sense(artifact, monkeypatch):
    monkeypatch.setattr(artifacts, "_LARGEST_JSON", (artifact / "manifest.json").stat().st_size)
    assert "model.json is too large" in refusal(artifact)
    monkeypatch.setattr(artifacts, "_LARGEST_JSON", 10)
    assert "manifest.json is too large" in refusal(artifact)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("task", "dream"),
        ("task", None),
        ("features", ["f0", "f1"]),
        ("features", 3),
        ("outputs", ["c0", "c1", "c2"]),
        ("mean", [0, 0, float("nan")]),
        ("mean", [0, 0, 1e39]),
        ("mean", [[0, 0, 0]]),
        ("mean", ["a", "b", "c"]),
        ("mean", [10**400, 0, 0]),
        ("std", [1, 1, 0]),
        ("std", [1, 1, -1]),
        ("std", [1, 1, 1e-44]),
        ("std", [1, 1, float("inf")]),
        ("std", None),
        ("target_mean", [0]),
        ("target_std", [1, float("-inf")]),
        ("window", 0),
        ("window", float("inf")),
        ("window", "x"),
        ("rate", -1),
        ("rate", float("nan")),
        ("rate", float("inf")),
        ("bidirectional", True),
    ],
)
def test_an_interface_that_does_not_fit(artifact, edit_json, rehash, key, value):
    edit_json(artifact / "model.json", "interface", key, value=value)
    rehash(artifact)
    assert "does not hold a valid model" in refusal(artifact)


def test_a_specification_of_another_version(artifact, edit_json, rehash):
    edit_json(artifact / "model.json", "program", "spec_version", value=99)
    rehash(artifact)
    assert "spec_version 99" in refusal(artifact)


@pytest.mark.parametrize(
    "arrays",
    [
        {"gru_0/kernel/weights": None},
        {"gru_0/kernel/weights": np.zeros((15, 3), np.float32)},
        {"gru_0/kernel/weights": np.zeros((15, 4), np.int8)},
        {"gru_0/kernel/weights": np.zeros(45, np.int8)},
        {"gru_0/kernel/weights": np.full((15, 3), -128, np.int8)},
        {"gru_0/kernel/bias": np.full(15, 2**31 - 1, np.int32)},
        {"gru_0/kernel/bias": np.full(15, -(2**31), np.int32)},
        {"gru_0/kernel/bias": np.zeros(14, np.int32)},
        {"gru_0/kernel/bias": np.zeros(15, ">i4")},
        {"gru_0/kernel/frac": np.full(15, 40, np.int32)},
        {"gru_0/kernel/frac": np.array(["x"] * 15)},
        {"gru_0/kernel/frac": np.array([None] * 15, object)},
        {"stray": np.zeros(1)},
        {"gru_0/kernel/stray": np.zeros(1)},
    ],
    ids=repr,
)
def test_weights_that_do_not_fit(artifact, edit_npz, rehash, arrays):
    edit_npz(artifact / "weights.npz", arrays)
    rehash(artifact)
    assert "does not hold a valid model" in refusal(artifact)


@pytest.mark.parametrize("length", [0, 10, -1])
def test_weights_cut_short(artifact, rehash, length):
    (artifact / "weights.npz").write_bytes((artifact / "weights.npz").read_bytes()[:length])
    rehash(artifact)
    assert "cut short or damaged" in refusal(artifact)


STRANGE = [None, True, -1, 0, 2**31, 2**70, 1e308, float("nan"), float("-inf"), 1e-42, "", "x", "int8", "\ud800", "\0"]
STRANGE += [[], {}, [[]], ["f0"], {"a": 1}, "linear", "gru_0/h", 33]


def places(value, path=()):
    """The paths to everything in a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from places(entry, (*path, key))


@pytest.mark.parametrize("seed", range(150))
def test_a_model_of_random_changes_is_refused_or_runs(artifact, rehash, seed):
    rng = random.Random(seed)
    content = json.loads((artifact / "model.json").read_text())
    for _ in range(rng.choice([1, 1, 2])):
        *path, last = rng.choice(list(places(content)))
        place = content
        for key in path:
            place = place[key]
        if rng.random() < 0.2:
            del place[last]
        else:
            place[last] = rng.choice(STRANGE)
    (artifact / "model.json").write_text(json.dumps(content))
    rehash(artifact)
    try:
        model = edgernn.load(artifact)
    except ArtifactError:
        return
    model.session().step(np.full(3, 3e38))
    assert footprint.totals(model.integer.program)["state_bytes"] == 10
    golden.load(artifact, model.integer.program)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def write_artifact(folder, content="new", *, force=False):
    with artifacts.staged(folder, force=force) as stage:
        (stage / "data").write_text(content)
        artifacts.write_manifest(stage, {})


def test_a_folder_is_there_when_it_is_whole(tmp_path):
    folder = tmp_path / "deep" / "er" / "é t"
    with artifacts.staged(folder, force=False) as stage:
        (stage / "data").touch()
        assert not folder.exists()
    assert leftovers(folder) == ["data"]
    assert leftovers(folder.parent) == ["é t"]
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, ArtifactError])
@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_left_of_a_failure(tmp_path, error, force):
    folder = tmp_path / "artifact"
    if force:
        write_artifact(folder, "old")
    with pytest.raises(error), artifacts.staged(folder, force=force) as stage:
        (stage / "data").write_text("new")
        raise error("stop")
    assert leftovers(tmp_path) == (["artifact"] if force else [])
    assert not force or (folder / "data").read_text() == "old"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk(tmp_path, code):
    with pytest.raises(ArtifactError, match="free some space"), artifacts.staged(tmp_path / "a", force=False):
        raise OSError(code, os.strerror(code))
    assert leftovers(tmp_path) == []


def test_an_artifact_is_replaced_by_force_only(tmp_path):
    folder = tmp_path / "artifact"
    write_artifact(folder, "old")
    with pytest.raises(ArtifactError, match="exists already: add --force"):
        write_artifact(folder)
    assert (folder / "data").read_text() == "old"
    write_artifact(folder, force=True)
    assert (folder / "data").read_text() == "new"
    assert leftovers(tmp_path) == ["artifact"]


def test_an_empty_folder_is_replaced_by_force(tmp_path):
    (tmp_path / "empty").mkdir()
    write_artifact(tmp_path / "empty", force=True)
    assert leftovers(tmp_path / "empty") == ["data", "manifest.json"]


def test_anything_else_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("photos", "file", "link"):
        with pytest.raises(ArtifactError, match="is no artifact, so it is not replaced"):
            write_artifact(tmp_path / name, force=True)
    assert leftovers(tmp_path) == ["file", "link", "photos"]


def test_a_link_stays(tmp_path):
    write_artifact(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    write_artifact(tmp_path / "link", force=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "data").read_text() == "new"


def test_the_present_folder(tmp_path, monkeypatch):
    write_artifact(tmp_path / "artifact", "old")
    monkeypatch.chdir(tmp_path / "artifact")
    write_artifact(Path("."), force=True)
    assert (tmp_path / "artifact" / "data").read_text() == "new"


def test_the_old_one_is_back_when_the_new_one_cannot_move_in(tmp_path, monkeypatch):
    folder = tmp_path / "artifact"
    write_artifact(folder, "old")
    rename = Path.rename

    def refuse(self, target):
        if (self / "data").is_file() and (self / "data").read_text() == "new":
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ArtifactError, match="Permission denied"):
        write_artifact(folder, force=True)
    assert (folder / "data").read_text() == "old"
    assert leftovers(tmp_path) == ["artifact"]


def test_the_old_one_is_kept_where_it_cannot_go_back(tmp_path, monkeypatch):
    folder, rename = tmp_path / "artifact", Path.rename
    write_artifact(folder, "old")

    def refuse(self, target):
        if target == folder:
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ArtifactError, match="Permission denied"):
        write_artifact(folder, force=True)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith(".artifact.old.") and (kept / "data").read_text() == "old"


def test_force_is_not_advised_where_it_would_not_help(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ArtifactError, match="exists and is no artifact, so it is not replaced: choose another"):
            artifacts.check_target(target, force=False)


def test_two_builds_at_once(tmp_path):
    folder = tmp_path / "artifact"
    with pytest.raises(ArtifactError, match="exists already"), artifacts.staged(folder, force=False):
        write_artifact(folder, "the other's")
    assert (folder / "data").read_text() == "the other's"
    assert leftovers(tmp_path) == ["artifact"]


def test_two_forced_builds_at_once(tmp_path):
    folder = tmp_path / "artifact"
    with artifacts.staged(folder, force=True) as stage:
        write_artifact(folder, "the other's", force=True)
        (stage / "data").write_text("the last one's")
    assert (folder / "data").read_text() == "the last one's"
    assert leftovers(tmp_path) == ["artifact"]


@pytest.mark.parametrize(
    "path", ["/dev/null/artifact", "/proc/artifact", "/proc/self/a/b", "x" * 300, "x/" + "y" * 300]
)
def test_a_place_that_cannot_be_written(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match="can't be written .*: choose another folder with --out"):
        artifacts.check_target(Path(path), force=False)
    assert leftovers(tmp_path) == []


def test_checking_leaves_nothing(tmp_path):
    artifacts.check_target(tmp_path / "a" / "b", force=False)
    assert leftovers(tmp_path) == []
