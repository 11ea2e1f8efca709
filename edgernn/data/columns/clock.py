# SPDX-License-Identifier: Apache-2.0
"""What a time column says, as seconds: numbers in a unit, which is told or decided here, or dates (`dates`)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from edgernn.data.columns import dates
from edgernn.data.columns.column import MISSING, Column, Seconds, floats
from edgernn.errors import ConfigError, DataError

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds in one of each unit that `time_unit` may name."""

_WORDS = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "min": "minutes",
    "h": "hours",
    "d": "days",
}
_SPELLINGS = {
    "s": "s sec secs second seconds",
    "ms": "ms msec msecs milli millis millisec millisecs millisecond milliseconds",
    "us": "us usec usecs micro micros microsec microsecs microsecond microseconds µs μs",
    "ns": "ns nsec nsecs nano nanos nanosec nanosecs nanosecond nanoseconds",
    "min": "min mins minutes",
    "h": "h hrs hours",
    "d": "days",
}
_BY_SPELLING = {spelling: unit for unit, names in _SPELLINGS.items() for spelling in names.split()}

_EPOCH = (1e9, 2.2e9)
"""Seconds since 1970 of the years 2001 to 2039."""
_CALENDAR = (15, 30, 60, 120, 180, 240, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 604800)
"""Seconds at which meters log and which are no rates in milliseconds."""
_FASTEST = 25e3
_SLOWEST = 1 / 604800
"""Hz; between them a rate is believed of a sensor."""
_FASTEST_SECONDS = 1e5
"""Hz; fractions of a second are believed up to here, as no other unit is likelier."""
_FASTEST_FRACTION = 2e3
"""Hz; fractions that would be faster as milliseconds are seconds, unless the steps are as exact as those of a counter
of samples."""
_UPTIME = 3.15e7
"""Seconds; a counter that began a year before its recording is not believed."""
_AGE = (3e8, 3.2e9)
"""Seconds of clocks that count from another year than 1970."""
_DAYS = ((36526, 73051), (730120, 767010), (2451544, 2488070))
"""Days of the years 2000 to 2099 as spreadsheets, MATLAB and astronomers count them."""
_COUNTERS = {2**32: "32 bits", 2**32 // 1000: "micros() / 1000", 2**16: "16 bits"}
_SAME_RATE = 0.1


@dataclass(frozen=True)
class Times:
    """seconds: float64 [N] a column, since 1970 for dates and epochs; words: how the cells were read; notes: what the
    user should know."""

    seconds: tuple[Seconds, ...]
    words: str
    notes: tuple[str, ...] = ()


def seconds(columns: Sequence[Column], unit: str = "auto", *, rate: float = 0.0, decimal: str = ".") -> Times:
    """The times in the time column of all recordings of a data set, each in the order of its rows.

    unit: a key of UNITS; "datetime"; a format of strptime such as "%d/%m/%Y %H:%M:%S"; or "auto", which takes only
    what the data decides: dates, times of day (also across midnight), seconds, milliseconds and so on since 1970,
    a unit in the column's name, fractions of seconds. rate: Hz if known, 0 if not; it may decide the unit.
    Counters of 16 and 32 bits are continued where they wrap. Whether times grow is for `edgernn.data.columns.rhythm` to
    say.

    Raises DataError for cells that are no times and where the data does not decide; it names `time_unit`.
    ConfigError for a unit that is none.
    """
    if unit not in ("auto", "datetime", *UNITS) and "%" not in unit:
        raise ConfigError(
            f"time_unit is `{unit}`; it should be auto, {', '.join(UNITS)}, datetime, "
            "or a format such as %d/%m/%Y %H:%M:%S"
        )
    for column in columns:
        for row, cell in enumerate(column.cells):
            if cell.lower() in MISSING:
                holds = f"holds `{cell}`" if cell else "is empty"
                raise DataError(f"{column.at(row)} {holds}; a row needs its time: fill it in, or remove this row")
    if "%" in unit:
        return Times(tuple(dates.formatted(column, unit) for column in columns), f"dates as {unit}")
    numbers = [floats(column.cells, decimal) for column in columns]
    if unit in UNITS:
        for column, values in zip(columns, numbers, strict=True):
            column.check(np.isfinite(values), f"no number of {_WORDS[unit]}; repair it, or give another time_unit")
        return _numeric(columns, numbers, unit, rate)
    if unit == "auto" and all(np.isfinite(values).all() for values in numbers) and not dates.compact(columns):
        return _numeric(columns, numbers, None, rate)
    return Times(*dates.read(columns))


def _numeric(columns: Sequence[Column], numbers: list[Seconds], unit: str | None, rate: float) -> Times:
    notes = []
    whole = all((values == np.round(values)).all() for values in numbers)
    if whole:
        for at, column in enumerate(columns):
            numbers[at], note = _unwrapped(column, numbers[at])
            notes.extend(note)
        notes = notes if len(notes) < 3 else [*notes[:1], f"so are the columns of {len(notes) - 1:,} other recordings"]
    if unit is None:
        unit, words = _decided(columns, numbers, whole, rate)
    else:
        words = _WORDS[unit]
    return Times(tuple(values * UNITS[unit] for values in numbers), words, tuple(notes))


def _unwrapped(column: Column, values: Seconds) -> tuple[Seconds, list[str]]:
    """A counter continued behind each wrap: where a step back is a step forward of the usual size on one of _COUNTERS
    and nothing else."""
    steps = np.diff(values)
    back = np.flatnonzero(steps < 0)
    if not back.size or not (steps > 0).any():
        return values, []
    usual = float(np.median(steps[steps > 0]))
    for size, words in _COUNTERS.items():
        # A counter of N bits may be printed with a sign.
        span = values.max() < size and values.min() >= (-(size >> 1) if values.min() < 0 else 0)
        forward = steps[back] + size
        if span and ((forward >= 0) & (forward <= 3 * usual)).all() and usual < size / 8:
            continued = values.copy()
            for row in back.tolist():
                continued[row + 1 :] += size
            lines = ", ".join(str(column.lines[row + 1]) for row in back[:3].tolist()) + ", ..." * (back.size > 3)
            told = f"is a counter of {words}, continued where it wraps (line {lines})"
            return continued, [f"{column.where}: column `{column.name}` {told}"]
    return values, []


def _decided(columns: Sequence[Column], numbers: list[Seconds], whole: bool, rate: float) -> tuple[str, str]:
    """The unit and how to call it, or a refusal that names what else it could be."""
    filled = [values for values in numbers if len(values)]
    low = min(float(values.min()) for values in filled)
    high = max(float(values.max()) for values in filled)
    step = _usual_step(filled)
    where, name = columns[0].where, columns[0].name
    named = _named(name)
    if named is not None:
        _check_named(where, name, named, low, step)
        return named, f"{_WORDS[named]}, as the column's name says"
    epoch = _epoch(filled, low, high, step, whole)
    if epoch is not None:
        begin = datetime.fromtimestamp(low * UNITS[epoch], UTC)
        return epoch, f"{_WORDS[epoch]} since 1970, from {begin:%Y-%m-%d %H:%M:%S} UTC"
    if not step:
        # One row a recording: no step that a unit could change.
        return "s", _WORDS["s"]
    units = _candidates(filled, low, high, step, whole)
    if len(units) > 1 and rate:
        fits = [unit for unit in units if abs(1 / (step * UNITS[unit]) - rate) <= _SAME_RATE * rate]
        if len(fits) == 1:
            return fits[0], f"{_WORDS[fits[0]]}, which gives the rate of {rate:g} Hz"
    if len(units) == 1:
        return units[0], _WORDS[units[0]]
    raise DataError(_undecided(where, name, low, step, units, whole))


def _usual_step(numbers: list[Seconds]) -> float:
    """The median of the steps forward; 0 if there is none."""
    steps = np.concatenate([np.diff(values) for values in numbers])
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0


def _named(name: str) -> str | None:
    """The unit that a column's name says: time_ms, t [us], Time (s), millis, secondsElapsed."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-zµμ]+", name)
    units = {_BY_SPELLING[word.lower()] for word in words if word.lower() in _BY_SPELLING}
    return units.pop() if len(units) == 1 else None


def _check_named(where: str, name: str, unit: str, low: float, step: float) -> None:
    seconds_a_step = step * UNITS[unit]
    rate = 1 / seconds_a_step if step else 1.0
    fastest = _FASTEST_SECONDS if unit == "s" else _FASTEST
    if not _SLOWEST / 5 <= rate <= fastest or abs(low) * UNITS[unit] > _AGE[1]:
        raise DataError(
            f"{where}: the name of column `{name}` says {_WORDS[unit]}, but it begins at {low:g} and its steps are "
            f"{step:g}; give time_unit, one of {', '.join(UNITS)}"
        )


def _epoch(numbers: list[Seconds], low: float, high: float, step: float, whole: bool) -> str | None:
    """The unit of a count since 1970, by its size alone, where no counter since the start is as likely."""
    for unit in ("s", "ms", "us", "ns"):
        if low * UNITS[unit] < _EPOCH[0] or high * UNITS[unit] > _EPOCH[1]:
            continue
        if unit == "s" and whole and step > 1 and not any(abs(step - c) <= 0.02 * c for c in _CALENDAR):
            return None  # or micros() after 17 minutes, or millis() after 12 days
        if unit == "us" and step * UNITS[unit] >= 1 and not all((values % 1e6 == 0).all() for values in numbers):
            return None  # or a telephone's nanoseconds after 12 days
        return unit
    return None


def _candidates(filled: list[Seconds], low: float, high: float, step: float, whole: bool) -> list[str]:
    """Units in which neither the rate nor the begin is unbelievable."""
    if not whole:
        if step < 1 / _FASTEST_SECONDS:
            return []
        days = step * 1440
        if any(first <= low and high <= last for first, last in _DAYS) and (
            step < 2e-3 or (days > 0.99 and abs(days - round(days)) < 0.01)
        ):
            return ["s", "d"]
        fastest = _FASTEST if _exact(filled, step) else _FASTEST_FRACTION
        return ["s"] if 1e3 / step > fastest else ["s", "ms"]
    units = []
    for unit in ("s", "ms", "us", "ns"):
        begin = low * UNITS[unit]
        old = (unit == "s" and _AGE[0] <= begin <= _AGE[1]) or _EPOCH[0] <= begin <= _EPOCH[1]
        if _SLOWEST <= 1 / (step * UNITS[unit]) <= _FASTEST and (begin < _UPTIME or old):
            units.append(unit)
    return units


def _exact(numbers: list[Seconds], step: float) -> bool:
    """Whether each recording counts samples from 0 and each step is the same but for the rounding of floats."""
    return all(
        values[0] == 0 and (np.abs(np.diff(values) - step) <= 1e-6 * step + 8 * np.spacing(values.max())).all()
        for values in numbers
    )


def _undecided(where: str, name: str, low: float, step: float, units: list[str], whole: bool) -> str:
    if not units:
        return (
            f"{where}: column `{name}` begins at {low:.10g} and its steps are {step:g}, which is no rate of a sensor "
            f"in any unit; give time_unit, one of {', '.join(UNITS)}, or leave time out and give rate"
        )
    # Of more than two, those that are nearest to the rates at which sensors are read; the faster first.
    likely = sorted(sorted(units, key=lambda unit: abs(np.log(step * UNITS[unit])))[:2], key=UNITS.__getitem__)
    readings = " or ".join(f"{_WORDS[unit]} ({hertz(1 / (step * UNITS[unit]))})" for unit in likely)
    keys = " or ".join(f'"{unit}"' for unit in likely)
    numbers = "; if they are row numbers, leave time out and give rate" if whole and step == 1 else ""
    return f"{where}: the steps of column `{name}` are {step:g}: {readings}? give time_unit = {keys}{numbers}"


def hertz(rate: float) -> str:
    """A rate for people: "50 Hz", "0.0167 Hz", "16,000 Hz"."""
    return f"{rate:.3g} Hz" if rate < 1000 else f"{rate:,.0f} Hz"
