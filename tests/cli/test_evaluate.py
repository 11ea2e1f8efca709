# SPDX-License-Identifier: Apache-2.0
"""`edgernn evaluate`: what it prints fits 80 columns, --json has all of it, and refusals are one sentence."""

import json

import numpy as np
import pytest

from edgernn.data.arrays import from_arrays


def make(n=40, classes=("c0", "c1"), **changed):
    rng = np.random.default_rng(1)
    options = {"recording": np.arange(n) // 10, "start": np.arange(n) % 10 * 12, "features": ["f0", "f1", "f2"]}
    options |= {"group": np.array(["one", "two"])[np.arange(n) // 20 % 2], "classes": classes}
    return from_arrays("d", rng.normal(size=(n, 12, 3)), np.arange(n) % len(classes), **options | changed)


def test_the_tables(judged, cli):
    outcome = cli("evaluate", judged(make(), baselines={"majority": 0.5}))
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[0] == "small: the held-out part, 40 windows of 4 recordings"
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert rows["float"][1:] and rows["int8"][1:] and rows["majority"] == ["majority", "class", "0.5000", "-"]
    assert "class  windows  precision  recall      F1" in lines
    assert "Confusion: rows are the true classes, columns what was found" in lines
    assert [int(rows[name][1]) for name in ("one", "two")] == [20, 20]
    assert lines[-1] == "note: 4 recordings are too few for an interval of the accuracy"
    assert max(map(len, lines)) <= 80


def test_json(judged, cli, tmp_path):
    folder = judged(make())
    alone = cli("evaluate", folder, "--json", "-")
    found = json.loads(alone.stdout)
    assert (found["results"], found["reset"], found["data"]) == (40, "window", "held out")
    assert np.sum(found["confusion"]) == 40
    beside = cli("evaluate", folder, "--json", tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text()) == found and beside.stdout.startswith("small: ")


def test_other_windows(judged, cli, tmp_path):
    data = make()
    np.savez(tmp_path / "d.npz", x=data.x, y=data.y, recording=data.recording, start=data.start)
    outcome = cli("evaluate", judged(data), "--data", tmp_path / "d.npz", "--continuous")
    lines = outcome.stdout.splitlines()
    assert lines[:2] == ["small: d.npz, 40 windows of 4 recordings", "Streams that are never reset"]
    names = [line.partition("  ")[0] for line in lines[3:6]]
    assert names == ["int8, every window from zero", "int8, never reset", "majority class"]


def test_one_recording(judged, cli):
    lines = cli(
        "evaluate", judged(make(recording=np.zeros(40, np.int64), start=np.arange(40) * 12))
    ).stdout.splitlines()
    assert lines[0] == "small: the held-out part, 40 windows of 1 recording"
    assert lines[-1] == "note: 1 recording is too few for an interval of the accuracy"


def test_windows_that_were_not_held_out(judged, edit_json, cli, tmp_path):
    """Those of a conversion without a split; and those that an artifact was made from, given again."""
    data = make()
    folder = judged(data)
    edit_json(folder / "manifest.json", "data", value={"held_out": False, "sha256": data.digest()})
    lines = cli("evaluate", folder).stdout.splitlines()
    assert lines[0] == "small: the windows of its conversion, 40 windows of 4 recordings"
    assert "note: none of these windows was kept from the calibration" in lines
    assert json.loads(cli("evaluate", folder, "--json", "-").stdout)["data"] == "conversion"
    arrays = {name: getattr(data, name) for name in ("x", "y", "recording", "start", "group")}
    np.savez(tmp_path / "same.npz", **arrays)
    note = "note: these are the windows that the artifact was made from: "
    assert note in cli("evaluate", folder, "--data", tmp_path / "same.npz").stdout
    np.savez(tmp_path / "others.npz", **arrays | {"x": data.x + 1})
    assert note not in cli("evaluate", folder, "--data", tmp_path / "others.npz").stdout


def test_one_table_alone(judged, cli, refused):
    folder = judged(make())
    assert cli("evaluate", folder, "--each", "group").stdout.splitlines()[:3] == [
        "small: the held-out part, 40 windows of 4 recordings",
        "",
        "Groups",
    ]
    message = refused(2, "evaluate", folder, "--each", "target")
    assert message.endswith(
        "for --each target, since the model gives classes, no targets: take --each class or --each group"
    )
    ungrouped = judged(make(group=None))
    assert "since no group is known of these windows: take --each class" in refused(
        2, "evaluate", ungrouped, "--each", "group"
    )


def test_many_names(make_artifact, judged, cli, tmp_path):
    """Of 20 classes with long names and 30 groups the worst are shown, or with --each all, below a line of heads."""
    classes = tuple(f"a very long name of a class, number {i}" for i in range(20))
    folder = make_artifact(("gru", 5, {}), ("dense", 20, {}), outputs=classes)
    n = 600
    x, y = np.random.default_rng(0).normal(size=(n, 12, 3)), np.arange(n) % 20
    np.savez(tmp_path / "d.npz", x=x, y=y, group=[f"group {i % 30}" for i in range(n)])
    outcome = cli("evaluate", folder, "--data", tmp_path / "d.npz")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert "Classes: the worst; 8 more with --each" in lines and "Groups: the worst; 18 more with --each" in lines
    assert any(line.startswith("The most frequent mistakes, ") for line in lines)
    assert max(map(len, lines)) <= 80
    every = cli("evaluate", folder, "--data", tmp_path / "d.npz", "--each", "group").stdout.splitlines()
    assert len([line for line in every if line.startswith("group ")]) == 31 and not any("F1" in line for line in every)


def test_real_targets(make_artifact, cli, tmp_path):
    folder = make_artifact(("gru", 5, {}), ("dense", 2, {}), task="regression", outputs=("f1", "speed"))
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(30, 12, 3)), y=rng.normal(900, 5, size=(30, 2)))
    lines = cli("evaluate", folder, "--data", tmp_path / "d.npz").stdout.splitlines()
    assert "Targets, errors in the unit of each" in lines
    assert any(line.split() == ["target", "r2", "mae", "rmse", "rmse", "of", "mean"] for line in lines)
    assert {"f1", "speed"} <= {line.split()[0] for line in lines if line} and max(map(len, lines)) <= 80


def test_refusals(artifact, refused, tmp_path):
    assert "was built before predictions were stored" in refused(1, "evaluate", artifact)
    assert "no such file" in refused(1, "evaluate", artifact, "--data", tmp_path / "none.npz")
    assert "was not built from CSV" in refused(2, "evaluate", artifact, "--data", tmp_path / "none.csv")
    assert "there is no folder" in refused(1, "evaluate", artifact, "--json", tmp_path / "no" / "file")


@pytest.mark.parametrize("changed", [{"y": np.full(40, 9)}, {"outputs/integer": None}, {"y": np.array([None] * 40)}])
def test_a_hostile_file(judged, edit_npz, rehash, refused, changed):
    folder = judged(make())
    edit_npz(folder / "held_out.npz", changed)
    rehash(folder)
    assert "held_out.npz can't be used (" in refused(1, "evaluate", folder)
