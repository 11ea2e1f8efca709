# SPDX-License-Identifier: Apache-2.0
"""What `edgernn evaluate` prints, within 80 columns."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from edgernn.cli import results
from edgernn.cli.console import counted, printable, say, table
from edgernn.errors import ConfigError

if TYPE_CHECKING:
    from edgernn.evaluate import Evaluation, Group
    from edgernn.metrics import TargetScore

T = TypeVar("T")

_WIDTH = 80
_LONGEST_NAME = 24
_MOST_ROWS = 12
"""Of classes, groups and targets, unless one table is asked for."""
_MOST_MISTAKES = 10
_METHODS = {"bootstrap": "bootstrap over {}", "wilson": "Wilson, {}"}


def show(evaluation: "Evaluation", each: str | None) -> None:
    """All of it, of long tables the worst rows; each: "class", "group" or "target" for all rows of that table alone.

    Raises ConfigError where there is nothing for that table.
    """
    if each is None:
        _show_headline(evaluation)
    else:
        _check(evaluation, each)
        say(f"{evaluation.artifact}: {_results(evaluation)}")
    tables: dict[str, Callable[[int | None], None]] = {
        "class": lambda most: _show_classes(evaluation, most),
        "target": lambda most: _show_targets(evaluation.targets, most),
        "group": lambda most: _show_groups(evaluation, most),
    }
    for name, draw in tables.items():
        if each in (None, name):
            draw(_MOST_ROWS if each is None else None)
    if each is None:
        for note in evaluation.notes:
            say(f"note: {note}")


def _check(evaluation: "Evaluation", each: str) -> None:
    rows = {"class": evaluation.classes, "target": evaluation.targets, "group": evaluation.groups}
    if not rows[each]:
        others = " or ".join(f"--each {name}" for name, found in rows.items() if found)
        why = {
            "class": "the model gives targets, no classes",
            "target": "the model gives classes, no targets",
            "group": "no group is known of these windows",
        }
        raise ConfigError(f"there is nothing for --each {each}, since {why[each]}: take {others}")


def _show_headline(evaluation: "Evaluation") -> None:
    say(f"{evaluation.artifact}: {_results(evaluation)}")
    streams = evaluation.reset == "never"
    whole = ", every window from zero" if streams else ""
    names = {
        "float": f"float{whole}",
        "integer": f"{evaluation.operands}{whole}",
        "never_reset": f"{evaluation.operands}, never reset",
    }
    rows = {names[name]: values for name, values in evaluation.models.items()} | results.by_baseline(
        evaluation.baselines
    )
    columns = list(dict.fromkeys(name for values in evaluation.models.values() for name in values))
    cells = [(name, *(_number(values.get(column)) for column in columns)) for name, values in rows.items()]
    title = "Streams that are never reset" if streams else "Every window from a state of zero"
    table(title, ("", *columns), cells)
    interval = evaluation.interval
    if interval is not None:
        method = _METHODS[interval.method].format(f"{interval.units:,} {interval.unit}s")
        say(f"95 % interval of the accuracy: {interval.low:.2f} to {interval.high:.2f} ({method})")
    if evaluation.calibration_error is not None:
        say(f"expected calibration error: {evaluation.calibration_error:.3f}")


def _results(evaluation: "Evaluation") -> str:
    stored = {"held out": "the held-out part", "conversion": "the windows of its conversion"}
    steps = f"{evaluation.results:,} steps of " if evaluation.per_step else ""
    windows, recordings = counted(evaluation.windows, "window"), counted(evaluation.recordings, "recording")
    return f"{stored.get(evaluation.data, evaluation.data)}, {steps}{windows} of {recordings}"


def _show_classes(evaluation: "Evaluation", most: int | None) -> None:
    if not evaluation.classes:
        return
    rows, left = _worst(evaluation.classes, lambda row: 1.0 if row.f1 is None else row.f1, most)
    cells = [
        (_short(row.name), f"{row.windows:,}", *(_number(value) for value in (row.precision, row.recall, row.f1)))
        for row in rows
    ]
    say("")
    noun = "steps" if evaluation.per_step else "windows"
    table(_title("Classes", left), ("class", noun, "precision", "recall", "F1"), cells)
    say("")
    _show_confusion([row.name for row in evaluation.classes], evaluation.confusion)


def _show_confusion(names: Sequence[str], confusion: Sequence[Sequence[int]]) -> None:
    numbered = [f"{number} {_short(name)}" for number, name in enumerate(names, 1)]
    width = max(len(str(max(map(max, confusion)))), len(str(len(names))))
    if max(map(len, numbered)) + len(names) * (width + 2) <= _WIDTH:
        title = "Confusion: rows are the true classes, columns what was found"
        cells = [(name, *row) for name, row in zip(numbered, confusion, strict=True)]
        table(title, ("", *map(str, range(1, len(names) + 1))), cells)
        return
    mistakes = [
        (count, true, found)
        for true, row in enumerate(confusion)
        for found, count in enumerate(row)
        if count and true != found
    ]
    mistakes.sort(key=lambda mistake: -mistake[0])
    left = len(mistakes) - _MOST_MISTAKES
    title = "The most frequent mistakes" + (f", {left:,} more kinds in --json" if left > 0 else "")
    rows = [(_short(names[true]), _short(names[found]), count) for count, true, found in mistakes[:_MOST_MISTAKES]]
    table(title, ("class", "found", "results"), rows, texts=2)


def _show_targets(targets: "Sequence[TargetScore]", most: int | None) -> None:
    if not targets:
        return
    rows, left = _worst(targets, lambda row: 1.0 if row.r2 is None else row.r2, most)
    last = any(row.last_value_rmse is not None for row in rows)
    cells = [
        (_short(row.name), _number(row.r2), *map(_measured, (row.mae, row.rmse, row.std)))
        + ((_measured(row.last_value_rmse),) if last else ())
        for row in rows
    ]
    columns = ("target", "r2", "mae", "rmse", "rmse of mean") + (("of last value",) if last else ())
    say("")
    table(_title("Targets, errors in the unit of each", left), columns, cells)


def _show_groups(evaluation: "Evaluation", most: int | None) -> None:
    if not evaluation.groups:
        return
    columns = list(dict.fromkeys(name for group in evaluation.groups for name in group.metrics))
    noun = "steps" if evaluation.per_step else "windows"
    rows, left = _worst(evaluation.groups, _badness, most)
    cells = [(_short(row.name), f"{row.results:,}", *(_number(row.metrics.get(c)) for c in columns)) for row in rows]
    say("")
    table(_title("Groups", left), ("group", noun, *columns), cells)


def _badness(group: "Group") -> float:
    """Lower is worse."""
    return group.metrics.get("accuracy", group.metrics.get("r2", 1.0))


def _worst(rows: Sequence[T], score: Callable[[T], float], most: int | None) -> tuple[list[T], int]:
    """The rows in their order, of too many those of the lowest scores; and how many are left out."""
    if most is None or len(rows) <= most:
        return list(rows), 0
    kept = sorted(sorted(range(len(rows)), key=lambda i: score(rows[i]))[:most])
    return [rows[i] for i in kept], len(rows) - most


def _title(text: str, left: int) -> str:
    return f"{text}: the worst; {left:,} more with --each" if left else text


def _short(name: str) -> str:
    """A name that leaves room for numbers; its ends tell it apart."""
    shown, half = printable(name), _LONGEST_NAME // 2 - 1
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:half]}..{shown[-half:]}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _measured(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
