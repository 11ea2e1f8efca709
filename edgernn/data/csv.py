# SPDX-License-Identifier: Apache-2.0
"""Reading a user's CSV: one file or a folder of them, a row is a time step, the first row names the columns."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import Dataset, from_arrays
from edgernn.data.windows import Windows, check_window, cut, in_steps, join, stretches
from edgernn.errors import ConfigError, DataError, MissingExtraError

_SAME_RATE = 0.1
"""Share by which rates may differ and still be taken for the same."""


@dataclass(frozen=True)
class _Columns:
    samples: tuple[str, ...]
    targets: tuple[str, ...]
    label: str | None
    recording: str | None
    group: str | None
    time: str | None

    @property
    def numbers(self) -> tuple[str, ...]:
        return (*self.samples, *self.targets, *((self.time,) if self.time else ()))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(name for name in (self.label, self.recording, self.group) if name)


@dataclass(frozen=True)
class _Recording:
    """where: for messages; x: float64 [N, F]; labels: str [N] or None; targets: float64 [N, K]; time: [N] s or None."""

    where: str
    group: str | None
    x: npt.NDArray[np.float64]
    labels: npt.NDArray[np.str_] | None
    targets: npt.NDArray[np.float64]
    time: npt.NDArray[np.float64] | None


def load(
    path: str | Path,
    *,
    columns: Sequence[str],
    label: str | None = None,
    target: Sequence[str] = (),
    recording: str | None = None,
    group: str | None = None,
    time: str | None = None,
    rate: float | None = None,
    window: int | str | None = None,
    stride: int | str | None = None,
    per_step: bool = False,
    horizon: int = 0,
    complete: bool = True,
) -> Dataset:
    """Windows of the recordings in a .csv file or in the *.csv files of a folder (sorted by name).

    columns: names of the channels. label: the column of the class, as names or integers; a window never spans a change
    of label, or with per_step has a label per step. target: columns of real targets instead, taken `horizon` steps
    behind the window's last step (0: at the last step), or with per_step `horizon` steps behind each step. Exactly one
    of label and target.
    recording: rows of one file with one value here are a recording, in their order; without it a file is one, or with
    `group` the rows of one group in a file. time: a column in seconds, growing within a recording. Recordings are
    numbered by their first time, so that a split by time follows it (one clock for all files); on ties, and without
    time, in the order of the files and rows.
    window, stride: steps (100 or "100") or seconds ("2.5s"); seconds need rate (Hz) or time (its median step gives the
    rate). Without window a whole recording (or, with labels per window, a whole stretch of one label) is a window;
    without stride windows do not overlap. A shorter recording or stretch gives one shorter window; steps behind the
    last whole window are left out.

    Classes are sorted: as numbers when all are integers, as text otherwise. complete: fewer than two are refused.
    Raises DataError for what is wrong in the files, ConfigError for options that contradict each other,
    MissingExtraError without pandas.
    """
    _check_options(columns, label, target, horizon)
    path = Path(path)
    names = _Columns(tuple(columns), tuple(target), label, recording, group, time)
    recordings = [part for file in _files(path) for part in _recordings(file, names)]
    if time is not None:
        recordings.sort(key=_begin)
        rate = _checked_rate(path, recordings, rate)
    _check_horizon(recordings, horizon)
    longest = max(len(part.x) for part in recordings) - horizon
    length = longest if window is None else in_steps("window", window, rate)
    check_window(f"{path}" + f", {horizon} steps of horizon left out" * bool(horizon), length, longest)
    step = length if stride is None else in_steps("stride", stride, rate)
    if label is None:
        data = _regression(path, recordings, names, per_step, horizon, length, step, complete)
    else:
        data = _classification(path, recordings, names, per_step, length, step, complete)
    return replace(data, rate=rate or 0.0)


def _check_options(columns: Sequence[str], label: str | None, target: Sequence[str], horizon: int) -> None:
    if not columns:
        raise ConfigError("columns is empty; name the columns of the channels")
    if (label is None) == (not target):
        raise ConfigError("give either label (classes) or target (real targets) for a CSV, one of them")
    if horizon < 0 or (horizon and not target):
        raise ConfigError(f"horizon is {horizon}; it needs target, and is 0 or more steps")


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder; give a .csv file or a folder of them")
    files = sorted(path.glob("*.csv"))
    if not files:
        raise DataError(f"{path}: holds no *.csv file; give a folder that does")
    return files


def _classification(
    path: Path, recordings: list[_Recording], names: _Columns, per_step: bool, length: int, stride: int, complete: bool
) -> Dataset:
    classes = _classes(recordings)
    number = {name: i for i, name in enumerate(classes)}
    parts: list[list[Windows]] = []
    for part in recordings:
        assert part.labels is not None
        found, inverse = np.unique(part.labels, return_inverse=True)
        labels = np.array([number[name] for name in found.tolist()], np.int64)[inverse]
        spans = [(0, len(labels))] if per_step else stretches(labels)
        parts.append([_window(part.x[a:b], labels[a:b], a, length, stride) for a, b in spans])
    windows = join([w for part in parts for w in part])
    assert windows.labels is not None
    y = windows.labels if per_step else windows.labels[:, 0]
    return _dataset(
        path, recordings, names, windows, y, [sum(len(w.start) for w in part) for part in parts], classes, complete
    )


def _regression(
    path: Path,
    recordings: list[_Recording],
    names: _Columns,
    per_step: bool,
    horizon: int,
    length: int,
    stride: int,
    complete: bool,
) -> Dataset:
    parts = []
    targets = []
    for part in recordings:
        steps = len(part.x) - horizon
        windows = cut(part.x[:steps], None, length, stride)
        parts.append(windows)
        ahead = part.targets[horizon:]
        last = windows.start + windows.lengths - 1
        targets.append(cut(ahead, None, length, stride).x if per_step else ahead[last])
    counts = [len(w.start) for w in parts]
    return _dataset(path, recordings, names, join(parts), np.concatenate(targets), counts, None, complete)


def _window(x: npt.NDArray[Any], labels: npt.NDArray[Any], begin: int, length: int, stride: int) -> Windows:
    windows = cut(x, labels, length, stride)
    return replace(windows, start=windows.start + begin)


def _dataset(
    path: Path,
    recordings: list[_Recording],
    names: _Columns,
    windows: Windows,
    y: npt.NDArray[Any],
    counts: list[int],
    classes: tuple[str, ...] | None,
    complete: bool,
) -> Dataset:
    return from_arrays(
        path.name,
        windows.x,
        y,
        lengths=windows.lengths,
        group=np.repeat([str(part.group) for part in recordings], counts) if names.group else None,
        recording=np.repeat(np.arange(len(recordings)), counts),
        start=windows.start,
        classes=classes,
        targets=names.targets or None,
        features=names.samples,
        complete=complete,
    )


def _classes(recordings: list[_Recording]) -> tuple[str, ...]:
    names = {name for part in recordings if part.labels is not None for name in part.labels.tolist()}
    try:
        return tuple(sorted(names, key=int))
    except ValueError:
        return tuple(sorted(names))


def _begin(recording: _Recording) -> float:
    assert recording.time is not None
    return float(recording.time[0])


def _check_horizon(recordings: list[_Recording], horizon: int) -> None:
    for part in recordings:
        if len(part.x) <= horizon:
            raise DataError(
                f"{part.where}: has {len(part.x)} rows, too few for a horizon of {horizon}; shorten it, or leave it out"
            )


def _checked_rate(path: Path, recordings: list[_Recording], given: float | None) -> float:
    """The rate that the time columns give; it must be that of each recording, and the one given."""
    steps = {part.where: np.diff(part.time) for part in recordings if part.time is not None and len(part.time) > 1}
    if not steps:
        if given is None:
            raise DataError(f"{path}: no recording has two rows, so the time column gives no rate; give rate in Hz")
        return given
    found = float(1 / np.median(np.concatenate(list(steps.values()))))
    for where, gaps in steps.items():
        own = float(1 / np.median(gaps))
        if abs(own - found) > _SAME_RATE * found:
            raise DataError(f"{where}: has {own:g} rows a second, the others {found:g}; resample it, or leave it out")
    if given is not None and abs(given - found) > _SAME_RATE * found:
        raise DataError(f"{path}: rate is {given:g} Hz, but the time column gives {found:g}; leave out one of them")
    return found if given is None else given


def _recordings(file: Path, names: _Columns) -> list[_Recording]:
    frame = _frame(file, names)
    numbers = {name: _numbers(file, frame, name) for name in dict.fromkeys(names.numbers)}
    texts = {name: _texts(file, frame, name) for name in names.texts}
    key = names.recording or names.group
    if key is None:
        return [_recording(f"{file}", file, frame, numbers, texts, np.arange(len(frame)), names)]
    values = texts[key]
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    rows.sort(key=lambda at: int(at[0]))
    return [_recording(f"{file}, {key} {values[at[0]]}", file, frame, numbers, texts, at, names) for at in rows]


def _recording(
    where: str,
    file: Path,
    frame: Any,
    numbers: dict[str, npt.NDArray[np.float64]],
    texts: dict[str, npt.NDArray[np.str_]],
    rows: npt.NDArray[np.intp],
    names: _Columns,
) -> _Recording:
    group = None
    if names.group:
        groups = np.unique(texts[names.group][rows]).tolist()
        if len(groups) > 1:
            raise DataError(f"{where}: has rows of the groups `{groups[0]}` and `{groups[1]}`; give it one group")
        group = groups[0]
    if names.time:
        _check_time(file, frame, numbers[names.time][rows], rows, names.time)
    return _Recording(
        where=where,
        group=group,
        x=_table(numbers, names.samples, rows),
        labels=texts[names.label][rows] if names.label else None,
        targets=_table(numbers, names.targets, rows),
        time=numbers[names.time][rows] if names.time else None,
    )


def _table(
    numbers: dict[str, npt.NDArray[np.float64]], names: tuple[str, ...], rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    table = np.empty((len(rows), len(names)))
    for at, name in enumerate(names):
        table[:, at] = numbers[name][rows]
    return table


def _pandas() -> Any:
    """Imported at the first CSV, so that the other data sets do without it."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        raise MissingExtraError("reading CSV", "pandas", "data") from None


