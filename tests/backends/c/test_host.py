# SPDX-License-Identifier: Apache-2.0
"""The C of an artifact on this machine: only what edgernn writes is compiled, and a compiler that fails is named."""

import pytest

from edgernn import load
from edgernn.backends.c import RUNTIMES
from edgernn.backends.c.write import sources
from edgernn.errors import ArtifactError, EdgernnError, MissingToolError

RUNTIME = RUNTIMES[0]


def refusal(artifact, error=EdgernnError):
    with pytest.raises(error) as caught:
        RUNTIME.load(artifact, load(artifact).integer)
    return str(caught.value)


def test_a_file_that_is_not_edgernns_never_runs(artifact, tmp_path):
    trap = f'__attribute__((constructor)) static void trap(void) {{ fclose(fopen("{tmp_path / "ran"}", "w")); }}\n'
    (artifact / "c" / "zz.c").write_text(f"#include <stdio.h>\n{trap}")
    assert "is not what edgernn" in refusal(artifact, ArtifactError)
    assert not (tmp_path / "ran").exists()


def test_a_changed_file(artifact, rehash):
    path = artifact / "c" / "small.c"
    path.write_text(path.read_text().replace("1,", "2,", 1))
    rehash(artifact)
    assert "is not what edgernn" in refusal(artifact, ArtifactError)


def test_a_name_that_is_code_never_runs(artifact):
    model = load(artifact).integer
    name = "m(void); void __attribute__((constructor)) trap(void) { __builtin_trap(); } int n"
    for path in (artifact / "c").iterdir():
        path.unlink()
    for file, text in sources(model, name).items():
        (artifact / "c" / file).write_text(text)
    with pytest.raises(ArtifactError, match="does not hold the C of one model"):
        RUNTIME.load(artifact, model)


def test_no_c_at_all(artifact, rehash, edit_json):
    for path in (artifact / "c").iterdir():
        path.unlink()
    edit_json(artifact / "manifest.json", "files", value={"model.json": "", "weights.npz": ""})
    rehash(artifact)
    assert "does not hold the C of one model: build the artifact again" in refusal(artifact, ArtifactError)


def test_no_compiler(artifact, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    assert refusal(artifact, MissingToolError).endswith("install Debian's package gcc")
    with pytest.raises(MissingToolError):
        RUNTIME.version()


@pytest.mark.parametrize(
    "compiler, words",
    [
        ("no-such-compiler", "no-such-compiler can't be run (No such file or directory): set CC to a C compiler"),
        ("false", "false does not compile for this machine (exit status 1): set CC to another compiler"),
        ("arm-none-eabi-gcc", "does not compile for this machine"),
        ("true", "true does not compile for this machine: unset CC"),
    ],
)
def test_a_compiler_that_is_not_for_this_machine(artifact, monkeypatch, compiler, words):
    monkeypatch.setenv("CC", compiler)
    assert words in refusal(artifact)


def test_the_compiler_that_was_chosen(artifact, monkeypatch):
    monkeypatch.setenv("CC", "clang -O1")
    assert RUNTIME.version().startswith("clang-")
    model = load(artifact).integer
    stepper = RUNTIME.load(artifact, model)
    x = model.quantize_input(model.interface.mean)
    assert stepper.step({"x": x, **model.zero_states()}).keys() == set(model.program.outputs)
