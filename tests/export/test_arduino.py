# SPDX-License-Identifier: Apache-2.0
"""The Arduino Library Specification 1.5 (https://docs.arduino.cc/arduino-cli/library-specification), and the sketch."""

import re

REQUIRED = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
CATEGORIES = (
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage"),
    *("Data Processing", "Other"),
)


def test_library_properties(exported, model):
    folder = exported(model, "arduino", "x" * 40)
    lines = (folder / "library.properties").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    assert len(fields) == len(lines)
    assert set(fields) == {*REQUIRED, "includes", "dot_a_linkage"}
    assert all(value == value.strip() and (value or name == "url") for name, value in fields.items())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", fields["name"])
    assert not fields["name"].lower().startswith("arduino")
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert fields["category"] in CATEGORIES
    assert fields["url"] == "", "the key has to be there, and a model has no page"
    assert (fields["architectures"], fields["dot_a_linkage"]) == ("*", "true")
    assert (folder / "src" / fields["includes"]).is_file()


def test_the_layout(exported, classifier):
    folder = exported(classifier, "arduino")
    names = {"README.md", "edgernn.json", "examples", "keywords.txt", "library.properties", "src"}
    assert {path.name for path in folder.iterdir()} == names
    assert [path.relative_to(folder).as_posix() for path in (folder / "examples").rglob("*.ino")] == [
        "examples/stream/stream.ino"
    ]


def test_keywords(exported, classifier):
    folder = exported(classifier, "arduino")
    lines = [line for line in (folder / "keywords.txt").read_text().splitlines() if not line.startswith("#")]
    kinds = dict(line.split("\t") for line in lines)
    assert len(kinds) == len(lines)
    header = (folder / "src" / "small.h").read_text()
    named = set(re.findall(r"\bsmall_\w+|\bSMALL_(?!H\b)\w+", header))
    assert set(kinds) == named
    wanted = {
        name: "LITERAL1" if name.isupper() else "KEYWORD1" if name.endswith("_t") else "KEYWORD2" for name in named
    }
    assert kinds == wanted


def test_the_sketch(exported, model, run_tool, strict, zeros, printed, fake, tmp_path):
    folder = exported(model, "arduino")
    run_tool("gcc", "-c", *(folder / "src").glob("*.c"), cwd=tmp_path)
    sketch = ("-x", "c++", folder / "examples" / "stream" / "stream.ino", "-x", "none")
    includes = (f"-I{folder / 'src'}", f"-I{fake / 'arduino'}", f"-DFAKE_MICROSECONDS={20_000 * len(zeros) + 1_000}")
    run_tool("g++", *strict, *includes, *sketch, *tmp_path.glob("*.o"), "-o", tmp_path / "sketch")
    assert run_tool(tmp_path / "sketch").splitlines() == printed(model, zeros, ".4f")
