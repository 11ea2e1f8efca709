# SPDX-License-Identifier: Apache-2.0
"""What every format has in common: the same sources, an origin, a README, and writing that is whole or not at all."""

import json
import re

import pytest

import edgernn
from edgernn import export as exports
from edgernn.artifact import digest
from edgernn.backends.c.names import check_prefix, prefix_of
from edgernn.backends.c.write import sources
from edgernn.errors import ArtifactError, ConfigError
from edgernn.export import export, formats

FORMATS = ("arduino", "c", "cmake", "esp-idf", "platformio", "zephyr")
EXAMPLES = {
    "arduino": "examples/stream/stream.ino",
    "c": "example/main.c",
    "cmake": "example/main.c",
    "esp-idf": "examples/stream/main/main.c",
    "platformio": "examples/stream/src/main.cpp",
    "zephyr": "samples/stream/src/main.c",
}


def texts(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_formats_are_found():
    assert formats() == FORMATS


@pytest.mark.parametrize("format", FORMATS)
def test_the_sources_are_the_same_bytes(exported, model, format):
    folder = exported(model, format)
    found = {path.name: path.read_bytes() for part in ("src", "include") for path in (folder / part).glob("*")}
    assert found == {name: text.encode() for name, text in sources(model.integer, "small").items()}
    headers = "include" if (folder / "include").exists() else "src"
    assert {path.name for path in (folder / headers).glob("*.h")} == {name for name in found if name.endswith(".h")}


@pytest.mark.parametrize("format", FORMATS)
def test_where_it_comes_from(exported, model, format):
    folder = exported(model, format)
    origin = {"edgernn": edgernn.__version__, "format": format, "name": "small", "model": digest(model.integer)}
    assert json.loads((folder / exports.MARKER).read_text()) == origin
    readme = (folder / "README.md").read_text()
    assert f"Made by edgernn {edgernn.__version__} from the model `{digest(model.integer)}`" in readme
    for wanted in (
        "bytes of constants",
        "bytes of state",
        "| Cortex-M4 |",
        "Apache-2.0",
        "small_selftest",
        "edgernn",
        "f0, f1, f2",
    ):
        assert wanted in readme
    assert len(readme.splitlines()) < 48


@pytest.mark.parametrize("format", FORMATS)
def test_every_text_names_its_licence(exported, classifier, format):
    for name, text in texts(exported(classifier, format)).items():
        assert "Apache-2.0" in text or name == exports.MARKER, name


@pytest.mark.parametrize("format", FORMATS)
def test_the_example(exported, classifier, estimator, format):
    streams = (
        exported(classifier, format, "one") / EXAMPLES[format],
        exported(estimator, format, "two") / EXAMPLES[format],
    )
    first, second = (path.read_text() for path in streams)
    assert "read_sample(float *sample)" in first and "Replace this" in first
    assert "one_outputs[one_argmax(y)]" in first and "one_reset(&state);\n        steps = 0;" in first
    assert "two_dequantize_output(y, values)" in second and "two_reset(&state);\n        steps = 0;" in second
    if format not in ("c", "cmake"):
        assert "as in training, 50 a second. */\n#define PERIOD_US 20000u\n" in first
        assert "change it to that of the training data. */\n#define PERIOD_US 20000u\n" in second


@pytest.mark.parametrize("format", ["arduino", "esp-idf", "zephyr"])
def test_the_sources_compile_for_a_microcontroller(exported, model, run_tool, strict, format):
    folder = exported(model, format)
    flags = ("-mcpu=cortex-m0", "-mthumb", "-std=c99", "-Os", *strict, "-c")
    includes = [f"-I{path}" for path in (folder / "include", folder / "src") if path.exists()]
    run_tool("arm-none-eabi-gcc", *flags, *includes, *(folder / "src").glob("*.c"), cwd=folder.parent)
    assert {path.stem for path in folder.parent.glob("*.o")} == {path.stem for path in (folder / "src").glob("*.c")}


@pytest.mark.parametrize("format", ["arduino", "esp-idf", "platformio"])
def test_archives_of_two_models_share_one_runtime(
    exported, classifier, estimator, run_tool, two_models, two_models_printed, tmp_path, format
):
    """What these ecosystems make of a library: an archive, from which the linker takes an object that is missing."""
    archives = []
    for name, model in (("first", classifier), ("second", estimator)):
        folder = exported(model, format, name)
        (objects := tmp_path / name).mkdir()
        includes = [f"-I{folder / part}" for part in ("include", "src")]
        run_tool("gcc", "-c", *includes, *(folder / "src").glob("*.c"), cwd=objects)
        run_tool("ar", "rcs", f"lib{name}.a", *objects.glob("*.o"), cwd=tmp_path)
        archives += [*includes, f"lib{name}.a"]
    run_tool("gcc", "-o", "both", two_models, *archives, cwd=tmp_path)
    assert run_tool(tmp_path / "both") == two_models_printed


def test_the_name_comes_from_the_artifact(classifier, tmp_path):
    export(classifier, "c", tmp_path / "out")
    assert classifier.manifest["name"] == "small"
    assert (tmp_path / "out" / "src" / "small_selftest.c").is_file()


@pytest.mark.parametrize("name", ["watch", "a", "gru_32", "x" * 40])
def test_a_legal_name(name):
    check_prefix(name)
    assert prefix_of(name) == name


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("Watch", "watch"),
        ("my model", "my_model"),
        ("2nd", "model_2nd"),
        ("_x", "x"),
        ("a__b", "a_b"),
        ("é", "model"),
        ("../up", "up"),
        ("int", "model_int"),
        ("class", "model_class"),
        ("edgernn_x", "model_edgernn_x"),
        ("signal", "model_signal"),
        ("time", "model_time"),
        ("aux", "model_aux"),
        ("x" * 41, "x" * 40),
        ("x" * 39 + "_y", "x" * 39),
    ],
)
def test_an_illegal_name(classifier, tmp_path, name, instead):
    with pytest.raises(ConfigError, match=re.escape(f"can't begin with {name!r}: take {instead!r}, for example")):
        export(classifier, "c", tmp_path / "out", name=name)
    assert list(tmp_path.iterdir()) == []
    check_prefix(instead)


