# SPDX-License-Identifier: Apache-2.0
"""Text files -> recordings: channels, labels or targets of each step, and what the path says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgernn.data.columns import clock, repair, rhythm
from edgernn.data.columns.column import Column
from edgernn.data.columns.rhythm import Rhythm
from edgernn.data.text import layout, sensors
from edgernn.data.text.annotations import Annotations, Intervals, labels, steps
from edgernn.data.text.found import Found, check_filled, find
from edgernn.data.text.pieces import Piece
from edgernn.data.text.reading import Names, Reading
from edgernn.data.text.sensors import Joined, Track
from edgernn.data.text.textfile import shown
from edgernn.errors import ConfigError, DataError

_MOST_TIMES = 100
"""So many times the rate of the rows is no rate that they can be resampled to."""


@dataclass(frozen=True)
class Recording:
    """where: for messages; key: the same for parts of one recording; x: float64 [N, F]; labels: str [N], empty where a
    step has none, or None; targets: float64 [N, K]; number: int64 [N], of each step in the recording, which grow by one
    except where steps are missing; begin: seconds, 0 without times; split: its part of a given split."""

    where: str
    key: tuple[str, ...]
    group: str | None
    split: str | None
    x: npt.NDArray[np.float64]
    labels: npt.NDArray[np.str_] | None
    targets: npt.NDArray[np.float64]
    number: npt.NDArray[np.int64]
    begin: float

    def take(self, at: slice) -> "Recording":
        return replace(
            self,
            x=self.x[at],
            labels=None if self.labels is None else self.labels[at],
            targets=self.targets[at],
            number=self.number[at],
        )


@dataclass(frozen=True)
class Recordings:
    """parts: in the order of their first times, else of the files and rows; rate: Hz, 0 where it is not known; notes:
    for the user, what was found."""

    parts: tuple[Recording, ...]
    names: Names
    rate: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Beats:
    """The rhythm of each recording and sensor; bounds: float64 s, begins and ends of all intervals that are times."""

    of: tuple[tuple[Rhythm | None, ...], ...]
    rate: float
    bounds: tuple[npt.NDArray[np.float64], ...] = ()
    notes: tuple[str, ...] = ()


def read(path: str | Path, reading: Reading) -> Recordings:
    """The recordings of the files that a path means (`edgernn.data.text.layout.find`).

    Raises DataError, ConfigError, and MissingExtraError without pandas.
    """
    found = find(path, reading)
    marks = None
    if reading.annotations:
        marks = Annotations(
            Path(reading.annotations),
            reading.label,
            found.layout.base,
            names=reading.annotation_columns,
            decimal=reading.decimal,
        )
        marks.check(found.of(0))
    beats = _beats(found, marks)
    tracks, notes = _tracks(found, beats)
    joined = [sensors.join(track, reading.rate) for track in tracks]
    parts = [
        _recording(found.names, recording, one, marks, beats)
        for recording, one in zip(found.recordings, joined, strict=True)
    ]
    if reading.times:
        parts.sort(key=lambda part: part.begin)
    parts = _numbered(parts)
    notes = (*found.forms, *found.layout.notes, *notes, *_unlabelled(parts))
    return Recordings(tuple(parts), found.names, beats.rate, notes)


def _beats(found: Found, marks: Annotations | None) -> _Beats:
    reading = found.names.reading
    if not reading.times:
        if reading.annotated_in == "time":
            raise ConfigError("annotated_in is time, but no column of the time is named; name it by time")
        return _Beats(tuple((None,) * len(found.sensors) for _ in found.recordings), reading.rate)
    bounds = () if marks is None or marks.whole or reading.annotated_in == "rows" else marks.bounds
    of: list[list[Rhythm]] = [[] for _ in found.recordings]
    notes: list[str] = []
    rate = reading.rate
    seconds: tuple[npt.NDArray[np.float64], ...] = ()
    for sensor in found.sensors:
        first = not sensor
        # The other sensors are brought to the clock of the first, which also fills their single rows that are missing.
        asked = reading.rate if first else 0.0
        columns = [_time(piece) for piece in found.of(sensor)]
        # In one call, so that the intervals are read as the times of the recordings are.
        times = clock.seconds([*columns, *bounds] if first else columns, reading.time_unit, rate=asked)
        wanted = asked if first else rate or 1.0
        own = [
            rhythm.rhythm(column, time, rate=wanted, gap=reading.gap, packets=reading.packets)
            for column, time in zip(columns, times.seconds[: len(columns)], strict=True)
        ]
        _check_rate(columns, own, asked)
        name = columns[0].name
        notes += [f"column `{shown(name)}` is {times.words}", *times.notes, *rhythm.notes(own, name, asked)]
        if first:
            rate = asked or float(f"{rhythm.agreed(own, columns):.5g}")
            seconds = times.seconds[len(columns) :]
            notes += [] if asked else rhythm.missing(own, name)
        for beats, beat in zip(of, own, strict=True):
            beats.append(beat)
    return _Beats(tuple(map(tuple, of)), rate, seconds, tuple(dict.fromkeys(notes)))


def _check_rate(columns: Sequence[Column], beats: Sequence[Rhythm], rate: float) -> None:
    """A rate or a unit of time that is wrong by a thousand must not fill the memory."""
    for column, beat in zip(columns, beats, strict=True):
        if beat.resampled(rate) and rate > _MOST_TIMES * beat.rate:
            raise DataError(
                f"{column.where}: rate is {rate:g}, but column `{column.name}` has {beat.rate:.4g} rows a second; give "
                "a lower rate, or the time_unit that is right"
            )


def _time(piece: Piece) -> Column:
    assert piece.time is not None
    return piece.time


def _tracks(found: Found, beats: _Beats) -> tuple[list[list[Track]], tuple[str, ...]]:
    """The numbers of each recording and sensor; a channel is repaired in all recordings at once."""
    reading = found.names.reading
    tracks: list[list[Track]] = [[] for _ in found.recordings]
    notes: list[str] = []
    for sensor in found.sensors:
        part = found.of(sensor)
        values: list[list[npt.NDArray[np.float64]]] = [[] for _ in part]
        kept = [_labelled(piece, found.names) for piece in part]
        for name in part[0].numbers:
            mend = repair.target if name in reading.target and name not in reading.columns else repair.channel
            mended = mend([piece.numbers[name] for piece in part], missing=reading.missing, sentinels=reading.sentinels)
            notes += mended.notes
            for at in range(len(part)):
                values[at].append(mended.values[at])
                kept[at] &= mended.kept[at]
        for at, piece in enumerate(part):
            table = np.stack(values[at], axis=1) if values[at] else np.empty((piece.count, 0))
            tracks[at].append(Track(piece, tuple(piece.numbers), table, kept[at], beats.of[at][sensor]))
    return tracks, (*beats.notes, *dict.fromkeys(notes))


def _labelled(piece: Piece, names: Names) -> npt.NDArray[np.bool_]:
    """Which rows have the texts that they need. Raises DataError for an empty one that no key allows."""
    kept = np.ones(piece.count, np.bool_)
    for name, column in piece.texts.items():
        filled = np.asarray(column.cells) != ""
        if name == names.reading.label and names.reading.unlabelled:
            continue
        if name == names.reading.label and names.reading.missing == "drop":
            kept &= filled
        else:
            check_filled(column, ', or give unlabelled = "none" as its class' * (name == names.reading.label))
    return kept


def _recording(
    names: Names, recording: Sequence[Piece], joined: Joined, marks: Annotations | None, beats: _Beats
) -> Recording:
    first = recording[0]
    texts = {
        name: np.asarray(column.cells)[rows]
        for piece, rows in zip(recording, joined.rows, strict=True)
        for name, column in piece.texts.items()
    }
    fields = first.source.fields
    split = fields[names.fields["split"]] if "split" in names.fields else None
    return Recording(
        where=first.where,
        key=_identity(first, names),
        group=fields[names.fields["group"]] if "group" in names.fields else _group(first, texts, names),
        split=None if split is None else layout.part(first.source, split),
        x=_columns(joined, names.reading.columns),
        labels=_labels(names, first, joined, texts, marks, beats),
        targets=_columns(joined, names.reading.target),
        number=joined.number,
        begin=float(joined.time[0]) if joined.time is not None else 0.0,
    )


def _identity(piece: Piece, names: Names) -> tuple[str, ...]:
    """The files of one {recording} are parts of it; else each file is a recording."""
    if "recording" in names.fields:
        return tuple(value for name, value in piece.source.fields.items() if name != "sensor")
    return (piece.where,)


def _group(piece: Piece, texts: dict[str, npt.NDArray[np.str_]], names: Names) -> str | None:
    if not names.reading.group:
        return None
    groups = np.unique(texts[names.reading.group]).tolist()
    if len(groups) > 1:
        raise DataError(
            f"{piece.where}: has rows of the groups `{shown(groups[0])}` and `{shown(groups[1])}`; give it one group"
        )
    return str(groups[0])


def _labels(
    names: Names,
    piece: Piece,
    joined: Joined,
    texts: dict[str, npt.NDArray[np.str_]],
    marks: Annotations | None,
    beats: _Beats,
) -> npt.NDArray[np.str_] | None:
    reading = names.reading
    if not names.labelled:
        return None
    if "label" in names.fields:
        return np.full(len(joined.number), piece.source.fields[names.fields["label"]])
    found = texts[reading.label] if marks is None else _annotated(marks, reading, piece, joined, beats)
    return np.where(found == "", reading.unlabelled, found)


def _annotated(
    marks: Annotations, reading: Reading, piece: Piece, joined: Joined, beats: _Beats
) -> npt.NDArray[np.str_]:
    intervals = marks.of(piece)
    if joined.time is None or not beats.bounds:
        begins, ends = steps(intervals, piece.count)
        if not marks.whole and not reading.times and reading.annotated_in == "auto":
            _check_rows(intervals, ends, piece.count, reading.rate)
        return labels(intervals, begins, ends, joined.rows[0].astype(np.float64))
    begins, ends = (bound[intervals.rows] for bound in beats.bounds)
    _check_inside(intervals, begins, ends, joined.time)
    return labels(intervals, begins, ends, joined.time)


def _check_rows(intervals: Intervals, ends: npt.NDArray[np.float64], count: int, rate: float) -> None:
    """Intervals that all lie in so many rows as the recording has seconds are likelier seconds."""
    if rate > 2 and ends.size and ends.max() <= count / rate + 1:
        raise DataError(
            f"{intervals.at(0)}: the intervals of this recording end at row {ends.max():.0f} of {count:,}, and it "
            f'lasts {count / rate:.4g} s: if they are seconds, write them as rows; if rows, give annotated_in = "rows"'
        )


def _check_inside(
    intervals: Intervals, begins: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], time: npt.NDArray[np.float64]
) -> None:
    """Times far outside of the recording are no times of its clock."""
    length = time[-1] - time[0]
    outside = np.flatnonzero((begins < time[0] - length) | (ends > time[-1] + length))
    if outside.size:
        raise DataError(
            f"{intervals.at(int(outside[0]))} is not at the times of its recording, {time[0]:.10g} to "
            f'{time[-1]:.10g} s; give annotated_in = "rows" if these are rows, or the times of the same clock'
        )


def _columns(joined: Joined, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    return joined.values[:, [joined.names.index(name) for name in names]]


def _numbered(parts: Sequence[Recording]) -> list[Recording]:
    """The parts of one recording with their steps behind each other, and at least one missing between them."""
    begins: dict[tuple[str, ...], int] = {}
    numbered = []
    for part in parts:
        begin = begins.get(part.key, 0)
        numbered.append(replace(part, number=part.number + begin))
        begins[part.key] = begin + int(part.number.max(initial=-1)) + 2
    return numbered


def _unlabelled(parts: Sequence[Recording]) -> tuple[str, ...]:
    absent = [int((part.labels == "").sum()) for part in parts if part.labels is not None]
    if not sum(absent):
        return ()
    of = f"{sum(absent)} of {sum(len(part.x) for part in parts)} steps"
    whole = sum(count == len(part.x) for count, part in zip(absent, parts, strict=True))
    return (f"{of} have no label and don't count" + f", among them {whole} whole recordings" * bool(whole),)
