# SPDX-License-Identifier: Apache-2.0
"""`edgernn run`: a line in, a line out, with a state that lasts."""

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import edgernn

SAMPLES = np.random.default_rng(2).normal(size=(30, 3)).round(3)
CSV = "".join(",".join(map(str, sample)) + "\n" for sample in SAMPLES.tolist())


REST = "edgernn: the last 6 of 30 samples fill no window of 12, so they have no result\n"


def results(outcome):
    assert (outcome.exit_code, outcome.stderr.removesuffix(REST)) == (0, ""), outcome.output
    return parsed(outcome)


def parsed(outcome):
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def expected(folder, step, lasting=False):
    """The result of a step, from a state of zero at every window of 12 steps, or from one that lasts."""
    first = 0 if lasting else step - step % 12
    y = edgernn.load(folder).session().run(SAMPLES[first : step + 1])[-1].astype(np.float64)
    share = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
    best = int(y.argmax())
    return {"step": step, "class": f"c{best}", "probability": pytest.approx(share[best], abs=1e-4)}


@pytest.fixture(scope="module")
def lasting(make_artifact):
    return make_artifact(("gru", 5, {}), ("dense", 3, {}), reset="never")


def test_a_result_each_step(pristine, cli):
    found = results(cli("run", pristine, "--input", "-", "--each", "step", input=CSV))
    assert found == [expected(pristine, step) for step in range(30)]


def test_a_result_each_window_unless_the_labels_are_per_step(pristine, make_artifact, cli):
    assert results(cli("run", pristine, "--input", "-", input=CSV)) == [expected(pristine, s) for s in (11, 23)]
    per_step = make_artifact(("gru", 5, {}), ("dense", 2, {}), per_step=True)
    assert len(results(cli("run", per_step, "--input", "-", input=CSV))) == 30
    assert len(results(cli("run", per_step, "--input", "-", "--each", "window", input=CSV))) == 2


def test_samples_that_fill_no_window_are_told(pristine, cli):
    assert cli("run", pristine, "--input", "-", input=CSV).stderr == REST
    whole = "".join(CSV.splitlines(keepends=True)[:24])
    assert cli("run", pristine, "--input", "-", input=whole).stderr == ""
    assert cli("run", pristine, "--input", "-", "--each", "step", input=CSV).stderr == ""


def test_the_state_is_what_the_model_was_measured_with(pristine, lasting, cli):
    found = results(cli("run", lasting, "--input", "-", "--each", "step", input=CSV))
    assert found == [expected(lasting, step, lasting=True) for step in range(30)]
    assert found != [expected(lasting, step) for step in range(30)]
    assert results(cli("run", lasting, "--input", "-", "--no-reset", input=CSV)) == [found[11], found[23]]
    assert results(cli("run", pristine, "--input", "-", "--reset", input=CSV)) == [
        expected(pristine, s) for s in (11, 23)
    ]


@pytest.mark.parametrize(
    ("name", "option", "warning"),
    [
        (
            "pristine",
            "--no-reset",
            "a state of zero at every window, so its accuracy says nothing about a state that is",
        ),
        (
            "lasting",
            "--reset",
            "a state that is never reset, so its accuracy says nothing about a state of zero at every",
        ),
    ],
)
def test_another_way_than_measured_is_warned_of(request, cli, name, option, warning):
    folder = request.getfixturevalue(name)
    outcome = cli("run", folder, "--input", "-", option, input=CSV)
    assert outcome.exit_code == 0
    assert parsed(outcome) == [expected(folder, step, lasting=option == "--no-reset") for step in (11, 23)]
    assert (
        outcome.stderr.startswith("edgernn: this artifact was trained and measured with") and warning in outcome.stderr
    )
    assert outcome.stderr.removesuffix(REST).count("\n") == 1


def test_a_regression_gives_its_targets(make_artifact, cli):
    folder = make_artifact(("rnn", 3, {}), ("dense", 2, {}), task="regression")
    session = edgernn.load(folder).session()
    y = np.concatenate([session.run(SAMPLES[None, a : a + 12])[0] for a in (0, 12, 24)])
    found = results(cli("run", folder, "--input", "-", "--each", "step", input=CSV))
    assert found == [{"step": t, "targets": {"c0": float(str(y[t, 0])), "c1": float(str(y[t, 1]))}} for t in range(30)]
    assert [[np.float32(value) for value in entry["targets"].values()] for entry in found] == y[:30].tolist()


