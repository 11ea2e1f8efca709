# SPDX-License-Identifier: Apache-2.0
"""The rows of all files of a data set, as they are written; and what to do where a column is missing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgernn.data.columns.column import Column
from edgernn.data.text import layout, sensors
from edgernn.data.text.form import is_number, separator
from edgernn.data.text.layout import Layout
from edgernn.data.text.pieces import Part, Piece, pieces
from edgernn.data.text.reading import Names, Reading
from edgernn.data.text.sensors import Files
from edgernn.data.text.tables import look, pandas
from edgernn.data.text.textfile import shown
from edgernn.errors import DataError

_WIDE = 30
"""Columns of numbers from which on a row looks like a whole window."""


@dataclass(frozen=True)
class Found:
    """The pieces of each recording, one a sensor, and all that they are told apart by."""

    layout: Layout
    names: Names
    recordings: tuple[tuple[Piece, ...], ...]

    @property
    def sensors(self) -> range:
        return range(len(self.recordings[0]))

    @property
    def forms(self) -> tuple[str, ...]:
        """How the files are written, for the user."""
        words = {piece.source.path: piece.words for recording in self.recordings for piece in recording}
        forms = Counter(words.values()).items()
        return tuple(f"{count} {'file' if count == 1 else 'files'} read as CSV: {form}" for form, count in forms)

    def of(self, sensor: int) -> list[Piece]:
        return [recording[sensor] for recording in self.recordings]


def find(path: str | Path, reading: Reading) -> Found:
    """The rows of all files, as they are written."""
    pandas()
    separator(reading.separator)
    files = layout.find(path, Path(reading.annotations) if reading.annotations else None)
    names = Names.of(reading, files)
    parts = [Part(source, look(source.path, reading.separator, reading.first_row)) for source in files.sources]
    _check_one_form(parts)
    together = sensors.together(files, parts)
    _check_columns(files, together, names)
    found = tuple(recording for some in together for recording in _pieces(some, names))
    _check_one_mark([piece for recording in found for piece in recording])
    return Found(files, names, found)


def check_filled(column: Column, otherwise: str = "") -> None:
    """Raises DataError for an empty cell; otherwise: what else to do, for the message."""
    filled = np.asarray(column.cells) != ""
    if not filled.all():
        raise DataError(f"{column.at(int(filled.argmin()))} is empty; fill it in, or remove this row{otherwise}")


def _check_one_form(parts: Sequence[Part]) -> None:
    """Files of one folder that are written differently were made by different programs, or one is misread."""
    first = next((part for part in parts if part.table.form.width > 1), None)
    for part in parts:
        if first and part.table.form.width > 1 and part.table.form.separator != first.table.form.separator:
            raise DataError(
                f"{shown(part.source.path)}: read with {part.table.words()}, but {shown(first.source.path)} with "
                f"{first.table.words()}; give separator, or a path without one of them"
            )


def _check_one_mark(found: Sequence[Piece]) -> None:
    marks = {piece.decimal: piece for piece in found if piece.decimal}
    if len(marks) > 1:
        raise DataError(
            f"{marks[','].where}: has decimal commas, but {marks['.'].where} has points; write them alike, "
            "or give a path without one of them"
        )


def _check_columns(found: Layout, together: Sequence[Files], names: Names) -> None:
    """Raises DataError for the first column that is missing, with what the other files or the paths suggest."""
    for files in together:
        known = {name for part in files.values() for name in part.table.names}
        known |= {f"{sensor}.{name}" for sensor, part in files.items() for name in part.table.names}
        both = [name for name in names.fields.values() if name in known]
        if both:
            first = next(iter(files.values())).table
            raise DataError(
                f"{shown(first.path)}: has a column `{shown(both[0])}`, and path has {{{both[0]}}}; "
                "write another word into path, or {_}"
            )
        missing = [name for name in (*names.columns, *names.reading.times) if name not in known]
        if missing:
            raise DataError(_missing(found, together, files, missing, names))


def _missing(found: Layout, together: Sequence[Files], files: Files, missing: list[str], names: Names) -> str:
    first = next(iter(files.values())).table
    everywhere = {name for other in together for part in other.values() for name in part.table.names}
    hint = ""
    if "sensor" not in found.names and (first.form.names is not None or missing == [names.reading.label]):
        if len(found.sources) > 1 and set(missing) <= everywhere:
            pattern = layout.suggestion(found, "sensor") or f"{found.base.as_posix()}/{{sensor}}_*.csv"
            pattern = pattern.replace("*", "{recording}") if pattern.count("*") == 1 else pattern
            hint = f', but other files have; if each sensor has its own files, write path = "{pattern}"'
        elif names.reading.label in missing and names.reading.label not in everywhere:
            hint = layout.lacking(found)
    channels = set(missing) & set(names.reading.columns)
    if not hint and channels and sum(map(is_number, first.form.first)) >= _WIDE:
        hint = '; if a row is a whole window, write layout = "wide" and columns = ["*"], and leave window out'
    return first.refusal(missing[0]) + hint


def _pieces(files: Files, names: Names) -> Iterator[tuple[Piece, ...]]:
    """The pieces of each recording, the sensor of the first channel in front."""
    wanted: dict[str, dict[str, str]] = {sensor: {} for sensor in files}
    for name in names.columns:
        sensor, column = sensors.locate(files, name)
        wanted[sensor][name] = column
    order = dict.fromkeys(sensors.locate(files, name)[0] for name in names.columns)
    yield from zip(*(pieces(files[sensor], wanted[sensor], names) for sensor in order), strict=True)
