# SPDX-License-Identifier: Apache-2.0
"""What `edgernn build` and `edgernn convert` are told, with a validated schema; `edgernn init` writes it as TOML."""

import dataclasses
import difflib
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from edgernn import cells
from edgernn.data import csv, npz, watch, wide
from edgernn.data.dataset import Dataset
from edgernn.data.text.reading import Reading
from edgernn.errors import ConfigError, DataError

Span = Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^\d+(\.\d+)?s$")]
Share = Annotated[float, Field(ge=0, le=0.95)]
Dropout = Annotated[float, Field(ge=0, le=0.9)]
Units = Annotated[int, Field(ge=1, le=1024)]
Name = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9_.-]*)?$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Data(_Section):
    split: Literal["auto", "given", "group", "recording", "time"] = Field(
        "auto", description="what is held out: auto (given, else group, else recording), given, group, recording, time"
    )
    split_seed: int = Field(0, ge=0, lt=2**31, description="draws which groups or recordings are held out")
    folds: int = Field(5, ge=3, le=100, description="folds of `edgernn build --folds`")


class WatchData(_Data):
    """Smartwatch recordings of shoulder exercises, from the package seglearn."""

    source: Literal["watch"] = Field("watch", description="watch, npz or csv")
    window: Span = Field("4s", description="steps (50) or seconds")
    stride: Span = Field("0.5s", description="between the starts of windows, steps or seconds")
    decimate: int = Field(4, ge=1, le=50, description="averages so many samples of 50 Hz into one")

    def load(self) -> Dataset:
        return watch.load(self.window, self.stride, self.decimate)


class NpzData(_Data):
    """Windows in an .npz file: x [n, T, F], y; optionally lengths, group, split, recording, start, names and rate."""

    source: Literal["npz"] = Field("npz", description="watch, npz or csv")
    path: str = Field("windows.npz", min_length=1, description="the file")
    rate: float = Field(0.0, ge=0, description="samples a second; 0: the array rate, else unknown")
    ignore: tuple[str, ...] = Field((), description="classes that do not count")

    def load(self) -> Dataset:
        if not Path(self.path).exists():
            raise DataError(f"{self.path}: no such file; write the path of your .npz file as data.path")
        return npz.load(self.path, rate=self.rate, ignore=self.ignore)


class CsvData(_Data):
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

    def load(self, *, complete: bool = True) -> Dataset:
        """The windows of the files that `path` means now; complete: fewer than two classes are refused."""
        options = self.model_dump(exclude={"source", "path", *_Data.model_fields})
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


class ModelConfig(_Section):
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


class TrainConfig(_Section):
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


class AugmentConfig(_Section):
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


class PruneConfig(_Section):
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


class QuantizeConfig(_Section):
    """Integer arithmetic."""

    operands: Literal["int8", "int16"] = Field("int8", description="what matrices multiply: int8 or int16")
    windows: int = Field(256, ge=1, description="training windows for calibration")


class Config(_Section):
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


class ConvertConfig(_Section):
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


_CSV_KEYS = tuple({field.name for field in dataclasses.fields(kind)} for kind in (Reading, csv.Cutting))
_WATCH: Mapping[str, _Section] = {"augment": WATCH_AUGMENTATION, "prune": WATCH_PRUNING}
SOURCES: Mapping[str, type[_Data]] = {"watch": WatchData, "npz": NpzData, "csv": CsvData}


S = TypeVar("S", Config, ConvertConfig)

_PATTERN = re.compile(r"[*?{\[]")
"""What no name of a file has that `path` takes as it is."""
_LARGEST_FILE = 2**18
_DEEPEST = 8
_SHOWN = 60
"""Bytes of a configuration; lists and sections within each other, far more than any needs; characters of a value that a
sentence quotes."""


def load(path: Path | None, overrides: Iterable[str] = ()) -> Config:
    """The configuration in `path` (None: all defaults), changed by overrides like "model.units=16".

    Raises ConfigError, which names the key, what it may be, and for an unknown key the nearest known one.
    """
    return _validated(Config, path, {} if path is None else _read(path), overrides)


