# SPDX-License-Identifier: Apache-2.0
"""A text file of anyone's -> named columns of text cells, whatever its form."""

import difflib
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.text.form import SEPARATORS, Form, detect, separator
from edgernn.data.text.textfile import TextFile, examine, listed, shown
from edgernn.errors import DataError, MissingExtraError

MAX_COLUMNS = 10_000
MAX_CELL = 200
"""Characters of a cell; all cells of a column take as much memory as the longest one."""

_HEAD = 200

Header = bool | tuple[str, ...] | None
"""Whether the first row names the columns; their names, where no row does; None: to be found out."""


@dataclass(frozen=True)
class Cells:
    """columns: str [N] of each name; lines: int64 [N], the line of each row in the file, from 1."""

    path: Path
    columns: dict[str, npt.NDArray[np.str_]]
    lines: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int, name: str) -> str:
        return f"{shown(self.path)}: line {self.lines[row]}, column `{shown(name)}`"

    def take(self, rows: npt.NDArray[np.intp] | slice) -> "Cells":
        return Cells(self.path, {name: cells[rows] for name, cells in self.columns.items()}, self.lines[rows])


@dataclass(frozen=True)
class Table:
    """A file whose form is known and whose rows are not read yet; names: of its columns, by number from 1 where nothing
    names them."""

    file: TextFile
    form: Form
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.file.path

    def words(self) -> str:
        """The form, for the user."""
        encoding = {"utf-8": "", "utf-8-sig": "", "cp1252": ", Latin-1", "latin-1": ", Latin-1"}
        return self.form.words() + encoding.get(self.file.encoding, f", {self.file.encoding.upper()}")

    def without(self, wanted: Sequence[str]) -> list[str]:
        """Those of the names that are no column."""
        return [name for name in wanted if name not in self.names]

    def refusal(self, name: str) -> str:
        """Why there is no column of this name."""
        here = shown(self.path)
        if self.form.names is None and len(set(self.names) & {str(at + 1) for at in range(len(self.names))}):
            first = ", ".join(map(shown, self.form.first[:6])) + (", ..." if len(self.form.first) > 6 else "")
            return (
                f"{here}: its first row ({first}) looks like values, so no column is called `{shown(name)}`; name "
                f'columns by their numbers, such as "1", or all {self.form.width} in order by header = [...]'
            )
        if self.form.width == 1 and len(self.names[0]) > len(name) and name in self.names[0]:
            return (
                f"{here}: has one column, `{shown(self.names[0])}`, as no separator is found; write it with one of "
                f"{', '.join(SEPARATORS)}"
            )
        near = difflib.get_close_matches(name.lower(), [known.lower() for known in self.names[:1000]], n=1, cutoff=0.8)
        meant = [known for known in self.names if near and known.lower() == near[0]] or [
            known
            for known in self.names[:1000]
            if known.lower().startswith(name.lower()) and not known[len(name)].isalnum()
        ]
        hint = f"; did you mean `{shown(meant[0])}`?" if meant else f"; its columns are {listed(list(self.names))}"
        return f"{here}: has no column `{shown(name)}`{hint}"

    def read(self, wanted: Sequence[str]) -> Cells:
        """The cells of these columns, without lines that are empty or comments.

        Raises DataError for a column that is missing or there twice, rows of another number of cells than the names,
        cells longer than MAX_CELL, and a table without rows.
        """
        at = {name: self._position(name) for name in wanted}
        frame = self._frame(sorted({0, self.form.width - 1, *at.values()}))
        lines = np.arange(len(frame), dtype=np.int64) + self.form.begin + 1
        texts = {position: self._column(frame, position, lines) for position in {0, *at.values()}}
        kept = np.zeros(len(frame), np.bool_)
        for cells in texts.values():
            kept |= cells != ""
        if self.form.comment:
            kept &= ~np.char.startswith(texts[0], self.form.comment)
        self._check_widths(frame, kept, lines)
        if not kept.any():
            raise DataError(f"{shown(self.path)}: has no rows below the header; leave it out")
        return Cells(self.path, {name: texts[position][kept] for name, position in at.items()}, lines[kept])

    def _position(self, name: str) -> int:
        count = self.names.count(name)
        if count == 0:
            raise DataError(self.refusal(name))
        if count > 1:
            raise DataError(
                f"{shown(self.path)}: has {count} columns `{shown(name)}`; rename them, or name all columns by "
                "header = [...] after removing the first row"
            )
        return self.names.index(name)

    def _frame(self, positions: list[int]) -> Any:
        """pandas' frame of these columns and of the one behind the last, which is empty unless a row is too long."""
        mark, width = self.form.separator, self.form.width
        with self.file.opened() as text:
            for _ in range(self.form.begin):
                text.readline()
            numbers = io.StringIO(mark.join(map(str, range(width + 1))) + "\n")
            try:
                # Compression off: a name must not unpack a bomb. Text, so that a label such as NA or 007 stays.
                return pandas().read_csv(
                    _Chain(numbers, text),
                    sep=r"\s+" if mark == " " else mark,
                    usecols=[*positions, width],
                    dtype=object,
                    na_filter=False,
                    index_col=False,
                    skip_blank_lines=False,
                    skipinitialspace=True,
                    compression=None,
                )
            except (OSError, ValueError) as error:
                reason = " ".join(str(error).split())
                way = "look for a missing quote" if "inside string" in reason else "repair or remove it"
                raise DataError(f"{shown(self.path)}: not a readable table ({reason}); {way}") from None

    def _column(self, frame: Any, position: int, lines: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
        column = frame[str(position)]
        if max(map(len, column), default=0) > MAX_CELL:
            long = np.flatnonzero(column.str.len().to_numpy() > MAX_CELL)
            if position:
                raise DataError(
                    f"{shown(self.path)}: line {lines[long[0]]} has a cell of {len(column.iloc[long[0]])} characters, "
                    f"`{shown(column.iloc[long[0]])}`; look for a missing quote, or remove the row"
                )
            column = column.str.slice(0, MAX_CELL)
        cells = np.char.strip(column.to_numpy(dtype=np.str_))
        last = position == self.form.width - 1 and self.form.terminator
        return np.char.rstrip(cells, self.form.terminator + " ") if last else cells

    def _check_widths(self, frame: Any, kept: npt.NDArray[np.bool_], lines: npt.NDArray[np.int64]) -> None:
        mark, width = self.form.separator, self.form.width
        long = np.flatnonzero(kept & (frame[str(width)] != "").to_numpy())
        # Between spaces no cell can be empty: what is missing has moved the cells behind it.
        short = np.flatnonzero(kept & (mark == " ") & (frame[str(width - 1)] == "").to_numpy())
        for rows, what in ((long, "more"), (short, "fewer")):
            if rows.size:
                reason = "a decimal comma needs another separator or quotes; " if mark == "," and what == "more" else ""
                raise DataError(
                    f"{shown(self.path)}: line {lines[rows[0]]} has {what} cells than the {width} of the others; "
                    f"{reason}repair or remove it"
                )


class _Chain(io.TextIOBase):
    """Names of pandas' own in front of the rows, so that it finds as many columns as it is told."""

    def __init__(self, first: io.TextIOBase, rest: io.TextIOBase) -> None:
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:
        return self._first.read(size) or self._rest.read(size)


def look(path: Path, mark: str = "auto", header: Header = None) -> Table:
    """The table of a file, of which only the first lines are looked at.

    mark: its separator (`edgernn.data.text.form.separator`). Raises DataError where the form can't be told,
    MissingExtraError without pandas.
    """
    pandas()
    file = examine(path)
    try:
        form = detect(file.head(_HEAD), separator(mark), False if isinstance(header, tuple) else header)
    except DataError as error:
        raise DataError(f"{shown(path)}: {error}") from None
    if form.width > MAX_COLUMNS:
        raise DataError(f"{shown(path)}: has {form.width:,} columns; give a table of at most {MAX_COLUMNS:,}")
    if isinstance(header, tuple) and len(header) != form.width:
        raise DataError(f"{shown(path)}: has {form.width} columns, but header names {len(header)}; name each of them")
    named = header if isinstance(header, tuple) else form.names
    return Table(file, form, named if named is not None else tuple(str(at + 1) for at in range(form.width)))


def pandas() -> Any:
    """Imported at the first table, so that the other data sets do without it."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        raise MissingExtraError("reading CSV", "pandas", "data") from None
