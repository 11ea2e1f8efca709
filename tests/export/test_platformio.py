# SPDX-License-Identifier: Apache-2.0
"""PlatformIO's own packer on library.json, its installer on the example's platformio.ini, and the sketch."""

import configparser
import json
import subprocess
import sys
import tarfile

import pytest

# PlatformIO downloads SPDX's list of licences to check against.
PACK = """
import sys
from platformio.package.manifest.schema import ManifestSchema
ManifestSchema.load_spdx_licenses = staticmethod(lambda: {"licenses": [{"licenseId": "Apache-2.0"}]})
from platformio.package.pack import PackagePacker
PackagePacker(sys.argv[1]).pack(sys.argv[2])
"""


@pytest.fixture
def platformio(tmp_path):
    """How a process of PlatformIO's has to be started: settings in a folder of its own, no telemetry."""
    home = tmp_path / "home"
    home.mkdir()
    variables = {"PLATFORMIO_CORE_DIR": str(home), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no", "HOME": str(home)}
    return {"env": variables, "capture_output": True, "text": True}


def test_it_can_be_packed(exported, model, platformio, tmp_path):
    folder = exported(model, "platformio")
    done = subprocess.run([sys.executable, "-c", PACK, folder, tmp_path / "packed.tar.gz"], **platformio)
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "packed.tar.gz") as archive:
        names = set(archive.getnames())
    assert names == {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("field", ["name", "version", "license"])
def test_the_packer_looks_at_the_manifest(exported, classifier, platformio, edit_json, tmp_path, field):
    folder = exported(classifier, "platformio")
    edit_json(folder / "library.json", field, value=":")
    done = subprocess.run([sys.executable, "-c", PACK, folder, tmp_path / "packed.tar.gz"], **platformio)
    assert done.returncode == 1 and f"'{field}'" in done.stderr


def test_library_json(exported, model):
    folder = exported(model, "platformio")
    manifest = json.loads((folder / "library.json").read_text())
    assert (manifest["name"], manifest["license"]) == ("edgernn_small", "Apache-2.0")
    assert (folder / "include" / manifest["headers"]).is_file()
    (example,) = manifest["examples"]
    assert all((folder / example["base"] / file).is_file() for file in example["files"])


def test_the_example_finds_the_library(exported, classifier, platformio):
    example = exported(classifier, "platformio") / "examples" / "stream"
    settings = configparser.ConfigParser()
    settings.read(example / "platformio.ini")
    library = settings["env:nano33ble"]["lib_deps"]
    pio = [sys.executable, "-m", "platformio", "pkg", "install", "--no-save", "--library", library, "-d", example]
    done = subprocess.run(pio, **platformio)
    assert "edgernn_small@0.1.0 has been installed!" in done.stdout, done.stdout + done.stderr


def test_the_sketch(exported, model, run_tool, strict, zeros, printed, fake, tmp_path):
    folder = exported(model, "platformio")
    includes = (
        f"-I{folder / 'include'}",
        f"-I{fake / 'arduino'}",
        f"-DFAKE_MICROSECONDS={20_000 * len(zeros) + 1_000}",
    )
    run_tool("gcc", "-c", *includes, *(folder / "src").glob("*.c"), cwd=tmp_path)
    sketch = folder / "examples" / "stream" / "src" / "main.cpp"
    run_tool("g++", *strict, *includes, sketch, *tmp_path.glob("*.o"), "-o", tmp_path / "sketch")
    assert run_tool(tmp_path / "sketch").splitlines() == printed(model, zeros, ".4f")