def test_names_are_written_as_they_are(make_artifact, cli):
    """But for what would move a terminal's cursor."""
    named = make_artifact(("gru", 5, {}), ("dense", 2, {}), outputs=("Störung 🪑", "sitzen ä"))
    assert re.search(
        r'"class": "(Störung 🪑|sitzen ä)"', cli("run", named, "--input", "-", input="1,2,3\n" * 12).stdout
    )
    unsafe = make_artifact(("gru", 5, {}), ("dense", 2, {}), outputs=("a\u202eä", "b\u202eä"))
    assert re.search(r'"[ab]\\u202e\\u00e4"', cli("run", unsafe, "--input", "-", input="1,2,3\n" * 12).stdout)


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.rstrip("\n").encode(),
        CSV.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        b"\xef\xbb\xbff0,f1,f2\n" + CSV.encode(),
        b"note,f0,f1,f2\n" + b"".join(b"caf\xe9," + line + b"\n" for line in CSV.encode().splitlines()),
        "".join(json.dumps(sample) + "\n" for sample in SAMPLES.tolist()).encode(),
    ],
    ids=["plain", "no end of line", "crlf", "bom", "bom and header", "latin-1 elsewhere", "json"],
)
@pytest.mark.parametrize("stdin", [False, True])
def test_forms_of_input(pristine, cli, tmp_path, content, stdin):
    (tmp_path / "in put.csv").write_bytes(content)
    source = {"input": content} if stdin else {}
    outcome = cli("run", pristine, "--input", "-" if stdin else tmp_path / "in put.csv", **source)
    assert results(outcome) == [expected(pristine, step) for step in (11, 23)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the input has 0 samples, fewer than the 12 of one result: give a line for each sample"),
        ("f0,f1,f2\n", "the input has 0 samples"),
        ("1,2,3\n" * 11, "the input has 11 samples, fewer than the 12 of one result: add --each step"),
        ("1,2\n", "line 1 is no sample: it has 2 values instead of 3: f0, f1, f2"),
        ("1,2,3\n1,2,nan\n", "line 2 is no sample: f2 is nan"),
        ("1,2,3\n[1,2\n", "line 2 is no sample: it is not valid JSON"),
        ("\xff\xfe1\x00,\x002\x00", "line 1 is no sample"),
        (b"\xff\xfe1\x00,\x002\x00,\x003\x00\n\x00", "line 1 is no sample"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1 is no sample"),
    ],
)
def test_input_that_is_wrong(pristine, refused, content, words):
    assert words in refused(1, "run", pristine, "--input", "-", input=content)


def test_what_came_before_a_wrong_line_is_answered(pristine, cli):
    outcome = cli("run", pristine, "--input", "-", "--each", "step", input="1,2,3\n4,5,6\nstop\n")
    assert outcome.exit_code == 1
    assert [json.loads(line)["step"] for line in outcome.stdout.splitlines()] == [0, 1]
    assert outcome.stderr.startswith("edgernn: line 3 is no sample")


@pytest.mark.parametrize(("missing", "steps"), [("hold", [0, 1, 2, 3]), ("skip", [0, 1])])
def test_a_stream_goes_on(pristine, cli, missing, steps):
    lines = "f0,f1,f2\n1,2,3\n1,,3\nstop\n4,5,6\n"
    outcome = cli("run", pristine, "--input", "-", "--each", "step", "--missing", missing, input=lines)
    assert outcome.exit_code == 0
    assert [json.loads(line)["step"] for line in outcome.stdout.splitlines()] == steps
    first, last = outcome.stderr.splitlines()
    assert first.startswith('edgernn: line 3 is no sample: f1 is "", which is no number; ')
    assert last.startswith("edgernn: 2 lines were no samples: ")


def test_input_that_cannot_be_opened(pristine, cli, tmp_path):
    for path in (tmp_path, tmp_path / "missing.csv"):
        outcome = cli("run", pristine, "--input", path)
        assert (outcome.exit_code, outcome.stdout) == (2, "")
        assert "invalid value for '--input'" in outcome.stderr
    assert cli("run", pristine).exit_code == 2


def test_a_broken_artifact(artifact, refused):
    (artifact / "weights.npz").unlink()
    assert "weights.npz can't be read" in refused(1, "run", artifact, "--input", "-", input=CSV)


@pytest.fixture
def process(pristine):
    command = [sys.executable, "-c", "from edgernn.cli import main; main()"]
    arguments = ["run", str(pristine), "--input", "-", "--each", "step"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, *arguments], **pipes, bufsize=0) as started:
        yield started
        started.kill()


def test_an_answer_does_not_wait_for_the_next_sample(process):
    for step in range(3):
        process.stdin.write(b"0.5,1,2\n")
        assert json.loads(process.stdout.readline())["step"] == step
    process.stdin.close()
    assert process.wait() == 0


def test_a_reader_that_leaves(process):
    process.stdout.close()
    with pytest.raises(BrokenPipeError):
        for _ in range(10_000):
            process.stdin.write(b"0.5,1,2\n" * 100)
    assert process.wait() != 0
    assert process.stderr.read() == b""


def test_an_interrupt(process):
    process.stdin.write(b"0.5,1,2\n")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait() == 128 + signal.SIGINT
    assert process.stderr.read() == b"edgernn: interrupted\n"


def test_a_bidirectional_model_gives_a_result_each_window(make_artifact, cli, refused):
    folder = make_artifact(("gru", 4, {}), ("dense", 2, {}), bidirectional=True)
    found = results(cli("run", folder, "--input", "-", input=CSV))
    windows = SAMPLES[:24].reshape(2, 12, 3)
    classes = edgernn.load(folder).session().run(windows)[:, -1].argmax(axis=1)
    assert [(entry["step"], entry["class"]) for entry in found] == [(11, f"c{classes[0]}"), (23, f"c{classes[1]}")]
    line = refused(2, "run", folder, "--input", "-", "--each", "step", input=CSV)
    assert line.endswith("reads windows from both ends, so no step has a result: leave out --each step")
    line = refused(2, "run", folder, "--input", "-", "--no-reset", input=CSV)
    assert line.endswith("reads windows from both ends, so no state lasts: leave out --no-reset")
