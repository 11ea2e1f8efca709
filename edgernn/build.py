# SPDX-License-Identifier: Apache-2.0
"""The whole path: data, training, pruning, quantization, export, validation, artifact."""

import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from edgernn import __version__, artifact, backends, cells, footprint, golden
from edgernn.config import Config, artifact_name
from edgernn.data import normalize, split
from edgernn.data.dataset import Dataset
from edgernn.errors import EdgernnError
from edgernn.metrics import evaluate
from edgernn.model import FloatModel, IntegerModel, Interface
from edgernn.quantize import LayerReport, Quantized, quantize
from edgernn.train.augment import Augmentation, channels
from edgernn.train.examples import examples
from edgernn.train.fit import Recipe, fit
from edgernn.train.network import LayerSpec, initialize
from edgernn.train.units import remove_units
from edgernn.validate import Report, validate

Phase = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Announces a phase of so many units of work, and is told of their progress."""
StageName = Literal["float", "unit_pruned", "pruned", "int8"]

T = TypeVar("T")

_GOLDEN_VALUES = 1_200_000
_REPRESENTATIVES = 512
_PACKAGES = ("numpy", "tensorflow", "keras", "ai-edge-litert")


@contextmanager
def _silent(name: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


@dataclass(frozen=True)
class Stage:
    """A model on its way: how good it is on the test part, and how large; weight_bytes: as float32, or as integers."""

    name: StageName
    metrics: dict[str, float]
    parameters: int
    nonzero: int
    weight_bytes: int


Folds = tuple[tuple[Stage, ...], ...]


@dataclass(frozen=True)
class Built:
    """What became of a build; division: how the windows were divided, in words."""

    folder: Path
    division: str
    stages: tuple[Stage, ...]
    layers: tuple[LayerReport, ...]
    validation: Report
    totals: dict[str, int]


@dataclass(frozen=True)
class _Parts:
    train: Dataset
    validation: Dataset
    test: Dataset


@dataclass(frozen=True)
class _Trained:
    model: FloatModel
    quantized: Quantized
    stages: tuple[Stage, ...]


def build(config: Config, folder: Path, *, force: bool = False, folds: Folds = (), phase: Phase = _silent) -> Built:
    """Makes the artifact in `folder`, whole or not at all; `folds`, what `cross_validate` gave, go into its manifest.

    Raises EdgernnError (DataError, ConfigError, ArtifactError, MissingExtraError) for everything that a user can mend,
    and when a runtime does not give the reference's bytes.
    """
    artifact.check_target(folder, force=force)
    data, divided = _load(config)
    parts = _parts(data, divided)
    trained = _train(config, parts, phase)
    with artifact.staged(folder, force=force) as stage:
        report = _fill(stage, config, data, parts, trained, folds, phase)
    totals = footprint.totals(trained.quantized.model.program)
    return Built(folder, split.describe(data, divided), trained.stages, trained.quantized.layers, report, totals)


def cross_validate(config: Config, phase: Phase = _silent) -> Folds:
    """The stages of each fold (`edgernn.data.split.folds`); every group is tested once by models that never saw it.

    Raises what `build` raises, before the first fold.
    """
    data, _ = _load(config)
    folds = split.folds(data, config.data.folds)

    def in_fold(number: int) -> Phase:
        return lambda name, total: phase(f"fold {number + 1}/{len(folds)}: {name}", total)

    return tuple(_train(config, _parts(data, fold), in_fold(i)).stages for i, fold in enumerate(folds))


def _parts(data: Dataset, divided: split.Split) -> _Parts:
    return _Parts(data.take(divided.train), data.take(divided.validation), data.take(divided.test))


def _train(config: Config, parts: _Parts, phase: Phase) -> _Trained:
    """Trains, prunes and quantizes; a stage for each form, judged on the test part."""
    interface = _interface(parts.train)
    recipe = _recipe(config, interface)
    train = examples(parts.train, interface, class_weights=config.train.class_weights)
    validation = examples(parts.validation, interface)

    def run(name: str, start: FloatModel, recipe: Recipe, number: int, teacher: FloatModel | None) -> FloatModel:
        with phase(name, recipe.epochs) as progress:
            return fit(start, train, validation, recipe, config.train.seed + number, progress, teacher)

    original = run("train", initialize(interface, _specs(config, interface), config.train.seed), recipe, 0, None)
    stages = [_stage("float", original, parts.test)]
    model, tuning = original, replace(recipe, epochs=config.prune.epochs)
    if config.prune.units:
        windows = _spread(parts.train, _REPRESENTATIVES)
        model = remove_units(model, windows.x, windows.lengths, config.prune.units)
        model = run("prune units", model, tuning, 1, original)
        stages.append(_stage("unit_pruned", model, parts.test))
    if config.prune.sparsity:
        sparse = replace(tuning, sparsity=config.prune.sparsity)
        model = run("prune weights", model, sparse, 2, original)
        stages.append(_stage("pruned", model, parts.test))
    calibration = _spread(parts.train, config.quantize.windows)
    quantized = quantize(model, calibration.x, calibration.lengths, config.quantize.operands)
    stages.append(_integer_stage(quantized.model, parts.test))
    return _Trained(model, quantized, tuple(stages))


def _load(config: Config) -> tuple[Dataset, split.Split]:
    """The data and its division, once all runtimes are known to be installed: better before training than after."""
    for runtime in backends.select(()):
        runtime.version()
    data = config.data.load()
    return data, split.make(data, config.data.split, config.data.split_seed)


def _fill(
    stage: Path, config: Config, data: Dataset, parts: _Parts, trained: _Trained, folds: Folds, phase: Phase
) -> Report:
    """Writes all files into the staged folder and validates them there."""
    integer = trained.quantized.model
    with phase("export", 1):
        for backend in backends.backends():
            backend.export(integer, trained.model, artifact_name(config), stage)
        values_a_window = parts.test.x.shape[1] * sum(integer.program.tensors[n].size for n in integer.program.outputs)
        held_out = _spread(parts.test, -(-_GOLDEN_VALUES // values_a_window))
        expected = golden.compute(integer, integer.quantize_input(held_out.x), held_out.lengths)
        expected.save(stage)
        artifact.write_manifest(stage, _manifest(config, data, parts, trained, folds))
    runtimes = backends.select(())
    with phase("validate", expected.steps * len(runtimes)) as progress:
        report = validate(artifact.load(stage), expected, runtimes, progress)
    for result in report.runtimes:
        if result.status != "agrees":
            what = result.reason or f"{result.mismatches} of {result.values} values, first in {result.first_difference}"
            raise EdgernnError(f"{result.name}: {result.status}, so nothing was written: {what}")
    return report


def _manifest(config: Config, data: Dataset, parts: _Parts, trained: _Trained, folds: Folds) -> dict[str, Any]:
    interface, model = trained.model.interface, trained.model
    sizes = {name: getattr(parts, name).n for name in ("train", "validation", "test")}
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
        "name": artifact_name(config),
        "created_with": _versions(),
        "model": {"layers": layers, "task": interface.task, "per_step": interface.per_step, "window": interface.window},
        "quantization": {
            "operands": config.quantize.operands,
            "layers": [asdict(layer) for layer in trained.quantized.layers],
        },
        "metrics": _described(trained.stages),
        "folds": [_described(stages) for stages in folds],
        "footprint": footprint.totals(trained.quantized.model.program),
        "data": {"name": data.name, "sha256": data.digest(), "windows": sizes, "held_out": _groups(parts.test)},
        "config": config.model_dump(mode="json"),
    }


def _described(stages: tuple[Stage, ...]) -> dict[str, dict[str, float] | None]:
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


def _groups(part: Dataset) -> list[str]:
    return [] if part.group is None else np.unique(part.group).tolist()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "edgernn": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _interface(train: Dataset) -> Interface:
    mean, std = normalize.statistics(train, np.arange(train.n))
    outputs = train.classes or train.targets
    target_mean, target_std = np.zeros(len(outputs), np.float32), np.ones(len(outputs), np.float32)
    if train.task == "regression":
        targets = train.y[train.mask] if train.per_step else train.y
        target_mean = targets.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = targets.std(axis=0, dtype=np.float64).astype(np.float32)
        target_std = np.where(spread > 0, spread, np.float32(1))
    return Interface(
        task=train.task,
        per_step=train.per_step,
        features=train.features,
        outputs=outputs,
        mean=mean,
        std=std,
        target_mean=target_mean,
        target_std=target_std,
        window=train.x.shape[1],
        rate=train.rate,
    )


def _specs(config: Config, interface: Interface) -> list[LayerSpec]:
    model = config.model
    units = model.units if isinstance(model.units, tuple) else (model.units,)
    options = {option: getattr(model, option) for option in cells.get(model.cell).OPTIONS}
    recurrent = [LayerSpec(model.cell, count, options) for count in units]
    hidden = [LayerSpec("dense", count, {"activation": model.activation}) for count in model.dense]
    return [*recurrent, *hidden, LayerSpec("dense", len(interface.outputs), {"activation": "linear"})]


def _recipe(config: Config, interface: Interface) -> Recipe:
    train, chosen = config.train, config.augment
    augmentation = Augmentation(
        vectors=tuple(_triple(channels(names, interface.features, "augment.vectors")) for names in chosen.vectors),
        rotation=_triple(chosen.rotation),
        mirror=channels(chosen.mirror, interface.features, "augment.mirror"),
        speed=chosen.speed,
        scaling=chosen.scaling,
        noise=chosen.noise,
    )
    return Recipe(
        epochs=train.epochs,
        batch_size=train.batch_size,
        learning_rate=train.learning_rate,
        clip_norm=train.clip_norm,
        weight_decay=train.weight_decay,
        dropout=train.dropout,
        recurrent_dropout=train.recurrent_dropout,
        label_smoothing=train.label_smoothing,
        patience=train.patience,
        augmentation=augmentation,
    )


def _triple(values: tuple[T, ...]) -> tuple[T, T, T]:
    x, y, z = values
    return x, y, z


def _spread(part: Dataset, count: int) -> Dataset:
    """At most `count` windows, evenly spread over the part."""
    return part.take(np.unique(np.linspace(0, part.n - 1, min(count, part.n)).astype(np.int64)))


def _stage(name: StageName, model: FloatModel, test: Dataset) -> Stage:
    weights = [weight for layer in model.layers for weight in layer.weights.values()]
    nonzero = sum(int(np.count_nonzero(weight)) for weight in weights)
    parameters, size = sum(weight.size for weight in weights), sum(weight.nbytes for weight in weights)
    return Stage(name, evaluate(model.predict(test.x), test), parameters, nonzero, size)


def _integer_stage(model: IntegerModel, test: Dataset) -> Stage:
    outputs = golden.compute(model, model.quantize_input(test.x), test.lengths).y
    kernels = model.program.kernels.values()
    nonzero = sum(int(np.count_nonzero(kernel.weights) + np.count_nonzero(kernel.bias)) for kernel in kernels)
    layers = footprint.layers(model.program)
    parameters, size = sum(layer.parameters for layer in layers), sum(layer.weight_bytes for layer in layers)
    metrics = evaluate(model.dequantize_output(outputs), test)
    return Stage("int8", metrics, parameters, nonzero, size)
