# SPDX-License-Identifier: Apache-2.0
"""The generated files: the API that a firmware engineer calls, its macros, and what compilers and checkers say."""

import ctypes
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from edgernn.artifact import digest
from edgernn.backends.c import selftest
from edgernn.backends.c.write import RUNTIME, sources
from edgernn.golden import compute
from edgernn.spec.ops import OPERAND_LIMIT

GRU = (("gru", 5, {}), ("dense", 3, {}))
LSTM = (("lstm", 6, {}), ("dense", 2, {}))
STACK = (("gru", 6, {"reset_after": False}), ("rnn", 4, {}), ("dense", 7, {"activation": "tanh"}), ("dense", 2, {}))
MODELS = {"gru": GRU, "lstm": LSTM, "stack": STACK}
ARM = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-ffreestanding"]
AVX512 = "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni"


@pytest.fixture(params=MODELS.items(), ids=MODELS)
def model(request, quantized):
    """Each model, with int8 operands and with int16 ones."""
    name, layers = request.param
    return quantized(*layers, operands="int16" if name == "lstm" else "int8")


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def macros(folder, name, run_tool):
    """Values of the header's macros, as the compiler sees them."""
    text = (folder / f"{name}.h").read_text()
    names = re.findall(rf"#define ({name.upper()}_\w+) \S", text)
    numbers = [n for n in names if not n.endswith("HASH")]
    prints = "".join(f'printf("{n} %.9g\\n", (double){n});' for n in numbers)
    (folder / "print.c").write_text(
        f'#include "{name}.h"\nint printf(const char *, ...);\nint main(void) {{ {prints} return 0; }}\n'
    )
    run_tool("gcc", "-o", folder / "print", folder / "print.c")
    (folder / "print.c").unlink()
    return {line.split()[0]: float(line.split()[1]) for line in run_tool(folder / "print").splitlines()}


def test_the_macros(quantized, written, run_tool):
    model = quantized(*GRU, rate=12.5)
    found = macros(written(m=model), "m", run_tool)
    x, y = model.program.tensors["x"], model.program.tensors[model.program.y]
    columns, gates = 8, 3
    gru = 2 * gates * 8 * (columns + 1) + gates * 8 * 4 * _biased(model, "gru")
    dense = 4 * (columns + 1) + 4 * 4 * _biased(model, "dense")
    assert found == {
        **{
            "M_SPEC_VERSION": 1,
            "M_FEATURES": 5,
            "M_CHANNELS": 5,
            "M_OUTPUTS": 3,
            "M_WINDOW": 20,
            "M_RATE": 12.5,
            "M_RESET_STEPS": 20,
        },
        **{"M_X_FRAC": x.frac, "M_Y_FRAC": y.frac, "M_X_LIMIT": 127, "M_STATE_BYTES": 10},
        **{"M_FLASH_BYTES": gru + dense + 3 * 32, "M_MACS": 5 * 15 + 5 * 15 + 5 * 3},
    }


def _biased(model, layer):
    """How many kernels of the layers of that kind have a bias."""
    return sum(bool(kernel.bias.any()) for name, kernel in model.program.kernels.items() if name.startswith(layer))


def test_the_hash_is_the_models(quantized):
    model, other = quantized(*GRU), quantized(*GRU, seed=1)
    assert f'#define M_HASH "{digest(model)[:16]}"\n' in sources(model, "m")["m.h"]
    assert digest(model) != digest(other)
    assert sources(model, "m") == sources(quantized(*GRU), "m"), "the same model gives the same bytes"


