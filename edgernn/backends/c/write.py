# SPDX-License-Identifier: Apache-2.0
"""The C sources of a model: the runtime's files as they are, and those made for the model."""

from pathlib import Path

import numpy as np

from edgernn import __version__
from edgernn.artifact import digest
from edgernn.backends.c import selftest
from edgernn.backends.c.names import prefix_of
from edgernn.backends.c.step import Step, numbers
from edgernn.cells.algebra import Float
from edgernn.footprint import totals
from edgernn.model import FloatModel, IntegerModel, Interface
from edgernn.spec.ops import OPERAND_LIMIT
from edgernn.spec.program import SPEC_VERSION
from edgernn.spec.tables import SIGMOID_TABLE

FOLDER = "c"
"""Where the sources are in an artifact."""
RUNTIME = Path(__file__).parent / "runtime"
RUNTIME_FILES = tuple(sorted(path.name for path in RUNTIME.glob("*.[ch]")))
TABLE = "edgernn_sigmoid_table.c"
LAYOUT_VERSION = 2
"""Of `edgernn_kernel_t`: sources with another one do not compile together."""
_END_OF_TABLE = 0xFFFE
"""Twice the largest result, which sigmoid has beyond its table."""
HASH_DIGITS = 16
"""Digits of a model's digest that its header has."""


def export(model: IntegerModel, original: FloatModel, name: str, folder: Path) -> None:
    """Writes FOLDER with the sources of `model`."""
    (folder / FOLDER).mkdir()
    for file, text in sources(model, prefix_of(name)).items():
        (folder / FOLDER / file).write_text(text, encoding="utf-8")


def sources(model: IntegerModel, name: str) -> dict[str, str]:
    """Every file by its name: the runtime's, and <name>.h, <name>.c, <name>_float.c and <name>_selftest.c.

    name: what identifiers and files begin with (`edgernn.backends.c.names.prefix_of`).
    """
    step, top = Step(model.program, name), _made_from(model)
    made = {
        f"{name}.h": _header(model, step, name),
        f"{name}.c": _source(step, name),
        f"{name}_float.c": _float_source(model, name),
        f"{name}_selftest.c": _selftest_source(model, step, name),
    }
    runtime = {file: (RUNTIME / file).read_text(encoding="utf-8") for file in RUNTIME_FILES}
    return runtime | {file: top + text for file, text in made.items()}


def table_source() -> str:
    """The runtime's file TABLE, made from the specification."""
    entries = [f"0x{entry:08x}u" for entry in _table_entries()]
    return (
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        f"/* Made from edgernn/spec/tables.py, specification {SPEC_VERSION}; a test compares them. */\n"
        '#include "edgernn.h"\n\n'
        f"const uint32_t edgernn_sigmoid_table[256] = {{\n{numbers(entries)}\n}};\n"
    )


def _table_entries() -> list[int]:
    """Value + 1 and the way to the next one. The last entry is what the specification has from there on."""
    values = SIGMOID_TABLE.astype(np.int64)
    values[-1] = _END_OF_TABLE
    steps = np.append(np.diff(SIGMOID_TABLE.astype(np.int64)), 0)
    return [int(entry) for entry in (values + 1) * 2**16 + steps]


def _made_from(model: IntegerModel) -> str:
    return (
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        f"/* Made by edgernn {__version__} from the model {digest(model)}; don't edit. */\n"
    )


