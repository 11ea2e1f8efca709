# SPDX-License-Identifier: Apache-2.0
"""The choice of an engine, also where the extension module is not installed; and how engines hold a model."""

import gc
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.engine import choose, native, warn_where_slow
from edgernn.errors import EdgernnError

pytestmark = pytest.mark.usefixtures("kernel_family")

SAMPLES = np.random.default_rng(1).normal(size=(20, 3))
MISSING = (
    "the native engine is not installed: install a C compiler and Python's headers (Debian's packages gcc and "
    "python3-dev), then install edgernn again"
)


@pytest.fixture
def without_extension(monkeypatch):
    monkeypatch.setattr(native, "_engine", None)


def test_without_the_extension_numpy_steps(model, without_extension):
    session = model.session()
    assert session.engine == "numpy"
    session.step(SAMPLES[0])


def test_a_load_warns_that_steps_are_slow(pristine, without_extension):
    warn_where_slow.cache_clear()
    with pytest.warns(edgernn.SlowEngineWarning, match=r"hundreds of times as long; install a C compiler") as caught:
        edgernn.load(pristine)
        edgernn.load(pristine)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)], "once, and at the caller's line"


def test_asking_for_what_is_not_installed(model, without_extension):
    with pytest.raises(EdgernnError) as caught:
        model.session("native")
    assert str(caught.value) == MISSING


def test_a_package_without_the_extension_imports(pristine, run_tool):
    script = f"""
import sys
sys.modules["edgernn.native._engine"] = None
import edgernn
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        session = edgernn.load({str(pristine)!r}).session()
print(*(warning.category.__name__ for warning in caught), caught[0].filename, caught[0].lineno)
print(session.engine, session.step([0.0, 1.0, 2.0]).shape)
"""
    assert run_tool(sys.executable, "-c", script) == "SlowEngineWarning <string> 9\nnumpy (2,)\n"


def test_streams_share_the_loaded_model(model):
    assert native.load(model.integer) is native.load(model.integer)
    assert native.load(model.integer) is not native.load(edgernn.load(model.folder).integer)


def test_a_model_is_freed_with_its_sessions(pristine, monkeypatch):
    monkeypatch.setattr(native, "_loaded", weakref.WeakKeyDictionary())
    model = edgernn.load(pristine)
    session = model.session("native")
    held = weakref.ref(model.integer)
    assert len(native._loaded) == 1
    del model
    session.step(SAMPLES[0])
    del session
    gc.collect()
    assert held() is None
    assert len(native._loaded) == 0


def test_the_streams_of_one_model_do_not_meet(model):
    operands = model.integer.quantize_input(SAMPLES)
    for name in ("native", "numpy"):
        one, other = choose(model.integer, name), choose(model.integer, name)
        expected = choose(model.integer, "numpy").run(operands)
        other.run(operands[:3])
        np.testing.assert_array_equal(one.run(operands), expected)
        np.testing.assert_array_equal(one.run_windows(operands[None])[0], expected)
        np.testing.assert_array_equal(other.run(operands[3:]), expected[3:])
