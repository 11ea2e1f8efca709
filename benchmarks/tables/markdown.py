# SPDX-License-Identifier: Apache-2.0
"""What all tables are made with."""

from collections.abc import Callable, Mapping, Sequence

Block = tuple[tuple[str, ...], Callable[..., str]]
"""Benchmarks, and the Markdown of their results."""
Blocks = Mapping[str, Block]
"""What pairs of marks show, by their names."""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