def _header(model: IntegerModel, step: Step, name: str) -> str:
    program, interface, upper = model.program, model.interface, name.upper()
    x, y = program.tensors[program.x], program.tensors[program.y]
    cost = totals(program)
    vectors = [f"    int16_t {member}[{size}];" for member, size in step.members]
    members = "\n".join(vectors or ["    char none; /* The model has no state. */"])
    return f"""#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_HASH "{digest(model)[:HASH_DIGITS]}"
#define {upper}_SPEC_VERSION {SPEC_VERSION}

/* {_sentence(interface.task, interface.per_step)} */
#define {upper}_FEATURES {x.size}
{_channels(interface, upper)}#define {upper}_OUTPUTS {y.size}
/* Steps of the windows that it was trained on, and samples a second; 0 where unknown. */
#define {upper}_WINDOW {interface.window}
#define {upper}_RATE {_float(interface.rate)}
/* Steps after which the state was zero again when its accuracy was measured: do the same. 0: never. */
#define {upper}_RESET_STEPS {interface.window if interface.reset == "window" else 0}

/* An integer q of x or y stands for q * 2**-FRAC; x lies within +-X_LIMIT. */
#define {upper}_X_FRAC {_parenthesized(x.frac)}
#define {upper}_Y_FRAC {_parenthesized(y.frac)}
#define {upper}_X_LIMIT {OPERAND_LIMIT[x.dtype]}

/* sizeof({name}_state_t); constants in flash; multiplications a step. */
#define {upper}_STATE_BYTES {2 * step.state_values or 1}u
#define {upper}_FLASH_BYTES ({_flash(step)})
#define {upper}_MACS {cost["macs_per_step"]}u

typedef {x.dtype}_t {name}_x_t;

/* Plain data without pointers or padding: it can be saved and restored as bytes. */
typedef struct {{
{members}
}} {name}_state_t;

extern const char *const {name}_features[{upper}_FEATURES];
extern const char *const {name}_outputs[{upper}_OUTPUTS];

/* Forgets the past. Call it before the first step. */
void {name}_reset({name}_state_t *state);

/*
 * One time step: from a sample of {upper}_FEATURES operands to {upper}_OUTPUTS integers, with a state that lasts.
 * The three lie apart from each other in memory.
 */
void {name}_step({name}_state_t *state, const {name}_x_t *x, int16_t *y);

/* Operands for a sample in the sensors' own units, as in training; not a number becomes 0. Floating point. */
void {name}_quantize_input(const float *samples, {name}_x_t *x);

/* {"Logits" if interface.classes else "Targets in their own units"} from the integers of a step. Floating point. */
void {name}_dequantize_output(const int16_t *y, float *values);

/* The index of the largest output, the first one of equals. */
int {name}_argmax(const int16_t *y);

/* Runs {selftest.STEPS} steps: 0, or the number of the first one, from 1, whose outputs or state are wrong. */
int {name}_selftest(void);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _flash(step: Step) -> str:
    """Bytes of all constants, as C."""
    return f"{step.constant_bytes}u + {step.pointers}u * sizeof(void *) + {step.matrices}u * sizeof(size_t)"


def _channels(interface: Interface, upper: str) -> str:
    meaning = "Values of a sample."
    if interface.bidirectional:
        meaning = "Values of a sample. A step takes the samples t and T - 1 - t of a window of T, one behind the other."
    return f"/* {meaning} */\n#define {upper}_CHANNELS {len(interface.channels)}\n"


def _sentence(task: str, per_step: bool) -> str:
    what = "The class" if task == "classification" else "The target"
    return f"{what} of {'each step' if per_step else 'a window, after its last step'}."


def _source(step: Step, name: str) -> str:
    return f"""#include "{name}.h"

#include <string.h>

#include "edgernn.h"

#if EDGERNN_SPEC_VERSION != {name.upper()}_SPEC_VERSION || EDGERNN_LAYOUT_VERSION != {LAYOUT_VERSION}
#error "edgernn.h belongs to another version of edgernn: export the model again"
#endif

typedef char {name}_state_has_no_padding[sizeof({name}_state_t) == {name.upper()}_STATE_BYTES ? 1 : -1];

{step.constants()}
void {name}_reset({name}_state_t *state)
{{
    memset(state, 0, sizeof *state);
}}

EDGERNN_SCHEDULED
void {name}_step({name}_state_t *state, const {name}_x_t *x, int16_t *y)
{{
{step.body()}
}}

int {name}_argmax(const int16_t *y)
{{
    int best = 0;
    for (int i = 1; i < {name.upper()}_OUTPUTS; ++i) {{
        if (y[i] > y[best]) {{
            best = i;
        }}
    }}
    return best;
}}
"""


def _float_source(model: IntegerModel, name: str) -> str:
    interface = model.interface
    plain = bool((interface.target_std == 1).all() and (interface.target_mean == 0).all())
    target = (
        "" if plain else _floats("target_std", interface.target_std) + _floats("target_mean", interface.target_mean)
    )
    scaled = f"(float)y[i] * {_float(float(model.output_scale))}"
    value = f"values[i] = {scaled};"
    if not plain:
        value = f"""volatile float value = {scaled};
        value = value * target_std[i];
        values[i] = value + target_mean[i];"""
    return f"""#include "{name}.h"

