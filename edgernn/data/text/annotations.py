# SPDX-License-Identifier: Apache-2.0
"""Labels of intervals, in a file apart from the recordings."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.column import Column
from edgernn.data.text import decimals
from edgernn.data.text.pieces import Piece
from edgernn.data.text.tables import Table, look
from edgernn.data.text.textfile import listed, shown
from edgernn.errors import DataError

_NAMES = {
    "file": ("file", "filename", "file_name", "recording", "record", "path", "name"),
    "label": ("label", "class", "activity", "event", "annotation"),
    "begin": ("begin", "start", "from", "onset", "first"),
    "end": ("end", "stop", "to", "until", "offset"),
}


@dataclass(frozen=True)
class Intervals:
    """Those of one recording, or all: labels, begins and ends as they are written; rows: int64, their numbers among
    all, from 0; lines: where they stand in the file."""

    where: str
    rows: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    labels: npt.NDArray[np.str_]
    begins: npt.NDArray[np.str_]
    ends: npt.NDArray[np.str_]

    def at(self, row: int) -> str:
        return f"{self.where}: line {self.lines[row]}"

    def take(self, rows: list[int]) -> "Intervals":
        at = np.array(rows, np.int64)
        return Intervals(self.where, at, self.lines[at], self.labels[at], self.begins[at], self.ends[at])


class Annotations:
    """The intervals of a table with a row an interval: the recording's file or name, its label, its begin and end.

    A table without begins and ends has a row a recording. whole: whether it is one.
    """

    def __init__(
        self, path: Path, label: str, base: Path, *, names: tuple[str, ...] = (), decimal: str = "auto"
    ) -> None:
        """label: the column of the label, empty for one of the usual names. base: the folder that files are named from.
        names: of the columns in order, in place of those in the file; empty for those.

        Raises DataError for a table that has no such columns.
        """
        self._base = base
        table = look(path)
        self._replaced = table.form.names or () if names else ()
        if names:
            _check_names(table, names)
            table = replace(table, names=names)
        self.whole = bool(_known(table, "file")) and not (_known(table, "begin") or _known(table, "end"))
        roles = ("file", "label") if self.whole else tuple(_NAMES)
        columns = {role: _column(table, role, label) for role in roles}
        cells = table.read([name for name in columns.values() if name])
        at = {role: cells.columns[name] for role, name in columns.items() if name}
        empty = [role for role in at if (at[role] == "").any()]
        if empty:
            row = int(np.flatnonzero(at[empty[0]] == "")[0])
            raise DataError(f"{cells.where(row, columns[empty[0]])} is empty; fill it in or remove this row")
        self._path = path
        self._files = at.get("file")
        bounds = {role: column for role, column in at.items() if role in ("begin", "end")}
        found = decimals.mark(shown(path), bounds, decimal)
        nothing = np.full(len(cells), "")
        begins, ends = (decimals.with_points(bounds.get(role, nothing), found) for role in ("begin", "end"))
        self._all = Intervals(shown(path), np.arange(len(cells)), cells.lines, at["label"], begins, ends)

    @property
    def bounds(self) -> tuple[Column, Column]:
        """Begins and ends of all intervals."""
        every = self._all
        return Column(every.where, "begin", every.begins, every.lines), Column(
            every.where, "end", every.ends, every.lines
        )

    def check(self, recordings: Iterable[Piece]) -> None:
        """Raises DataError where an interval is of no recording, or of more than one."""
        recordings = tuple(recordings)
        if self._files is None and len(recordings) > 1:
            raise DataError(
                f"{shown(self._path)}: has no column of the file, but there are {len(recordings)} recordings; "
                "add a column `file`"
            )
        owners: dict[str, set[str]] = {}
        for piece in recordings:
            for name in self._names(piece):
                owners.setdefault(name, set()).add(piece.where)
        if any(_key(name) in owners for name in self._replaced):
            first = listed(list(self._replaced))
            raise DataError(
                f"{shown(self._path)}: its first row, {first}, is of a recording but read as names; write the names "
                "of the columns above it"
            )
        for row, name in enumerate([] if self._files is None else self._files.tolist()):
            count = len(owners.get(_key(name), ()))
            if count != 1:
                what = "no recording has this name" if not count else f"{count} recordings have this name"
                raise DataError(
                    f"{self._all.at(row)} is of `{shown(name)}`, but {what}; write the file's path below "
                    f"{shown(self._base)}, or remove the row"
                )

    def of(self, piece: Piece) -> Intervals:
        """The intervals of a recording."""
        if self._files is None:
            return self._all
        names = self._names(piece)
        found = self._all.take([row for row, name in enumerate(self._files.tolist()) if _key(name) in names])
        if not self.whole:
            return found
        ends = np.full(len(found.lines), str(piece.count))
        return replace(found, begins=np.full(len(ends), "0"), ends=ends)

    def _names(self, piece: Piece) -> set[str]:
        if piece.name:
            return {_key(piece.name)}
        path, fields = piece.source.path, piece.source.fields
        below = path.relative_to(self._base) if path.is_relative_to(self._base) else path
        named = {path.name, path.stem, below.as_posix(), below.with_suffix("").as_posix(), path.as_posix()}
        return {_key(name) for name in (*named, *([fields["recording"]] if "recording" in fields else []))}


def steps(intervals: Intervals, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Begins and ends that are written as numbers of rows, from 0 and the end not included.

    Raises DataError for what is no whole number from 0 to `count`.
    """
    bounds = []
    for cells in (intervals.begins, intervals.ends):
        numbers = np.array([_row(cell) for cell in cells.tolist()], np.float64)
        wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= count)))
        if wrong.size:
            raise DataError(
                f"{intervals.at(int(wrong[0]))} has the row {shown(cells[wrong[0]])}, but its recording has 0 to "
                f'{count}; repair it, or write annotated_in = "time" if it is a time'
            )
        bounds.append(numbers)
    return bounds[0], bounds[1]


