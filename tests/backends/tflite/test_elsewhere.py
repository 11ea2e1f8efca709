# SPDX-License-Identifier: Apache-2.0
"""Runtimes in environments of their own: whole models and odd programs, step by step; files that are another's."""

import numpy as np
import pytest

from edgernn import backends, load
from edgernn.backends.tflite.elsewhere import RUNTIMES
from edgernn.backends.tflite.write import FILE, float_file, integer_file
from edgernn.errors import ArtifactError, WorkerError
from edgernn.spec.interpreter import Interpreter
from edgernn.validate import validate
from edgernn.workers.client import Worker

LAYERS = ("gru", 6, {}), ("dense", 2, {})
FEW = [runtime for runtime in RUNTIMES if runtime.name in ("tflite-runtime-builtin", "tflm", "pi4-litert-xnnpack")]


@pytest.fixture(
    params=[
        pytest.param(
            runtime, id=runtime.name, marks=pytest.mark.nightly if runtime.name.startswith(("pi3", "pi5")) else ()
        )
        for runtime in RUNTIMES
    ]
)
def runtime(request):
    """Each runtime of every environment; that of all of them agrees is seen in tests/cli/test_validate.py."""
    return request.param


@pytest.fixture(params=FEW, ids=lambda runtime: runtime.name)
def one_of_each(request):
    """One runtime of each environment."""
    return request.param


@pytest.fixture
def small(quantized):
    return quantized(*LAYERS)


def random_inputs(program, rng):
    """x within the operand range of its dtype, and any states."""
    limit = 127 if program.tensors[program.x].dtype == "int8" else 16383
    inputs = {state.read: rng.integers(-32768, 32768, program.tensors[state.read].size) for state in program.states}
    x = rng.integers(-limit, limit + 1, program.tensors[program.x].size).astype(program.tensors[program.x].dtype)
    return {program.x: x, **{name: values.astype(program.tensors[name].dtype) for name, values in inputs.items()}}


def test_the_names():
    found = backends.runtimes()
    assert [runtime for runtime in found.values() if runtime.environment] == list(RUNTIMES)
    assert len(RUNTIMES) == 3 + 1 + 3 * 6
    assert all(runtime.emulated == (runtime.environment == "pi-emulated") for runtime in RUNTIMES)
    assert not {runtime.name for runtime in RUNTIMES} & {runtime.name for runtime in backends.select(())}
    for environment, count in (("tflite-runtime", 3), ("tflm", 1), ("pi-emulated", 18)):
        assert len(backends.select((environment,))) == count


def test_validation(runtime, model, expected):
    report = validate(model, expected, [runtime])
    (result,) = report.runtimes
    assert (result.status, result.mismatches, result.version) == ("agrees", 0, runtime.version()), result
    assert (result.steps, result.values) == (32, 32 * (2 + 5))


def test_programs_of_any_form(any_program, agree):
    rng = np.random.default_rng(3)
    agree(any_program, *(random_inputs(any_program, rng) for _ in range(8)))


@pytest.mark.parametrize("runtime", FEW[:2], ids=lambda runtime: runtime.name)
def test_steps_of_odd_programs(runtime, odd_program, as_model, tmp_path):
    (tmp_path / FILE).write_bytes(integer_file(as_model(odd_program)))
    stepper, interpreter = runtime.load(tmp_path, as_model(odd_program)), Interpreter(odd_program)
    rng = np.random.default_rng(4)
    for _ in range(4):
        inputs = random_inputs(odd_program, rng)
        wanted, stepped, traced = interpreter.step(inputs), stepper.step(inputs), stepper.trace(inputs)
        for name in odd_program.outputs:
            np.testing.assert_array_equal(stepped[name], wanted[name])
        for name in (name for op in odd_program.ops for name in op.outputs):
            np.testing.assert_array_equal(traced[name], wanted[name])


def test_a_changed_weight_is_seen(one_of_each, expected, artifact, rehash):
    loaded = load(artifact)
    content = bytearray((artifact / FILE).read_bytes())
    kernel = loaded.integer.program.kernels["gru_0/recurrent"]
    place = content.index(kernel.weights.tobytes())
    content[place : place + 20] = bytes(20)
    (artifact / FILE).write_bytes(content)
    rehash(artifact)
    (result,) = validate(load(artifact), expected, [one_of_each]).runtimes
    assert result.status == "differs" and result.mismatches > 0
    assert result.first_difference.op.startswith("linear gru_0/")


def assert_refused(runtime, folder, model, *words):
    with pytest.raises(ArtifactError) as caught:
        runtime.load(folder, model)
    message = str(caught.value)
    assert FILE in message and "\n" not in message and message.endswith("build the artifact again")
    assert all(word in message for word in words), message


def test_files_that_are_not_the_model_s(one_of_each, small, quantized, make_model, tmp_path):
    assert_refused(one_of_each, tmp_path, small, "can't be read")
    for content, word in (
        (b"", "empty"),
        (b"not a flatbuffer" * 100, "does not fit the model"),
        (integer_file(quantized(("lstm", 6, {}), ("dense", 2, {}))), "inputs or outputs"),
        (integer_file(quantized(("gru", 7, {}), ("dense", 2, {}))), "[1, 7]"),
        (float_file(make_model(*LAYERS)), "float32"),
    ):
        (tmp_path / FILE).write_bytes(content)
        assert_refused(one_of_each, tmp_path, small, word)


def test_a_worker_that_dies_makes_its_runtime_unavailable(model, expected, monkeypatch):
    run = Worker.run

    def dying(worker, inputs):
        worker._process.kill()
        return run(worker, inputs)

    monkeypatch.setattr(Worker, "run", dying)
    (result,) = validate(model, expected, [FEW[0]]).runtimes
    assert result.status == "unavailable"
    assert f"{FEW[0].name} was killed by signal 9 (SIGKILL) while it ran the model" in result.reason


def test_what_is_not_installed(runtime, model, expected, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    sentence = f"{runtime.environment} is not installed: run edgernn runtimes install {runtime.environment}"
    with pytest.raises(WorkerError, match=sentence):
        runtime.version()
    (result,) = validate(model, expected, [runtime]).runtimes
    assert (result.status, result.reason) == ("unavailable", sentence)
