# SPDX-License-Identifier: Apache-2.0
"""The asking side: what it gives, and what becomes of workers that die, hang, or talk nonsense."""

import gc
import json
import os
import subprocess
import sys
from itertools import chain

import numpy as np
import pytest

from edgernn.errors import WorkerError
from edgernn.workers import client
from edgernn.workers.client import RefusedError, TensorInfo, Worker
from edgernn.workers.environments import kernel_paths
from tests.waiting import wait_until

HELLO = '{"protocol": 1, "runtime": "r", "version": "1", "python": "3", "numpy": "2", "machine": "m", "kernels": ["k"]}'
TENSOR = '{"name": "t", "shape": [2], "dtype": "int16", "scales": [1], "zero_points": [0]}'


def failure(action, *arguments):
    """The sentence of the WorkerError that this raises."""
    with pytest.raises(WorkerError) as caught:
        action(*arguments)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 700
    return message


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_it_loads_and_runs(worker, model):
    inputs, outputs = worker.load(model, "builtin")
    assert [(i.name, i.shape, i.dtype) for i in inputs] == [("x", (1, 5), "int8"), ("gru_0/h", (1, 6), "int16")]
    assert inputs[1].scales == (2.0**-15,) and inputs[1].zero_points == (0,) and inputs[1].nbytes == 12
    given = [np.full((1, 5), 9, np.int8), np.full((1, 6), 99, np.int16)]
    first, again = worker.run(given), worker.run(given)
    assert [(a.shape, a.dtype.name) for a in first] == [(o.shape, o.dtype) for o in outputs]
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert np.any(first[1] != worker.run([given[0], -given[1]])[1])


def test_arrays_that_do_not_fit(worker, model):
    worker.load(model, "builtin")
    x, h = np.zeros((1, 5), np.int8), np.zeros((1, 6), np.int16)
    for wrong in ([x], [x, h, h], [x, h[0]], [x.astype(np.int16), h], [h, x]):
        with pytest.raises(ValueError):
            worker.run(wrong)
    assert len(worker.run([x, h])) == 2


def test_a_refusal_is_a_sentence_and_the_worker_goes_on(worker, model):
    for content, words in ((b"", "empty"), (b"nonsense" * 50, "Flatbuffer"), (model[:500], "Flatbuffer")):
        with pytest.raises(RefusedError, match=f"litert-builtin: .*{words}"):
            worker.load(content, "builtin")
    with pytest.raises(RefusedError, match="no model is loaded"):
        worker.run([])
    with pytest.raises(RefusedError, match="no model is loaded"):
        worker.reset()
    with pytest.raises(RefusedError, match="xnnpack, builtin, reference only"):
        worker.load(model, "sorcery")
    assert worker.hello().runtime == "litert"
    assert len(worker.load(model, "xnnpack")[0]) == 2


def test_it_ends_when_closed_or_forgotten(fake):
    for end in (lambda worker: worker.close(), lambda worker: worker.__exit__()):
        worker = fake("time.sleep(60)")
        assert is_running(worker._process.pid)
        end(worker)
        assert not is_running(worker._process.pid)
        worker.close()
        assert "has ended" in failure(worker.hello)
    worker = Worker("forgotten", [sys.executable, "-S", "-c", "import time; time.sleep(60)"], os.environ)
    pid = worker._process.pid
    del worker
    gc.collect()
    assert not is_running(pid)


def test_it_ends_with_the_process_that_asks(tmp_path):
    code = """
import os, sys, time
from edgernn.workers.environments import kernel_paths
worker = kernel_paths()["litert-builtin"].open()
worker.hello()
print(worker._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path).stdout
    wait_until(lambda: not is_running(int(told)))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getpid(), 11)", "fake was killed by signal 11 (SIGSEGV) while it said hello"),
        ("os.kill(os.getpid(), 9)", "fake was killed by signal 9 (SIGKILL) while it said hello"),
        ("os.kill(os.getpid(), 40)", "fake was killed by signal 40 while it said hello"),
        ("sys.exit(3)", "fake ended with status 3 while it said hello"),
        ("sys.exit('the\\n\\x1b[31m last line')", "status 1 while it said hello, and said: [31m last line"),
        ("print('x' * 9999, file=sys.stderr); sys.exit(1)", "and said: xxx"),
    ],
)
def test_a_worker_that_dies(fake, code, words):
    worker = fake(code)
    assert words in failure(worker.hello)
    assert "has ended: start it again" in failure(worker.hello)


def test_a_worker_that_closes_its_output(fake, monkeypatch):
    monkeypatch.setattr(client, "_ENDING", 0.5)
    worker = fake("os.close(0); os.close(1); time.sleep(60)")
    assert "fake closed its output while it said hello" in failure(worker.hello)
    assert "has ended: start it again" in failure(worker.hello)


def test_a_worker_that_hangs(fake, monkeypatch):
    monkeypatch.setattr(client, "_STARTING", 0.5)
    assert "fake did not answer in 0 seconds" in failure(fake("os.write(1, b'{'); time.sleep(60)").hello)
    assert "fake did not answer" in failure(fake("time.sleep(60)").load, bytes(1 << 22), "k")


def test_a_worker_that_floods(fake, monkeypatch):
    monkeypatch.setattr(client, "_LONGEST_LINE", 1 << 20)
    assert "gave an answer that is none" in failure(fake("while True: os.write(1, bytes(65536))").hello)


def test_a_program_that_is_not_there():
    with pytest.raises(WorkerError, match="gone can't be started: /nowhere/python: No such file"):
        Worker("gone", ["/nowhere/python"], {})


def changed(answer, **fields):
    return json.dumps({**json.loads(answer), **fields})


@pytest.mark.parametrize(
    "answer",
    ["", "nonsense", "[]", "null", "3", '"text"', "{}", "[" * 5000, '{"protocol": 2}', "\xff", '{"bytes": -1}']
    + ['{"bytes": true}', '{"bytes": 1e9}', '{"bytes": 99999999999999}', changed(HELLO, protocol=2)]
    + [
        changed(HELLO, version=2),
        changed(HELLO, machine=None),
        changed(HELLO, kernels="k"),
        changed(HELLO, kernels=[1]),
    ],
)
def test_an_answer_that_is_none(fake, answer):
    worker = fake(f"say({answer!r}); time.sleep(60)")
    assert "fake gave an answer that is none" in failure(worker.hello)
    assert not is_running(worker._process.pid)


@pytest.mark.parametrize(
    "tensor",
    ["3", "null", "{}", changed(TENSOR, name=1), changed(TENSOR, shape=[-1]), changed(TENSOR, shape=[1.5])]
    + [changed(TENSOR, shape=[1] * 99), changed(TENSOR, shape=4), changed(TENSOR, dtype="object")]
    + [changed(TENSOR, dtype=8), changed(TENSOR, scales=["a"]), changed(TENSOR, scales=1)]
    + [changed(TENSOR, zero_points=[0.5]), changed(TENSOR, zero_points=None), changed(TENSOR, scales=[10**400])],
)
def test_tensors_that_are_none(fake, tensor):
    worker = fake(f'say(\'{{"inputs": [{tensor}], "outputs": []}}\'); time.sleep(60)')
    assert "fake gave an answer that is none" in failure(worker.load, b"model", "k")


@pytest.mark.parametrize(
    ("shapes", "size"),
    [("[]", 4), ("[[2], [2]]", 8), ("[[2]]", 2), ("[[2]]", 6), ("[[3]]", 4), ("[[1, -2]]", 4), ("[2]", 4), ("2", 4)]
    + [("[[99999999, 99999999]]", 4), ("[[true, 2]]", 4)],
)
def test_results_that_do_not_fit(fake, shapes, size):
    code = f"""