def test_constants_take_the_bytes_that_are_stated(quantized, written, run_tool, tmp_path):
    folder = written(m=quantized(*GRU))
    run_tool(*ARM, "-O2", "-c", "-o", folder / "m.o", folder / "m.c")
    symbols = run_tool("arm-none-eabi-nm", "-S", folder / "m.o").splitlines()
    constants = sum(int(line.split()[1], 16) for line in symbols if line.split()[-2] in "rR")
    macro = r"M_FLASH_BYTES \((\d+)u \+ (\d+)u \* sizeof\(void \*\) \+ (\d+)u \* sizeof\(size_t\)\)"
    own, pointers, sizes = map(int, re.search(macro, (folder / "m.h").read_text()).groups())
    assert constants == own + 4 * (pointers + sizes)
    assert not [line for line in symbols if line.split()[-2] in "dDbB"], "nothing is in RAM"


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_numbers_go_in_and_out_as_in_python(library, quantized, task):
    targets = {"target_mean": np.array([3, -7e4], np.float32), "target_std": np.array([0.3, 1e5], np.float32)}
    model = quantized(("gru", 4, {}), ("dense", 2, {}), task=task, **targets if task == "regression" else {})
    c = library(m=model)
    rng = np.random.default_rng(0)
    scale = model.interface.std * 2.0 ** -model.program.tensors["x"].frac
    ties = model.interface.mean + (rng.integers(-200, 200, (500, 5)) + 0.5) * scale
    samples = np.concatenate([rng.normal(0, 9, (500, 5)), ties, np.array([[3e38, -3e38, 1e-45, -0.0, 0.0]])])
    for sample in samples.astype(np.float32):
        x = np.empty(5, np.int8)
        c.m_quantize_input(pointer(sample), pointer(x))
        np.testing.assert_array_equal(x, model.quantize_input(sample))
    for y in rng.integers(-32768, 32768, (500, 2)).astype(np.int16):
        values = np.empty(2, np.float32)
        c.m_dequantize_output(pointer(y), pointer(values))
        np.testing.assert_array_equal(values, model.dequantize_output(y))


def test_what_is_no_number_becomes_zero(library, quantized):
    c, x = library(m=quantized(*GRU)), np.full(5, 77, np.int8)
    c.m_quantize_input(pointer(np.array([np.nan, np.inf, -np.inf, np.nan, np.nan], np.float32)), pointer(x))
    assert x.tolist() == [0, 127, -127, 0, 0]


def test_argmax_is_numpys(library, quantized):
    c = library(m=quantized(*GRU))
    for y in [(1, 2, 3), (3, 3, 1), (-5, -4, -4), (0, 0, 0), (-32768, 32767, 32767)]:
        assert c.m_argmax(pointer(np.array(y, np.int16))) == int(np.argmax(y))


def test_names_are_any_text(library, quantized):
    texts = ('quote " and \\', "trigraph ??/", "é %d\n")
    model = quantized(*GRU)
    c = library(m=replace(model, interface=replace(model.interface, outputs=texts)))
    found = (ctypes.c_char_p * 3).in_dll(c, "m_outputs")
    assert [text.decode() for text in found] == list(texts)


def test_the_self_test(library, model):
    assert library(m=model).m_selftest() == 0
    x = selftest.operands(model)
    limit = OPERAND_LIMIT[x.dtype.name]
    assert np.abs(x.astype(int)).max() > 0.9 * limit and len(np.unique(x)) > selftest.STEPS


def test_the_self_test_finds_a_changed_weight(written, quantized, run_tool):
    folder = written(m=quantized(*GRU))
    text = (folder / "m.c").read_text()
    start = text.index("dense_1_kernel_weights[")
    number = re.compile(r"(?<=EDGERNN_W_BLOCK\()-?\d+").search(text, start)
    changed = f"{-int(number[0]) or 5}"
    (folder / "m.c").write_text(text[: number.start()] + changed + text[number.end() :])
    run_tool("gcc", "-shared", "-fPIC", "-o", folder / "m.so", *folder.glob("*.c"))
    assert ctypes.CDLL(str(folder / "m.so")).m_selftest() == 1


def run(c, name, model, windows, state):
    step, ys = c[f"{name}_step"], []
    y = np.empty(model.program.tensors[model.program.y].size, np.int16)
    for x in windows:
        step(pointer(state), pointer(np.ascontiguousarray(x)), pointer(y))
        ys.append(y.copy())
    return np.stack(ys)


def test_a_state_can_be_saved_and_restored_as_bytes(library, quantized):
    model = quantized(*LSTM)
    c, x = library(m=model), np.random.default_rng(0).integers(-127, 128, (20, 5)).astype(np.int8)
    expected = compute(model, x[None], np.array([20], np.int32)).y[0]
    state = np.full(12, 99, np.int16)
    c.m_reset(pointer(state))
    np.testing.assert_array_equal(run(c, "m", model, x[:9], state), expected[:9])
    saved = state.tobytes()
    run(c, "m", model, x, state)
    restored = np.frombuffer(saved, np.int16).copy()
    np.testing.assert_array_equal(run(c, "m", model, x[9:], restored), expected[9:])


