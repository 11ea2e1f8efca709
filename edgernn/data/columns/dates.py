# SPDX-License-Identifier: Apache-2.0
"""Dates and times of day, as text has them, as seconds."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.column import Column, Seconds, floats
from edgernn.errors import DataError

_TIME = (
    r"(?P<H>\d{1,3})(?P<colon>[:.])(?P<M>\d{2})(?:(?P=colon)(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?:(?P<half>[AaPp])\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|[+-]\d{2}(?::?\d{2})?)?"
)
_DATES = (
    re.compile(rf"(?P<a>\d{{1,4}})(?P<sep>[-/.])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{1,4}})(?:(?:T|,?\s+){_TIME})?"),
    re.compile(
        r"(?P<a>(?:19|20)\d\d)(?P<sep>)(?P<b>0[1-9]|1[0-2])(?P<c>0[1-9]|[12]\d|3[01])T?"
        r"(?P<H>[01]\d|2[0-3])(?P<M>[0-5]\d)(?:(?P<S>[0-5]\d)(?:[.,](?P<f>\d{1,9}))?)?"
        r"(?P<half>)(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?"
    ),
)
_OF_DAY = re.compile(_TIME)
_DAY = 86400.0
_HOUR = 3600.0
_FORMATS = (
    ("%H:%M:%S:%f", "%M:%S.%f", "'%M:%S.%f'", "'%H:%M:%S.%f'", "[%H:%M:%S.%f]")
    + tuple(
        f"{date} {time}"
        for date in ("%d-%b-%Y", "%d %b %Y", "%d/%b/%Y", "%b %d %Y", "%b %d, %Y", "%d-%b-%y", "%d %B %Y", "%B %d, %Y")
        for time in ("%H:%M:%S", "%H:%M:%S.%f", "%I:%M:%S %p")
    )
    + ("%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S:%f", "%Y-%m-%d_%H-%M-%S", "%Y/%m/%d-%H:%M:%S.%f", "%Y%m%d_%H%M%S")
)
"""Of times that are not read without being told; one of them is named where it fits."""


@dataclass(frozen=True)
class _Fields:
    """The parts of dates and times of one column, an entry a row; zone in seconds, NaN where there is none."""

    column: Column
    dates: npt.NDArray[np.int64]
    """[N, 3], in the order of the text"""
    forms: frozenset[tuple[str, bool, bool]]
    day: Seconds
    """seconds of the day"""
    zone: Seconds


def formatted(column: Column, pattern: str) -> Seconds:
    """float64 [N] s since 1970 of cells in a format of strptime; of times without a day, continued across midnight, and
    without an hour across the hour.

    Raises DataError for a cell that the format does not describe.
    """
    values = np.empty(len(column.cells))
    for row, cell in enumerate(column.cells):
        try:
            moment = datetime.strptime(cell, pattern)
        except ValueError:
            raise DataError(
                f"{column.at(row)} holds `{cell}`, which time_unit = `{pattern}` does not describe; change one of them"
            ) from None
        values[row] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not re.search(r"%[dDjcxsu]", pattern):
        values = _continued(values, _DAY if re.search("%[HIXT]", pattern) else _HOUR)
    return values


def compact(columns: Sequence[Column]) -> bool:
    """Whether all cells are dates such as 20200309101400, which are numbers, too."""
    return all(len(cell) >= 12 and _DATES[1].fullmatch(cell) for column in columns for cell in column.cells)


def _iso(columns: Sequence[Column]) -> list[Seconds] | None:
    """Dates such as 2020-03-09 10:14:00.02 without an offset, which NumPy reads fast; None for all others."""
    found = []
    for column in columns:
        cells = np.asarray(column.cells, np.str_)
        if not cells.size or cells.dtype.itemsize < 40:
            return None
        letters = cells.view("U1").reshape(len(cells), -1)
        if not ((letters[:, [4, 7]] == "-").all() and np.char.isdigit(letters[:, [0, 9]]).all()):
            return None
        if not np.isin(letters[:, 10:], list("0123456789T :.") + [""]).all():
            return None
        try:
            times = cells.astype("datetime64[ns]").astype(np.int64)
        except ValueError:
            return None
        whole, rest = np.divmod(times, 10**9)
        found.append(whole + rest / 1e9)
    return found


def read(columns: Sequence[Column]) -> tuple[tuple[Seconds, ...], str]:
    """Dates or times of day in a form that the data decides: float64 [N] s a column, since 1970 for dates, and how the
    cells were read.

    Raises DataError for cells that are none, and where the order of day and month is not decided; it names `time_unit`.
    """
    iso = _iso(columns)
    if iso is not None:
        return tuple(iso), "dates as year, month, day"
    first = next((cell for column in columns for cell in column.cells), "")
    for pattern in _DATES:
        if pattern.fullmatch(first):
            return _dates([_fields(column, pattern) for column in columns])
    if (match := _OF_DAY.fullmatch(first)) and match["S"]:
        parts = [_fields(column, _OF_DAY) for column in columns]
        return tuple(_continued(part.day - part.zone, _DAY) for part in parts), "times of day"
    column, row = _first_text(columns)
    raise DataError(
        f"{column.at(row)} holds `{column.cells[row]}`, which is neither a number nor a date that is known; repair it, "
        f"or give its format, such as {_example(column.cells[row])}"
    )


def _example(cell: str) -> str:
    """A time_unit that describes a cell, or any."""
    for pattern in _FORMATS:
        with contextlib.suppress(ValueError):
            datetime.strptime(cell, pattern)
            return f'time_unit = "{pattern}"'
    return 'time_unit = "%d/%m/%Y %H:%M:%S"'


def _first_text(columns: Sequence[Column]) -> tuple[Column, int]:
    """The first cell that is no number; the first of all if all are."""
    for column in columns:
        texts = np.flatnonzero(np.isnan(floats(column.cells)))
        if texts.size:
            return column, int(texts[0])
    return columns[0], 0


def _fields(column: Column, pattern: re.Pattern[str]) -> _Fields:
    rows = len(column.cells)
    dates = np.zeros((rows, 3), np.int64)
    day = np.empty(rows)
    zone = np.full(rows, np.nan)
    forms = set()
    dated = pattern is not _OF_DAY
    for row, cell in enumerate(column.cells):
        match = pattern.fullmatch(cell)
        if match is None:
            raise DataError(
                f"{column.at(row)} holds `{cell}`, which is no time like the first one, `{column.cells[0]}`; "
                f"repair it, or give the format, such as {_example(column.cells[0])}"
            )
        if dated:
            a, sep, b, c = match.group("a", "sep", "b", "c")
            dates[row] = int(a), int(b), int(c)
            forms.add((sep, len(a) > 2, len(c) > 2))
        day[row] = _seconds_of_day(column, row, match, dated)
        if offset := match["zone"]:
            zone[row] = _zone(offset)
    if np.isnan(zone).any() and not np.isnan(zone).all():
        row = int(np.flatnonzero(np.isnan(zone) != np.isnan(zone[0]))[0])
        raise DataError(f"{column.at(row)}: some times have an offset to UTC and some have none; give all of them one")
    return _Fields(column, dates, frozenset(forms), day, np.nan_to_num(zone))


def _seconds_of_day(column: Column, row: int, match: re.Match[str], dated: bool) -> float:
    hour, minute, second, fraction, half = match.group("H", "M", "S", "f", "half")
    hours, minutes, rest = int(hour or 0), int(minute or 0), int(second or 0)
    if minutes > 59 or rest > 60 or (half and not 1 <= hours <= 12) or (dated and hours > 23):
        raise DataError(f"{column.at(row)} holds `{column.cells[row]}`, which is no time of day; repair it")
    if half:
        hours = hours % 12 + 12 * (half in "Pp")
    return hours * 3600 + minutes * 60 + rest + (float(f"0.{fraction}") if fraction else 0.0)


def _zone(text: str) -> float:
    if not text[1:].replace(":", "").isdigit():
        return 0.0
    digits = text[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1.0 if text[0] == "-" else 1.0)


def _continued(times: Seconds, whole: float) -> Seconds:
    """Times of a day or an hour continued behind its end: a step back of more than half of it."""
    return times + whole * np.concatenate([[0], np.cumsum(np.diff(times) < -whole / 2)])


def _dates(parts: list[_Fields]) -> tuple[tuple[Seconds, ...], str]:
    column = parts[0].column
    forms = frozenset().union(*(part.forms for part in parts))
    if len(forms) > 1:
        raise DataError(f"{column.where}: column `{column.name}` has dates of several forms; write all of them alike")
    form = next(iter(forms))
    order, words = _order(column, np.concatenate([part.dates for part in parts]), form)
    return tuple(_since_1970(part, order) for part in parts), words


def _order(
    column: Column, dates: npt.NDArray[np.int64], form: tuple[str, bool, bool]
) -> tuple[tuple[int, int, int], str]:
    """Where year, month and day stand; decided by the data, or refused."""
    separator, year_first, year_last = form
    if year_first:
        return (0, 1, 2), "dates as year, month, day"
    if not year_last:
        raise DataError(
            f"{column.at(0)} holds `{column.cells[0]}`, a year of two digits; give the format, such as "
            'time_unit = "%d/%m/%y %H:%M:%S"'
        )
    day_first, month_first = (2, 1, 0), (2, 0, 1)
    if separator == "." or dates[:, 0].max() > 12:
        return day_first, "dates as day, month, year"
    if dates[:, 1].max() > 12:
        return month_first, "dates as month, day, year"
    if len(np.unique(dates, axis=0)) == 1:
        return day_first, "dates of one day"
    raise DataError(
        f"{column.at(0)} holds `{column.cells[0]}`: is the day first or the month? no date of the column decides it; "
        f'give time_unit = "{_format(column.cells[0], "%d", "%m")}" or "{_format(column.cells[0], "%m", "%d")}"'
    )


def _format(cell: str, first: str, second: str) -> str:
    """The format of strptime for a date that ends in a year, with the fields of the date in a given order."""
    match = _DATES[0].fullmatch(cell)
    assert match is not None
    names = {"a": first, "b": second, "c": "%Y", "H": "%I" if match["half"] else "%H", "M": "%M", "S": "%S", "f": "%f"}
    names |= {"half": "%p", "zone": "%z"}
    found = sorted((match.span(name), text) for name, text in names.items() if match[name])
    text, end = "", 0
    for (begin, stop), name in found:
        text += cell[end:begin] + name
        end = stop
    return text + cell[end:].removeprefix("M").removeprefix("m")


def _since_1970(part: _Fields, order: tuple[int, int, int]) -> Seconds:
    year, month, day = (part.dates[:, at] for at in order)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    days = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    part.column.check(
        (month >= 1) & (month <= 12) & (day >= 1) & (day <= days), "no date; repair it, or give time_unit"
    )
    return (first.astype(np.int64) + day - 1) * _DAY + part.day - part.zone