def labels(
    intervals: Intervals,
    begins: npt.NDArray[np.float64],
    ends: npt.NDArray[np.float64],
    at: npt.NDArray[np.float64],
) -> npt.NDArray[np.str_]:
    """The label of each step, str [N], empty outside of the intervals; at: [N] rows or seconds, growing.

    An interval holds the steps from its begin on, its end not included. Raises DataError for an interval that ends
    before it begins, and for steps of two labels.
    """
    found = np.zeros(len(at), f"U{max(1, intervals.labels.dtype.itemsize // 4)}")
    for row in np.argsort(begins, kind="stable").tolist():
        if ends[row] < begins[row]:
            raise DataError(f"{intervals.at(row)}: ends before it begins; repair it")
        span = slice(*np.searchsorted(at, (begins[row], ends[row])))
        other = found[span][(found[span] != "") & (found[span] != intervals.labels[row])]
        if other.size:
            raise DataError(
                f"{intervals.at(row)}: gives steps the label `{shown(intervals.labels[row])}` that have "
                f"`{shown(other[0])}` already; let intervals not overlap"
            )
        found[span] = intervals.labels[row]
    return found


def _known(table: Table, role: str) -> str:
    """The column of a role by one of its usual names, empty where there is none."""
    found = [name for known in _NAMES[role] for name in table.names if name.lower() == known]
    return found[0] if found else ""


def _column(table: Table, role: str, label: str) -> str:
    if role == "label" and label and label in table.names:
        return label
    if found := _known(table, role):
        return found
    if role == "file":
        return ""
    if table.names == tuple(str(at + 1) for at in range(table.form.width)):
        raise DataError(
            f"{shown(table.path)}: its first row looks like values; name its {table.form.width} columns in order by "
            'annotation_columns, such as ["file", "label", "begin", "end"]'
        )
    raise DataError(
        f"{shown(table.path)}: has no column of the {role} of an interval; call one "
        f"{' or '.join(_NAMES[role][:3])}, or name all in order by annotation_columns; its columns are "
        f"{listed(list(table.names))}"
    )


def _check_names(table: Table, names: tuple[str, ...]) -> None:
    if len(names) != table.form.width:
        raise DataError(
            f"{shown(table.path)}: has {table.form.width} columns, but annotation_columns names {len(names)}; name each"
        )


def _row(cell: str) -> float:
    number = float(cell) if cell.replace(".", "", 1).isdigit() else -1.0
    return number if number.is_integer() else -1.0


def _key(name: str) -> str:
    return str(int(name)) if name.isdigit() else name
