# SPDX-License-Identifier: Apache-2.0
"""The names of classes, from labels as they are written."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from edgernn.data.text.textfile import shown
from edgernn.errors import DataError

_NONE = frozenset(("nan", "nat", "null", "#n/a"))
"""What programs write for no value, and no one calls a class; None and NA may be names."""


def named(where: str, labels: Iterable[str], ignore: Collection[str] = ()) -> Mapping[str, str]:
    """The class of each label: a whole number as `2`, even where it is written `2.0`, else the label itself.

    Raises DataError, which opens with `where`, for labels with control characters, and for classes whose names differ
    only by case, spaces, leading zeros or how accents are written, and for one that stands for no label unless `ignore`
    has it.
    """
    found = {label: _whole(label) for label in sorted(set(labels))}
    alike: dict[str, str] = {}
    for label in found.values():
        if not label.isprintable():
            raise DataError(f"{where}: the label `{shown(label)}` has control characters; rename the class")
        if label.lower() in _NONE and label not in ignore:
            raise DataError(
                f'{where}: the label `{label}` looks like a missing one; give ignore = ["{label}"] to leave its steps '
                "out, or rename the class"
            )
        other = alike.setdefault(_key(label), label)
        if other != label:
            raise DataError(
                f"{where}: the labels `{shown(other)}` and `{shown(label)}` differ only by case, spaces, zeros or code;"
                " write them alike, or rename one"
            )
    return found


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted as numbers when all are integers, as text otherwise."""
    different = set(names)
    try:
        return tuple(sorted(different, key=int))
    except ValueError:
        return tuple(sorted(different))


def _whole(label: str) -> str:
    return label.partition(".")[0] if re.fullmatch(r"[+-]?\d+\.0*", label) else label


def _key(label: str) -> str:
    return (
        str(int(label))
        if re.fullmatch(r"[+-]?\d+", label)
        else " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFKC", label).casefold()))
    )
