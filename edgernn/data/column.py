# SPDX-License-Identifier: Apache-2.0
"""A column of a table as it stands in the file: text, with the lines that messages name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

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

    def take(self, rows: npt.NDArray[Any]) -> "Column":
        """The column of some rows: indices or a mask."""
        return replace(self, cells=np.asarray(self.cells, object)[rows], lines=self.lines[rows])


def floats(cells: Sequence[str] | npt.NDArray[Any], decimal: str = ".") -> npt.NDArray[np.float64]:
    """The numbers in cells, float64 [N]; NaN where a cell is no number (nan and inf are none).

    With the decimal comma a cell that has a point is no number: it may be a separator of thousands.
    """
    return np.array([_float(cell, decimal) for cell in cells], np.float64)


def _float(cell: str, decimal: str) -> float:
    if decimal == ",":
        cell = cell.replace(".", "?").replace(",", ".")
    return float(cell) if _NUMBER.fullmatch(cell) else np.nan
