# SPDX-License-Identifier: Apache-2.0
"""How a recording's rows follow each other in time: the rate, gaps, and what is no rhythm at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.column import Column, Seconds
from edgernn.data.columns.packets import check_no_packets, find_packets, lost_packets
from edgernn.errors import ConfigError, DataError

_GAP = 2.5
"""Steps above which the rows on both sides are no neighbours: a row that comes late, or one that is lost, is none."""
_IRREGULAR_GAP = 10.0
"""Mean steps above which there is a gap between rows that come at random: one of 20,000 exponential steps is longer."""
_NEAR = 0.5
"""Share of the period by which a step may be off."""
_MOST = 0.9
"""Share of steps that must be near the period."""
_FAR = 10
"""Usual steps by which a time is off that is none."""
_SAME_RATE = 0.1
"""Share by which rates may differ and still be taken for the same."""
_EVEN = 0.01
"""Share by which the rate of even rows may be off a wanted one without being resampled."""


@dataclass(frozen=True)
class Rhythm:
    """rate: Hz, 0 with fewer than two rows; time: float64 [N] s, of packets the times of their rows; spans: the rows
    [begin, end) between gaps; gaps: float64 s, the length of each; lost: single rows that are missing inside spans;
    even: whether the rows of a span are evenly spaced but for jitter."""

    rate: float
    time: Seconds
    spans: tuple[tuple[int, int], ...]
    gaps: Seconds
    lost: int = 0
    even: bool = True

    def resampled(self, rate: float) -> bool:
        """Whether the spans have to be resampled to have `rate` (Hz; 0: any) and no row missing."""
        as_they_are = self.even and not self.lost and abs(self.rate - rate) <= _EVEN * rate
        return bool(rate and self.rate) and not as_they_are


def rhythm(column: Column, time: Seconds, *, rate: float = 0.0, gap: float | str = "", packets: bool = False) -> Rhythm:
    """The rhythm of one recording: its time column, and the seconds [N] in it.

    Rows are even where nine of ten steps lie within half a period (or what the column resolves) of the period, and ten
    steps together within two and a half periods of ten. The period is the mean of the steps, gaps left out.
    rate: Hz that the recording will be resampled to; then steps may be irregular. gap: a longer step is a gap, in steps
    (2.5 or "2.5") or seconds ("2s"); by default 2.5 steps, or 10 where steps are irregular. packets: the times are
    those at which packets of rows arrived; the rows are spread evenly.

    Raises DataError for times that go back or stand still, rows that come in packets, irregular steps, and gaps that
    nothing fills; it names the key that decides. ConfigError for a gap that is none.
    """
    _check_forward(column, time)
    if len(time) < 2:
        return Rhythm(0.0, time, ((0, len(time)),), np.empty(0))
    steps = np.diff(time)
    if not steps.any():
        raise DataError(
            f"{column.where}: column `{column.name}` is `{column.cells[0]}` in all rows, so it does not grow; if it is "
            "the time since the row before, leave time out and give rate"
        )
    if packets:
        return _of_packets(column, time, gap)
    if gap == "":
        check_no_packets(column, time, steps)
    period = _period(time, steps)
    even = _even(time, steps, period)
    if even or _even(time, steps[steps > 0], period):
        _check_still(column, time, steps, period)
    if not even:
        _check_rate_given(column, steps, rate)
        period = _mean_within(steps, _IRREGULAR_GAP * steps.mean(), _IRREGULAR_GAP)
    usual = _GAP if even else _IRREGULAR_GAP
    longest = usual * period if gap == "" else _seconds(gap, period)
    cuts = np.flatnonzero(steps > longest * (1 + 1e-9))
    bridged = np.flatnonzero((steps > usual * period * (1 + 1e-9)) & (steps <= longest))
    if bridged.size and not rate:
        row = int(bridged[0])
        raise DataError(
            f"{column.at(row + 1)}: gap = {gap} allows this step of {steps[row]:.3g} s, but nothing fills it; give "
            "rate to resample, or a smaller gap"
        )
    lost = _lost(steps[steps <= longest], period) if even else 0
    return Rhythm(1 / period, time, _spans(len(time), cuts), steps[cuts], lost, even and not bridged.size)


def agreed(rhythms: Sequence[Rhythm], columns: Sequence[Column], rate: float = 0.0) -> float:
    """The one rate of all recordings, Hz: `rate` if they are resampled to it, else theirs; 0 if none has two rows.

    Raises DataError for recordings of another rate.
    """
    if rate:
        return rate
    known = [(part, column) for part, column in zip(rhythms, columns, strict=True) if part.rate]
    if not known:
        return 0.0
    weights = [len(part.time) for part, _ in known]
    found = 1 / float(np.average([1 / part.rate for part, _ in known], weights=weights))
    usual = sorted(part.rate for part, _ in known)[len(known) // 2]
    example = next(column.where for part, column in known if part.rate == usual)
    for part, column in known:
        if abs(part.rate - usual) > _SAME_RATE * usual:
            raise DataError(
                f"{column.where}: has {part.rate:.4g} rows a second, {example} {usual:.4g}; give rate = {usual:.4g} "
                "to resample all to it, or leave one of them out"
            )
    return found


def notes(rhythms: Sequence[Rhythm], name: str, rate: float = 0.0) -> list[str]:
    """What the user should know of the times of a data set's recordings; name: of the time column; rate: Hz that they
    are resampled to, 0 if not."""
    told = []
    changed = [part.rate for part in rhythms if part.resampled(rate)]
    if changed:
        low, high = min(changed), max(changed)
        own = f"{low:.4g}" if low > 0.99 * high else f"{low:.4g}-{high:.4g}"
        more = "; that adds no information" if rate > 1.5 * float(np.median(changed)) else ""
        told.append(f"{len(changed):,} of {len(rhythms):,} recordings are resampled from {own} to {rate:g} Hz{more}")
    gaps = np.concatenate([part.gaps for part in rhythms]) if rhythms else np.empty(0)
    if gaps.size:
        noun = "gap" if gaps.size == 1 else "gaps"
        longest = f"{gaps.max():,.0f}" if gaps.max() >= 1000 else f"{gaps.max():.3g}"
        told.append(f"column `{name}` has {gaps.size:,} {noun}, the longest of {longest} s; no window spans one")
    return told


def missing(rhythms: Sequence[Rhythm], name: str) -> list[str]:
    """What the user should know of single rows that are missing and that nothing fills; name: of the time column."""
    lost = sum(part.lost for part in rhythms)
    if not lost:
        return []
    rows = sum(len(part.time) for part in rhythms)
    rate = float(np.median([part.rate for part in rhythms]))
    return [
        f"column `{name}` says that {lost:,} single rows are missing among {rows:,}; give rate = {rate:.4g} to fill "
        "them by resampling, or gap = 1.5 to cut there"
    ]


def _check_forward(column: Column, time: Seconds) -> None:
    back = np.flatnonzero(np.diff(time) < 0) + 1
    if not back.size:
        return
    row = int(back[0])
    odd = _odd_one(time, row)
    if odd is not None:
        row = odd
        why = f"holds `{column.cells[row]}`, far from the rows beside it; repair or remove this row"
    elif back.size > len(time) / 4 or _are_steps(time, back):
        why = _why_often(time, back)
    else:
        why = _why_single(column, time, row)
    raise DataError(f"{column.at(row)} {why}")


def _odd_one(time: Seconds, row: int) -> int | None:
    """The row without which times grow across the step back to `row`, its own or the one before; and which is far."""
    usual = np.median(np.abs(np.diff(time)))
    for at in (row, row - 1):
        if 0 < at < len(time) - 1 and time[at - 1] < time[at + 1]:
            away = max(time[at - 1] - time[at], time[at] - time[at + 1])
            if away > _FAR * usual:
                return at
    return None


def _why_often(time: Seconds, back: npt.NDArray[np.intp]) -> str:
    if back.size == len(time) - 1:
        return "goes back in each row; sort the rows, so that the last one is the latest"
    if _are_steps(time, back):
        return "goes back in many rows; if it is the time since the row before, leave time out and give rate"
    return "goes back here and in many other rows; sort the rows by time, or name the column of the recording"


def _are_steps(time: Seconds, back: npt.NDArray[np.intp]) -> bool:
    """Whether the times stay about where they are, as those do that are counted from the row before."""
    return bool(back.size > len(time) / 20 and time.min() > 0.5 * time.max() > 0)


def _why_single(column: Column, time: Seconds, row: int) -> str:
    step = time[row] - time[row - 1]
    cells = column.cells
    if abs(step + 3600) < 0.05 * 3600 and (time[row] > time[0] or ":" in cells[row]):
        return "goes back by an hour, as at the end of summer time; give the times in UTC or with their offset to it"
    if abs(step + 43200) < 60 and ":" in cells[row]:
        return "goes back by twelve hours, as without AM and PM; write times of 24 hours, or with AM and PM"
    if -step >= 0.9 * (time[row - 1] - time[0]):
        return (
            f"starts again at `{cells[row]}` behind `{cells[row - 1]}`; a recording ends there: name the column of the "
            "recording, or give it a file of its own"
        )
    return "does not grow; sort the rows by time, or name the column of the recording"


def _check_rate_given(column: Column, steps: Seconds, rate: float) -> None:
    if not rate:
        low, middle, high = np.quantile(steps, [0.05, 0.5, 0.95])
        mean = float(steps.mean())
        about = float(f"{1 / mean:.2g}")
        seen = f"median {middle:.3g} s, mean {mean:.3g} s, nine of ten from {low:.3g} to {high:.3g} s"
        raise DataError(
            f"{column.where}: the steps of column `{column.name}` are irregular: {seen}; give rate, such as "
            f"rate = {about:g}, to resample to even steps"
        )


def _check_still(column: Column, time: Seconds, steps: Seconds, period: float) -> None:
    """Refuses a time that occurs twice where neither the resolution nor a late row explains it."""
    still = np.flatnonzero(steps <= 0)
    resolution = _resolution(time)
    late = steps > 1.4 * period
    if not still.size or period < 0.95 * resolution:
        return
    if resolution > 0.9 * period and np.count_nonzero(late & (steps <= _GAP * period)) >= still.size / 2:
        return
    near = np.concatenate([np.zeros(3, np.bool_), late, np.zeros(3, np.bool_)])
    for row in still.tolist():
        if not near[row : row + 7].any():
            raise DataError(
                f"{column.at(row + 1)} has the time of the row before, `{column.cells[row + 1]}`, so it does not grow; "
                "if the row is there twice, remove one"
            )


def _lost(steps: Seconds, period: float) -> int:
    """Rows that are missing singly: double steps that no short one makes up for."""
    inside = steps[steps <= _GAP * period * (1 + 1e-9)]
    return max(0, min(int(np.count_nonzero(inside > 1.5 * period)), round(float(inside.sum()) / period - len(inside))))


def _seconds(gap: float | str, period: float) -> float:
    """A gap in seconds: "2s", or steps of the period."""
    try:
        in_seconds = isinstance(gap, str) and gap.endswith("s")
        value = float(str(gap).removesuffix("s")) * (1.0 if in_seconds else period)
    except ValueError:
        value = 0.0
    if not (np.isfinite(value) and value >= period):
        raise ConfigError(f'gap is `{gap}`; give steps, such as 2.5, or seconds, such as "2s", of at least one step')
    return value


def _spans(rows: int, cuts: npt.NDArray[np.intp]) -> tuple[tuple[int, int], ...]:
    edges = [0, *(cuts + 1).tolist(), rows]
    return tuple(zip(edges[:-1], edges[1:], strict=True))


def _mean_within(steps: Seconds, limit: float, factor: float) -> float:
    """The mean of the steps up to `limit`, then up to `factor` times that mean, until nothing changes."""
    for _ in range(50):
        mean = float(steps[steps <= limit].mean())
        if factor * mean >= limit:
            return mean
        limit = factor * mean
    return mean


def _period(time: Seconds, steps: Seconds) -> float:
    """The mean of the steps without gaps.

    Steps of one and two units have two readings: a timer of 1.4 units, printed in whole ones, or lost rows. The first
    is true if the rows keep to an even grid: neighbouring stretches of 50 rows then last equally long.
    """
    base = float(np.median(steps))
    if base <= 0:
        base = float(steps[steps > 0].mean())
    near = steps <= _GAP * base * (1 + 1e-9)
    mean, single = float(steps[near].mean()), float(steps[np.abs(steps - base) <= _NEAR * base].mean())
    if _resolution(time) <= base / 4 and np.mean(np.abs(steps[near] - base) <= base / 4) > 0.8:
        return single
    clock = np.concatenate([[0.0], np.cumsum(np.where(near, steps, mean))])
    count = min(50, len(steps) // 2)
    uneven = np.abs(clock[2 * count :] - 2 * clock[count : len(clock) - count] + clock[: len(clock) - 2 * count])
    return mean if np.mean(uneven <= _coarse(time, mean) + mean) >= 0.8 else single


def _even(time: Seconds, steps: Seconds, period: float) -> bool:
    inside = steps <= _GAP * period * (1 + 1e-9)
    coarse = _coarse(time, period)
    off = np.abs(steps[inside] - period)
    if inside.mean() < _MOST - 0.4 or np.mean(off <= max(_NEAR * period, coarse) * (1 + 1e-9)) < _MOST:
        return False
    clock = np.concatenate([[0.0], np.cumsum(np.where(inside, steps, period))])
    count = min(10, len(steps))
    drift = np.abs(clock[count:] - clock[:-count] - count * period)
    return bool(np.mean(drift <= coarse + _GAP * period) >= _MOST)


def _coarse(time: Seconds, period: float) -> float:
    """The column's resolution, if rounding to it leaves the rows in order; else 0."""
    resolution = _resolution(time)
    return resolution if resolution <= 2 * period else 0.0


