# SPDX-License-Identifier: Apache-2.0
"""The whole path: data, training, pruning, quantization, and the artifact (`edgernn.pack`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgernn import artifact, cells, pack
from edgernn.backends.c.footprint import Footprint, footprints
from edgernn.config import Config, artifact_name
from edgernn.data import normalize, split
from edgernn.data.dataset import Dataset
from edgernn.metrics import evaluate
from edgernn.model import FloatModel, Interface
from edgernn.pack import Phase, Stage, StageName
from edgernn.quantize import LayerReport, Quantized, quantize
from edgernn.train.augment import Augmentation, channels
from edgernn.train.examples import examples
from edgernn.train.fit import Recipe, fit
from edgernn.train.magnitude import Block, prunable
from edgernn.train.network import LayerSpec, initialize
from edgernn.train.units import remove_units
from edgernn.validate import Report

T = TypeVar("T")

_REPRESENTATIVES = 512

Folds = tuple[tuple[Stage, ...], ...]
Trainer = Callable[..., FloatModel]
"""`edgernn.train.fit.fit`, or what takes and gives the same."""


@dataclass(frozen=True)
class Built:
    """What became of a build; division: how the windows were divided, in words."""

    folder: Path
    division: str
    stages: tuple[Stage, ...]
    layers: tuple[LayerReport, ...]
    validation: Report
    footprints: tuple[Footprint, ...]


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


def build(config: Config, folder: Path, *, force: bool = False, folds: Folds = (), phase: Phase = pack.silent) -> Built:
    """Makes the artifact in `folder`, whole or not at all; `folds`, what `cross_validate` gave, go into its manifest.

    Raises EdgernnError (DataError, ConfigError, ArtifactError, MissingExtraError) for everything that a user can mend,
    and when a runtime does not give the reference's bytes.
    """
    artifact.check_target(folder, force=force)
    data, divided = _load(config)
    parts = _parts(data, divided)
    trained = _train(config, parts, phase, fit)
    report = pack.write(folder, _contents(config, data, parts, trained, folds), force=force, phase=phase)
    cores = footprints(trained.quantized.model)
    return Built(folder, split.describe(data, divided), trained.stages, trained.quantized.layers, report, cores)


def cross_validate(config: Config, phase: Phase = pack.silent, trainer: Trainer | None = None) -> Folds:
    """The stages of each fold (`edgernn.data.split.folds`); every group is tested once by models that never saw it.

    trainer: what trains them; None is `fit`. Raises what `build` raises, before the first fold.
    """
    data, _ = _load(config)
    folds = split.folds(data, config.data.folds)

    def in_fold(number: int) -> Phase:
        return lambda name, total: phase(f"fold {number + 1}/{len(folds)}: {name}", total)

    return tuple(_train(config, _parts(data, fold), in_fold(i), trainer or fit).stages for i, fold in enumerate(folds))


def _parts(data: Dataset, divided: split.Split) -> _Parts:
    return _Parts(data.take(divided.train), data.take(divided.validation), data.take(divided.test))


def _train(config: Config, parts: _Parts, phase: Phase, trainer: Trainer) -> _Trained:
    """Trains, prunes and quantizes; a stage for each form, judged on the test part."""
    training = _Training(config, parts.train, parts.validation, phase, trainer)
    model = training.fresh("train", 0)
    stages, teachers = [_stage("float", model, parts.test)], [model]
    if config.prune.units or config.prune.sparsity:
        teachers += [training.fresh(f"train teacher {i + 1}", i) for i in range(1, config.prune.teachers)]
    if config.prune.units:
        windows = parts.train.spread(_REPRESENTATIVES)
        model = remove_units(model, windows.x, windows.lengths, config.prune.units)
        model = training.tuned("prune units", 1, model, teachers)
        stages.append(_stage("unit_pruned", model, parts.test))
    if config.prune.sparsity:
        model = training.tuned("prune weights", 2, model, teachers, config.prune.sparsity)
        stages.append(_stage("pruned", model, parts.test))
    calibration = parts.train.spread(config.quantize.windows)
    quantized = quantize(model, calibration.x, calibration.lengths, config.quantize.operands)
    metrics = evaluate(pack.integer_outputs(quantized.model, parts.test), parts.test)
    stages.append(pack.integer_stage(quantized.model, metrics))
    return _Trained(model, quantized, tuple(stages))


class _Training:
    """Trains models of one configuration on one division; `number` is added to the configured seed.

    Raises ConfigError for channels to augment that are not there, and where nothing can be pruned: better now than
    after the training.
    """

    def __init__(self, config: Config, train: Dataset, validation: Dataset, phase: Phase, trainer: Trainer) -> None:
        self._config, self._phase, self._trainer = config, phase, trainer
        self._interface = _interface(train)
        self._examples = examples(train, self._interface, class_weights=config.train.class_weights)
        self._validation = examples(validation, self._interface)
        self._recipe = _recipe(config, self._interface)
        if config.prune.sparsity:
            prunable(self._start(0), _block(config))

    def fresh(self, name: str, number: int) -> FloatModel:
        """A model trained from random weights."""
        return self._run(name, number, self._start(number), self._recipe)

    def tuned(
        self, name: str, number: int, model: FloatModel, teachers: Sequence[FloatModel], sparsity: float = 0.0
    ) -> FloatModel:
        """`model` trained on, towards what teachers give; sparsity: share of the blocks that become zero."""
        block = _block(self._config) if sparsity else (1, 1)
        recipe = replace(self._recipe, epochs=self._config.prune.epochs, sparsity=sparsity, block=block)
        return self._run(name, number, model, recipe, teachers)

    def _start(self, number: int) -> FloatModel:
        return initialize(self._interface, _specs(self._config, self._interface), self._config.train.seed + number)

    def _run(
        self, name: str, number: int, start: FloatModel, recipe: Recipe, teachers: Sequence[FloatModel] = ()
    ) -> FloatModel:
        seed = self._config.train.seed + number
        with self._phase(name, recipe.epochs) as progress:
            return self._trainer(start, self._examples, self._validation, recipe, seed, progress, teachers)


def _block(config: Config) -> Block:
    rows, columns = map(int, config.prune.block.split("x"))
    return rows, columns


def _load(config: Config) -> tuple[Dataset, split.Split]:
    """The data and its division, once all runtimes are known to be installed: better before training than after."""
    pack.check_runtimes()
    data = config.data.load()
    return data, split.make(data, config.data.split, config.data.split_seed)


def _contents(config: Config, data: Dataset, parts: _Parts, trained: _Trained, folds: Folds) -> pack.Contents:
    sizes = {name: getattr(parts, name).n for name in ("train", "validation", "test")}
    manifest = {
        "folds": [pack.described(stages) for stages in folds],
        "data": {"name": data.name, "sha256": data.digest(), "windows": sizes, "held_out": _groups(parts.test)},
        "config": config.model_dump(mode="json"),
    }
    return pack.Contents(
        name=artifact_name(config),
        original=trained.model,
        quantized=trained.quantized,
        stages=trained.stages,
        held_out=parts.test,
        packages=("tensorflow", "keras"),
        manifest=manifest,
    )


def _groups(part: Dataset) -> list[str]:
    return [] if part.group is None else np.unique(part.group).tolist()


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


def _stage(name: StageName, model: FloatModel, test: Dataset) -> Stage:
    return pack.float_stage(name, model, evaluate(model.predict(test.x), test))
