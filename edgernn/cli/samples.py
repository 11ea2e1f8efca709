# SPDX-License-Identifier: Apache-2.0
"""Samples from a text stream, one line each: CSV or JSON lines."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

Sample = npt.NDArray[np.float64]
Missing = Literal["error", "hold", "skip"]
Note = Callable[[str], None]

_LARGEST = float(np.finfo(np.float32).max)
_FIRST = {"hold": "the values before it are held", "skip": "it is left out"}
_ALL = {"hold": "the values before them were held", "skip": "they were left out"}


def read(
    lines: Iterable[str], features: Sequence[str], missing: Missing = "error", note: Note = lambda sentence: None
) -> Iterator[Sample]:
    """float64 [F] for each line that is not blank, in the order of `features`.

    JSON: an array of F numbers, or an object with the features' names as keys. CSV: F columns in order, or a first line
    with names, among which the features are. Other columns and keys are ignored.
    missing: what a line becomes that is no sample, because a value is empty, no finite number or not there: with "hold"
    each such value is that of the sample before, with "skip" the line is left out. `note` is told of the first one at
    once, and of how many there were at the end.
    Raises DataError, with the line's number, for what is not a sample: with "error" always; with "hold" before there is
    one to hold; and always for a line of names that lacks a feature.
    """
    form, last, faults = _Form(features), None, 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        try:
            if form.is_header(text, number):
                continue
            last = form.sample(text)
        except (ValueError, csv.Error) as error:
            problem = f"line {number} is no sample: {error}"
            if missing == "error":
                raise DataError(f"{problem}; with --missing hold or skip the stream goes on") from error
            if missing == "hold" and last is None:
                raise DataError(f"{problem}; none before it could be held, give --missing skip") from error
            faults += 1
            if faults == 1:
                note(f"{problem}; {_FIRST[missing]}, and so it will be with others")
            if missing == "skip" or last is None:
                continue
            last = form.held(text, last)
        yield last
    if faults > 1:
        note(f"{faults} lines were no samples: {_ALL[missing]}")


class _Form:
    """How the lines of a stream hold samples."""

    def __init__(self, features: Sequence[str]) -> None:
        self._features = features
        self._columns: Sequence[str] = ()

    def is_header(self, text: str, number: int) -> bool:
        """Whether a line holds names of columns, which it does before any line of numbers. Raises DataError for names
        without a feature."""
        if self._columns or text[0] in "[{":
            return False
        cells = _cells(text)
        if _is_number(cells[0]) or not set(cells) & set(self._features):
            return False
        try:
            _check_names(cells, self._features)
        except ValueError as error:
            raise DataError(f"line {number} is no sample: {error}") from error
        self._columns = cells
        return True

    def sample(self, text: str) -> Sample:
        """float64 [F]. Raises ValueError or csv.Error for what is no sample."""
        named = self._named(text)
        sample = np.array([_number(name, named[name]) for name in self._features])
        if text[0] not in "[{":
            self._columns = self._columns or self._features
        return sample

    def held(self, text: str, last: Sample) -> Sample:
        """The same with the last sample's values in the place of what is wrong."""
        try:
            named = self._named(text)
        except (ValueError, csv.Error):
            return last
        sample = last.copy()
        for i, name in enumerate(self._features):
            with suppress(ValueError):
                sample[i] = _number(name, named[name])
        return sample

    def _named(self, text: str) -> Mapping[str, object]:
        if text[0] in "[{":
            return _from_json(text, self._features)
        cells = _cells(text)
        if not self._columns and not any(map(_is_number, cells)):
            wanted = f"{len(self._features)} numbers or their names"
            raise ValueError(f"it is {json.dumps(text[:40])} instead of {wanted}")
        return _named(cells, self._columns or self._features)


def _from_json(text: str, features: Sequence[str]) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    if isinstance(value, list):
        return _named(value, features)
    _check_names(value, features)
    record: Mapping[str, object] = value
    return record


def _cells(text: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([text]))]


def _named(values: Sequence[object], names: Sequence[str]) -> Mapping[str, object]:
    if len(values) != len(names):
        raise ValueError(f"it has {len(values)} values instead of {len(names)}: {', '.join(names)}")
    return dict(zip(names, values, strict=True))


def _check_names(names: Iterable[str], features: Sequence[str]) -> None:
    missing = [name for name in features if name not in names]
    if missing:
        raise ValueError(f"it has no {missing[0]}; the model takes {', '.join(features)}")


def _number(name: str, value: object) -> float:
    try:
        number = float("" if isinstance(value, bool) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is {json.dumps(value)[:40]}, which is no number") from None
    if not abs(number) <= _LARGEST:
        raise ValueError(f"{name} is {value}, which is no finite float32")
    return number


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
