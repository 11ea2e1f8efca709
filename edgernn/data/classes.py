# SPDX-License-Identifier: Apache-2.0
"""Names of classes and people, as they are written: which are one, which stand for none, and their order."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from edgernn.data.text.textfile import shown
from edgernn.errors import DataError

NONE = frozenset(("nan", "nat", "null", "#n/a", "n/a", "<na>", "?", "-", "--"))
"""What programs write for no value, in small letters, and no one calls a class; None and NA may be names."""


def named(where: str, labels: Iterable[str], ignore: Collection[str] = ()) -> Mapping[str, str]:
    """The class of each label: a whole number as `2`, even where it is written `2.0`, else the label itself.

    Raises DataError, which opens with `where`, for labels with control characters, and for classes whose names differ
    only by case, spaces, leading zeros or how accents are written, and for one that stands for no label unless `ignore`
    has it.
    """
    found = {label: whole(label) for label in sorted(set(labels))}
    for label in found.values():
        if not label.isprintable():
            raise DataError(f"{where}: the label `{shown(label)}` has control characters; rename the class")
        if label.strip().lower() in NONE and label not in ignore:
            raise DataError(
                f'{where}: the label `{label}` looks like a missing one; give ignore = ["{label}"] to leave its steps '
                "out, or rename the class"
            )
    check_alike(where, "labels", found.values())
    return found


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted as numbers when all are integers, as text otherwise."""
    different = set(names)
    try:
        return tuple(sorted(different, key=int))
    except ValueError:
        return tuple(sorted(different))


def check_alike(where: str, what: str, names: Iterable[str]) -> None:
    """Raises DataError for two names, of classes or people, that are likely one, written in two ways.

    They differ only by case, spaces, leading zeros, a fraction of 0 or how accents are written.
    """
    known: dict[str, str] = {}
    for name in sorted(set(names)):
        other = known.setdefault(_key(name), name)
        if other != name:
            raise DataError(
                f"{where}: the {what} `{shown(other)}` and `{shown(name)}` differ only by case, spaces, zeros or "
                "code; write them alike, or rename one"
            )


def whole(label: str) -> str:
    """The label as it is, or as 2 where it is 2.0 or 2.000e+00."""
    if not re.fullmatch(r"[+-]?\d{1,15}\.\d*([eE][+-]?\d\d?)?", label):
        return label
    number = float(label)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else label


def _key(name: str) -> str:
    short = whole(name.strip())
    if re.fullmatch(r"[+-]?\d+", short):
        return str(int(short))
    return " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFKC", short).casefold()))
