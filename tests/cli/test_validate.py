# SPDX-License-Identifier: Apache-2.0
"""`edgernn validate`: the exit status is 0 only if every runtime ran and agrees."""

import json
import sys

import numpy as np
import pytest

from edgernn import backends
from edgernn.spec.program import SPEC_VERSION

LITERT = ("litert-xnnpack", "litert-builtin", "litert-reference")
VALUES = 32 * (2 + 5)


@pytest.fixture
def broken(artifact, rehash):
    """An artifact whose .tflite has one other weight, under right hashes."""
    with np.load(artifact / "weights.npz") as arrays:
        weights = arrays["gru_0/kernel/weights"]
    content = (artifact / "model.tflite").read_bytes()
    at = content.index(weights.tobytes()) + int(np.abs(weights).argmax())
    (artifact / "model.tflite").write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
    rehash(artifact)
    return artifact


def test_the_table(pristine, cli, runtime_names):
    outcome = cli("validate", pristine)
    assert outcome.exit_code == 0
    rows = [line.split() for line in outcome.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == runtime_names
    assert all(row[-3:] == ["agrees", "0", "0"] for row in rows)
    assert outcome.stdout.splitlines()[0].endswith(f", 32 steps, {VALUES} values each")
    assert outcome.stderr == "validate ...\n"


def test_only_json_on_stdout(pristine, cli, runtime_names):
    outcome = cli("validate", pristine, "--json", "-")
    report = json.loads(outcome.stdout)
    assert (outcome.exit_code, report["spec_version"], report["values_compared"]) == (
        0,
        SPEC_VERSION,
        len(runtime_names) * VALUES,
    )
    assert [entry["name"] for entry in report["runtimes"]] == runtime_names


def test_only_json_on_stdout_of_a_terminal(pristine, cli, monkeypatch, runtime_names):
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = cli("validate", pristine, "--json", "-")
    assert json.loads(outcome.stdout)["values_compared"] == len(runtime_names) * VALUES
    assert f"{32 * len(runtime_names)}/{32 * len(runtime_names)}" in outcome.stderr, (
        "the bar of progress counts steps of all runtimes"
    )


def test_a_runtime_that_is_not_installed(pristine, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    outcome = cli("validate", pristine)
    assert outcome.exit_code == 1
    assert outcome.stdout.count(f"\n{', '.join(LITERT)}: running a TFLite model needs ai-edge-litert, ") == 1
    assert outcome.stdout.count("run pip install '.[litert]'") == 1
    assert cli("validate", pristine, "--runtime", "numpy").exit_code == 0


def test_environments_that_are_not_installed(pristine, cli, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    outcome = cli("validate", pristine, "--runtime", "tflm", "--runtime", "pi-emulated")
    assert outcome.exit_code == 1
    assert outcome.stdout.splitlines()[-2:] == [
        "tflm is not installed: run edgernn runtimes install tflm",
        "pi3-litert-xnnpack, pi3-litert-builtin, pi3-litert-reference and 15 more: pi-emulated is not installed: run "
        "edgernn runtimes install pi-emulated",
    ]


def test_json_into_a_file(pristine, cli, tmp_path):
    outcome = cli("validate", pristine, "--json", tmp_path / "report.json", "--runtime", "numpy")
    assert (outcome.exit_code, "agrees" in outcome.stdout) == (0, True)
    assert json.loads((tmp_path / "report.json").read_text())["values_compared"] == VALUES


def test_json_into_nowhere(pristine, cli, tmp_path):
    outcome = cli("validate", pristine, "--json", tmp_path / "no" / "report.json")
    assert outcome.exit_code == 1
    assert "report.json can't be written, there is no folder" in outcome.stderr


def test_some_runtimes(pristine, cli):
    outcome = cli("validate", pristine, "--runtime", "litert-builtin", "--runtime", "numpy", "--json", "-")
    assert [entry["name"] for entry in json.loads(outcome.stdout)["runtimes"]] == ["litert-builtin", "numpy"]


def test_an_unknown_runtime(pristine, refused):
    message = refused(2, "validate", pristine, "--runtime", "litert")
    assert "there is no runtime 'litert': did you mean litert-xnnpack or litert-builtin or litert-reference?" in message


def test_a_difference(broken, cli):
    outcome = cli("validate", broken)
    assert outcome.exit_code == 1
    for name in LITERT:
        assert f"{name} differs first in window 0, step 0, gru_0/h[" in outcome.stdout
    assert outcome.stdout.count("first op whose result differs: linear gru_0/linear_") == 3


def test_a_difference_as_json(broken, cli):
    outcome = cli("validate", broken, "--json", "-")
    assert outcome.exit_code == 1
    entries = json.loads(outcome.stdout)["runtimes"]
    others = [entry for entry in entries if entry["name"] in LITERT]
    for entry in entries:
        assert entry in others or (entry["status"], entry["first_difference"]) == ("agrees", None)
    for entry in others:
        assert entry["status"] == "differs" and 0 < entry["mismatches"] <= entry["values"] == VALUES
        assert entry["max_abs_diff"] > 0
        assert entry["first_difference"].keys() == {"window", "step", "tensor", "index", "expected", "found", "op"}


@pytest.mark.parametrize("length", [0, 4, 2000])
def test_a_truncated_file_under_right_hashes(artifact, rehash, cli, length):
    (artifact / "model.tflite").write_bytes((artifact / "model.tflite").read_bytes()[:length])
    rehash(artifact)
    outcome = cli("validate", artifact)
    assert outcome.exit_code == 1
    assert outcome.stdout.count("unavailable") == 3
    assert f"\n{', '.join(LITERT)}: " in outcome.stdout and "does not fit the model" in outcome.stdout


def test_windows_of_ones_own(pristine, cli, tmp_path, runtime_names):
    np.savez(tmp_path / "own.npz", x=np.full((5, 20, 3), 3e38), lengths=[20, 1, 2, 3, 4])
    outcome = cli("validate", pristine, "--data", tmp_path / "own.npz", "--json", "-")
    assert outcome.exit_code == 0
    assert [entry["steps"] for entry in json.loads(outcome.stdout)["runtimes"]] == [30] * len(runtime_names)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((2, 5, 4))}, "own.npz has 4 channels, the model takes 3: f0, f1, f2"),
        ({"x": np.zeros((2, 5))}, "x has the shape [2, 5]"),
        ({"x": np.zeros((0, 5, 3))}, "x has the shape [0, 5, 3]"),
        ({"x": np.zeros(())}, "x has the shape []"),
        ({"x": np.array([[["a"] * 3]])}, "x has the dtype <U1"),
        ({"y": np.zeros(3)}, "has no array `x`"),
        (
            {"x": np.where(np.arange(30).reshape(2, 5, 3) == 19, np.nan, 0)},
            "nan in float32 at window 1, step 1, channel 1",
        ),
        ({"x": np.zeros((2, 5, 3)), "lengths": [5, 6]}, "the length of window 1 is 6"),
        ({"x": np.array([None])}, "pickled"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_windows_that_are_wrong(pristine, refused, tmp_path, arrays, words):
    np.savez(tmp_path / "own.npz", **arrays)
    assert words in refused(1, "validate", pristine, "--data", tmp_path / "own.npz")


def test_windows_that_are_no_file(pristine, refused, tmp_path):
    (tmp_path / "own.npz").write_bytes(b"PK\x03\x04")
    assert "cut short or damaged" in refused(1, "validate", pristine, "--data", tmp_path / "own.npz")
    assert "no such file" in refused(1, "validate", pristine, "--data", tmp_path / "missing.npz")
    assert "no such file" in refused(1, "validate", pristine, "--data", tmp_path)


@pytest.mark.parametrize("command", ["validate", "inspect", "bench"])
def test_broken_artifacts(artifact, refused, command):
    (artifact / "golden.npz").write_bytes((artifact / "golden.npz").read_bytes()[:-1])
    assert "golden.npz was changed after the build" in refused(1, command, artifact)
    (artifact / "golden.npz").unlink()
    assert "golden.npz can't be read" in refused(1, command, artifact)
    assert "is no artifact" in refused(1, command, artifact / "missing")


@pytest.mark.parametrize("command", ["validate", "bench"])
def test_golden_vectors_that_say_nothing(artifact, edit_npz, rehash, refused, command):
    with np.load(artifact / "golden.npz") as arrays:
        empty = {name: array[:0] for name, array in arrays.items()}
    edit_npz(artifact / "golden.npz", empty)
    rehash(artifact)
    assert "golden.npz can't be used" in refused(1, command, artifact)


def test_targets_only(pristine, cli):
    outcome = cli("validate", pristine, "--target", "qemu:cortex_m0", "--target", "host", "--target", "qemu:riscv32")
    assert outcome.exit_code == 0, outcome.output
    rows = [line.split() for line in outcome.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["qemu:cortex_m0", "host", "qemu:riscv32"]
    first = 3 + 3 + 1 + 3
    assert all(row[-3:] == ["agrees", "0", "0"] for row in rows)
    assert outcome.stdout.splitlines()[0].endswith(f", {first} steps, {first * 7} values each")


def test_targets_and_runtimes(pristine, cli):
    named = ["--runtime", "litert-builtin", "--runtime", "pi4-litert-builtin", "--runtime", "tflite-runtime"]
    outcome = cli("validate", pristine, "--target", "host", *named, "--json", "-")
    entries = {entry["name"]: entry for entry in json.loads(outcome.stdout)["runtimes"]}
    elsewhere = [f"tflite-runtime-{kernels}" for kernels in ("xnnpack", "builtin", "reference")]
    assert list(entries) == ["litert-builtin", "pi4-litert-builtin", *elsewhere, "host"]
    assert {name: entry["steps"] for name, entry in entries.items()} == {
        **dict.fromkeys(["litert-builtin", *elsewhere], 32),
        **dict.fromkeys(["pi4-litert-builtin", "host"], 10),
    }


def test_every_runtime_of_every_environment(pristine, cli):
    report = json.loads(cli("validate", pristine, "--runtime", "all", "--json", "-").stdout)
    assert [entry["name"] for entry in report["runtimes"]] == list(backends.runtimes())
    assert {(entry["status"], entry["mismatches"]) for entry in report["runtimes"]} == {("agrees", 0)}


def test_first_steps(pristine, cli):
    outcome = cli("validate", pristine, "--target", "host", "--runtime", "numpy", "--steps", 8, "--json", "-")
    assert [entry["steps"] for entry in json.loads(outcome.stdout)["runtimes"]] == [8 + 7 + 1 + 8] * 2
    outcome = cli("validate", pristine, "--target", "host", "--steps", 10**6, "--json", "-")
    assert [entry["steps"] for entry in json.loads(outcome.stdout)["runtimes"]] == [32]
    assert cli("validate", pristine, "--steps", 0).exit_code == 2


def test_progress_counts_the_steps_of_targets(pristine, cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = cli("validate", pristine, "--target", "host", "--runtime", "numpy")
    assert "42/42" in outcome.stderr


def test_a_target_that_is_missing(pristine, cli, refused):
    outcome = cli("validate", pristine, "--target", "serial:/dev/none", "--target", "host")
    assert outcome.exit_code == 1
    assert "serial:/dev/none: /dev/none can't be opened (No such file or directory)" in outcome.stdout
    assert outcome.stdout.count("agrees") == 1
    message = refused(2, "validate", pristine, "--target", "qemu:m4")
    assert "there is no target 'qemu:m4'; there are host, local-aarch64" in message


def test_windows_of_ones_own_on_a_target(pristine, cli, tmp_path):
    np.savez(tmp_path / "own.npz", x=np.full((5, 20, 3), 3e38), lengths=[20, 1, 2, 3, 4])
    outcome = cli("validate", pristine, "--data", tmp_path / "own.npz", "--target", "host", "--json", "-")
    assert [(entry["status"], entry["steps"]) for entry in json.loads(outcome.stdout)["runtimes"]] == [("agrees", 12)]


def test_windows_of_a_bidirectional_model(make_artifact, cli, windows):
    folder = make_artifact(("gru", 4, {}), ("dense", 2, {}), bidirectional=True)
    outcome = cli("validate", folder, "--data", windows(), "--json", "-")
    report = json.loads(outcome.stdout)
    assert outcome.exit_code == 0
    assert {entry["values"] for entry in report["runtimes"]} == {60 * 12 * (2 + 4)}
