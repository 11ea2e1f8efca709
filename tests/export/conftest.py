# SPDX-License-Identifier: Apache-2.0
"""Two small models, exports of them, and what their examples have to print."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn import Model, load
from edgernn.artifact import digest
from edgernn.export import export

Export = Callable[..., Path]


@pytest.fixture(scope="session")
def classifier(pristine):
    """A class for every window of 12 steps, 50 samples a second."""
    return load(pristine)


@pytest.fixture(scope="session")
def estimator(make_artifact):
    """Two targets for every step, in units of their own; the rate is unknown."""
    target = {"target_mean": np.array([3, -40], np.float32), "target_std": np.array([0.5, 12.25], np.float32)}
    made = load(make_artifact(("rnn", 4, {}), ("dense", 2, {}), task="regression", per_step=True, rate=0.0, **target))
    interface = replace(made.integer.interface, outputs=("power", 'a "b" @c */ é'))
    return replace(made, integer=replace(made.integer, interface=interface))


@pytest.fixture(scope="session")
def both_ways(make_artifact):
    """A class for every window, which is read from both ends."""
    return load(make_artifact(("lstm", 4, {}), ("dense", 2, {}), bidirectional=True))


@pytest.fixture(scope="session")
def lasting(make_artifact):
    """A class for every window of 12 steps, by a state that is never reset."""
    return load(make_artifact(("gru", 5, {}), ("dense", 3, {}), reset="never"))


@pytest.fixture(scope="session")
def lasting_steps(make_artifact):
    """A target for every step, by a state that is never reset."""
    return load(make_artifact(("gru", 5, {}), ("dense", 1, {}), task="regression", per_step=True, reset="never"))


@pytest.fixture(params=["classifier", "estimator", "both_ways", "lasting", "lasting_steps"])
def model(request):
    """Each of them."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def exported(tmp_path: Path) -> Export:
    """Exports a model into a fresh folder."""

    def make(model: Model, format: str, name: str = "small") -> Path:
        folder = tmp_path / f"{format}_{name}"
        export(model, format, folder, name=name)
        return folder

    return make


@pytest.fixture(scope="session")
def cmake(run_tool: Callable[..., str]) -> Callable[..., Path]:
    """Configures and builds with Ninja; the folder of the build."""

    def build(source: Path, *options: str) -> Path:
        folder = source.parent / f"{source.name}_build"
        run_tool("cmake", "-G", "Ninja", "-S", source, "-B", folder, *options)
        run_tool("cmake", "--build", folder)
        return folder

    return build


@pytest.fixture(scope="session")
def printed() -> Callable[..., list[str]]:
    """The lines that an example prints for samples [T, F]; digits: how it rounds real targets, printf's %g without."""

    def lines(model: Model, samples: Sequence[Sequence[float]], digits: str = "g") -> list[str]:
        interface, session, found = model.integer.interface, model.session(), []
        if interface.bidirectional:
            count = len(samples) // interface.window
            windows = np.reshape(samples[: count * interface.window], (count, interface.window, -1))
            return [model.classes[y.argmax()] for y in session.run(windows)[:, -1]]
        for number, sample in enumerate(samples, 1):
            y = session.step(sample)
            if interface.per_step:
                found += [f"{name} {value:{digits}}" for name, value in zip(interface.outputs, y, strict=True)]
            elif number % interface.window == 0:
                found.append(model.classes[y.argmax()])
            if interface.reset == "window" and number % interface.window == 0:
                session.reset()
        return found

    return lines


@pytest.fixture(scope="session")
def samples() -> np.ndarray:
    """float32 [40, 3]."""
    return np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def csv(samples) -> str:
    """`samples` as the examples of C and CMake read them."""
    return "".join(",".join(map(repr, row)) + "\n" for row in samples.tolist())


@pytest.fixture(scope="session")
def fake() -> Path:
    """Fakes of Arduino, Zephyr and ESP-IDF for the host, which end an example after FAKE_STEPS."""
    return Path(__file__).parent / "fake"


@pytest.fixture(scope="session")
def zeros() -> list[list[float]]:
    """[30, 3]: the samples of an example in which nobody has replaced `read_sample`."""
    return [[0.0] * 3] * 30


TWO_MODELS = r"""
#include <stdio.h>

#include "first.h"
#include "second.h"

int main(void)
{
    printf("%d %d %s %s\n", first_selftest(), second_selftest(), FIRST_HASH, SECOND_HASH);
    return 0;
}
"""


@pytest.fixture
def two_models(tmp_path: Path) -> Path:
    """A program that runs the self-tests of two models called first and second."""
    file = tmp_path / "two_models.c"
    file.write_text(TWO_MODELS)
    return file


@pytest.fixture
def started_before_main(two_models: Path) -> Path:
    """`two_models` for a program that has a main of its own."""
    two_models.write_text(TWO_MODELS.replace("int main(void)", "__attribute__((constructor)) static int start(void)"))
    return two_models


@pytest.fixture
def two_models_printed(classifier: Model, estimator: Model) -> str:
    """What `two_models` prints for the classifier as first and the estimator as second."""
    first, second = (digest(model.integer)[:16] for model in (classifier, estimator))
    return f"0 0 {first} {second}\n"
