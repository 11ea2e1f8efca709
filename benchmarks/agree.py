# SPDX-License-Identifier: Apache-2.0
"""Agreement of every runtime and every board with the reference: on the built-in data, and on random models.

The random models are of every cell kind, three sizes and both operand widths. They are quantized for small samples and
then get operands of the whole range, so that products, gates and states saturate; the results say how many did.
"""

import itertools
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.models import random_model
from edgernn import artifact, backends, cells, config
from edgernn.artifact import Model
from edgernn.build import build
from edgernn.device import targets
from edgernn.golden import Golden, compute
from edgernn.golden import load as load_golden
from edgernn.quantize import quantize
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT, Array
from edgernn.validate import Result, validate

_SIZES = ((3, 8), (6, 32), (32, 64))
_OPERANDS: tuple[Literal["int8", "int16"], ...] = ("int8", "int16")
_WINDOWS, _STEPS = 32, 128
_SPREAD = 4.0
_CALIBRATION_AMPLITUDE = 0.25
_EMULATED_STEPS = {"watch": 3, "random": 8}
"""Of every window, where an emulator computes."""


@dataclass(frozen=True)
class _Case:
    name: str
    model: Model
    golden: Golden
    emulated: Golden


def measure() -> dict[str, Any]:
    """A row for each runtime and each device: on the built-in data's model, and on all random models together."""
    with tempfile.TemporaryDirectory() as scratch:
        watch = _watch(Path(scratch) / "watch")
        random = list(_random(Path(scratch)))
        return {
            "what": "every output and every state of every step, compared with the reference",
            "watch": _compare([watch]),
            "random": _compare(random),
            "models": {case.name: {"saturated": _saturated(case)} for case in random},
        }


def agrees(figures: dict[str, Any]) -> bool:
    """Whether every engine was there and gave the reference's bytes."""
    rows = [row for part in ("watch", "random") for rows in figures[part].values() for row in rows]
    return all(row["status"] == "agrees" for row in rows)


def _watch(folder: Path) -> _Case:
    build(config.load(None), folder)
    model = artifact.load(folder)
    golden = load_golden(folder, model.integer.program)
    return _Case("watch", model, golden, golden.first(_EMULATED_STEPS["watch"]))


def _random(scratch: Path) -> Iterator[_Case]:
    kinds = [(kind, options) for kind in cells.recurrent() for options in _variants(kind)]
    for seed, ((kind, options), (inputs, units), operands) in enumerate(itertools.product(kinds, _SIZES, _OPERANDS)):
        marks = "".join(f"_{name}_{value}".lower() for name, value in options.items())
        name = f"{kind}{marks}_{inputs}_{units}_{operands}"
        original = random_model(inputs, [(kind, units, options), ("dense", 5, {})], spread=_SPREAD, seed=seed)
        rng = np.random.default_rng(seed)
        samples = rng.normal(0, _CALIBRATION_AMPLITUDE, (_WINDOWS, _STEPS, inputs)).astype(np.float32)
        lengths = np.full(_WINDOWS, _STEPS, np.int32)
        integer = quantize(original, samples, lengths, operands).model
        folder = scratch / name
        folder.mkdir()
        for backend in backends.backends():
            backend.export(integer, original, name, folder)
        golden = compute(integer, _operands(rng, operands, (_WINDOWS, _STEPS, inputs)), lengths)
        yield _Case(name, Model(folder, {}, integer), golden, golden.first(_EMULATED_STEPS["random"]))


def _variants(kind: str) -> list[dict[str, Any]]:
    """Every combination of a cell's options, which are switches."""
    options = cells.get(kind).OPTIONS
    return [dict(zip(options, values, strict=True)) for values in itertools.product((True, False), repeat=len(options))]


def _operands(rng: np.random.Generator, dtype: str, shape: tuple[int, int, int]) -> Array:
    """Windows of growing amplitude, the last ones of the whole range."""
    limit = OPERAND_LIMIT[dtype]
    amplitudes = np.linspace(0, 1, shape[0])[:, None, None]
    drawn: Array = np.rint(rng.uniform(-limit, limit, shape) * amplitudes).astype(dtype)
    return drawn


def _compare(cases: list[_Case]) -> dict[str, list[dict[str, Any]]]:
    """A row for each engine, of its results on all cases."""
    runtimes, devices = [], []
    for runtime in backends.select((backends.ALL,)):
        print(runtime.name, file=sys.stderr)
        goldens = [case.emulated if runtime.emulated else case.golden for case in cases]
        pairs = zip(cases, goldens, strict=True)
        runtimes.append(_row([validate(case.model, golden, [runtime]).runtimes[0] for case, golden in pairs]))
    for name in (target.name for target in targets.select([targets.ALL])):
        print(name, file=sys.stderr)
        devices.append(_row([_on_target(name, case) for case in cases]))
    return {"runtimes": runtimes, "devices": devices}


def _on_target(name: str, case: _Case) -> Result:
    (target,) = targets.select([name])
    with target:
        return validate(case.model, case.emulated, [target]).runtimes[0]


def _row(results: list[Result]) -> dict[str, Any]:
    first = results[0]
    failed = [result for result in results if result.status != "agrees"]
    return {
        "name": first.name,
        "kernels": first.kernels,
        "architecture": first.architecture,
        "version": first.version,
        "status": failed[0].status if failed else "agrees",
        "reason": failed[0].reason if failed else "",
        "models": len(results),
        "steps": sum(result.steps for result in results),
        "values": sum(result.values for result in results),
        "mismatches": sum(result.mismatches for result in results),
        "max_abs_diff": max(result.max_abs_diff for result in results),
    }


def _saturated(case: _Case) -> int:
    """How many results of all ops, over all steps of the golden windows, stand at an end of their range."""
    program, states = case.model.integer.program, case.model.integer.zero_states((len(case.golden.x),))
    interpreter, found = Interpreter(program), 0
    limits = {"int16": (-(2**15), 2**15 - 1), "int8": (-OPERAND_LIMIT["int8"], OPERAND_LIMIT["int8"])}
    for t in range(case.golden.x.shape[1]):
        values = interpreter.step({program.x: case.golden.x[:, t], **states})
        states = program.next_states(values)
        for op in program.ops:
            for name in op.outputs:
                found += int(np.isin(values[name], limits[program.tensors[name].dtype]).sum())
    return found
