# SPDX-License-Identifier: Apache-2.0
"""What the commands print: tables and sentences on stdout, progress on stderr.

Nothing that comes from data moves a terminal's cursor or changes its colour, and lines end where the terminal does: at
80 columns where there is none, or at $COLUMNS.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edgernn.cli.verbosity import is_quiet

_PLAIN_WIDTH = 80
_GAP = 2
_INDENT = "  "
_CUT = "..."


def printable(text: str) -> str:
    """`text` as one safe line: control characters, surrogates, and what stdout can't encode become escapes."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def counted(number: int, noun: str) -> str:
    """As in "1 window" and "1,988 windows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say(text: str) -> None:
    """A sentence on stdout, which goes on in the next line at a word; nothing with -q."""
    if not is_quiet():
        click.echo(wrapped(text))


def note(text: str) -> None:
    """A line on stderr about what a command does; nothing with -q."""
    if not is_quiet():
        click.echo(printable(text), err=True)


def emit(text: str) -> None:
    """What was asked for, such as JSON, on stdout: as it is, and with -q too."""
    click.echo(text)


def made(path: Path, text: str) -> None:
    """The last sentence of a command that made `path`; with -q the path alone."""
    if is_quiet():
        emit(str(path))
    else:
        say(text)


def wrapped(text: str, *, stderr: bool = False) -> str:
    """The text in lines that end at words; those behind the first stand further in."""
    room = _console(stderr=stderr).width
    body = printable(text).lstrip(" ")
    indent = " " * (len(text) - len(text.lstrip(" ")))
    lines = [indent]
    for number, word in enumerate(body.split(" ")):
        joint = " " if number else ""
        if number and cell_len(lines[-1]) + len(joint) + cell_len(word) > room:
            lines.append(f"{indent}{_INDENT}{word}")
        else:
            lines[-1] += joint + word
    return "\n".join(line.rstrip() for line in lines)


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    texts: int = 1,
    once: Mapping[str, str] | None = None,
) -> None:
    """A table on stdout; the first `texts` columns are text, the others are aligned right.

    once: columns that are no columns where all rows have the same, and how the title then says it: "{} steps". Columns
    that don't fit side by side follow below, beside the first one again.
    """
    if is_quiet():
        return
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    same = [c for c, name in enumerate(columns) if name in (once or {}) and len({row[c] for row in cells}) == 1]
    say(", ".join([title, *((once or {})[columns[c]].format(cells[0][c]) for c in same if cells[0][c])]))
    kept = [c for c in range(len(columns)) if c not in same]
    drawn = [_Column(printable(columns[c]), [row[c] for row in cells], right=c >= texts) for c in kept]
    console = _console()
    for block in _blocks(drawn, console.width):
        _draw(console, block)


class _Column:
    """A column with the width that its longest word takes at least, and its longest cell at most."""

    def __init__(self, head: str, cells: Sequence[str], *, right: bool) -> None:
        self.head, self.cells, self.justify = head, cells, "right" if right else "left"
        texts = [head, *cells]
        self.least = max(cell_len(word) for text in texts for word in text.split(" "))
        self.most = max(map(cell_len, texts))

    def cut(self, room: int) -> "_Column":
        """The column with the middles of words left out that are wider than `room`: their ends tell them apart."""
        if self.least <= room:
            return self
        cells = [" ".join(_cut(word, room) for word in cell.split(" ")) for cell in self.cells]
        return _Column(_cut(self.head, room), cells, right=self.justify == "right")


def _cut(word: str, room: int) -> str:
    kept = max(room - len(_CUT), 2)
    return word if cell_len(word) <= room else word[: kept - kept // 2] + _CUT + word[-(kept // 2) :]


def _blocks(columns: Sequence[_Column], room: int) -> list[list[_Column]]:
    """The columns in as many blocks as it takes; the first one stands in each."""
    first, *others = (column.cut(room // 2 - _GAP) for column in columns)
    blocks = [[first]]
    for column in others:
        if sum(c.least + _GAP for c in blocks[-1]) + column.least > room:
            blocks.append([first])
        blocks[-1].append(column)
    return blocks


def _widths(columns: Sequence[_Column], room: int) -> list[int]:
    """Widths that fit: the widest column that has several words gives way first."""
    widths = [min(column.most, room) for column in columns]
    while sum(widths) + _GAP * (len(widths) - 1) > room:
        slack = [width if width > column.least else 0 for width, column in zip(widths, columns, strict=True)]
        if not any(slack):
            break
        widths[slack.index(max(slack))] -= 1
    return widths


def _draw(console: Console, columns: Sequence[_Column]) -> None:
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for column, width in zip(columns, _widths(columns, console.width), strict=True):
        drawn.add_column(column.head, justify="right" if column.justify == "right" else "left", width=width)
    for row in zip(*(column.cells for column in columns), strict=True):
        drawn.add_row(*row)
    with console.capture() as capture:
        console.print(drawn)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        console.width = _PLAIN_WIDTH
    return console


class Phases:
    """Phases of a long command on stderr: bars with the time left on a terminal, a line a phase otherwise."""

    def __init__(self) -> None:
        self._console = _console(stderr=True)

    @contextmanager
    def __call__(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """A phase of `total` units; what it yields is called with the number of units done since its last call."""
        if is_quiet() or not self._console.is_terminal:
            note(f"{name} ...")
            yield lambda done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(printable(name), total=total)
            yield lambda done: progress.update(task, advance=done)
            progress.update(task, completed=total)
