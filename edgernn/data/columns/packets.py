# SPDX-License-Identifier: Apache-2.0
"""Rows that arrived in packets, all with the time of arrival."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.clock import hertz
from edgernn.data.columns.column import Column, Seconds
from edgernn.errors import DataError

_LARGEST_PACKET = 1000
_SLOW = (0.5, 30)
"""Seconds between the rows, and rows, of groups that no link is too slow for: they are sessions and no packets."""
_SAME_SIZE = 0.3
"""Share by which packets, or their rows a second, may differ from the usual one."""
_SAME_PACKETS = 0.07
"""Share by which ten packets may last longer than ten others of as many rows: less than one lost packet."""
_REGULAR = 0.5
"""Share by which the time between packets may be off the usual one."""


@dataclass(frozen=True)
class Packets:
    """heads: int [G], the first row of each; sizes: int [G], rows; period: s, of the samples in them: the time between
    packets over their rows."""

    heads: npt.NDArray[np.intp]
    sizes: npt.NDArray[np.intp]
    period: float


def check_no_packets(column: Column, time: Seconds, steps: Seconds) -> None:
    """Raises DataError for rows that come nearly at once in groups, which look like packets.

    time: [N] s; steps: [N - 1] s, between them.
    """
    small = float(np.median(steps))
    pauses = steps > 4 * small if small else steps > 0
    groups = int(np.count_nonzero(pauses)) + 1
    size = len(time) / groups
    if groups < 3 or not 2 <= round(size) <= _LARGEST_PACKET or steps[pauses].sum() < 0.5 * steps.sum():
        return
    heads = np.flatnonzero(np.concatenate([[True], pauses]))
    every, sizes = np.diff(time[heads]), np.diff(heads)
    if not _are_packets(every, sizes, small):
        return
    usual = float(np.median(every))
    true = hertz(float(sizes.sum() / every.sum()))
    inside = f"{small:.3g} s apart" if small else "with one time"
    otherwise = ", or gap, such as gap = 2.5, if nothing was recorded between them" if small else ""
    raise DataError(
        f"{column.where}: the rows of column `{column.name}` come in groups of {size:.3g}, {inside}, one every "
        f"{usual:.3g} s; give packets = true if the groups are packets of evenly spaced samples ({true}){otherwise}"
    )


def _are_packets(every: Seconds, sizes: npt.NDArray[np.intp], small: float) -> bool:
    """Whether groups are packets, and no sessions between which nothing was recorded.

    every: [G] s, from each group to the next; sizes: [G] rows, but for the last group; small: s between their rows.
    Packets come regularly and have one size; or each holds what was sampled since the last one, whenever that was.
    The first may be cut short.
    """
    if small >= _SLOW[0] and np.median(sizes) >= _SLOW[1]:
        return False
    regular = _steady(every, _REGULAR) >= 0.8
    # With one time, rows are of a packet whatever its size; one row more or less is no other size.
    alike = not small or len(sizes) < 5 or _steady(sizes[1:], _SAME_SIZE, 1.0) >= 0.6
    gathered = sizes[1:] / every[:-1]
    filled = len(sizes) >= 5 and _steady(gathered, _SAME_SIZE, 1 / float(np.median(every))) >= 0.8
    return (regular and alike) or filled


def _steady(values: npt.NDArray[Any], share: float, least: float = 0.0) -> float:
    """The share of values that are near their median: by a share of it and `least`."""
    middle = np.median(values)
    return float(np.mean(np.abs(values - middle) <= share * middle + least))


def find_packets(column: Column, time: Seconds) -> Packets:
    """The packets in which rows arrived; time: [N] s. Raises DataError where they are none of evenly spaced samples."""
    steps = np.diff(time)
    small = float(np.median(steps))
    heads = np.flatnonzero(np.concatenate([[True], steps > 4 * small if small else steps > 0]))
    sizes = np.diff(np.append(heads, len(time)))
    every = np.diff(time[heads])
    if len(heads) < 3:
        raise DataError(
            f"{column.where}: column `{column.name}` has fewer than three packets, too few for their rate; leave "
            "packets out"
        )
    # The first packet may be cut short, so what follows it says nothing; stretches of ten, as sizes and delays vary.
    begin = min(1, len(every) - 1)
    count = min(10, len(every) - begin)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    rows = ends[begin + count : -1] - ends[begin : -1 - count]
    own = (time[heads[begin + count :]] - time[heads[begin:-count]]) / rows
    good = np.abs(own - np.median(own)) <= _SAME_PACKETS * np.median(own)
    if good.mean() < 0.5:
        raise DataError(
            f"{column.where}: column `{column.name}` has no packets of evenly spaced samples: a row of theirs takes "
            f"from {own.min():.3g} to {own.max():.3g} s; leave packets out"
        )
    period = float((own * rows)[good].sum() / rows[good].sum())
    return Packets(heads, sizes, period)


def lost_packets(packets: Packets, time: Seconds, longest: float) -> npt.NDArray[np.intp]:
    """The numbers of the packets before which rows are missing: from there on all come more than `longest` s later than
    those before.

    time: [N] s, of all rows. A packet may be late, but not early. The first and the last one may be cut short.
    """
    heads, sizes, period = time[packets.heads], packets.sizes, packets.period
    late = heads - period * np.concatenate([[0], np.cumsum(sizes[:-1])])
    # The first packet may have lost its begin: it is as late as its neighbour unless a whole period is missing.
    if late[1] - late[0] < sizes[1] * period:
        late[0] = late[1]
    cuts = []
    begin = 0
    for at in range(1, len(heads)):
        before = late[max(begin, at - 4) : at].max()
        if late[at : at + 4].min() - before > longest * (1 + 1e-9):
            cuts.append(at)
            begin = at
    return np.array(cuts, np.intp)
