# SPDX-License-Identifier: Apache-2.0
"""The examples of C and CMake, built and run here: they print what a session gives."""

import subprocess

import pytest

from edgernn import load


@pytest.fixture
def built(cmake, strict):
    """Builds a project with CMake, without a warning; the folder of the build."""
    return lambda source, *options: cmake(source, f"-DCMAKE_C_FLAGS={' '.join(strict)}", *options)


@pytest.fixture
def two_exports(exported, classifier, estimator):
    """The classifier as first and the estimator as second."""
    return exported(classifier, "cmake", "first"), exported(estimator, "cmake", "second")


def project(folder, source, text):
    """A project that builds `source` as `both`, linked to two models that `text` finds."""
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(
        f"""cmake_minimum_required(VERSION 3.15)
project(both LANGUAGES C)
{text}
add_executable(both "{source}")
target_link_libraries(both PRIVATE edgernn::first edgernn::second)
"""
    )
    return folder


def test_c(exported, model, run_tool, strict, samples, csv, printed):
    folder = exported(model, "c")
    run_tool("make", f"CFLAGS={' '.join(strict)}", cwd=folder)
    assert run_tool(folder / "stream", input=csv).splitlines() == printed(model, samples)


NO_SAMPLE = "a sample is a line of 3 numbers, separated by commas"


@pytest.mark.parametrize(
    "given, reason",
    [
        ("a,b,c\n", NO_SAMPLE),
        ("1,2,3\n4,5\n6,7,8\n", NO_SAMPLE),
        ("1,2,3\n4,x,6\n", NO_SAMPLE),
        ("1,2,3,4\n", NO_SAMPLE),
        ("f0,f1,f2\nf0,f1,f2\n", NO_SAMPLE),
        ("1,2,3\nf0,f1,f2\n", NO_SAMPLE),
        ("1," + 200 * "0" + "2,3\n", NO_SAMPLE),
        ("f0,f1,f2\n1, 2 ,3\r\n4,5,6", "a result takes 12 samples, not 2"),
        ("", "a result takes 12 samples, not 0"),
    ],
)
def test_what_is_no_input(exported, pristine, run_tool, strict, given, reason):
    folder = exported(load(pristine), "c")
    run_tool("make", f"CFLAGS={' '.join(strict)}", cwd=folder)
    run_tool("make", cwd=folder)
    done = subprocess.run([folder / "stream"], input=given, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"small: {reason}\n")


def test_cmake(exported, model, run_tool, built, samples, csv, printed):
    folder = built(exported(model, "cmake"))
    assert run_tool(folder / "stream", input=csv).splitlines() == printed(model, samples)


def test_two_models_in_one_program(two_exports, run_tool, built, two_models, two_models_printed, tmp_path):
    first, second = two_exports
    found = f"""add_subdirectory("{first}" first)
include(FetchContent)
FetchContent_Declare(second SOURCE_DIR "{second}")
FetchContent_MakeAvailable(second)"""
    folder = built(project(tmp_path / "app", two_models, found))
    assert run_tool(folder / "both") == two_models_printed
    assert not (folder / "first" / "stream").exists()
    assert [path.parent.name for path in folder.rglob("libedgernn.a")] == ["first"]


def test_installed_models(two_exports, run_tool, built, two_models, two_models_printed, tmp_path):
    for source in two_exports:
        run_tool("cmake", "--install", built(source), "--prefix", tmp_path / "installed")
    found = "find_package(edgernn_first REQUIRED)\nfind_package(edgernn_second REQUIRED)"
    folder = built(project(tmp_path / "app", two_models, found), f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}")
    assert run_tool(folder / "both") == two_models_printed
    headers = {path.name for path in (tmp_path / "installed" / "include").iterdir()}
    assert headers == {"edgernn.h", "first.h", "second.h"}


def test_a_runtime_of_another_version_is_refused(two_exports, built, two_models, tmp_path):
    first, second = two_exports
    lists = first / "CMakeLists.txt"
    lists.write_text(
        lists.read_text().replace("EDGERNN_VERSION 0.1.0", "EDGERNN_VERSION 9.9").replace('"0.1.0"', '"9.9"')
    )
    source = project(
        tmp_path / "app", two_models, f'add_subdirectory("{first}" first)\nadd_subdirectory("{second}" second)'
    )
    with pytest.raises(
        AssertionError, match=r"second comes from edgernn 0\.1\.0, the runtime from 9\.9: export both again"
    ):
        built(source)
