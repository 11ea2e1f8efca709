# SPDX-License-Identifier: Apache-2.0
"""The whole path: data, training, pruning, quantization, and the artifact (`edgernn.pack`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgernn import artifact, cells, continuous, pack, predictions
from edgernn.cells.algebra import Float
from edgernn.config import Config, artifact_name
from edgernn.continuous import Continuous
from edgernn.data import normalize, split, streams
from edgernn.data.dataset import Dataset
from edgernn.data.streams import Stream
from edgernn.errors import DataError
from edgernn.metrics import baselines, evaluate
from edgernn.model import FloatModel, IntegerModel, Interface, Reset
from edgernn.pack import Phase, Stage, StageName
from edgernn.predictions import Predictions
from edgernn.quantize import LayerReport, Quantized, quantize
from edgernn.train import libraries
from edgernn.train.augment import Augmentation, channels
from edgernn.train.examples import Examples, examples, stretches
from edgernn.train.fit import Epoch, Fitted, Recipe, fit
from edgernn.train.magnitude import Block, prunable
from edgernn.train.network import LayerSpec, initialize
from edgernn.train.units import remove_units
from edgernn.validate import Report

T = TypeVar("T")

_REPRESENTATIVES = 512
_STRETCH = 8
"""Windows that a stretch is as long as, where training never resets: it starts from zero, a device does so once."""
_LONGEST_PIECE = 64
"""The same for validation, which need not learn from it."""
_SMALLEST_BATCH = 16

Folds = tuple[tuple[Stage, ...], ...]
Trainer = Callable[..., Fitted]
"""`edgernn.train.fit.fit`, or what takes and gives the same."""


@dataclass(frozen=True)
class Built:
    """What became of a build; division: how the windows were divided, in words; baselines: `metrics.baselines`;
    continuous: None where no held-out recording is; notes: what was found in the data."""

    folder: Path
    division: str
    stages: tuple[Stage, ...]
    baselines: Mapping[str, float]
    continuous: Continuous | None
    layers: tuple[LayerReport, ...]
    validation: Report
    model: IntegerModel
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The data, divided; streams: those of `test`, none where nothing is continuous."""

    train: Dataset
    validation: Dataset
    test: Dataset
    streams: tuple[Stream, ...]


@dataclass(frozen=True)
class Trained:
    """What `train` gives; curves: how each training went, by its phase."""

    model: FloatModel
    quantized: Quantized
    stages: tuple[Stage, ...]
    predictions: Predictions
    continuous: Continuous | None
    curves: Mapping[str, tuple[Epoch, ...]]


def build(config: Config, folder: Path, *, force: bool = False, folds: Folds = (), phase: Phase = pack.silent) -> Built:
    """Makes the artifact in `folder`, whole or not at all; `folds`, what `cross_validate` gave, go into its manifest.

    Raises EdgernnError (DataError, ConfigError, ArtifactError, MissingExtraError) for everything that a user can mend,
    and when a runtime does not give the reference's bytes.
    """
    artifact.check_target(folder, force=force)
    data, divided = _load(config)
    parts = parts_of(data, divided)
    trained = train(config, parts, phase, fit)
    without_model = baselines(parts.train, parts.test)
    contents = _contents(config, data, parts, trained, folds, without_model)
    report = pack.write(folder, contents, force=force, phase=phase)
    return Built(
        folder=folder,
        division=split.describe(data, divided),
        stages=trained.stages,
        baselines=without_model,
        continuous=trained.continuous,
        layers=trained.quantized.layers,
        validation=report,
        model=trained.quantized.model,
        notes=data.notes,
    )


def cross_validate(config: Config, phase: Phase = pack.silent, trainer: Trainer | None = None) -> Folds:
    """The stages of each fold (`edgernn.data.split.folds`); every group is tested once by models that never saw it.

    trainer: what trains them; None is `fit`. Raises what `build` raises, before the first fold.
    """
    data, _ = _load(config)
    folds = split.folds(data, config.data.folds)

    def in_fold(number: int) -> Phase:
        return lambda name, total: phase(f"fold {number + 1}/{len(folds)}: {name}", total)

    return tuple(train(config, parts_of(data, fold), in_fold(i), trainer or fit).stages for i, fold in enumerate(folds))


def parts_of(data: Dataset, divided: split.Split) -> Parts:
    """Raises DataError where `start` contradicts the samples."""
    test = data.take(divided.test)
    return Parts(data.take(divided.train), data.take(divided.validation), test, streams.streams(test))


def train(config: Config, parts: Parts, phase: Phase, trainer: Trainer) -> Trained:
    """Trains, prunes and quantizes; a stage for each form, judged on the test part."""
    training = _Training(config, parts, phase, trainer)
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
    calibration = training.calibration()
    quantized = quantize(model, calibration.x, calibration.lengths, config.quantize.operands)
    given, measured = _judged(model, quantized.model, parts)
    stages.append(pack.integer_stage(quantized.model, evaluate(given["integer"], parts.test)))
    collected = predictions.collect(parts.test, given)
    return Trained(model, quantized, tuple(stages), collected, measured, training.curves)


def _judged(model: FloatModel, integer: IntegerModel, parts: Parts) -> tuple[dict[str, Float], Continuous | None]:
    """Outputs for the test part, by the names of `predictions.MODELS`, and what never resetting does to them."""
    given = {"float": model.predict(parts.test.x), "integer": pack.integer_outputs(integer, parts.test)}
    if not parts.streams:
        return given, None
    lasting = {"float": continuous.never_reset(model, parts.test, parts.streams)}
    lasting["integer"] = given["never_reset"] = continuous.never_reset(integer, parts.test, parts.streams)
    both = {name: (given[key], lasting[key]) for name, key in (("float", "float"), ("int8", "integer"))}
    return given, continuous.measure(model.interface.reset, parts.test, parts.streams, both)


