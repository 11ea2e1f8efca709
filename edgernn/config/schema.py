# SPDX-License-Identifier: Apache-2.0
"""The keys of a configuration: what each may be, its default and its description."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edgernn import cells
from edgernn.data import csv, npz, watch, wide
from edgernn.data.dataset import Dataset
from edgernn.data.text import tables
from edgernn.data.text.reading import Reading
from edgernn.errors import ConfigError, DataError

Span = Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^\d+(\.\d+)?s$")]
Share = Annotated[float, Field(ge=0, le=0.95)]
Dropout = Annotated[float, Field(ge=0, le=0.9)]
Units = Annotated[int, Field(ge=1, le=1024)]
Name = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9_.-]*)?$")]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Data(Section):
    split: Literal["auto", "given", "group", "recording", "time"] = Field(
        "auto", description="what is held out: auto (given, else group, else recording), given, group, recording, time"
    )
    split_seed: int = Field(0, ge=0, lt=2**31, description="draws which groups or recordings are held out")
    folds: int = Field(5, ge=3, le=100, description="folds of `edgernn build --folds`")

    def check_installed(self) -> None:
        """Raises MissingExtraError when the package that the data are read with is not installed."""


class WatchData(Data):
    """Smartwatch recordings of shoulder exercises, from the package seglearn."""

    source: Literal["watch"] = Field("watch", description="watch, npz or csv")
    window: Span = Field("4s", description="steps (50) or seconds")
    stride: Span = Field("0.5s", description="between the starts of windows, steps or seconds")
    decimate: int = Field(4, ge=1, le=50, description="averages so many samples of 50 Hz into one")

    def check_installed(self) -> None:
        watch.file()

    def load(self) -> Dataset:
        return watch.load(self.window, self.stride, self.decimate)


class NpzData(Data):
    """Windows in an .npz file: x [n, T, F], y; optionally lengths, group, split, recording, start, names and rate."""

    source: Literal["npz"] = Field("npz", description="watch, npz or csv")
    path: str = Field("windows.npz", min_length=1, description="the file")
    rate: float = Field(0.0, ge=0, description="samples a second; 0: the array rate, else unknown")
    ignore: tuple[str, ...] = Field((), description="classes that do not count")

    def load(self) -> Dataset:
        if not Path(self.path).exists():
            raise DataError(f"{self.path}: no such file; write the path of your .npz file as data.path")
        return npz.load(self.path, rate=self.rate, ignore=self.ignore)


class CsvData(Data):
    """Recordings in text files: a row is a time step. docs/data.md says what each key means and what is found out."""

    source: Literal["csv"] = Field("csv", description="watch, npz or csv")
    path: str = Field(
        "recordings", min_length=1, description="a file, a folder, or a pattern: rec/{label}/{group}_*.csv"
    )
    columns: tuple[str, ...] = Field(("ax", "ay", "az"), min_length=1, description="the channels")
    label: str = Field("", description="the column of the class; {label} in path needs none")
    target: tuple[str, ...] = Field((), description="columns of real targets, instead of label")
    horizon: int = Field(0, ge=0, description="steps that the targets lie ahead")
    per_step: bool = Field(False, description="a label or target for every step instead of every window")
    ignore: tuple[str, ...] = Field((), description="classes that do not count")
    recording: str = Field("", description="the column that tells recordings apart; without it a file is one")
    group: str = Field("", description="the column of the person or machine; {group} in path needs none")
    time: str | tuple[str, ...] = Field("", description="the column of the time, or [date, time]; it orders recordings")
    time_unit: str = Field(
        "auto", description="auto, s, ms, us, ns, min, h, d, datetime, or a format: %d/%m/%Y %H:%M:%S"
    )
    rate: float = Field(
        0.0, ge=0, description="samples a second; times of another rate are resampled; 0: time gives it"
    )
    gap: float | str = Field(
        "", description='a longer step of time is a gap: in steps or seconds ("2s"); empty: 2.5 steps'
    )
    packets: bool = Field(False, description="rows came in packets, all with the time of arrival")
    missing: Literal["error", "hold", "interpolate", "drop"] = Field(
        "error", description="a cell without a value: error, hold (the last one), interpolate, or drop (the row)"
    )
    sentinels: Literal["auto"] | tuple[float, ...] = Field(
        "auto", description="numbers that stand for no value: [-200.0]; auto: refuse what looks so"
    )
    window: Span | Literal[""] = Field("", description='steps (100) or seconds ("4s"); empty: a whole recording')
    stride: Span | Literal[""] = Field("", description="between the starts of windows; empty: no overlap")
    shortest: Span | Literal[""] = Field("", description="stretches from this length on give a window; empty: window")
    separator: str = Field("auto", description="auto, comma, semicolon, tab, bar or space")
    decimal: Literal["auto", ".", ","] = Field("auto", description="the decimal mark: auto, . or ,")
    header: Literal["auto"] | bool | tuple[str, ...] = Field(
        "auto", description="whether the first row is names: auto, true, false; or a list of names, where none is there"
    )
    annotations: str = Field("", description="a file of labels of intervals: file, label, begin, end")
    annotation_columns: tuple[str, ...] = Field(
        (), description='names of its columns in order, where it has none: ["file", "label", "begin", "end"]'
    )
    annotated_in: Literal["auto", "rows", "time"] = Field(
        "auto", description="what begin and end are: rows, from 0, or time; auto: time where there is a time column"
    )
    unlabelled: str = Field("", description="the class of steps without a label; empty: they do not count")
    layout: Literal["long", "wide"] = Field("long", description='wide: a row is a window; columns = ["*"] takes all')
    channels: int = Field(1, ge=1, description="of a wide row, whose columns are x0, y0, x1, y1 for two")

    def check_installed(self) -> None:
        tables.pandas()

    def load(self, *, complete: bool = True) -> Dataset:
        """The windows of the files that `path` means now; complete: fewer than two classes are refused."""
        options = self.model_dump(exclude={"source", "path", *Data.model_fields})
        reading, cutting = ({key: options[key] for key in options if key in known} for known in _CSV_KEYS)
        cutting = {key: value for key, value in cutting.items() if value != ""}
        if self.layout == "wide":
            return self._wide(Reading(**reading), cutting, complete)
        return csv.load(self.path, Reading(**reading), csv.Cutting(**cutting), complete=complete)

    def _wide(self, reading: Reading, cutting: dict[str, Any], complete: bool) -> Dataset:
        given = [key for key in cutting if key != "ignore" and cutting[key] != CsvData.model_fields[key].default]
        if given:
            raise ConfigError(f'data.{given[0]} does not go with data.layout = "wide", where a row is a window')
        return wide.load(self.path, reading, self.channels, self.ignore, complete=complete)


def _recurrent(cell: str) -> str:
    known = cells.recurrent()
    if cell not in known:
        raise ValueError(f"it should be one of {', '.join(known)}")
    return cell


class ModelConfig(Section):
    """The network: recurrent layers, hidden dense layers, and the output that the data asks for."""

    cell: Annotated[str, AfterValidator(_recurrent)] = Field(
        "gru", description="of the recurrent layers: gru, lstm or rnn"
    )
    units: Units | Annotated[tuple[Units, ...], Field(min_length=1, max_length=8)] = Field(
        32, description="hidden units; a list stacks layers: [32, 16]"
    )
    reset_after: bool = Field(True, description="gru: reset gate behind the matrix product, as in cuDNN")
    dense: Annotated[tuple[Units, ...], Field(max_length=8)] = Field((), description="hidden dense layers: [16]")
    activation: Literal["linear", "relu", "sigmoid", "tanh"] = Field("relu", description="of the hidden dense layers")


class TrainConfig(Section):
    """Training with Adam; early stopping watches the validation part."""

    epochs: int = Field(25, ge=1, le=10000, description="at most; passes through the data, of at least 50 steps each")
    seed: int = Field(0, ge=0, lt=2**31, description="the same seed, data and machine give the same bytes")
    reset: Literal["window", "never"] = Field(
        "window", description='"never": learn from long stretches of recordings, for a device that never resets'
    )
    batch_size: int = Field(128, ge=1, le=65536, description="windows a step")
    learning_rate: float = Field(5e-3, gt=0, le=1, description="the highest; it rises for 50 steps, then falls to 2 %")
    clip_norm: float = Field(1.0, gt=0, description="largest norm of the gradient")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="of matrices; keeps weights within reach of 8 bits")
    dropout: Dropout = Field(0.0, description="of what each layer hands to the next, one mask for all steps")
    recurrent_dropout: Dropout = Field(0.0, description="of the hidden state, one mask for all steps")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="classification")
    patience: int = Field(10, ge=1, description="epochs, in the second half, without a better validation score")
    class_weights: bool = Field(False, description="rare classes count as much as frequent ones")


class AugmentConfig(Section):
    """Random changes to every training window; 0 or empty leaves one out."""

    vectors: tuple[Annotated[tuple[str, ...], Field(min_length=3, max_length=3)], ...] = Field(
        (), description="channels that are the x, y, z of a vector, turned together"
    )
    rotation: Annotated[tuple[Annotated[float, Field(ge=0, le=180)], ...], Field(min_length=3, max_length=3)] = Field(
        (0.0, 0.0, 0.0), description="of the vectors: standard deviation in degrees, about x, y, z"
    )
    mirror: tuple[str, ...] = Field((), description="channels that change sign in a mirror image (left for right)")
    speed: float = Field(0.0, ge=0, le=1, description="windows run up to exp(+-speed) times as fast")
    scaling: float = Field(0.0, ge=0, le=1, description="gain of each channel: standard deviation of its logarithm")
    noise: float = Field(0.0, ge=0, le=10, description="on each sample, in standard deviations of its channel")


WATCH_AUGMENTATION = AugmentConfig(
    vectors=(("ax", "ay", "az"), ("wx", "wy", "wz")),
    rotation=(15.0, 5.0, 5.0),
    mirror=("ax", "wy", "wz"),
    speed=0.2,
    scaling=0.1,
    noise=0.05,
)
"""What helps on people not seen in training: the watch sits differently on every arm, and on either."""


class PruneConfig(Section):
    """Both kinds fine-tune towards what teachers give: the model before pruning, and more; 0 leaves a kind out."""

    sparsity: Share = Field(0.0, description="share of the weights that become zero; they still take their bytes")
    block: Literal["1x1", "1x4", "4x1", "4x4"] = Field(
        "1x1",
        description="rows x columns of a matrix that become zero together: 1x1, 1x4, 4x1 or 4x4; above 1x1, matrices "
        "with fewer than 16 inputs or units stay dense",
    )
    units: Share = Field(0.0, description="share of the hidden units that are removed, so the model is smaller")
    epochs: int = Field(15, ge=1, le=10000, description="of fine-tuning, each kind")
    teachers: int = Field(
        1, ge=1, le=100, description="models whose mean a pruned one learns: the one before, and more of other seeds"
    )


WATCH_PRUNING = PruneConfig(sparsity=0.2)
"""What costs about nothing there."""


class QuantizeConfig(Section):
    """Integer arithmetic."""

    operands: Literal["int8", "int16"] = Field("int8", description="what matrices multiply: int8 or int16")
    windows: int = Field(256, ge=1, description="training windows for calibration")


class Config(Section):
    """A whole build."""

    EXAMPLE: ClassVar[str] = "model.units=16"

    name: Name = Field("", description="of the artifact, letters, digits, _ - and .; empty: the data's")
    data: Annotated[WatchData | NpzData | CsvData, Field(discriminator="source")] = WatchData()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    augment: AugmentConfig = AugmentConfig()
    prune: PruneConfig = PruneConfig()
    quantize: QuantizeConfig = QuantizeConfig()

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """`watch` is the default source, and brings an augmentation and a pruning of its own, key by key."""
        if not isinstance(values, dict) or not all(isinstance(values.get(k, {}), dict) for k in ("data", *_WATCH)):
            return values
        data = {"source": "watch", **values.get("data", {})}
        own = _WATCH if data["source"] == "watch" else {}
        sections = {name: {**section.model_dump(), **values.get(name, {})} for name, section in own.items()}
        return {**values, "data": data, **sections}


class ConvertConfig(Section):
    """What the file of a model trained elsewhere does not say."""

    EXAMPLE: ClassVar[str] = "quantize.operands=int16"

    name: Name = Field("", description="of the artifact, letters, digits, _ - and .; empty: the model file's")
    task: Literal["auto", "classification", "regression"] = Field(
        "auto", description="auto: a softmax at the end, then what y holds or the names are of"
    )
    features: tuple[str, ...] = Field((), description="names of the channels; empty: those of the data")
    outputs: tuple[str, ...] = Field((), description="names of the classes or targets; empty: those of the data")
    mean: tuple[Annotated[float, Field(ge=-1e30, le=1e30)], ...] = Field(
        (), description="what was subtracted from each channel before the model; with std"
    )
    std: tuple[Annotated[float, Field(ge=1e-30, le=1e30)], ...] = Field(
        (), description="what each channel was then divided by"
    )
    normalize: Literal["auto", "model", "data"] = Field(
        "auto", description="whose mean and deviation scale the inputs: the model's where they fit, else the data's"
    )
    window: int = Field(0, ge=0, lt=2**31, description="steps of a window; 0: the model's, else the data's")
    rate: float = Field(0.0, ge=0, description="samples a second; 0: the array rate, else unknown")
    quantize: QuantizeConfig = QuantizeConfig()


_PATTERN = re.compile(r"[*?{\[]")
"""What no name of a file has that `path` takes as it is."""
_CSV_KEYS = tuple({field.name for field in dataclasses.fields(kind)} for kind in (Reading, csv.Cutting))
_WATCH: Mapping[str, Section] = {"augment": WATCH_AUGMENTATION, "prune": WATCH_PRUNING}
SOURCES: Mapping[str, type[Data]] = {"watch": WatchData, "npz": NpzData, "csv": CsvData}


def artifact_name(config: Config) -> str:
    """`config.name`, or else the name of the data's file or folder, of a pattern the folder that it starts in, or of
    the built-in set."""
    path = Path(getattr(config.data, "path", "") or "/")
    whole = [part for part in (path, *path.parents) if not _PATTERN.search(str(part))]
    return config.name or whole[0].resolve().stem or config.data.source