def test_two_models_in_one_program(library, quantized):
    models = {"one": quantized(*GRU), "two": quantized(*LSTM, operands="int16")}
    c = library(**models)
    for name, model in models.items():
        x = np.random.default_rng(0).integers(-127, 128, (20, 5)).astype(model.program.tensors["x"].dtype)
        state = np.zeros(sum(model.program.tensors[s.read].size for s in model.program.states), np.int16)
        np.testing.assert_array_equal(
            run(c, name, model, x, state), compute(model, x[None], np.array([20], np.int32)).y[0]
        )
        assert c[f"{name}_selftest"]() == 0


IN_C = pytest.mark.parametrize(
    "compiler",
    [("gcc",), ("clang",), ("arm-none-eabi-gcc",), ("gcc", *AVX512), ("gcc", "-flto", *AVX512), ("clang", *AVX512)],
    ids=" ".join,
)
AT_LEVELS = pytest.mark.parametrize(
    "level", ["-O2", *(pytest.param(level, marks=pytest.mark.nightly) for level in ("-O0", "-O3", "-Os"))]
)
IN_CPP = pytest.mark.parametrize(
    "compiler",
    [(compiler, *flags) for compiler in ("g++", "clang++") for flags in ((), ("-mavx2",))],
    ids=" ".join,
)


@IN_C
@AT_LEVELS
def test_no_warnings_in_c(written, model, run_tool, strict, compiler, level):
    """What is generated; the runtime is the same for every model."""
    folder = written(m=model)
    for file in folder.glob("m*.c"):
        run_tool(*compiler, "-std=c99", *strict, level, "-c", "-o", folder / "out.o", file)


@IN_C
@AT_LEVELS
def test_no_warnings_in_the_c_of_the_runtime(written, quantized, run_tool, strict, compiler, level):
    folder = written(m=quantized(*GRU))
    for file in folder.glob("edgernn*.c"):
        run_tool(*compiler, "-std=c99", *strict, level, "-c", "-o", folder / "out.o", file)


@IN_CPP
def test_no_warnings_in_cpp(written, model, run_tool, strict, compiler):
    folder = written(m=model)
    for file in folder.glob("m*.c"):
        run_tool(*compiler, "-x", "c++", "-std=c++17", *strict, "-c", "-o", folder / "out.o", file)


@IN_CPP
def test_no_warnings_in_the_runtime_as_cpp(written, quantized, run_tool, strict, compiler):
    folder = written(m=quantized(*GRU))
    for file in folder.glob("edgernn*.c"):
        run_tool(*compiler, "-x", "c++", "-std=c++17", *strict, "-c", "-o", folder / "out.o", file)


def test_kernels_of_two_families_do_not_link(written, quantized, run_tool):
    folder = program(written(m=quantized(*GRU)))
    run_tool("gcc", "-mavx2", "-c", "-o", folder / "m.o", folder / "m.c")
    others = [path for path in folder.glob("*.c") if path.name != "m.c"]
    linked = subprocess.run(["gcc", "-o", folder / "main", folder / "m.o", *others], capture_output=True, text=True)
    assert linked.returncode and "edgernn_linear_s8_avx2" in linked.stderr


GNU = ["-D__GNUC__=12", "-D__BYTE_ORDER__=1234", "-D__ORDER_LITTLE_ENDIAN__=1234"]
FAMILIES = {
    "portable": ["-DEDGERNN_FAMILY_PORTABLE"],
    "thumb": [*GNU, "-DEDGERNN_FAMILY_THUMB"],
    "dsp": [*GNU, "-DEDGERNN_FAMILY_DSP"],
    "mve": [*GNU, "-D__ARM_FEATURE_MVE=1"],
    "neon": [*GNU, "-D__ARM_NEON", "-D__aarch64__"],
    "avx2": [*GNU, "-D__AVX2__"],
    "avx512": [*GNU, "-D__AVX512VNNI__", "-D__AVX512VL__", "-D__AVX512BW__"],
}
"""What makes a checker take a family's kernels."""


@pytest.mark.parametrize("family", FAMILIES)
def test_cppcheck_finds_nothing(written, model, run_tool, family):
    checks = "--enable=warning,performance,portability"
    # edgernn.h does not compile where such shifts are not arithmetic.
    flags = ["--std=c99", checks, "--suppress=shiftTooManyBitsSigned", "--error-exitcode=1", "--quiet"]
    assert run_tool("cppcheck", *flags, *FAMILIES[family], written(m=model), stderr=subprocess.STDOUT) == ""


