# SPDX-License-Identifier: Apache-2.0
"""Samples from a text stream, one line each: CSV or JSON lines."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

Sample = npt.NDArray[np.float64]


def read(lines: Iterable[str], features: Sequence[str]) -> Iterator[Sample]:
    """float64 [F] for each line that is not blank, in the order of `features`.

    JSON: an array of F numbers, or an object with the features' names as keys. CSV: F columns in order, or a first line
    with names, among which the features are. Other columns and keys are ignored.
    Raises DataError, with the line's number, for what is not a sample.
    """
    columns: Sequence[str] = ()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        try:
            if text[0] in "[{":
                named = _from_json(text, features)
            else:
                cells = _cells(text)
                is_header = not columns and not _is_number(cells[0])
                if is_header and not set(cells) & set(features):
                    raise ValueError(f"it is {json.dumps(text[:40])} instead of {len(features)} numbers or their names")
                columns = columns or (cells if is_header else features)
                if is_header:
                    _check_names(cells, features)
                    continue
                named = _named(cells, columns)
            sample = _sample(named, features)
        except (ValueError, csv.Error) as error:
            raise DataError(f"line {number} is no sample: {error}") from error
        yield sample


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


def _sample(named: Mapping[str, object], features: Sequence[str]) -> Sample:
    sample = np.empty(len(features))
    for i, name in enumerate(features):
        value = named[name]
        try:
            sample[i] = float("" if isinstance(value, bool) else value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{name} is {json.dumps(value)[:40]}, which is no number") from None
        if not abs(sample[i]) <= np.finfo(np.float32).max:
            raise ValueError(f"{name} is {value}, which is no finite float32")
    return sample


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