def test_an_unknown_format(classifier, tmp_path):
    with pytest.raises(ConfigError, match="there is no format 'rust'; there are arduino, c, cmake"):
        export(classifier, "rust", tmp_path / "out")


def test_an_export_is_replaced_by_force_only(classifier, estimator, tmp_path):
    folder = tmp_path / "out"
    export(classifier, "arduino", folder)
    before = texts(folder)
    with pytest.raises(ArtifactError, match="exists already: add --force"):
        export(estimator, "zephyr", folder)
    assert texts(folder) == before
    export(estimator, "zephyr", folder, force=True)
    assert (folder / "zephyr" / "module.yml").is_file() and not (folder / "library.properties").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_else_is_ever_replaced(classifier, pristine, tmp_path):
    (tmp_path / "sketches").mkdir()
    (tmp_path / "sketches" / "mine.ino").touch()
    for folder in (tmp_path / "sketches", pristine):
        before = sorted(folder.iterdir())
        with pytest.raises(ArtifactError, match="exists and is no export, so it is not replaced"):
            export(classifier, "c", folder, force=True)
        assert sorted(folder.iterdir()) == before


def test_a_failure_leaves_nothing(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "pathlib.Path.write_text", lambda *arguments, **options: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(ArtifactError, match=r"can't be written \(full\): free some space"):
        export(classifier, "c", tmp_path / "deep" / "out")
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_state_that_lasts_is_reset_at_the_start_only(exported, lasting, lasting_steps, format):
    for model, name in ((lasting, "one"), (lasting_steps, "two")):
        folder = exported(model, format, name)
        assert (folder / EXAMPLES[format]).read_text().count(f"{name}_reset(&state);") == 1
        assert "after a gap in the samples only" in (folder / "README.md").read_text().replace("\n", " ")
