# SPDX-License-Identifier: Apache-2.0
"""An imported model becomes a float model that can be quantized: its task, its names, its scales, and its windows."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Float
from edgernn.config import ConvertConfig
from edgernn.data import normalize
from edgernn.data.calibration import Calibration
from edgernn.data.dataset import Dataset, Task
from edgernn.errors import ConfigError, DataError, ModelError
from edgernn.importers import fold
from edgernn.importers.chain import Imported
from edgernn.model import FloatModel, Interface

_NEAR_MEAN, _NEAR_STD = 1.0, 2.0
"""How far a channel may be from mean 0 and std 1: one more bit of the 8 that its samples have."""
_LARGEST_STD = 2.0**12


@dataclass(frozen=True)
class Prepared:
    """A float model, the windows that its scales are fitted on and those that it is judged on.

    labelled: whether the windows have a y to judge by; apart: whether no window is in both parts;
    digest: of the windows as they were given;
    normalization: whose mean and deviation scale the inputs, "model" or "data";
    notes: what of the model's file was left out or changed its form.
    """

    model: FloatModel
    train: Dataset
    judged: Dataset
    labelled: bool
    apart: bool
    digest: str
    normalization: str
    notes: tuple[str, ...]

    def describe(self, calibrated: int) -> str:
        """Which windows were taken for what, where so many of them calibrate."""
        count = len(self.model.interface.channels)
        channels = "1 channel" if count == 1 else f"{count} channels"
        if self.apart:
            counts = f"{calibrated} of {self.train.n} training windows, compared on {self.judged.n} that are held out"
        else:
            counts = (
                f"{calibrated} of {self.train.n} windows, compared on all: without an array `split` none is held out"
            )
        return f"calibrated on {counts}; {self.judged.x.shape[1]} steps of {channels}"


def prepare(imported: Imported, path: Path, config: ConvertConfig) -> Prepared:
    """The model with the windows of the .npz file `path`.

    Raises DataError, ConfigError and ModelError where the three contradict each other.
    """
    given = Calibration(path)
    given.check_channels(imported.features)
    task = _task(imported, given, config)
    imported = _with_logits(imported, task, config)
    windows = given.dataset(task, imported.layers[-1].units, config.outputs, config.features, config.rate)
    _check_fit(path, windows, imported, config)
    train, judged = _divide(windows)
    model, normalization = _model(imported, windows, train, config)
    stepped = _stepped(model.interface, windows)
    part = stepped.take(train)
    return Prepared(
        model=_with_target_scale(model, part),
        train=part,
        judged=stepped.take(judged),
        labelled=given.labelled,
        apart=windows.split is not None,
        digest=windows.digest(),
        normalization=normalization,
        notes=imported.notes,
    )


def predict(model: FloatModel, part: Dataset) -> Float:
    """The float model's outputs [n, T, K] in the target's unit. Raises DataError when they are no finite numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled, outputs = model.interface.normalize(part.x), model.predict(part.x)
    if not (np.isfinite(scaled[part.mask]).all() and np.isfinite(outputs[part.mask]).all()):
        raise DataError(
            f"{part.name}: the model gives no finite numbers for these windows: give windows that it is for"
        )
    return outputs


def results(interface: Interface, part: Dataset, outputs: Float) -> Float:
    """Outputs [m, K] that are results: of the last step of every window, or of every step."""
    found: Float = outputs[part.mask] if interface.per_step else outputs[np.arange(part.n), part.lengths - 1]
    return found


def _task(imported: Imported, data: Calibration, config: ConvertConfig) -> Task:
    if imported.softmax and config.task == "regression":
        raise ConfigError("task is regression, but the model ends in a softmax: leave task out")
    if imported.softmax or config.task == "classification":
        return "classification"
    task = config.task if config.task == "regression" else data.task
    if task is None:
        count = imported.layers[-1].units
        these = "one output may be a logit" if count == 1 else f"{count} outputs may be logits"
        raise ConfigError(
            f"the model's {these} of classes or what it estimates, and nothing says which: add "
            "--set task=classification or --set task=regression"
        )
    return task


