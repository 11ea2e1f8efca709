# SPDX-License-Identifier: Apache-2.0
"""Espressif's own packer on idf_component.yml, and the example project, built with a fake of ESP-IDF's build."""

import posixpath
import subprocess
import sys
import tarfile

import pytest


def pack(folder, home):
    """Espressif's component manager packs `folder` into home/dist."""
    command = [sys.executable, "-m", "idf_component_manager", "component", "pack", "--name", "edgernn_small"]
    command += ["--project-dir", str(folder), "--dest-dir", str(home / "dist")]
    return subprocess.run(command, env={"HOME": str(home)}, capture_output=True, text=True)


@pytest.fixture
def example(cmake, fake, zeros, monkeypatch):
    """Builds the example of a component; the program."""
    monkeypatch.setenv("IDF_PATH", str(fake / "esp-idf"))

    def build(component, *options):
        return cmake(component / "examples" / "stream", f"-DFAKE_STEPS={len(zeros)}", *options) / "app"

    return build


def test_it_can_be_packed(exported, model, tmp_path):
    folder = exported(model, "esp-idf")
    done = pack(folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(tmp_path / "dist" / "edgernn_small_0.1.0.tgz") as archive:
        names = {posixpath.normpath(member.name) for member in archive if member.isfile()}
    wanted = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == wanted


@pytest.mark.parametrize(("text", "wrong"), [("0.1.0", "one"), (">=5.0", "five")])
def test_the_packer_looks_at_the_manifest(exported, classifier, tmp_path, text, wrong):
    folder = exported(classifier, "esp-idf")
    manifest = folder / "idf_component.yml"
    manifest.write_text(manifest.read_text().replace(text, wrong))
    assert pack(folder, tmp_path).returncode != 0


def test_the_example(exported, model, run_tool, example, zeros, printed):
    program = example(exported(model, "esp-idf"))
    assert run_tool(program).splitlines() == ["period 20000 20000", *printed(model, zeros)]


def test_two_models_in_one_program(
    exported, classifier, estimator, run_tool, example, zeros, printed, started_before_main, two_models_printed
):
    extra = (f"-DFAKE_COMPONENTS={exported(estimator, 'esp-idf', 'second')}", f"-DFAKE_SOURCES={started_before_main}")
    program = example(exported(classifier, "esp-idf", "first"), *extra)
    wanted = [two_models_printed.rstrip(), "period 20000 20000", *printed(classifier, zeros)]
    assert run_tool(program).splitlines() == wanted