def test_no_product_of_16_bits(run_tool, tmp_path):
    """Where an int has 16 bits, products have to be made as int32 (those of size_t are unsigned)."""
    flags = ["--target=msp430", "-ffreestanding", "-std=c99", "-O1", "-S", "-emit-llvm"]
    code = ""
    for file in ("edgernn_linear_portable.c", "edgernn_linear_s16.c"):
        run_tool("clang", *flags, "-o", tmp_path / "out.ll", RUNTIME / file, package="clang")
        code += (tmp_path / "out.ll").read_text()
    assert not re.search(r"= mul nsw i16 %\w+, %", code), "variables are multiplied as int16"
    assert "mul nsw i32" in code


def test_a_model_without_state(library, quantized):
    model = quantized(("dense", 3, {}))
    assert library(m=model).m_selftest() == 0


def program(folder, name="m"):
    """A main that runs the self-test and the float functions."""
    (folder / "main.c").write_text(
        f'#include "{name}.h"\n'
        f"int main(void) {{\n"
        f"    float in[{name.upper()}_FEATURES] = {{0}}, out[{name.upper()}_OUTPUTS];\n"
        f"    {name}_x_t x[{name.upper()}_FEATURES];\n"
        f"    int16_t y[{name.upper()}_OUTPUTS] = {{0}};\n"
        f"    {name}_quantize_input(in, x);\n"
        f"    {name}_dequantize_output(y, out);\n"
        f"    return {name}_selftest() + {name}_argmax(y);\n}}\n"
    )
    return folder


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_clean_under_sanitizers(written, model, run_tool, compiler):
    folder = program(written(m=model))
    flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    run_tool(compiler, "-std=c99", *flags, "-o", folder / "main", *folder.glob("*.c"))
    assert run_tool(folder / "main") == ""


def test_clean_under_valgrind(written, model, run_tool):
    folder = program(written(m=model))
    run_tool("gcc", "-std=c99", "-O1", "-g", "-o", folder / "main", *folder.glob("*.c"))
    run_tool("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", folder / "main")


def test_a_sanitizer_would_find_a_write_behind_the_end(written, quantized, run_tool):
    folder = program(written(m=quantized(*GRU)))
    text = (folder / "m.c").read_text()
    (folder / "m.c").write_text(text.replace("sizeof *state);", "sizeof *state + 1);"))
    run_tool("gcc", "-std=c99", "-w", "-fsanitize=address", "-o", folder / "main", *folder.glob("*.c"))
    assert subprocess.run([folder / "main"], capture_output=True).returncode != 0


def test_what_it_includes_and_calls(written, model, run_tool):
    folder = written(m=model)
    includes = {line for path in folder.iterdir() for line in re.findall(r"#include (\S+)", path.read_text())}
    own = {f'"{path.name}"' for path in folder.glob("*.h")}
    processors = {"<arm_acle.h>", "<arm_mve.h>", "<arm_neon.h>", "<immintrin.h>"}
    assert includes <= {"<stdint.h>", "<stddef.h>", "<string.h>"} | own | processors
    for file in folder.glob("*.c"):
        run_tool(*ARM, "-O2", "-c", "-o", file.with_suffix(".o"), file)
    nm = "arm-none-eabi-nm"
    called = run_tool(nm, "-u", folder / "m.o", folder / "m_selftest.o").split()
    kernels = {f"edgernn_{kind}_{dtype}_dsp" for kind in ("expand", "linear") for dtype in ("s8", "s16")}
    runtime = {*kernels, "edgernn_sigmoid_table", "memset", "memcpy"}
    assert {name for name in called if name.startswith(("edgernn", "mem", "__"))} <= runtime
    assert not [name for name in called if "__aeabi_f" in name or "__aeabi_d" in name or "alloc" in name]


def test_the_stack_is_bounded(written, quantized, run_tool):
    """Of a GRU of 32 units on 6 inputs, in bytes: what the frame of the step takes, and no more in what it calls."""
    folder = written(m=quantized(("gru", 32, {}), ("dense", 7, {}), features=6))
    for file in folder.glob("*.c"):
        run_tool(*ARM, "-O2", "-fstack-usage", "-c", "-o", file.with_suffix(".o"), file)
    usage = [line.split("\t") for path in folder.glob("*.su") for line in path.read_text().splitlines()]
    assert {kind for _, _, kind in usage} == {"static"}
    frames = {name.split(":")[-1]: int(size) for name, size, _ in usage}
    assert frames["m_step"] + frames["edgernn_linear_s8_dsp"] <= 1024
    assert not any("edgernn" in name and size > 128 for name, size in frames.items())