def load_convert(overrides: Iterable[str] = ()) -> ConvertConfig:
    """The defaults, changed by overrides like "quantize.operands=int16". Raises ConfigError like `load`."""
    return _validated(ConvertConfig, None, {}, overrides)


def stored_csv(section: object, path: Path) -> CsvData:
    """How to read the CSV in `path`: by the section "data" of the configuration that an artifact's manifest keeps.

    Raises ConfigError when that is not of CSV.
    """
    if not isinstance(section, dict) or section.get("source") != "csv":
        raise ConfigError(
            f"{path}: the artifact was not built from CSV, so nothing says how to read this: give an .npz file"
        )
    try:
        return CsvData.model_validate(_tuples({**section, "path": str(path)}, _DEEPEST))
    except (ValidationError, RecursionError, OverflowError):
        raise ConfigError(
            f"{path}: the artifact's manifest has a configuration of CSV that this edgernn can't use: give an .npz "
            "file, or build the artifact again"
        ) from None


def _validated(schema: type[S], path: Path | None, values: dict[str, Any], overrides: Iterable[str]) -> S:
    keys = [_override(values, override, schema.EXAMPLE) for override in overrides]
    try:
        return schema.model_validate(_tuples(values, _DEEPEST))
    except ValidationError as error:
        raise ConfigError(_sentence(schema, path, error, keys)) from None
    except (RecursionError, OverflowError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "has a number that is too large"
        raise ConfigError(f"{_where(path)} {what}: `edgernn init -` shows what it may hold") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = _content(path).decode("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} can't be read ({error.strerror}): `edgernn init` writes a configuration") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {_reason(error)}") from error


def _content(path: Path) -> bytes:
    """A file of its bounded size. Raises OSError, and ConfigError for what is no regular file: it may never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(f"{path} is no regular file: `edgernn init` writes a configuration")
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ConfigError(f"{path} has more than {_LARGEST_FILE >> 10} KiB, so it is no configuration")
    return content


def _reason(error: Exception) -> str:
    """What of a text is wrong, where Python's own words are about Python."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, tomllib.TOMLDecodeError | UnicodeDecodeError):
        return str(error)
    return "it has a number or a date that is out of range"


def _tuples(value: Any, levels: int) -> Any:
    """TOML's value with lists as tuples, at any depth. Raises RecursionError below so many levels."""
    if not levels:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _tuples(entry, levels - 1) for key, entry in value.items()}
    return tuple(_tuples(entry, levels - 1) for entry in value) if isinstance(value, list) else value


def _override(values: dict[str, Any], override: str, example: str) -> list[str]:
    """Changes the values; returns the key, by its sections."""
    first, *others = override.splitlines() or [""]
    if others:
        raise ConfigError(f"--set {_cut(first)} goes on in another line: give each key a --set of its own")
    if not override.isascii() and override != override.encode("utf-8", "replace").decode("utf-8"):
        raise ConfigError(f"--set {_cut(override)} has bytes that are no UTF-8: write it in UTF-8")
    key, equals, text = override.strip().partition("=")
    *sections, last = key.strip().split(".")
    if not equals or not all((*sections, last)):
        raise ConfigError(f"--set {_cut(override)} is no key and value: write it like --set {example}")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {_cut(override)}: {section} is no section")
    values[last] = _value(override, text)
    return [*sections, last]


