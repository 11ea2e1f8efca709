# SPDX-License-Identifier: Apache-2.0
"""Tables whose row is a whole window: a heartbeat a row."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import classes, mistakes
from edgernn.data.arrays import from_arrays
from edgernn.data.columns import repair
from edgernn.data.columns.column import Column
from edgernn.data.dataset import Dataset, without
from edgernn.data.text import found, layout
from edgernn.data.text.form import is_number
from edgernn.data.text.pieces import Piece
from edgernn.data.text.reading import Reading
from edgernn.data.text.tables import look
from edgernn.data.text.textfile import shown
from edgernn.errors import ConfigError, DataError

ALL = ("*",)
"""Columns: all that hold numbers and are named by no other key."""


def load(
    path: str | Path, reading: Reading, channels: int = 1, ignore: Sequence[str] = (), *, complete: bool = True
) -> Dataset:
    """A window of each row of the files that a path means.

    reading: `columns` in the order of time, or ALL; of several channels, those of one step stand together: x0, y0, x1,
    y1. missing is "error" or "drop", which leaves the row out. Rows are of one recording only where `recording` or a
    field of the path says so; the groups and a given split are as in `edgernn.data.csv`.
    Raises DataError and ConfigError like `edgernn.data.csv.load`.
    """
    if reading.times or reading.annotations or reading.missing not in ("error", "drop"):
        raise ConfigError(
            'layout = "wide" has a window a row: leave time and annotations out, and give missing as "error" or "drop"'
        )
    if reading.columns == ALL:
        reading = replace(reading, columns=_numeric(path, reading))
    if len(reading.columns) % channels:
        raise ConfigError(f"columns has {len(reading.columns)} names, which are no whole steps of {channels} channels")
    rows = found.find(path, reading)
    tables = [_table(piece, reading) for piece in rows.of(0)]
    at = [np.flatnonzero(kept) for _, kept in tables]
    x = np.concatenate([table[kept] for (table, _), kept in zip(tables, at, strict=True)])
    label, group, split, recording = (_told(rows, role, at) for role in ("label", "group", "split", "recording"))
    known = None
    notes: tuple[str, ...] = ()
    if label is None:
        y: npt.NDArray[Any] = x[:, len(reading.columns) :]
        notes = mistakes.check_named_targets(shown(Path(path)), reading.target, y)
    else:
        called = classes.named(shown(Path(path)), label.tolist(), ignore)
        known, y = classes.ordered(called.values()), np.array([called[one] for one in label.tolist()])
    data = from_arrays(
        Path(path).name,
        x[:, : len(reading.columns)].reshape(len(x), -1, channels),
        y,
        group=group,
        split=split,
        recording=recording,
        complete=complete,
        classes=known,
        targets=reading.target or None,
        features=[f"channel {number}" for number in range(channels)],
        rate=reading.rate,
    )
    return replace(without(data, ignore), notes=(*rows.forms, *rows.layout.notes, *notes))


def _numeric(path: str | Path, reading: Reading) -> tuple[str, ...]:
    """The columns of numbers of the first file that have no other role."""
    first = layout.find(path).sources[0]
    table = look(first.path, reading.separator, reading.first_row)
    others = {reading.label, reading.group, reading.recording, *reading.target}
    cells = zip(table.names, table.form.first, strict=False)
    names = tuple(name for name, cell in cells if is_number(cell) and name not in others)
    if not names:
        raise DataError(f"{shown(first.path)}: has no columns of numbers; name them by columns")
    return names


def _table(piece: Piece, reading: Reading) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The channels and targets of each row, float64 [n, T * F + K], and which rows lack nothing, bool [n]."""
    named = [piece.numbers[name] for name in (*reading.columns, *reading.target)]
    cells = np.stack([np.asarray(column.cells) for column in named], axis=1)
    lines = np.repeat(named[0].lines, len(named))
    # One column, since a mark for a missing value stands out of the whole signal and not of one step of it.
    signal = Column(piece.where, "of a row", cells.ravel(), lines)
    mended = repair.channel([signal], missing=reading.missing, sentinels=reading.sentinels, fills=False)
    kept: npt.NDArray[np.bool_] = np.all(mended.kept[0].reshape(cells.shape), axis=1)
    return mended.values[0].reshape(cells.shape), kept


def _told(rows: found.Found, role: str, at: Sequence[npt.NDArray[np.intp]]) -> npt.NDArray[np.str_] | None:
    """What a column or the path says of each row that is kept, None where neither does."""
    name, field = getattr(rows.names.reading, role, ""), rows.names.fields.get(role)
    if not name and field is None:
        return None
    parts = []
    for piece, kept in zip(rows.of(0), at, strict=True):
        if field is not None:
            value = piece.source.fields[field]
            parts.append(np.full(len(kept), layout.part(piece.source, value) if role == "split" else value))
        else:
            column = piece.texts[name]
            found.check_filled(column)
            parts.append(np.asarray(column.cells)[kept])
    return np.concatenate(parts)
