# SPDX-License-Identifier: Apache-2.0
"""What is to be read from text files, and which column or which part of the path says it."""

from dataclasses import dataclass
from typing import Literal

from edgernn.data.columns.repair import Missing
from edgernn.data.text.layout import Layout
from edgernn.data.text.tables import Header
from edgernn.data.text.textfile import shown
from edgernn.errors import ConfigError

_ROLES = ("label", "group", "split", "recording")
"""What a field of the path says by its name alone."""


@dataclass(frozen=True)
class Reading:
    """What is read from the files, and how they are written.

    columns: of the channels. label: the column of the class, as names or integers. target: columns of real targets.
    recording: rows of one file with one value here are a recording; without it a file is one, or with `group` the rows
    of one group in a file. time: the column of the time, or two of date and time; it grows within a recording.
    Each may be a field of the path instead of a column, and {label}, {group}, {split}, {recording} are without being
    named; with {sensor} the files of one recording are joined (`edgernn.data.text.sensors`).
    separator, decimal, header: the form of all files, where it can't be told (`edgernn.data.text.form`).
    time_unit, gap, packets: what the time column is (`clock` and `rhythm` of `edgernn.data.columns`). rate: Hz, 0 if it
    is not known; rows with times of another rate are resampled to it. missing, sentinels: as `repair` there has them.
    annotations: a file of labels of intervals, whose begins and ends are rows or times (`annotated_in`);
    annotation_columns: the names of its columns, where it has none or others.
    unlabelled: the class of a step without a label; where it is empty, a step without an interval has no class, and an
    empty cell is an error.
    """

    columns: tuple[str, ...]
    label: str = ""
    target: tuple[str, ...] = ()
    recording: str = ""
    group: str = ""
    time: str | tuple[str, ...] = ""
    time_unit: str = "auto"
    rate: float = 0.0
    gap: float | str = ""
    packets: bool = False
    missing: Missing = "error"
    sentinels: Literal["auto"] | tuple[float, ...] = "auto"
    separator: str = "auto"
    decimal: str = "auto"
    header: Literal["auto"] | bool | tuple[str, ...] = "auto"
    annotations: str = ""
    annotation_columns: tuple[str, ...] = ()
    annotated_in: Literal["auto", "rows", "time"] = "auto"
    unlabelled: str = ""

    @property
    def times(self) -> tuple[str, ...]:
        return ((self.time,) if self.time else ()) if isinstance(self.time, str) else self.time

    @property
    def first_row(self) -> Header:
        return self.header if self.header != "auto" else None


@dataclass(frozen=True)
class Names:
    """Which column or field of the path has each role; fields: the roles that the path tells, and the field's name."""

    reading: Reading
    fields: dict[str, str]

    @classmethod
    def of(cls, reading: Reading, found: Layout) -> "Names":
        """Raises ConfigError where a field of the path and a key contradict each other, or no key names the field."""
        fields = {}
        for role in _ROLES:
            named = getattr(reading, role, "")
            if named in found.names or (not named and role in found.names):
                fields[role] = named or role
            elif role in found.names:
                raise ConfigError(
                    f"{role} names the column `{shown(named)}`, but path has {{{role}}}; "
                    f'write {role} = "", or {{_}} in path'
                )
        unknown = [name for name in found.names if name not in (*fields.values(), "sensor")]
        if unknown:
            raise ConfigError(
                f"path has {{{unknown[0]}}}, which no key names; write {{_}}, or one of {{label}}, {{group}}, "
                "{split}, {recording} and {sensor}"
            )
        if "sensor" in found.names and cls(reading, fields).key:
            raise ConfigError(
                "path has {sensor}, so its files are of one recording and one group; write {recording} or {group} in "
                "path instead of naming a column"
            )
        names = cls(reading, fields)
        for name in (*names.columns, *reading.times):
            if not name.isprintable():
                raise ConfigError(f"the name `{shown(name)}` has control characters; rename the column")
        if reading.label and "label" not in fields and reading.label in reading.columns:
            raise ConfigError(
                f"columns has the label `{shown(reading.label)}`, so the model would be told the answer; take it out"
            )
        if names.labelled == bool(reading.target):
            raise ConfigError(
                "give either label (classes), as a column, {label} in path or annotations, or target (real targets)"
            )
        return names

    @property
    def key(self) -> str:
        """The column whose values tell the recordings of one file apart, or empty."""
        for role, name in (("recording", self.reading.recording), ("group", self.reading.group)):
            if name and role not in self.fields:
                return name
        return ""

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.reading.columns, *self.reading.target)))

    @property
    def texts(self) -> tuple[str, ...]:
        """Those that are no field of the path, and the label only where no annotations hold it."""
        roles = {"label": self.reading.label, "group": self.reading.group, "recording": self.reading.recording}
        if self.reading.annotations:
            del roles["label"]
        return tuple(dict.fromkeys(name for role, name in roles.items() if name and role not in self.fields))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.numbers, *self.texts)))

    @property
    def labelled(self) -> bool:
        return bool(self.reading.label or self.reading.annotations or "label" in self.fields)

    @property
    def grouped(self) -> bool:
        return bool(self.reading.group or "group" in self.fields)
