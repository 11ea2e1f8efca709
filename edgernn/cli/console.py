# SPDX-License-Identifier: Apache-2.0
"""What the commands print: tables on stdout, progress on stderr."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

_PLAIN_WIDTH = 140


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


def say(text: str) -> None:
    """A line on stdout, as it is."""
    click.echo(text)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], texts: int = 1) -> None:
    """A table on stdout; the first `texts` columns are text, the others are aligned right."""
    say(title)
    drawn = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        drawn.add_column(column, justify="right" if number >= texts else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    _console().print(drawn)


class Phases:
    """Phases of a long command on stderr: bars with the time left on a terminal, a line a phase otherwise."""

    def __init__(self) -> None:
        self._console = _console(stderr=True)

    @contextmanager
    def __call__(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """A phase of `total` units; what it yields is called with the number of units done since its last call."""
        if not self._console.is_terminal:
            self._console.print(f"{name} ...")
            yield lambda done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=total)
            yield lambda done: progress.update(task, advance=done)
            progress.update(task, completed=total)