/* Every operation rounds to float, as it did in training: volatile keeps compilers from more precision. */

{_strings(f"{name}_features", interface.features)}
{_strings(f"{name}_outputs", interface.outputs)}
{_floats("mean", interface.mean)}{_floats("factor", model.input_factor)}{target}
/* The nearest integer, ties to the even one, within +-{name.upper()}_X_LIMIT. */
static {name}_x_t nearest(float value)
{{
    const float limit = (float){name.upper()}_X_LIMIT;
    if (value != value) {{
        return 0;
    }}
    const float clipped = value > limit ? limit : value < -limit ? -limit : value;
    const float magnitude = clipped < 0.0f ? -clipped : clipped;
    int32_t q = (int32_t)magnitude;
    const float rest = magnitude - (float)q;
    if (rest > 0.5f || (rest >= 0.5f && (q & 1) != 0)) {{
        ++q;
    }}
    return ({name}_x_t)(clipped < 0.0f ? -q : q);
}}

void {name}_quantize_input(const float *samples, {name}_x_t *x)
{{
    for (int i = 0; i < {name.upper()}_FEATURES; ++i) {{
        volatile float value = samples[i] - mean[i];
        value = value * factor[i];
        x[i] = nearest(value);
    }}
}}

void {name}_dequantize_output(const int16_t *y, float *values)
{{
    for (int i = 0; i < {name.upper()}_OUTPUTS; ++i) {{
        {value}
    }}
}}
"""


def _selftest_source(model: IntegerModel, step: Step, name: str) -> str:
    program = model.program
    x = program.tensors[program.x]
    bits = selftest.RANGE_BITS[x.dtype]
    hashed = numbers(f"0x{value:08x}u" for value in selftest.hashes(model))
    state_hash = (
        f"        hashed = hash(hashed, (const int16_t *)&state, {step.state_values}u);\n" if step.members else ""
    )
    return f"""#include "{name}.h"

#define STEPS {selftest.STEPS}

/* A hash of all outputs and states up to each step, from the specification. */
static const uint32_t golden[STEPS] = {{
{hashed}
}};

static uint32_t hash(uint32_t hashed, const int16_t *values, uint32_t count)
{{
    for (uint32_t i = 0; i < count; ++i) {{
        hashed = (hashed ^ (uint16_t)values[i]) * {selftest.PRIME}u;
    }}
    return hashed;
}}

int {name}_selftest(void)
{{
    {name}_state_t state;
    {name}_x_t x[{name.upper()}_FEATURES];
    int16_t y[{name.upper()}_OUTPUTS];
    uint32_t random = {selftest.SEED}u, hashed = {selftest.BASIS}u;

    {name}_reset(&state);
    for (int step = 0; step < STEPS; ++step) {{
        for (int i = 0; i < {name.upper()}_FEATURES; ++i) {{
            random = random * {selftest.MULTIPLIER}u + {selftest.INCREMENT}u;
            const int32_t drawn = (int32_t)(random >> {32 - bits}) - {2 ** (bits - 1)};
            const int32_t clipped = drawn < -{name.upper()}_X_LIMIT ? -{name.upper()}_X_LIMIT : drawn;
            x[i] = ({name}_x_t)(clipped / (1 << (step % 4)));
        }}
        {name}_step(&state, x, y);
        hashed = hash(hashed, y, {name.upper()}_OUTPUTS);
{state_hash}        if (hashed != golden[step]) {{
            return step + 1;
        }}
    }}
    return 0;
}}
"""


def _strings(name: str, texts: tuple[str, ...]) -> str:
    """An array of string literals."""
    return f"const char *const {name}[] = {{{', '.join(_literal(text) for text in texts)}}};"


def _literal(text: str) -> str:
    """A literal of the text's UTF-8, in octal where it is not plain ASCII; no trigraphs."""
    plain = (chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode())
    return f'"{"".join(plain)}"'


def _floats(name: str, values: Float) -> str:
    return f"static const float {name}[{values.size}] = {{\n{numbers(_float(float(v)) for v in values)}\n}};\n"


def _float(value: float) -> str:
    """A literal that gives the same float32 back."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if "e" in text or "." in text else f"{text}.0f"


def _parenthesized(value: int) -> str:
    return f"({value})" if value < 0 else str(value)
