# SPDX-License-Identifier: Apache-2.0
"""The end of every path: a float model and its integer model become an artifact on which all runtimes agree."""

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgernn import __version__, artifact, backends, footprint, golden
from edgernn.backends.c import footprint as cores
from edgernn.cells.algebra import Float
from edgernn.data.dataset import Dataset
from edgernn.errors import EdgernnError, MissingExtraError
from edgernn.model import FloatModel, IntegerModel
from edgernn.predictions import Predictions
from edgernn.quantize import Quantized
from edgernn.validate import Report, validate

Phase = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Announces a phase of so many units of work, and is told of their progress."""
StageName = Literal["float", "unit_pruned", "pruned", "int8"]

_GOLDEN_VALUES = 1_200_000
_PACKAGES = ("numpy", "ai-edge-litert", "onnx", "onnxruntime")


@contextmanager
def silent(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """The phase that nobody hears of."""
    yield lambda done: None


@dataclass(frozen=True)
class Stage:
    """A model on its way: how good it is on the held-out windows, and how large; weight_bytes: as float32, or as
    integers."""

    name: StageName
    metrics: Mapping[str, float]
    parameters: int
    nonzero: int
    weight_bytes: int


@dataclass(frozen=True)
class Contents:
    """What an artifact is made of.

    quantized: what became of `original`; stages: both of them, and the steps between; held_out: windows to check the
    runtimes on; predictions: what both models gave for them, None where they have no labels; packages: Python packages
    whose versions made a difference, beside those of the exports; evaluation: what the manifest's "evaluation" says
    beside how many predictions are stored; manifest: what else the manifest says.
    """

    name: str
    original: FloatModel
    quantized: Quantized
    stages: tuple[Stage, ...]
    held_out: Dataset
    predictions: Predictions | None
    packages: tuple[str, ...]
    evaluation: Mapping[str, Any]
    manifest: Mapping[str, Any]


def check_packages(purpose: str, *checks: Callable[[], object]) -> None:
    """Raises EdgernnError when a runtime is not installed, or something that `checks` look for: better before the work
    than after, and all that is missing at once."""
    MissingExtraError.check(purpose, [*checks, *(runtime.version for runtime in backends.select(()))])


def write(folder: Path, contents: Contents, *, force: bool, phase: Phase = silent) -> Report:
    """Makes the artifact in `folder`, whole or not at all.

    Raises ArtifactError when it can't be written, EdgernnError when a runtime does not give the reference's bytes.
    """
    with artifact.staged(folder, force=force) as stage:
        with phase("export", 1):
            expected = _export(stage, contents)
        runtimes = backends.select(())
        with phase("validate", expected.steps * len(runtimes)) as progress:
            report = validate(artifact.load(stage), expected, runtimes, progress)
        _check(report)
    return report


def _export(stage: Path, contents: Contents) -> golden.Golden:
    """Writes all files into the staged folder."""
    integer, held_out = contents.quantized.model, contents.held_out
    for backend in backends.backends():
        backend.export(integer, contents.original, contents.name, stage)
    values_a_window = held_out.x.shape[1] * sum(integer.program.tensors[n].size for n in integer.program.outputs)
    windows = held_out.spread(-(-_GOLDEN_VALUES // values_a_window))
    expected = golden.compute(integer, integer.quantize_input(windows.x), windows.lengths)
    expected.save(stage)
    stored = None if contents.predictions is None else contents.predictions.bounded()
    if stored is not None:
        stored.save(stage)
    artifact.write_manifest(stage, {**_manifest(contents), "evaluation": _evaluation(contents, stored)})
    return expected


def _check(report: Report) -> None:
    for result in report.runtimes:
        if result.status != "agrees":
            what = result.reason or f"{result.mismatches} of {result.values} values, first in {result.first_difference}"
            raise EdgernnError(f"{result.name}: {result.status}, so nothing was written: {what}")


def _manifest(contents: Contents) -> dict[str, Any]:
    model = contents.original
    interface = model.interface
    layers = [
        {
            "name": name,
            "kind": layer.kind,
            "units": layer.units,
            "options": layer.options,
            "parameters": layer.parameters,
        }
        for name, layer in zip(model.names(), model.layers, strict=True)
    ]
    return {
        "name": contents.name,
        "created_with": _versions(contents.packages),
        "model": {
            "layers": layers,
            "task": interface.task,
            "per_step": interface.per_step,
            "bidirectional": interface.bidirectional,
            "reset": interface.reset,
            "window": interface.window,
        },
        "quantization": {
            "operands": contents.quantized.model.operands,
            "layers": [asdict(layer) for layer in contents.quantized.layers],
        },
        "metrics": described(contents.stages),
        "footprint": cores.described(contents.quantized.model),
        **contents.manifest,
    }


def _evaluation(contents: Contents, stored: Predictions | None) -> dict[str, Any] | None:
    """None where there was nothing to judge by."""
    if stored is None:
        return None
    return {"results": {"stored": len(stored), "of": stored.total}, **contents.evaluation}


def described(stages: tuple[Stage, ...]) -> dict[str, dict[str, float] | None]:
    """Metrics and sizes by stage; "pruned" is the last model that was pruned in whatever way, or None."""
    found: dict[str, dict[str, float] | None] = {"float": None, "pruned": None, "int8": None}
    for stage in stages:
        sizes = {
            "parameters": stage.parameters,
            "nonzero_parameters": stage.nonzero,
            "weight_bytes": stage.weight_bytes,
        }
        found[stage.name] = {**stage.metrics, **sizes}
    found["pruned"] = found["pruned"] or found.get("unit_pruned")
    return found


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    versions = {"python": platform.python_version(), "edgernn": __version__}
    for package in (*_PACKAGES, *packages):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def integer_outputs(model: IntegerModel, part: Dataset) -> Float:
    """Logits [n, T, K], or targets in the user's unit, of every step of these windows."""
    return model.dequantize_output(golden.compute(model, model.quantize_input(part.x), part.lengths).y)


def float_stage(name: StageName, model: FloatModel, metrics: Mapping[str, float]) -> Stage:
    """A float model whose quality is known."""
    weights = [weight for layer in model.layers for weight in layer.weights.values()]
    nonzero = sum(int(np.count_nonzero(weight)) for weight in weights)
    parameters, size = sum(weight.size for weight in weights), sum(weight.nbytes for weight in weights)
    return Stage(name, metrics, parameters, nonzero, size)


def integer_stage(model: IntegerModel, metrics: Mapping[str, float]) -> Stage:
    """The integer model, whose quality is known."""
    kernels = model.program.kernels.values()
    nonzero = sum(int(np.count_nonzero(kernel.weights) + np.count_nonzero(kernel.bias)) for kernel in kernels)
    layers = footprint.layers(model.program)
    parameters, size = sum(layer.parameters for layer in layers), sum(layer.weight_bytes for layer in layers)
    return Stage("int8", metrics, parameters, nonzero, size)
