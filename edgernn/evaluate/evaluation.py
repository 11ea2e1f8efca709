# SPDX-License-Identifier: Apache-2.0
"""The figures: overall, by class or target, by group, beside the float model and what takes no model."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import metrics, predictions
from edgernn.artifact import Model
from edgernn.cells.algebra import Float
from edgernn.data import streams
from edgernn.data.dataset import Dataset, Task
from edgernn.errors import DataError
from edgernn.evaluate.interval import Interval, accuracy_interval
from edgernn.metrics import ClassScore, TargetScore
from edgernn.model import Interface, Reset
from edgernn.predictions import Predictions

_BATCH = 1024
"""Windows that are run at once."""
_NOT_HELD_OUT = "none of these windows was kept from the calibration"


@dataclass(frozen=True)
class Group:
    """A group of the data, such as a person: how many results are of it, and how good they are."""

    name: str
    results: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """How good an artifact is.

    artifact, data: names, data "held out" for what the artifact has stored, "conversion" where that was not held out;
    reset: "window" where every window starts
    from a state of zero, "never" where whole streams go through the model; windows, results: how many are judged, of
    `total` results; recordings: that they are of; models: metrics (`edgernn.metrics.evaluate`) of "integer", and where
    they are known of "float" and "never_reset"; baselines: of what takes no model (`edgernn.metrics.baselines`).

    The rest is of "integer", or with reset "never" of "never_reset". classes, confusion [true class][found class],
    calibration_error, interval (of the accuracy): of classification, else empty or None; targets: of regression;
    groups: sorted by name; notes: sentences that whoever reads the figures should know.
    """

    artifact: str
    data: str
    task: Task
    per_step: bool
    operands: str
    reset: Reset
    windows: int
    results: int
    total: int
    recordings: int
    models: Mapping[str, Mapping[str, float]]
    baselines: Mapping[str, float]
    interval: Interval | None
    calibration_error: float | None
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    targets: tuple[TargetScore, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON-able values, by their names."""
        return asdict(self)


def evaluate(model: Model, data: Dataset | None = None, *, continuous: bool = False) -> Evaluation:
    """Judges the artifact on `data`, or where that is None on its held-out part by the predictions that it stores.

    continuous: judge streams that are never reset. data: windows with the artifact's channels, and its classes or
    targets, in its order (`edgernn.evaluate.read`); they go through the native engine where it is installed.

    Raises ArtifactError when the artifact's predictions can't be used; DataError when there are none, when `data` does
    not fit the model, and with `continuous` when nothing is continuous.
    """
    if continuous and model.integer.interface.bidirectional:
        raise DataError(
            f"{model.folder} reads windows from both ends, so there is no stream to judge: leave out --continuous"
        )
    if data is None:
        found = _stored(model, continuous)
        apart, per_step = held_out(model), bool(model.integer.interface.per_step)
        name, told = "held out" if apart else "conversion", () if apart else (_NOT_HELD_OUT,)
        return _judged(model, found, name, per_step, baselines(model), told, continuous)
    _check_fit(model.integer.interface, data)
    found = _predicted(model, data, continuous)
    notes = (*_seen(model, data), *_notes(model.integer.interface, data))
    return _judged(model, found, data.name, data.per_step, metrics.baselines(data, data), notes, continuous)


def held_out(model: Model) -> bool:
    """Whether the windows that the artifact was judged on were kept apart: those of a conversion need not be."""
    data = model.manifest.get("data")
    return not isinstance(data, dict) or data.get("held_out") is not False


def _seen(model: Model, data: Dataset) -> Iterator[str]:
    about = model.manifest.get("data")
    if isinstance(about, dict) and about.get("sha256") == data.digest():
        yield "these are the windows that the artifact was made from: a model is better on what it was trained on"


def baselines(model: Model) -> dict[str, float]:
    """How good is what takes no model, on the windows that the artifact was judged on; empty where none was."""
    return _numbers(_section(model).get("baselines"))


def _section(model: Model) -> Mapping[str, Any]:
    """The manifest's "evaluation", which is missing in old artifacts and None where nothing was labelled."""
    section = model.manifest.get("evaluation")
    return section if isinstance(section, dict) else {}


def _numbers(values: Any) -> dict[str, float]:
    """What of a manifest's values is finite numbers by name: others say nothing, and manifests come from elsewhere."""
    found = values.items() if isinstance(values, dict) else ()
    return {key: float(v) for key, v in found if isinstance(v, int | float) and math.isfinite(v)}


def _stored(model: Model, continuous: bool) -> Predictions:
    folder = model.folder
    if predictions.FILE not in model.manifest["files"]:
        if "evaluation" in model.manifest:
            raise DataError(f"{folder} was made of windows without labels: give labelled ones with --data")
        raise DataError(f"{folder} was built before predictions were stored: build it again, or give --data")
    found = predictions.load(folder, model.integer.interface)
    if continuous and "never_reset" not in found.outputs:
        raise DataError(
            f"{folder} has no figures of streams that are never reset, because its held-out windows are not continuous:"
            " give --data with `recording` and `start`, or recordings in CSV"
        )
    return found


def _check_fit(interface: Interface, data: Dataset) -> None:
    outputs = data.classes or data.targets
    if (data.task, outputs) != (interface.task, interface.outputs):
        raise DataError(
            f"{data.name}: y is of {data.task} into {', '.join(outputs)}; the artifact is of {interface.task} into "
            f"{', '.join(interface.outputs)}"
        )
    if data.x.shape[2] != len(interface.channels):
        raise DataError(
            f"{data.name}: x has {data.x.shape[2]} channels; the artifact takes {len(interface.channels)}: "
            + ", ".join(interface.channels)
        )
    if data.per_step and not interface.per_step:
        raise DataError(f"{data.name}: y is of every step, but the artifact gives one result a window")
    if data.rate and interface.rate and not math.isclose(data.rate, interface.rate, rel_tol=0.1):
        raise DataError(
            f"{data.name}: has {data.rate:g} steps a second, the artifact was made for {interface.rate:g}: resample it"
        )


