# SPDX-License-Identifier: Apache-2.0
"""The environments that are installed, and what happens where they can't be."""

import os
import shutil
import sys

import numpy as np
import pytest

from edgernn.errors import MissingExtraError, MissingToolError, WorkerError
from edgernn.workers import pi, site
from edgernn.workers.environments import environments, kernel_paths
from edgernn.workers.packages import Interpreter, pip_install, run
from edgernn.workers.pi import EmulatedPi
from edgernn.workers.site import Site, tflite_runtime, tflm

KERNELS = ["xnnpack", "builtin", "reference"]
CORES = {"pi3": "cortex-a53", "pi4": "cortex-a72", "pi5": "cortex-a76"}


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache without environments."""
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def lines(target):
    """Collects what is said."""
    return target.append


def left(cache):
    """What is in a cache besides locks."""
    return [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_the_kernel_paths():
    expected = [f"{runtime}-{kernels}" for runtime in ("litert", "tflite-runtime") for kernels in KERNELS] + ["tflm"]
    expected += [f"{board}-{path}" for board in CORES for path in expected[:6]]
    assert list(kernel_paths()) == expected
    assert [environment.name for environment in environments()] == ["", "tflite-runtime", "tflm", "pi-emulated"]


def test_what_a_worker_says_it_is(path):
    with path.open() as worker:
        identity = worker.hello()
    assert (identity.runtime, identity.version) == (path.variant.runtime, path.version())
    assert identity.kernels == path.variant.kernels
    assert identity.numpy.partition(".")[0] == ("1" if identity.runtime == "tflite-runtime" else "2")
    assert identity.machine == ("aarch64" if path.environment.emulated else os.uname().machine)
    if path.environment.emulated:
        assert path.variant.architecture == f"aarch64 {CORES[path.name[:3]]}"


def test_every_path_gives_the_same_bytes(path, worker, model):
    rng = np.random.default_rng(0)
    inputs, outputs = worker.load(model, "builtin")
    with path.open() as other:
        assert other.load(model, path.kernels) == (inputs, outputs)
        for _ in range(50):
            sample = [rng.integers(-127, 128, info.shape).astype(info.dtype) for info in inputs]
            for expected, found in zip(worker.run(sample), other.run(sample), strict=True):
                np.testing.assert_array_equal(found, expected)
        other.reset()
        assert all(map(np.array_equal, other.run(sample), worker.run(sample)))


def test_an_environment_has_nothing_of_this_python():
    (variant,) = tflite_runtime().variants
    with tflite_runtime().open(variant, "isolated") as worker:
        assert worker.hello().numpy != np.__version__


def test_an_isolated_worker_ignores_what_python_is_told(monkeypatch, tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('wrong numpy')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    for name in ("tflite-runtime-builtin", "tflm", "pi5-litert-builtin"):
        with kernel_paths()[name].open() as worker:
            assert worker.hello().version


def test_what_is_not_installed(empty_cache):
    for path in kernel_paths().values():
        if path.environment.name:
            wanted = f"{path.environment.name} is not installed: run edgernn runtimes install {path.environment.name}"
            for attempt in (path.version, path.open):
                with pytest.raises(WorkerError, match=f"^{wanted}$"):
                    attempt()
    assert not empty_cache.exists()


def test_litert_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("edgernn.workers.here._PACKAGE", "no-such-package")
    path = kernel_paths()["litert-builtin"]
    with pytest.raises(MissingExtraError, match=r"\.\[litert\]"):
        path.version()
    with pytest.raises(MissingExtraError, match=r"\.\[litert\]"):
        path.open()


def test_installing_and_removing(empty_cache):
    """A small environment from start to end: pip, the check that it starts, the folder, and its removal."""
    environment, said = tflm(), []
    environment.install(lines(said))
    assert environment.installed() and said[0].startswith("tflm: installing tflite-micro==")
    environment.install(lambda line: pytest.fail("it is there"))
    with kernel_paths()["tflm"].open() as worker:
        assert worker.hello().runtime == "tflm"
    assert environment.remove() is True
    assert not environment.installed() and left(empty_cache) == []


def test_packages_that_do_not_start(empty_cache):
    environment = Site("tflm", "", ("flatbuffers==25.12.19",), ("reference",))
    with pytest.raises(WorkerError, match="tflm: ModuleNotFoundError: No module named 'numpy'"):
        environment.install(lambda line: None)
    assert not environment.installed() and left(empty_cache) == []


def test_offline(empty_cache, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    with pytest.raises(WorkerError, match="can't install .* .the server can't be reached: check the network"):
        tflite_runtime().install(lambda line: None)
    assert left(empty_cache) == []


def test_no_such_version(tmp_path):
    with pytest.raises(WorkerError, match="pip can't install flatbuffers==0.0.1 .No matching distribution found"):
        pip_install(["flatbuffers==0.0.1"], tmp_path, Interpreter("3.11"))


def test_without_pip(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"\.\[runtimes\]"):
        pip_install(["flatbuffers==25.12.19"], tmp_path, Interpreter("3.11"))


def test_without_the_python_that_is_needed(empty_cache, monkeypatch, tmp_path):
    monkeypatch.setattr(site, "_THIS", "3.12")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkerError, match="tflite-runtime needs a Python 3.11, and there is none on the PATH"):
        tflite_runtime().install(lambda line: None)
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho pyenv: python3.11: command not found >&2\nexit 127\n")
    shim.chmod(0o755)
    with pytest.raises(WorkerError, match="there is none on the PATH"):
        tflite_runtime().install(lambda line: None)
    assert left(empty_cache) == []


def test_another_python_of_the_version_that_is_needed(monkeypatch):
    """As on a machine whose edgernn runs on a later Python."""
    environment = tflite_runtime()
    monkeypatch.setattr(site, "_THIS", "3.12")
    with environment.open(environment.variants[0], "other") as worker:
        assert worker.hello().python.startswith("3.11.")


@pytest.mark.parametrize(
    ("tool", "package"),
    [("qemu-aarch64-static", "qemu-user-static"), ("apt-get", "apt"), ("dpkg-deb", "dpkg")],
)
def test_an_emulated_pi_without_a_tool(empty_cache, monkeypatch, tmp_path, tool, package):
    for other in {"qemu-aarch64-static", "apt-get", "dpkg-deb"} - {tool}:
        (tmp_path / other).symlink_to(shutil.which(other))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=f"needs {tool}, .* Debian's package {package}$"):
        EmulatedPi().install(lambda line: None)
    assert left(empty_cache) == []


def test_an_emulated_pi_when_debian_can_not_be_reached(empty_cache, monkeypatch, tmp_path):
    sources = tmp_path / "sources.list"
    sources.write_text("deb [trusted=yes] http://127.0.0.1:9/debian bookworm main\n")
    options = ["-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-", "-o", "Acquire::Retries=0"]
    monkeypatch.setattr(pi, "_sources", lambda scratch: options)
    with pytest.raises(WorkerError, match="^apt-get can't .* for arm64 "):
        EmulatedPi().install(lambda line: None)
    assert left(empty_cache) == []


def test_sources_of_another_release(monkeypatch, tmp_path):
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"VERSION_CODENAME": "noble"})
    options = pi._sources(tmp_path)
    assert f"Dir::Etc::sourcelist={tmp_path}/sources.list" in options
    assert " bookworm main" in (tmp_path / "sources.list").read_text()
    monkeypatch.setattr(pi, "_KEYS", tmp_path / "no.gpg")
    with pytest.raises(MissingToolError, match="debian-archive-keyring"):
        pi._sources(tmp_path)


def test_each_pi_tells_its_own_core():
    folder = EmulatedPi()._folder.path
    parts = {"pi3": "0xd03", "pi4": "0xd08", "pi5": "0xd0b"}
    for board, part in parts.items():
        told = (folder / board / "proc" / "cpuinfo").read_text()
        assert told.count(f"CPU part\t: {part}\n") == told.count("CPU implementer\t: 0x41\n") == 4
        assert ("asimddp" in told) == (board == "pi5")


def test_a_program_that_fails_quietly():
    with pytest.raises(WorkerError, match=r"^it fails \(status 3\)$"):
        run(["sh", "-c", "exit 3"], "it fails")
