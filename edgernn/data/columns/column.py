# SPDX-License-Identifier: Apache-2.0
"""A column of a table as it stands in the file: text, with the lines that messages name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

Seconds = npt.NDArray[np.float64]

MISSING = frozenset(
    "|nan|-nan|nan(ind)|-nan(ind)|1.#qnan|-1.#ind|1.#inf|-1.#inf|na|n/a|n.a.|#n/a|<na>|#div/0!|#value!|#num!|#ref!"
    "|null|none|nil|?|*|-|--|---|inf|+inf|-inf|infinity|-infinity|nat|missing".split("|")
)
"""What stands for no value in a column of numbers, in small letters."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Column:
    """One column of one recording. where: the file, and the recording in it, for messages; cells: N texts, without
    blanks around them; lines: integers [N], where in the file they stand."""

    where: str
    name: str
    cells: Sequence[str] | npt.NDArray[Any]
    lines: npt.NDArray[np.integer[Any]]

    def at(self, row: int) -> str:
        """Where a row is, for messages."""
        return f"{self.where}: line {self.lines[row]}, column `{self.name}`"

    def check(self, good: npt.NDArray[np.bool_], wrong: str) -> None:
        """Raises DataError for the first row that is not good: bool [N]; wrong: what its cell is, and what to do."""
        bad = np.flatnonzero(~good)
        if bad.size:
            raise DataError(f"{self.at(bad[0])} holds `{self.cells[bad[0]]}`, which is {wrong}")

    def take(self, rows: npt.NDArray[Any]) -> "Column":
        """The column of some rows: indices or a mask."""
        return replace(self, cells=np.asarray(self.cells, object)[rows], lines=self.lines[rows])


def floats(cells: Sequence[str] | npt.NDArray[Any], decimal: str = ".") -> npt.NDArray[np.float64]:
    """The numbers in cells, float64 [N]; NaN where a cell is no number (nan and inf are none).

    With the decimal comma a cell that has a point is no number: it may be a separator of thousands.
    """
    texts = np.asarray(cells, np.str_)
    if decimal == ",":
        texts = np.char.replace(np.char.replace(texts, ".", "?"), ",", ".")
    values = np.full(len(texts), np.nan)
    plain = np.flatnonzero(_of_digits(texts))
    try:
        # Of these characters alone, Python takes what _NUMBER describes.
        values[plain] = np.fromiter(map(float, texts[plain].tolist()), np.float64, len(plain))
    except ValueError:
        values[plain] = [float(cell) if _NUMBER.fullmatch(cell) else np.nan for cell in texts[plain].tolist()]
    return values


def _of_digits(texts: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """bool [N]: whether a cell has no characters but those of numbers, and has some."""
    codes = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), texts.itemsize // 4)
    known = np.zeros(128, np.bool_)
    known[[ord(character) for character in "\0+-.0123456789Ee"]] = True
    good: npt.NDArray[np.bool_] = (known[np.minimum(codes, 127)] & (codes < 127)).all(axis=1) & (texts != "")
    return good