def _predicted(model: Model, data: Dataset, continuous: bool) -> Predictions:
    def run(x: npt.NDArray[np.float32]) -> Float:
        found: Float = session.run(x)
        return found

    session = model.session()
    outputs = {"integer": _windows(model, data)}
    if continuous:
        parts = streams.streams(data)
        if not parts:
            raise DataError(
                f"{data.name}: nothing in it is continuous, so it can't be judged without resets: give `recording` and "
                "`start` of windows that follow each other, or recordings in CSV"
            )
        outputs["never_reset"] = streams.outputs(data, parts, run)
    return predictions.collect(data, outputs)


def _windows(model: Model, data: Dataset) -> Float:
    """Outputs [n, T, K]; a bidirectional model reads windows from their ends, so those of one length run together."""
    session, count = model.session(), len(model.integer.interface.outputs)
    outputs = np.zeros((*data.x.shape[:2], count), np.float32)
    lengths = data.lengths if model.integer.interface.bidirectional else np.full(data.n, data.x.shape[1])
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        for part in np.array_split(same, -(-len(same) // _BATCH)):
            outputs[part, :length] = session.run(data.x[part, :length])
    return outputs


def _notes(interface: Interface, data: Dataset) -> Iterator[str]:
    longest = data.x.shape[1]
    if longest != interface.window:
        yield f"these windows have up to {longest} steps, those that the artifact was made for {interface.window}"
    if interface.per_step and not data.per_step:
        yield "the labels are of windows, so of each window the last step is judged"


def _judged(
    model: Model,
    found: Predictions,
    name: str,
    per_step: bool,
    baselines: Mapping[str, float],
    notes: tuple[str, ...],
    continuous: bool,
) -> Evaluation:
    interface = model.integer.interface
    classified = interface.task == "classification"
    targets = () if classified else interface.outputs
    main = found.outputs["never_reset" if continuous else "integer"]
    shown = [name for name in predictions.MODELS if name in found.outputs and name != "last_value"]
    if not continuous:
        shown = [name for name in shown if name != "never_reset"]
    result = Evaluation(
        artifact=str(model.manifest.get("name")),
        data=name,
        task="classification" if classified else "regression",
        per_step=per_step,
        operands=model.integer.operands,
        reset="never" if continuous else "window",
        windows=found.windows,
        results=len(found),
        total=found.total,
        recordings=len(np.unique(found.recording)),
        models={name: metrics.quality(found.outputs[name], found.y, targets) for name in shown},
        baselines=baselines,
        interval=None,
        calibration_error=None,
        classes=(),
        confusion=(),
        targets=(),
        groups=tuple(_groups(found, main, targets)),
        notes=(*notes, *_thinned(found), *_other_reset(interface, continuous)),
    )
    return _with_classes(result, found, main, interface) if classified else _with_targets(result, found, main, targets)


def _with_classes(result: Evaluation, found: Predictions, main: Float, interface: Interface) -> Evaluation:
    right = main.argmax(axis=1) == found.y
    table = metrics.confusion(main.argmax(axis=1), found.y, len(interface.classes))
    interval = accuracy_interval(right, found.group if found.groups else None, found.recording)
    rows = metrics.per_class(table, interface.classes)
    notes = list(result.notes)
    lacking = [row.name for row in rows if not row.windows]
    if lacking:
        notes.append(f"no result should be of {', '.join(lacking)}: nothing is known of how well that is told")
    if interval is None:
        few = "1 recording is" if result.recordings == 1 else f"{result.recordings} recordings are"
        notes.append(f"{few} too few for an interval of the accuracy")
    return replace(
        result,
        interval=interval,
        calibration_error=metrics.calibration_error(main, found.y),
        classes=rows,
        confusion=tuple(map(tuple, table.tolist())),
        notes=tuple(notes),
    )


def _with_targets(result: Evaluation, found: Predictions, main: Float, targets: tuple[str, ...]) -> Evaluation:
    rows = metrics.scores(targets, main, found.y)
    if "last_value" in found.outputs:
        last = metrics.scores(targets, found.outputs["last_value"], found.y)
        rows = tuple(replace(row, last_value_rmse=own.rmse) for row, own in zip(rows, last, strict=True))
    return replace(result, targets=rows)


def _groups(found: Predictions, main: Float, targets: tuple[str, ...]) -> Iterator[Group]:
    for number, name in enumerate(found.groups):
        own = found.group == number
        if own.any():
            yield Group(name, int(own.sum()), metrics.quality(main[own], found.y[own], targets))


def _thinned(found: Predictions) -> Iterator[str]:
    if len(found) < found.total:
        yield (
            f"the artifact stores {len(found):,} of the {found.total:,} results that the build judged, evenly spread, "
            "so figures differ a little"
        )


def _other_reset(interface: Interface, continuous: bool) -> Iterator[str]:
    """Where the state is reset otherwise than the model was trained for."""
    if interface.reset == "never" and not continuous:
        yield "the model was trained for a state that is never reset: --continuous judges that"
    if interface.reset == "window" and continuous:
        yield "the model was trained for windows that start from zero: `edgernn run` and the examples reset it at each"