class _Training:
    """Trains models of one configuration on one division; `number` is added to the configured seed.

    curves: how each training went, by its phase.

    Raises ConfigError for channels to augment that are not there, and where nothing can be pruned, and DataError where
    nothing is continuous that has to be: better now than after the training.
    """

    def __init__(self, config: Config, parts: Parts, phase: Phase, trainer: Trainer) -> None:
        self._config, self._phase, self._trainer = config, phase, trainer
        self.curves: dict[str, tuple[Epoch, ...]] = {}
        self._interface = _interface(parts.train, config.train.reset)
        self._examples = examples(parts.train, self._interface, class_weights=config.train.class_weights)
        self._validation = examples(parts.validation, self._interface)
        self._recipe = _recipe(config, self._interface)
        if config.train.reset == "never":
            self._stretch(parts)
        if config.prune.sparsity:
            prunable(self._start(0), _block(config))

    def _stretch(self, parts: Parts) -> None:
        """Takes stretches of streams instead of windows, about as many samples at once as before."""
        window = self._interface.window
        _continuous(parts.test, "test")
        found = _continuous(parts.train, "training")
        longest = max(len(stream.x) for stream in found)
        length = min(_STRETCH * window, longest)
        cut = stretches(parts.train, found, self._interface, length, window)
        self._examples = replace(cut, class_weights=self._examples.class_weights)
        found = _continuous(parts.validation, "validation")
        length = min(_LONGEST_PIECE * window, max(len(stream.x) for stream in found))
        self._validation = stretches(parts.validation, found, self._interface, length, length, judged=True)
        batch = max(_SMALLEST_BATCH, self._recipe.batch_size * window // self._examples.x.shape[1])
        self._recipe = replace(self._recipe, batch_size=batch)

    def calibration(self) -> Examples:
        """Training windows or stretches, evenly spread, of about as many samples as the configuration has windows."""
        windows = self._config.quantize.windows * self._interface.window // self._examples.x.shape[1]
        n = len(self._examples.x)
        return self._examples.take(np.unique(np.linspace(0, n - 1, min(max(windows, 1), n)).astype(np.int64)))

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
            fitted = self._trainer(start, self._examples, self._validation, recipe, seed, progress, teachers)
        self.curves[name] = fitted.curve
        return fitted.model


def _continuous(part: Dataset, name: str) -> tuple[Stream, ...]:
    """The streams of a part. Raises DataError where a state that is never reset can't be learnt or judged there."""
    found = streams.streams(part)
    if not found:
        raise DataError(
            f'{part.name}: train.reset is "never", but nothing in the {name} part is continuous: give recordings '
            "longer than a window in CSV, or `recording` and `start` of windows that follow each other in .npz"
        )
    if part.task == "classification" and not streams.class_changes(part, found):
        raise DataError(
            f'{part.name}: train.reset is "never", but no recording of the {name} part has a change of class, so what '
            'a device meets is not there: give recordings that go on over such changes, or leave train.reset "window"'
        )
    return found


def _block(config: Config) -> Block:
    rows, columns = map(int, config.prune.block.split("x"))
    return rows, columns


def _load(config: Config) -> tuple[Dataset, split.Split]:
    """The data and its division, once all packages are known to be installed: better before training than after."""
    pack.check_packages("edgernn build", libraries.check_installed, config.data.check_installed)
    data = config.data.load()
    return data, split.make(data, config.data.split, config.data.split_seed)


def _contents(
    config: Config, data: Dataset, parts: Parts, trained: Trained, folds: Folds, without_model: Mapping[str, float]
) -> pack.Contents:
    sizes = {name: getattr(parts, name).n for name in ("train", "validation", "test")}
    manifest = {
        "folds": [pack.described(stages) for stages in folds],
        "streams": None if trained.continuous is None else trained.continuous.to_json(),
        "data": {"name": data.name, "sha256": data.digest(), "windows": sizes, "held_out": _groups(parts.test)},
        "config": config.model_dump(mode="json"),
    }
    return pack.Contents(
        name=artifact_name(config),
        original=trained.model,
        quantized=trained.quantized,
        stages=trained.stages,
        held_out=parts.test,
        predictions=trained.predictions,
        packages=("tensorflow", "keras"),
        evaluation={
            "baselines": without_model,
            "validation": _validation(trained, parts.validation),
            "curves": {name: [asdict(epoch) for epoch in curve] for name, curve in trained.curves.items()},
        },
        manifest=manifest,
    )


def _validation(trained: Trained, part: Dataset) -> dict[str, dict[str, float]]:
    """How good both forms of the model are on the windows that chose when to stop."""
    outputs = {"float": trained.model.predict(part.x), "int8": pack.integer_outputs(trained.quantized.model, part)}
    return {name: evaluate(found, part) for name, found in outputs.items()}


def _groups(part: Dataset) -> list[str]:
    return [] if part.group is None else np.unique(part.group).tolist()


def _interface(train: Dataset, reset: Reset) -> Interface:
    mean, std = normalize.statistics(train, np.arange(train.n))
    outputs = train.classes or train.targets
    target_mean, target_std = np.zeros(len(outputs), np.float32), np.ones(len(outputs), np.float32)
    if train.task == "regression":
        targets = train.y[train.counted] if train.per_step else train.y
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
        reset=reset,
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
