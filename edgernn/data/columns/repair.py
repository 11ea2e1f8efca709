# SPDX-License-Identifier: Apache-2.0
"""Numbers from the cells of a table: missing values, and marks that stand for them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.column import MISSING, Column, floats
from edgernn.errors import DataError

Missing = Literal["error", "hold", "interpolate", "drop"]
Sentinels = Literal["auto"] | Sequence[float]

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MARKS = np.array(
    [-127, -200, 32767, -32768, 65535, 2147483647, -2147483648, 4294967295]
    + [sign * 10.0**power for sign in (1, -1) for power in (20, 30)]
    + [sign * nines for sign in (1, -1) for nines in (99, 999, 9999, 99999, 999999, 99.9, 99.99, 999.9, 999.99, 9999.9)]
    + [-888, -8888, 7777, 8888, -1e3, -1e4, -1]
)
"""Values that loggers write where they have none: UCI's -200, a DS18B20's -127, the ends of integers, nines."""
_MOST_MISSING = 0.2
"""Share of rows up to which a value that is no usual mark may be one."""
_OTHER_UNIT = 200
"""So many times the reach of the other recordings is likelier another unit."""
_FEW = 10
"""Different values below which a channel is a state more than a measurement."""


@dataclass(frozen=True)
class Repaired:
    """values: float64 [N] each recording, finite where kept; kept: bool [N] each, False where a row is to be left out:
    the rows on both sides of it are no neighbours; notes: what was done."""

    values: tuple[Values, ...]
    kept: tuple[Mask, ...]
    notes: tuple[str, ...] = ()


def channel(
    columns: Sequence[Column],
    *,
    missing: Missing = "error",
    sentinels: Sentinels = "auto",
    decimal: str = ".",
    fills: bool = True,
) -> Repaired:
    """The values of one channel in all recordings of a data set; each Column is one recording, in the order of time.

    missing: what to do with cells that hold no value: "error"; "hold" the last value (the next one before the first);
    "interpolate" between rows, and hold at the ends; "drop" the row. sentinels: numbers that mean a missing value;
    "auto": none, but numbers that look so are refused. fills: whether values may be filled, for the message.

    Raises DataError for cells that are neither numbers nor missing, for numbers beyond float32, for missing values with
    "error", for a recording without any value, and for what looks like a sentinel; it names the key that decides.
    """
    values = _numbers(columns, sentinels, decimal)
    absent = [np.isnan(part) for part in values]
    count = sum(int(part.sum()) for part in absent)
    if count and missing == "error":
        _refuse(columns, absent, fills)
    if sentinels == "auto":
        _check_marks(columns, values)
    notes = _constant(columns[0].name, values)
    notes += (*_counted(columns[0].name, values), *_scaled(columns, values)) if fills else ()
    if not count:
        return Repaired(tuple(values), tuple(~part for part in absent), notes)
    if missing == "drop":
        filled, kept = [np.nan_to_num(part) for part in values], [~part for part in absent]
    else:
        filled = [_filled(*both, missing) for both in zip(columns, values, strict=True)]
        kept = [np.ones(len(part), np.bool_) for part in values]
    return Repaired(tuple(filled), tuple(kept), (*notes, _note(columns[0].name, absent, missing)))


def target(
    columns: Sequence[Column], *, missing: Missing = "error", sentinels: Sentinels = "auto", decimal: str = "."
) -> Repaired:
    """Like `channel` for a real target, which is never invented: rows that `channel` would fill are dropped."""
    missing = "error" if missing == "error" else "drop"
    return channel(columns, missing=missing, sentinels=sentinels, decimal=decimal, fills=False)


def label(columns: Sequence[Column], *, missing: Missing = "error") -> tuple[tuple[Mask, ...], tuple[str, ...]]:
    """Which rows of a text column have one, and notes. Only an empty cell is missing: NA and None may be classes.

    Raises DataError for an empty cell with missing = "error".
    """
    absent = [np.array([not cell for cell in column.cells], np.bool_) for column in columns]
    if not any(part.any() for part in absent):
        return tuple(~part for part in absent), ()
    if missing == "error":
        _refuse(columns, absent, False)
    return tuple(~part for part in absent), (_note(columns[0].name, absent, "drop"),)


def _numbers(columns: Sequence[Column], sentinels: Sentinels, decimal: str) -> list[Values]:
    """The numbers in the cells; NaN where there is none."""
    parts = []
    for column in columns:
        values = floats(column.cells, decimal)
        for row in np.flatnonzero(~(np.abs(values) <= np.finfo(np.float32).max)).tolist():
            cell = column.cells[row]
            if np.isfinite(values[row]):
                raise DataError(f"{column.at(row)} holds `{cell}`, which is beyond float32; repair or remove this row")
            if cell.strip().lower() not in MISSING:
                raise DataError(f"{column.at(row)} holds `{cell}`, which is no number{_comma(cell, decimal)}")
        if sentinels != "auto":
            values[np.isin(values, np.asarray(sentinels, np.float64))] = np.nan
        parts.append(values)
    return parts


def _comma(cell: str, decimal: str) -> str:
    other = "," if decimal == "." else "."
    if other in cell and not np.isnan(floats([cell], other)[0]):
        return f'; is the decimal mark "{other}"? give decimal = "{other}"'
    if re.fullmatch(r"[-+]?\d{1,3}([ '\u2019\u00a0\u202f]\d{3})+([.,]\d*)?", cell):
        return "; write numbers without thousands"
    if unit := re.fullmatch(r"[-+]?\d+(?:[.,]\d+)?\s*([^\W\d_]{1,6}(?:/\w+)?|%|°\w?)", cell):
        return f"; write the number alone, without `{unit[1]}`"
    return "; repair it, or empty it and give missing"


def _refuse(columns: Sequence[Column], absent: list[Mask], fills: bool) -> None:
    at, column = next((at, column) for at, column in enumerate(columns) if absent[at].any())
    row = int(np.flatnonzero(absent[at])[0])
    cell = column.cells[row]
    holds = f"holds `{cell}`" if cell else "is empty"
    count, rows = sum(int(part.sum()) for part in absent), sum(len(part) for part in absent)
    others = f" ({count:,} such cells among {rows:,})" if count > 1 else ""
    ways = '"hold" (the last value), "interpolate", or "drop" (the recording is cut there)'
    way = ways if fills else '"drop" (the row is left out)'
    raise DataError(f"{column.at(row)} {holds}{others}; give missing = {way}")


def _filled(column: Column, values: Values, missing: Missing) -> Values:
    present = np.flatnonzero(~np.isnan(values))
    if not present.size:
        raise DataError(
            f"{column.where}: column `{column.name}` holds no value; leave the recording or the column out, or give "
            'missing = "drop"'
        )
    rows = np.arange(len(values))
    if missing == "interpolate":
        return np.interp(rows, present, values[present])
    last = np.maximum(np.searchsorted(present, rows, side="right") - 1, 0)
    return values[present[last]]


def _note(name: str, absent: list[Mask], missing: Missing) -> str:
    count, rows = sum(int(part.sum()) for part in absent), sum(len(part) for part in absent)
    longest = max(_longest_run(part) for part in absent)
    done = {
        "hold": "hold the value before",
        "interpolate": "are interpolated",
        "drop": "are left out, and the recordings are cut there",
        "error": "",
    }[missing]
    return f"column `{name}`: {count:,} of {rows:,} rows lack a value, at most {longest:,} in a row; they {done}"


def _longest_run(mask: Mask) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def _constant(name: str, values: list[Values]) -> tuple[str, ...]:
    everything = np.concatenate(values)
    present = everything[~np.isnan(everything)]
    if len(present) > 1 and present.min() == present.max():
        return (f"column `{name}` is {present[0]:g} in all rows; it tells a model nothing",)
    return ()


def _counted(name: str, values: list[Values]) -> tuple[str, ...]:
    """A note on a column that grows by the same in each row of each recording."""
    steps = [np.diff(part) for part in values if len(part) > _FEW]
    if not steps or any(np.isnan(part).any() or part[0] <= 0 for part in steps):
        return ()
    first = steps[0][0]
    if all((np.abs(part - first) <= 1e-3 * first).all() for part in steps):
        return (f"column `{name}` grows by {first:.4g} in each row; if it is a row number or a time, take it out",)
    return ()


def _scaled(columns: Sequence[Column], values: list[Values]) -> tuple[str, ...]:
    """A note on a recording whose values are of another order than those of the others, as in another unit."""
    reach = np.array([np.abs(np.nan_to_num(part)).max(initial=0.0) for part in values])
    usual = float(np.median(reach))
    odd = np.flatnonzero((reach > _OTHER_UNIT * usual) | ((reach > 0) & (reach * _OTHER_UNIT < usual)))
    if len(reach) < 3 or not odd.size or not usual:
        return ()
    at = int(odd[0])
    return (
        f"{columns[at].where}: column `{columns[0].name}` reaches {reach[at]:.4g}, in the other recordings "
        f"{usual:.4g}; is it written in another unit?",
    )


# Sentinels


def _check_marks(columns: Sequence[Column], values: list[Values]) -> None:
    everything = np.concatenate(values)
    everything = everything[~np.isnan(everything)]
    marks = marks_in(everything)
    if not marks:
        return
    keys = ", ".join(map(plain, marks))
    at = next(at for at, part in enumerate(values) if np.isin(part, marks).any())
    line = columns[at].lines[np.flatnonzero(np.isin(values[at], marks))[0]]
    raise DataError(
        f"{columns[at].where}: line {line}: column `{columns[0].name}` {marked(everything, marks)}: "
        f"a mark for missing values? give sentinels = [{keys}] and missing, or sentinels = [] if it is a value"
    )


def marks_in(everything: Values) -> list[float]:
    """The values of one channel that look like marks for a missing one: usual ones, and others at its ends."""
    if not len(everything):
        return []
    found, counts = np.unique(everything, return_counts=True)
    # What loggers write varies: the ends of ranges, impossible values, zeros. What is frequent is a state: off.
    ends = [at for at in (0, -1) if counts[at] <= _MOST_MISSING * len(everything)]
    marks = [mark for mark in found[np.isin(found, _MARKS)].tolist()]
    marks += [mark for mark in found[ends].tolist() if mark not in marks]
    usual = everything[~np.isin(everything, marks)]
    if not usual.size:
        return []
    return sorted(mark for mark in marks if _is_mark(mark, everything, usual))


def marked(everything: Values, marks: list[float]) -> str:
    """How often the marks are there, and how far from the rest, for a message."""
    usual = everything[~np.isin(everything, marks)]
    told = " and ".join(f"{plain(mark)} in {int((everything == mark).sum()):,}" for mark in marks)
    return f"holds {told} of {len(everything):,} rows, far from the rest ({usual.min():.4g} to {usual.max():.4g})"


def plain(value: float) -> str:
    """A number short, but so that it is read as the same one again."""
    short = f"{value:.10g}"
    return short if float(short) == value else repr(value)


def _is_mark(mark: float, everything: Values, usual: Values) -> bool:
    """Whether a value is none of the channel.

    Either it is farther from all others than their whole range; once alone, than ten times that, and a thousand times
    if it is no usual mark. Or it is a usual mark, the only negative value of a channel that is never negative, more
    frequent than any other value, and -1 or a tenth of the range away. A rail that a sensor saturates at has
    neighbours; a switch has too few values to tell.
    """
    low, high = float(usual.min()), float(usual.max())
    away = low - mark if mark < low else mark - high
    if away <= 0:
        return False
    count = int(np.count_nonzero(everything == mark))
    span = high - low
    known = bool(np.isin(mark, _MARKS))
    values, counts = np.unique(usual, return_counts=True)
    if len(values) < _FEW:
        return known and mark != -1 and away > 10 * max(span, abs(low), abs(high), 1.0)
    if away > span * (1 if count > 1 else 10 if known else 1000):
        return True
    return known and mark < 0 <= low and count > max(2, counts.max()) and (mark == -1 or away > 0.1 * span)
