# SPDX-License-Identifier: Apache-2.0
"""The rows of one recording in one file, as they are written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.column import Column
from edgernn.data.text import decimals
from edgernn.data.text.layout import Source
from edgernn.data.text.reading import Names
from edgernn.data.text.tables import Cells, Table
from edgernn.data.text.textfile import shown
from edgernn.errors import DataError


@dataclass(frozen=True)
class Part:
    """A file of a recording, or of several."""

    source: Source
    table: Table


@dataclass(frozen=True)
class Piece:
    """numbers, texts: columns of `count` rows, by the names that they are asked by; time: the column of the time; name:
    of the recording, where a column tells; words: the form of the file; decimal: its mark, empty where no cell has
    one."""

    where: str
    source: Source
    name: str
    count: int
    numbers: Mapping[str, Column]
    texts: Mapping[str, Column]
    time: Column | None
    words: str
    decimal: str


def pieces(part: Part, wanted: Mapping[str, str], names: Names) -> Iterator[Piece]:
    """The recordings in a file, in the order of their first rows; wanted: its columns by the names they are asked by.

    Raises DataError for rows that can't be read, and for an empty cell that names a recording.
    """
    times = names.reading.times
    cells = part.table.read(tuple(dict.fromkeys((*wanted.values(), *times))))
    numeric = {column for name, column in wanted.items() if name in names.numbers} | set(times)
    form = part.table.form
    decimal = decimals.mark(
        shown(part.source.path),
        {name: cells.columns[name] for name in numeric},
        names.reading.decimal,
        form.separator,
        form.first,
    )
    plain = {name: decimals.with_points(_printable(cells.columns[name]), decimal) for name in numeric}
    for name, at in _divided(cells, names.key):
        where = shown(part.source.path) + (f", {names.key} {shown(name)}" if name else "")
        lines = cells.lines[at]
        yield Piece(
            where=where,
            source=part.source,
            name=name,
            count=len(at),
            numbers={n: Column(where, c, plain[c][at], lines) for n, c in wanted.items() if n in names.numbers},
            texts={n: Column(where, c, cells.columns[c][at], lines) for n, c in wanted.items() if n in names.texts},
            time=_time(where, times, [plain[name][at] for name in times], lines),
            words=part.table.words() + ", decimal comma" * (decimal == ","),
            decimal=decimal,
        )


def _time(
    where: str, names: tuple[str, ...], cells: list[npt.NDArray[np.str_]], lines: npt.NDArray[np.int64]
) -> Column | None:
    if not names:
        return None
    joined = cells[0]
    for more in cells[1:]:
        joined = np.char.add(np.char.add(joined, " "), more)
    return Column(where, " ".join(names), joined, lines)


def _printable(cells: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """No number and no time has other characters, so that these may stand in a message."""
    if all(map(str.isprintable, cells.tolist())):
        return cells
    return np.array([shown(cell) for cell in cells.tolist()], np.str_)


def _divided(cells: Cells, key: str) -> list[tuple[str, npt.NDArray[np.intp]]]:
    if not key:
        return [("", np.arange(len(cells)))]
    values = cells.columns[key]
    empty = np.flatnonzero(values == "")
    if empty.size:
        raise DataError(f"{cells.where(int(empty[0]), key)} is empty; fill it in or remove this row")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    return [(str(values[at[0]]), at) for at in sorted(rows, key=lambda at: int(at[0]))]
