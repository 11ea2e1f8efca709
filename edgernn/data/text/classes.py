# SPDX-License-Identifier: Apache-2.0
"""The names of classes, from labels as they are written."""

from collections.abc import Collection, Iterable, Mapping

from edgernn.data.mistakes import NONE, check_alike, whole
from edgernn.data.text.textfile import shown
from edgernn.errors import DataError


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
