# SPDX-License-Identifier: Apache-2.0
"""Zephyr's documented keys (https://docs.zephyrproject.org/latest/develop/modules.html, .../test/twister.html), and the
sample, built with a fake of Zephyr's CMake package."""

import re

import pytest
import yaml

from edgernn import load

PRJ_CONF = "samples/stream/prj.conf"
MODULE_KEYS = {"name", "build", "tests", "samples", "boards", "blobs"}
BUILD_KEYS = {
    *("cmake", "kconfig", "cmake-ext", "kconfig-ext", "depends", "settings"),
    *("sysbuild-cmake", "sysbuild-kconfig", "sysbuild-cmake-ext", "sysbuild-kconfig-ext"),
}


@pytest.fixture
def sample(cmake, fake, zeros, monkeypatch):
    """Builds the sample of a module; the program."""
    monkeypatch.setenv("ZEPHYR_BASE", str(fake / "zephyr"))

    def build(module, *options):
        return cmake(module / "samples" / "stream", f"-DFAKE_STEPS={len(zeros)}", *options) / "app"

    return build


def test_module_yml(exported, model):
    folder = exported(model, "zephyr")
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert set(module) <= MODULE_KEYS and set(module["build"]) <= BUILD_KEYS
    assert module["name"] == "edgernn_small"
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / module["build"]["kconfig"]).is_file()
    assert [(folder / path).is_dir() for path in module["samples"]] == [True]


def test_sample_yaml(exported, model):
    folder = exported(model, "zephyr") / "samples" / "stream"
    sample = yaml.safe_load((folder / "sample.yaml").read_text())
    assert set(sample) == {"sample", "tests"}
    assert all(isinstance(sample["sample"][key], str) for key in ("name", "description"))
    ((name, test),) = sample["tests"].items()
    # The name of a scenario: at least two parts with a dot between them.
    assert re.fullmatch(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)+", name)
    assert test == {"tags": "edgernn", "build_only": True, "integration_platforms": ["qemu_cortex_m3"]}


def test_the_options_exist(exported, model):
    folder = exported(model, "zephyr")
    defined = set(re.findall(r"^config (\w+)\n\tbool \".+\"$", (folder / "zephyr" / "Kconfig").read_text(), re.M))
    assert defined == {"EDGERNN_SMALL"}
    lines = [line for line in (folder / PRJ_CONF).read_text().splitlines() if not line.startswith("#")]
    options = dict(line.split("=") for line in lines)
    assert options.pop("CONFIG_MAIN_STACK_SIZE").isdecimal()
    floats = {} if model.classes else {"CONFIG_REQUIRES_FLOAT_PRINTF": "y"}
    assert options == {"CONFIG_EDGERNN_SMALL": "y"} | floats


def test_the_stack_holds_a_step(exported, make_artifact, run_tool, tmp_path):
    """Without optimization, all functions one inside the other, and 2 kB left for printf."""
    folder = exported(load(make_artifact(("lstm", 64, {}), ("dense", 2, {}))), "zephyr")
    flags = ("-mcpu=cortex-m0", "-mthumb", "-O0", "-fstack-usage", "-c", f"-I{folder / 'include'}")
    run_tool("arm-none-eabi-gcc", *flags, *(folder / "src").glob("*.c"), cwd=tmp_path)
    used = sum(int(line.split("\t")[1]) for file in tmp_path.glob("*.su") for line in file.read_text().splitlines())
    (size,) = re.findall(r"STACK_SIZE=(\d+)", (folder / PRJ_CONF).read_text())
    assert 1000 < used <= int(size) - 2048


def test_the_sample(exported, model, run_tool, sample, zeros, printed):
    program = sample(exported(model, "zephyr"))
    assert run_tool(program).splitlines() == ["period 20000 20000", *printed(model, zeros)]


def test_two_models_in_one_program(
    exported, classifier, estimator, run_tool, sample, zeros, printed, started_before_main, two_models_printed
):
    second = exported(estimator, "zephyr", "second")
    extra = (f"-DEXTRA_ZEPHYR_MODULES={second}", "-DFAKE_OPTIONS=CONFIG_EDGERNN_SECOND=y")
    program = sample(exported(classifier, "zephyr", "first"), *extra, f"-DFAKE_SOURCES={started_before_main}")
    wanted = [two_models_printed.rstrip(), "period 20000 20000", *printed(classifier, zeros)]
    assert run_tool(program).splitlines() == wanted


def test_a_module_that_is_not_chosen_is_not_built(exported, classifier, estimator, sample):
    extra = f"-DEXTRA_ZEPHYR_MODULES={exported(estimator, 'zephyr', 'second')}"
    program = sample(exported(classifier, "zephyr", "first"), extra)
    assert {path.name for path in program.parent.rglob("*.a")} == {"libedgernn.a", "libedgernn_first.a"}
