# SPDX-License-Identifier: Apache-2.0
"""Several sensors of one recording, each in a file of its own: `rec/{sensor}_{recording}.csv`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.resample import onto, resample
from edgernn.data.columns.rhythm import Rhythm
from edgernn.data.text.layout import Layout
from edgernn.data.text.pieces import Part, Piece
from edgernn.data.text.textfile import listed, shown
from edgernn.errors import ConfigError, DataError

Files = Mapping[str, Part]
"""The files of one recording by sensor; where sensors don't have files of their own, one file by ""."""


def together(layout: Layout, parts: Sequence[Part]) -> list[Files]:
    """The files of each recording. Raises DataError where a recording lacks the file of a sensor."""
    if "sensor" not in layout.names:
        return [{"": part} for part in parts]
    if len(layout.names) == 1 and len({part.source.key for part in parts}) == len(parts):
        raise ConfigError(
            "path has {sensor}, but no name is left to tell which files are of one recording; add {recording} to it"
        )
    recordings: dict[tuple[str, ...], dict[str, Part]] = {}
    for part in parts:
        fields = dict(part.source.fields)
        sensor = fields.pop("sensor")
        key = tuple(fields.values()) if "recording" in fields else (part.source.key,)
        other = recordings.setdefault(key, {}).setdefault(sensor, part)
        if other is not part:
            raise DataError(
                f"{shown(part.source.path)}: is of the same sensor and recording as {shown(other.source.path)}; write "
                "more of the names into path"
            )
    sensors = sorted({sensor for files in recordings.values() for sensor in files})
    for files in recordings.values():
        lacking = [sensor for sensor in sensors if sensor not in files]
        if lacking:
            one = next(iter(files.values())).source.path
            raise DataError(
                f"{shown(one)}: has no file of the sensor {shown(lacking[0])} beside it; add it, or leave it out"
            )
    return list(recordings.values())


def locate(files: Files, name: str) -> tuple[str, str]:
    """The sensor and the column that a name means: `ax`, or `acc.x` where several sensors have an `x`.

    Raises DataError where no column is called so, or several are.
    """
    sensor, dot, column = name.partition(".")
    if dot and sensor in files and column in files[sensor].table.names:
        return sensor, column
    found = [sensor for sensor, part in files.items() if name in part.table.names]
    if len(found) == 1:
        return found[0], name
    first = next(iter(files.values()))
    if not found and len(files) == 1:
        raise DataError(first.table.refusal(name))
    if not found:
        known = [f"{sensor}.{column}" for sensor, part in files.items() for column in part.table.names]
        raise DataError(f"{shown(first.table.path)}: no sensor has a column `{shown(name)}`; there are {listed(known)}")
    raise DataError(
        f"{shown(first.table.path)}: the sensors {listed(found)} have a column `{shown(name)}`; name one as "
        f"`{shown(found[0])}.{shown(name)}`"
    )


@dataclass(frozen=True)
class Track:
    """A sensor's rows as numbers. names: of the columns of values, float64 [N, F]; kept: bool [N], False for a row that
    is left out; beat: how its rows follow each other in time, or None."""

    piece: Piece
    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    kept: npt.NDArray[np.bool_]
    beat: Rhythm | None

    def spans(self) -> Iterator[tuple[int, int]]:
        """The (begin, end) of rows with nothing missing between them; end is not included."""
        for begin, end in self.beat.spans if self.beat else ((0, len(self.kept)),):
            kept = self.kept[begin:end]
            edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)) + begin
            yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


@dataclass(frozen=True)
class Joined:
    """M steps of all sensors. values: float64 [M, F], of the columns `names`; rows: int64 [M] of each sensor, what a
    step's texts are taken from; time: float64 [M] s, or None; number: int64 [M], of each step in the recording, which
    grows by one except where steps are missing."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    rows: tuple[npt.NDArray[np.int64], ...]
    time: npt.NDArray[np.float64] | None
    number: npt.NDArray[np.int64]


def join(tracks: Sequence[Track], rate: float) -> Joined:
    """The steps of a recording: the rows of the first sensor, resampled to `rate` where they have times of another one
    (Hz; 0: as they are), and the others at the same times; without times, rows of the same number.

    Raises DataError where rows can't be brought together.
    """
    return _by_row(tracks) if tracks[0].beat is None else _by_time(tracks, rate)


def _by_row(tracks: Sequence[Track]) -> Joined:
    first = tracks[0]
    for other in tracks[1:]:
        if len(other.kept) != len(first.kept):
            raise DataError(
                f"{first.piece.where}: has {len(first.kept)} rows, {other.piece.where} {len(other.kept)}; "
                "name the column of the time by time, so that they can be joined by it"
            )
    number = np.flatnonzero(np.all([track.kept for track in tracks], axis=0))
    return Joined(
        names=tuple(name for track in tracks for name in track.names),
        values=np.hstack([track.values for track in tracks])[number],
        rows=(number,) * len(tracks),
        time=None,
        number=number,
    )


def _by_time(tracks: Sequence[Track], rate: float) -> Joined:
    first, others = tracks[0], tracks[1:]
    assert first.beat is not None
    spans = [span for begin, end in first.spans() if len((span := _span(first, begin, end, rate)).number)]
    numbers, end, origin = [], 0, first.beat.time[0] if len(first.beat.time) else 0.0
    for span in spans:
        assert span.time is not None
        begin = max(end, round((span.time[0] - origin) * (rate or first.beat.rate)))
        numbers.append(begin + np.arange(len(span.number)))
        end = begin + len(span.number) + 1
    values = [[span.values for span in spans]]
    covered = [np.ones(len(span.number), np.bool_) for span in spans]
    for other in others:
        assert other.beat is not None
        found = [onto(_times(span), list(other.spans()), other.beat.time, other.values) for span in spans]
        values.append([part for part, _ in found])
        covered = [before & here for before, (_, here) in zip(covered, found, strict=True)]
    kept = np.flatnonzero(np.concatenate([np.zeros(0, np.bool_), *covered]))
    if not kept.size:
        others_where = ", ".join(other.piece.where for other in others)
        if not others:
            at = f" at {rate:g} Hz" if rate else ""
            raise DataError(f"{first.piece.where}: gives no step{at}; leave it out, or give a higher rate or missing")
        raise DataError(f"{first.piece.where}: has no step that {others_where} covers; they need one clock, and values")
    time = np.concatenate([_times(span) for span in spans])[kept]
    rows = [np.concatenate([span.rows[0] for span in spans])[kept]]
    rows += [_before(other, time) for other in others]
    return Joined(
        names=tuple(name for track in tracks for name in track.names),
        values=np.hstack([np.concatenate(parts) for parts in values])[kept],
        rows=tuple(rows),
        time=time,
        number=np.concatenate(numbers)[kept],
    )


def _span(track: Track, begin: int, end: int, rate: float) -> Joined:
    assert track.beat is not None
    time, values, rows = track.beat.time[begin:end], track.values[begin:end], np.arange(begin, end)
    if track.beat.resampled(rate):
        new = resample(time, values, rate)
        time, values, rows = new.time, new.values, rows[new.rows]
    return Joined(track.names, values, (rows,), time, np.arange(len(time)))


def _times(joined: Joined) -> npt.NDArray[np.float64]:
    assert joined.time is not None
    return joined.time


def _before(track: Track, time: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The last row that is not behind each time."""
    assert track.beat is not None
    return np.clip(np.searchsorted(track.beat.time, time, side="right") - 1, 0, len(track.beat.time) - 1)
