# SPDX-License-Identifier: Apache-2.0
"""Decimal commas in the cells of a table."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edgernn.data.text.textfile import shown
from edgernn.errors import DataError

_WITH_COMMA = re.compile(r"[+-]?\d*,\d*([eE][+-]?\d+)?")
_WITH_POINT = re.compile(r"[+-]?\d*\.\d*([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_THOUSANDS_BY_POINT = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")

Columns = Mapping[str, npt.NDArray[np.str_]]


def mark(where: str, columns: Columns, given: str = "auto", separator: str = ",", others: Sequence[str] = ()) -> str:
    """The decimal mark of columns of numbers: "." or ",", or "" where no cell has one.

    given: "auto", or what it is; separator: of the table; others: cells of other columns, too, which may decide.
    Raises DataError, which opens with `where`, where cells contradict each other, or each comma or point may stand
    between thousands.
    """
    if given != "auto":
        return _checked(where, columns, given)
    # A comma between seconds and their fraction is part of a time.
    commas = {cell for cell in _with(columns.values(), ",") if re.search(r"\d,|,\d", cell) and ":" not in cell}
    if not commas:
        points = _with(columns.values(), ".")
        _check_points(where, points, columns, separator, others)
        return "." if points else ""
    both = sorted(cell for cell in commas if "." in cell)
    if both:
        raise DataError(f"{where}: holds `{shown(both[0])}`, with a comma and a point; write numbers without thousands")
    numbers = {cell for cell in commas if _WITH_COMMA.fullmatch(cell)}
    decimal = numbers - {cell for cell in numbers if _THOUSANDS.fullmatch(cell)}
    pointed = sorted(filter(_WITH_POINT.fullmatch, _with(columns.values(), ".")))
    if pointed and numbers:
        raise DataError(
            f"{where}: holds `{shown(min(numbers))}` and `{shown(pointed[0])}`, a decimal comma and a point; "
            "give decimal, and repair the others"
        )
    if numbers and not decimal:
        raise DataError(
            f'{where}: holds `{shown(min(numbers))}`, which may be thousands; write decimal = "," if the comma is '
            "the decimal mark, else write numbers without thousands"
        )
    return "," if numbers else ""


def _check_points(where: str, points: set[str], columns: Columns, separator: str, others: Sequence[str]) -> None:
    """Refuses points that may all stand between thousands: `1.926` beside `987`, or where a comma may be decimal."""
    pointed = points | set(filter(_WITH_POINT.fullmatch, others))
    if not points or not all(map(_THOUSANDS_BY_POINT.fullmatch, pointed)):
        return
    below = {
        cell for cells in columns.values() for cell in np.unique(cells).tolist() if re.fullmatch(r"[1-9]\d\d", cell)
    }
    if separator == ";" or below:
        beside = f" beside `{min(below)}`" if below else ""
        raise DataError(
            f"{where}: holds `{shown(min(points))}`{beside}, whose point may stand between thousands; write "
            'decimal = "." if it is the decimal mark, else write numbers without thousands'
        )


def _checked(where: str, columns: Columns, given: str) -> str:
    pointed = sorted(filter(_WITH_POINT.fullmatch, _with(columns.values(), "."))) if given == "," else []
    if pointed:
        raise DataError(f"{where}: holds `{shown(pointed[0])}`, but decimal is a comma; write numbers with one mark")
    return given


def with_points(cells: npt.NDArray[np.str_], found: str) -> npt.NDArray[np.str_]:
    """The cells with a decimal point where they are numbers with a decimal comma."""
    if found != ",":
        return cells
    values, inverse = np.unique(cells, return_inverse=True)
    changed = [cell.replace(",", ".") if _WITH_COMMA.fullmatch(cell) else cell for cell in values.tolist()]
    return np.array(changed, np.str_)[inverse]


def _with(columns: Iterable[npt.NDArray[np.str_]], character: str) -> set[str]:
    return {cell for cells in columns for cell in np.unique(cells[np.char.find(cells, character) >= 0]).tolist()}
