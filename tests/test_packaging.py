# SPDX-License-Identifier: Apache-2.0
"""The wheel holds everything that runs, with a C compiler and without one; the source distribution builds it."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIRMWARE = ROOT / "firmware_stubs"


def build(kind, source, folder, **environment):
    """The file that scikit-build-core makes of a source tree."""
    script = f"import scikit_build_core.build as b; b.build_{kind}({str(folder)!r})"
    environment = {**os.environ, **environment}
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=source, env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    (made,) = folder.iterdir()
    return made


def sources(folder):
    """Files below a folder of the source tree, as paths relative to the folder above it."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder.parent).as_posix() for path in files}


@pytest.mark.parametrize("compiler", [True, False])
def test_a_wheel(tmp_path, compiler):
    wheel = build("wheel", ROOT, tmp_path, **({} if compiler else {"CC": "/there/is/no/compiler"}))
    names = set(zipfile.ZipFile(wheel).namelist())
    package = sources(ROOT / "edgernn")
    package -= {name for name in package if name.startswith("edgernn/native/") and name.endswith((".c", ".h"))}
    firmware = {f"edgernn/{name}" for name in sources(FIRMWARE)}
    extension = {name for name in names if name.startswith("edgernn/native/_engine.") and not name.endswith(".pyi")}
    assert {name for name in names if ".dist-info/" not in name} == package | firmware | extension
    assert len(extension) == compiler
    assert wheel.name.endswith("-py3-none-any.whl") != compiler


def test_a_source_distribution_builds_the_wheel(tmp_path):
    (tmp_path / "sdist").mkdir()
    (tmp_path / "wheel").mkdir()
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("edgernn-*")
    for folder in ("edgernn", "firmware_stubs", "tests", "benchmarks", "docs"):
        assert sources(ROOT / folder) <= sources(unpacked / folder), folder
    assert {"LICENSE", "README.md", "CHANGES.md", "Makefile", "constraints.txt"} < {p.name for p in unpacked.iterdir()}
    wheel = build("wheel", unpacked, tmp_path / "wheel")
    assert any(name.startswith("edgernn/native/_engine.cpython") for name in zipfile.ZipFile(wheel).namelist())


def test_no_file_names_a_package_index():
    """edgernn is on none, and others move: whoever installs says where from."""
    index = re.compile(rb"pypi\.(?:org|python\.org|io)|pythonhosted\.org|anaconda\.org")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name and (ROOT / name.decode()).is_file()]
    assert len(files) > 100
    assert [file for file in files if file != Path(__file__) and index.search(file.read_bytes())] == []
