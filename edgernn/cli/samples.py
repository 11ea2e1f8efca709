# SPDX-License-Identifier: Apache-2.0
"""Samples from a text stream, one line each: CSV or JSON lines, told apart by the first line."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

Sample = npt.NDArray[np.float64]


def read(lines: Iterable[str], features: Sequence[str]) -> Iterator[Sample]:
    """float64 [F] for each line that is not blank, in the order of `features`.

    JSON: an array of F numbers, or an object with the features' names as keys. CSV: F columns in order, or a first line
    with names, among which the features are; other columns are ignored.
    Raises DataError, with the line's number, for what is not a sample.
    """
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return
    parse = _from_json if first[1].lstrip()[0] in "[{" else _from_csv
    columns: Sequence[int | str] = range(len(features))
    if parse is _from_csv and not _is_number(_cells(first[1])[0]):
        columns = _columns(_cells(first[1]), features)
    else:
        yield _sample(*first, parse(*first, features, columns), features)
    for number, line in numbered:
        yield _sample(number, line, parse(number, line, features, columns), features)


def _from_csv(number: int, line: str, features: Sequence[str], columns: Sequence[int | str]) -> list[object]:
    cells = _cells(line)
    wanted = [int(column) for column in columns]
    if len(cells) <= max(wanted) or (wanted == list(range(len(features))) and len(cells) < len(features)):
        raise DataError(
            f"line {number} has {len(cells)} columns, the model takes {len(features)}: {', '.join(features)}"
        )
    return [cells[column] for column in wanted]


def _from_json(number: int, line: str, features: Sequence[str], columns: Sequence[int | str]) -> list[object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"line {number} is not valid JSON: {error}") from error
    if isinstance(value, dict):
        missing = [name for name in features if name not in value]
        if missing:
            raise DataError(f"line {number} lacks {missing[0]!r}; the model takes {', '.join(features)}")
        value = [value[name] for name in features]
    if not isinstance(value, list) or len(value) != len(features):
        raise DataError(f"line {number} is no list of {len(features)} numbers: {', '.join(features)}")
    return value


def _sample(number: int, line: str, cells: list[object], features: Sequence[str]) -> Sample:
    sample = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            sample[i] = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"line {number}: {features[i]} is {str(cell)[:40]!r}, which is no number") from None
        if not np.isfinite(sample[i]):
            raise DataError(f"line {number}: {features[i]} is {cell}, which is not finite")
    return sample


def _columns(header: Sequence[str], features: Sequence[str]) -> list[int]:
    names = [name.strip() for name in header]
    missing = [name for name in features if name not in names]
    if missing:
        raise DataError(f"the first line names no column {missing[0]!r}; the model takes {', '.join(features)}")
    return [names.index(name) for name in features]


def _cells(line: str) -> list[str]:
    return next(csv.reader([line]))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