def _frame(file: Path, names: _Columns) -> Any:
    """The file's cells as text, its index the line number; lines without any cell are left out."""
    pandas = _pandas()
    try:
        # Text, so that a label such as NA or 007 stays what it is; compression off: a name must not unpack a bomb.
        frame = pandas.read_csv(
            file,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            compression=None,
            encoding="utf-8-sig",
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not a readable CSV file ({str(error).strip()}); repair or remove it") from None
    if not isinstance(frame.index, pandas.RangeIndex):
        raise DataError(f"{file}: its rows have more cells than the header has names; repair the header")
    frame = frame.fillna("").rename(columns=str.strip)
    frame.index = frame.index + 2
    frame = frame[(frame != "").any(axis=1)]
    for name in (*names.numbers, *names.texts):
        if name not in frame.columns:
            raise DataError(f"{file}: has no column `{name}`; its columns are {', '.join(frame.columns)}")
    if not len(frame):
        raise DataError(f"{file}: has no rows below the header; leave it out")
    return frame


def _numbers(file: Path, frame: Any, name: str) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = _pandas().to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
    # The windows are float32, and a sample beyond its range would be infinite there.
    bad = np.flatnonzero(~(np.abs(values) <= np.finfo(np.float32).max))
    if bad.size:
        raise DataError(
            f"{file}: line {frame.index[bad[0]]}, column `{name}` holds `{frame[name].iloc[bad[0]]}`, "
            "which is no finite float32 number; repair or remove this row"
        )
    return values


def _texts(file: Path, frame: Any, name: str) -> npt.NDArray[np.str_]:
    empty = np.flatnonzero((frame[name] == "").to_numpy())
    if empty.size:
        raise DataError(
            f"{file}: line {frame.index[empty[0]]}, column `{name}` is empty; fill it in or remove this row"
        )
    values: npt.NDArray[np.str_] = frame[name].to_numpy(dtype=np.str_)
    return values


def _check_time(file: Path, frame: Any, time: npt.NDArray[np.float64], rows: npt.NDArray[np.intp], name: str) -> None:
    back = np.flatnonzero(np.diff(time) <= 0)
    if back.size:
        raise DataError(
            f"{file}: line {frame.index[rows[back[0] + 1]]}, column `{name}` does not grow; "
            "sort the rows by time, or name the column of the recording"
        )