def _value(override: str, text: str) -> Any:
    """As TOML has it, or else the text itself. In braces, where neither a comment nor a second key can be left out."""
    try:
        parsed = tomllib.loads(f"braces = {{ value = {text} }}")["braces"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--set {_cut(override)} has no value of TOML: {_reason(error)}") from None
    return parsed["value"] if len(parsed) == 1 else text.strip()


def _where(path: Path | None) -> str:
    return "the configuration" if path is None else str(path)


def _sentence(schema: type[_Section], path: Path | None, error: ValidationError, overridden: list[list[str]]) -> str:
    errors = error.errors()
    first = errors[0]
    key, fields = _place(schema, first["loc"])
    tagged = [*key, "source"] if first["type"] == "union_tag_invalid" else key
    where = "--set" if any(tagged == own[: len(tagged)] for own in overridden) else _where(path)
    if first["type"] == "extra_forbidden":
        return f"{where} has an unknown key {'.'.join(key)}: {_hint(key, list(fields))}"
    if first["type"] == "union_tag_invalid":
        return f"{where}: data.source is {_shown(first['input']['source'])}, but should be {', '.join(SOURCES)}"
    same = [entry for entry in errors if _place(schema, entry["loc"])[0] == key]
    wanted = " or ".join(dict.fromkeys(map(_wanted, same)))
    description = fields[key[-1]].description
    meaning = f" ({description})" if description else ""
    return f"{where}: {'.'.join(key)} is {_shown(first['input'])}, but should {wanted}{meaning}"


def _place(schema: type[_Section], location: tuple[int | str, ...]) -> tuple[list[str], Mapping[str, FieldInfo]]:
    """The key at pydantic's location, which has more parts, and the fields of the section that the key is in."""
    keys = [str(part) for part in location]
    section: Any = schema.model_fields[keys[0]].annotation if len(keys) > 1 else None
    if keys[0] == "data" and section is not None:
        return ["data", keys[2]], SOURCES[keys[1]].model_fields
    if isinstance(section, type) and issubclass(section, _Section):
        return keys[:2], section.model_fields
    return keys[:1], schema.model_fields


def _hint(key: list[str], known: list[str]) -> str:
    others = [source for source, data in SOURCES.items() if key[0] == "data" and key[-1] in data.model_fields]
    if others:
        return f"it belongs to source {' or '.join(others)}"
    near = difflib.get_close_matches(key[-1], known, n=1, cutoff=0.5)
    return f"did you mean {'.'.join([*key[:-1], near[0]])}?" if near else f"there are {', '.join(known)}"


_WANTED = {
    "model_type": "be a section of keys",
    "model_attributes_type": "be a section of keys",
    "string_pattern_mismatch": "be written in another way",
    "tuple_type": "be a list",
}


def _wanted(error: ErrorDetails) -> str:
    text = _WANTED.get(error["type"]) or error["msg"].partition(" should ")[2] or error["msg"]
    return text.removesuffix(f" after validation, not {error.get('ctx', {}).get('actual_length')}")


def _shown(value: object) -> str:
    """A wrong value about as the file has it, cut short."""
    try:
        return _cut(json.dumps(value, default=str))
    except ValueError:
        return "a number of very many digits"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def commented(source: str = "watch") -> str:
    """The default configuration for data of this source as TOML, each key with its description."""
    config = Config.model_validate({"data": {"source": source}})
    lines = ["# Configuration of `edgernn build`. Every key is optional; the values here are the defaults.", ""]
    sections: list[str] = []
    for name, field in Config.model_fields.items():
        value = getattr(config, name)
        if isinstance(value, _Section):
            sections += ["", f"# {value.__doc__}", f"[{name}]", *_entries(value)]
        else:
            lines.append(_entry(name, value, field))
    return "\n".join([*lines, *sections]) + "\n"


def _entries(section: _Section) -> list[str]:
    fields = type(section).model_fields.items()
    source_first = sorted(fields, key=lambda item: item[0] not in ("source", "path"))
    return [_entry(name, getattr(section, name), field) for name, field in source_first]


def _entry(name: str, value: object, field: FieldInfo) -> str:
    return f"{name} = {_toml(value)}  # {field.description}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def artifact_name(config: Config) -> str:
    """`config.name`, or else the name of the data's file or folder, of a pattern the folder that it starts in, or of
    the built-in set."""
    path = Path(getattr(config.data, "path", "") or "/")
    whole = [part for part in (path, *path.parents) if not _PATTERN.search(str(part))]
    return config.name or whole[0].resolve().stem or config.data.source