def _with_logits(imported: Imported, task: Task, config: ConvertConfig) -> Imported:
    """The model with an output for each class: one sigmoid for two classes becomes two logits."""
    last = imported.layers[-1]
    if task == "regression" or last.units > 1:
        return imported
    activation = last.options.get("activation")
    if imported.softmax or last.kind != "dense" or activation not in ("sigmoid", "linear"):
        raise ModelError("the model has one output, which can't tell classes apart: give one with a sigmoid or softmax")
    if activation == "linear" and config.task != "classification":
        raise ConfigError(
            "y holds classes and the model has one output without a sigmoid: add --set task=classification if it is a "
            "logit, above zero for class 1, or save y as floats if it is a number to estimate"
        )
    note = f"its one {'probability' if activation == 'sigmoid' else 'logit'}, of class 1, became two logits"
    layers = (*imported.layers[:-1], fold.two_logits(last))
    return replace(imported, layers=layers, notes=(*imported.notes, note))


def _check_fit(path: Path, windows: Dataset, imported: Imported, config: ConvertConfig) -> None:
    steps, wanted = windows.x.shape[1], imported.steps
    if wanted is not None and not config.window and wanted not in (steps, windows.lengths.max()):
        meant = "shorter" if steps < wanted else "longer"
        raise DataError(
            f"{path}: the model takes windows of {wanted} steps, x has {steps}: give windows like those that it was "
            f"trained on, or --set window={steps} if {meant} ones are meant"
        )
    if windows.per_step and not imported.per_step:
        raise DataError(f"{path}: y is of every step, but the model gives one result a window: give y of every window")
    _check_masked(path, windows, imported)


def _check_masked(path: Path, windows: Dataset, imported: Imported) -> None:
    """Raises DataError for a step that the file skips: an artifact takes every step of a window."""
    if imported.masked is None:
        return
    skipped = (windows.x == imported.masked).all(axis=2) & windows.mask
    if skipped.any():
        window, step = (int(at) for at in np.argwhere(skipped)[0])
        raise DataError(
            f"{path}: step {step} of window {window} is one that the model's Masking layer skips: put such steps "
            "behind the others and give `lengths` without them"
        )


