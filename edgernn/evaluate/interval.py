# SPDX-License-Identifier: Apache-2.0
"""How far an accuracy may be from that on other data of the same kind."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Z = 1.959964
"""Of a normal distribution, 95 % lies within so many deviations."""
_FEWEST = 10
"""Units, for a bootstrap to say anything."""
_DRAWS = 1000


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of an accuracy: low to high; method: "bootstrap" or "wilson"; unit, units: what is taken to be
    independent, "group", "recording" or "window", and how many of them there are."""

    low: float
    high: float
    method: str
    unit: str
    units: int


def accuracy_interval(
    right: npt.NDArray[np.bool_], group: npt.NDArray[np.integer] | None, recording: npt.NDArray[np.integer]
) -> Interval | None:
    """The interval of the share of right results, bool [m], which belong to these groups and recordings [m].

    Results of one group are alike, and those of one recording more so: whole groups are drawn with replacement and the
    middle 95 % of the shares taken (cluster bootstrap, percentiles: Davison and Hinkley 1997, "Bootstrap Methods and
    their Application", 2.4 and 3.8), or whole recordings where there are fewer than 10 groups. Where each result is a
    recording of its own, Wilson's interval of a proportion (Wilson 1927, "Probable Inference", JASA 22); also, of
    units, where all of them are equally good, because drawing shows no spread then. None below 10 recordings.
    """
    if len(np.unique(recording)) == len(right):
        return _wilson(float(right.mean()), "window", len(right))
    for unit, numbers in (("group", group), ("recording", recording)):
        if numbers is None:
            continue
        _, inverse = np.unique(numbers, return_inverse=True)
        counts, hits = np.bincount(inverse), np.bincount(inverse, weights=right)
        if len(counts) >= _FEWEST:
            return _bootstrap(counts, hits, unit)
    return None


def _wilson(share: float, unit: str, n: int) -> Interval:
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half), "wilson", unit, n)


def _bootstrap(counts: npt.NDArray[np.int64], hits: npt.NDArray[np.float64], unit: str) -> Interval:
    if np.ptp(hits / counts) == 0:
        return _wilson(float(hits[0] / counts[0]), unit, len(counts))
    rng, shares = np.random.default_rng(0), np.empty(_DRAWS)
    for draw in range(_DRAWS):
        drawn = rng.integers(len(counts), size=len(counts))
        shares[draw] = hits[drawn].sum() / counts[drawn].sum()
    low, high = np.percentile(shares, (2.5, 97.5))
    return Interval(float(low), float(high), "bootstrap", unit, len(counts))