def _resolution(time: Seconds) -> float:
    """The largest power of ten of which all steps are multiples, s; 0 if there is none above the rounding of floats."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    floor = 8 * float(np.spacing(np.abs(time).max()))
    if not steps.size:
        return 0.0
    for exponent in range(int(np.floor(np.log10(1.001 * steps.min()))), -10, -1):
        unit = 10.0**exponent
        if unit < 20 * floor:
            return 0.0
        if (np.abs(steps - np.round(steps / unit) * unit) <= max(floor, 1e-3 * unit)).all():
            return unit
    return 0.0


def _of_packets(column: Column, time: Seconds, gap: float | str) -> Rhythm:
    """The rows of packets, evenly spaced between gaps."""
    found = find_packets(column, time)
    rows = float(np.median(found.sizes))
    longest = max(_GAP, rows / 2) * found.period if gap == "" else _seconds(gap, found.period)
    spans = _spans(len(time), found.heads[lost_packets(found, time, longest)] - 1)
    even = np.concatenate([_line(time[begin:end], found.period) for begin, end in spans])
    gaps = np.array([even[begin] - even[begin - 1] for begin, _ in spans[1:]])
    return Rhythm(1 / found.period, even, spans, gaps)


def _line(time: Seconds, period: float) -> Seconds:
    """As many evenly spaced times, from the first on."""
    even: Seconds = time[0] + period * np.arange(len(time))
    return even