def _divide(windows: Dataset) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the windows to calibrate and to judge on: training and test windows, else all and all."""
    if windows.split is None:
        every = np.arange(windows.n)
        return every, every
    train, test = (np.flatnonzero(windows.split == part) for part in ("train", "test"))
    for part, indices in (("train", train), ("test", test)):
        if not len(indices):
            raise DataError(f"{windows.name}: split names no {part} window: name some, or leave split out")
    return train, test


def _model(
    imported: Imported, windows: Dataset, train: npt.NDArray[np.int64], config: ConvertConfig
) -> tuple[FloatModel, str]:
    """The model over inputs that are (x - mean) / std, and whose mean and std these are: "model" or "data".

    Those of the data are folded into the first layer, so the function of x stays what it was.
    """
    own, found = _own_scale(imported, config), normalize.statistics(windows, train)
    taken = _taken(imported, config, own, found)
    chosen = tuple(np.where(taken, theirs, ours) for theirs, ours in zip(found, own, strict=True))
    ways = 2 if imported.bidirectional else 1
    (own_mean, own_std), (mean, std) = ([np.tile(v, ways) for v in pair] for pair in (own, chosen))
    layers = imported.layers
    if taken.any():
        factor = std.astype(np.float64) / own_std
        offset = (mean.astype(np.float64) - own_mean) / own_std
        layers = (fold.input_scaled(layers[0], factor, offset), *layers[1:])
    outputs = windows.classes or windows.targets
    interface = Interface(
        task=windows.task,
        per_step=imported.per_step,
        features=_features(windows.features, imported.bidirectional),
        outputs=outputs,
        mean=mean,
        std=std,
        target_mean=np.zeros(len(outputs), np.float32),
        target_std=np.ones(len(outputs), np.float32),
        window=config.window or imported.steps or windows.x.shape[1],
        rate=windows.rate,
        bidirectional=imported.bidirectional,
    )
    return FloatModel(interface, layers), "data" if taken.any() else "model"


def _own_scale(imported: Imported, config: ConvertConfig) -> tuple[Float, Float]:
    """Mean and std, float32 [F], of what happens to a sample before the first layer: by the settings, then the file."""
    count = imported.features
    for key, values in (("mean", config.mean), ("std", config.std)):
        if (config.mean or config.std) and len(values) != count:
            raise ConfigError(f"{key} has {len(values)} numbers, the model takes {count} features: give one for each")
    mean, std = np.zeros(count), np.ones(count)
    if imported.mean is not None and imported.std is not None:
        mean, std = imported.mean.astype(np.float64), imported.std.astype(np.float64)
    if config.mean:
        mean, std = np.array(config.mean) + np.array(config.std) * mean, np.array(config.std) * std
    with np.errstate(over="ignore"):
        scale = mean.astype(np.float32), std.astype(np.float32)
    if not np.isfinite(scale).all() or not (scale[1] > 0).all():
        raise ModelError("the model scales its inputs by numbers beyond float32: give one that takes them as they come")
    return scale


def _taken(
    imported: Imported, config: ConvertConfig, own: tuple[Float, Float], found: tuple[Float, Float]
) -> npt.NDArray[np.bool_]:
    """The channels that are scaled by the mean and std `found`, bool [F]."""
    if config.normalize == "model":
        return np.zeros(imported.features, np.bool_)
    if config.normalize == "data" or (imported.mean is None and not config.mean):
        return np.ones(imported.features, np.bool_)
    return _does_not_fit(own, found)


def _does_not_fit(own: tuple[Float, Float], found: tuple[Float, Float]) -> npt.NDArray[np.bool_]:
    """The channels of the mean and std `found` that scaling by `own` does not bring near mean 0 and std 1.

    Not one for which `own` has next to no deviation: weights of the first layer that take it back have no 8-bit scale.
    """
    mean, std = (found[0].astype(np.float64) - own[0]) / own[1], found[1].astype(np.float64) / own[1]
    near = (np.abs(mean) <= _NEAR_MEAN) & (std >= 1 / _NEAR_STD) & (std <= _NEAR_STD)
    taken: npt.NDArray[np.bool_] = ~near & (std <= _LARGEST_STD)
    return taken


def _features(channels: tuple[str, ...], bidirectional: bool) -> tuple[str, ...]:
    return (*channels, *(f"{name} from the end" for name in channels)) if bidirectional else channels


def _stepped(interface: Interface, windows: Dataset) -> Dataset:
    """The windows as the model's steps take them (`Interface.steps`)."""
    if not interface.bidirectional:
        return windows
    x = interface.steps(windows.x, windows.lengths)
    x[~windows.mask] = 0
    return replace(windows, x=x, features=interface.features)


def _with_target_scale(model: FloatModel, part: Dataset) -> FloatModel:
    """Real targets in units of their deviation, so that 16 bits hold them whatever their size; folded like inputs."""
    interface, last = model.interface, model.layers[-1]
    activation = last.options.get("activation")
    if interface.task == "classification" or last.kind != "dense" or activation not in ("linear", "relu"):
        return model
    bare = replace(last, options={"activation": "linear"})
    found = results(interface, part, predict(FloatModel(interface, (*model.layers[:-1], bare)), part))
    mean, std = found.mean(axis=0, dtype=np.float64), found.std(axis=0, dtype=np.float64).astype(np.float32)
    mean = (mean if activation == "linear" else np.zeros_like(mean)).astype(np.float32)
    std = np.where(std > np.finfo(np.float32).tiny, std, np.float32(1))
    scaled = fold.output_scaled(last, mean.astype(np.float64), std.astype(np.float64))
    return FloatModel(replace(interface, target_mean=mean, target_std=std), (*model.layers[:-1], scaled))
