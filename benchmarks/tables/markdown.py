# SPDX-License-Identifier: Apache-2.0
"""What all tables are made with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Blocks = Mapping[str, tuple[str, Callable[[dict[str, Any]], str]]]
"""What pairs of marks show, by their names: a benchmark, and the Markdown of its results."""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