say('{{"inputs": [], "outputs": [{TENSOR}]}}')
say('{{"shapes": {shapes}, "bytes": {size}}}')
os.write(1, bytes({size}))
time.sleep(60)
"""
    worker = fake(code)
    assert worker.load(b"model", "k")[1] == (TensorInfo("t", (2,), "int16", (1.0,), (0,)),)
    assert "fake gave an answer that is none" in failure(worker.run, [])


def test_a_shape_that_is_known_only_then_and_values_that_are_opaque(fake):
    opaque = changed(TENSOR, dtype="opaque")
    code = f"""
say('{{"inputs": [], "outputs": [{TENSOR}, {opaque}, {TENSOR}]}}')
say('{{"shapes": [[3, 1], [0], [0]], "bytes": 6}}')
os.write(1, bytes([1, 0, 2, 0, 255, 255]))
time.sleep(60)
"""
    worker = fake(code)
    assert [info.nbytes for info in worker.load(b"model", "k")[1]] == [4, 0, 4]
    found = worker.run([])
    assert found[0].tolist() == [[1], [2], [-1]] and found[0].dtype == np.int16
    assert [array.shape for array in found[1:]] == [(0,), (0,)]


def test_an_error_of_the_other_side_is_made_one_clean_line(fake):
    worker = fake('say(\'{"error": "a\\\\n \\\\u001b[1m b' + "x" * 400 + "\"}'); time.sleep(60)")
    message = failure(worker.hello)
    assert message.startswith("fake: a [1m bxxx") and message.endswith("...")


def test_a_real_crash_is_a_sentence(crashing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = kernel_paths()["pi4-tflite-runtime-xnnpack"]
    with path.open() as worker:
        worker.load(crashing, path.kernels)
        message = failure(worker.run, [np.ones((1, 3), np.int8)])
    assert message.startswith("pi4-tflite-runtime-xnnpack was killed by signal 11 (SIGSEGV) while it ran the model")
    assert list(tmp_path.iterdir()) == [], "no core file"


@pytest.mark.parametrize("name", ["litert-reference", "tflite-runtime-xnnpack", "tflm"])
def test_damaged_models(model, name):
    """Each is refused, runs, or kills its worker: always an error of ours, and never a hanging process."""
    path, rng, outcomes = kernel_paths()[name], np.random.default_rng(5), set()
    worker = path.open()
    for _ in range(30):
        damaged = bytearray(model)
        for place in rng.integers(0, len(model), 4):
            damaged[place] = rng.integers(0, 256)
        try:
            inputs, _ = worker.load(bytes(damaged), path.kernels)
            if sum(info.nbytes for info in inputs) < 1000:
                worker.run([np.zeros(info.shape, info.dtype) for info in inputs])
            outcomes.add("ran")
        except RefusedError:
            outcomes.add("refused")
        except WorkerError as error:
            assert f"{name} was killed by signal" in str(error) or f"{name} ended with status" in str(error)
            worker = path.open()
    worker.close()
    assert outcomes == {"ran", "refused"}


def test_nothing_is_lost_between_answers(worker, model):
    inputs, _ = worker.load(model, "reference")
    rng = np.random.default_rng(0)
    samples = [[rng.integers(-99, 99, info.shape).astype(info.dtype) for info in inputs] for _ in range(300)]
    runs = [[array.tobytes() for array in worker.run(sample)] for sample in (*samples, *samples)]
    assert runs[:300] == runs[300:]
    assert len(set(chain.from_iterable(runs))) > 300
