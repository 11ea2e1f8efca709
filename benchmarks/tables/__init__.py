# SPDX-License-Identifier: Apache-2.0
"""The committed results as Markdown, and the pages that show them: a file a topic."""

import re
from pathlib import Path

from benchmarks import results
from benchmarks.tables import accuracy, agreement, boards, goals, peers, sparse, speed, streams
from benchmarks.tables.markdown import Blocks

_ROOT = Path(__file__).parents[2]
PAGES = (_ROOT / "README.md", *(_ROOT / "docs" / f"{name}.md" for name in ("benchmarks", "c", "runtimes", "streams")))
"""What shows results."""
BLOCKS: Blocks = {
    name: block
    for topic in (agreement, accuracy, speed, boards, peers, sparse, streams, goals)
    for name, block in topic.BLOCKS.items()
}
"""All pairs of marks."""


def update(text: str, measure: str | None = None) -> str:
    """`text` with what the results say between each pair of marks like <!-- speed --> and <!-- /speed -->.

    measure: a benchmark whose results are new; None: all are. Where one has not run yet, what stands there stays.
    """
    for name in re.findall(r"<!-- (\w+) -->\n", text):
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->\n")
        assert closing, name
        measures, block = BLOCKS[name]
        if measure in (None, *measures) and all(map(results.exists, measures)):
            text = f"{before}{opening}\n{block(*map(results.read, measures))}\n\n{closing}{after}"
    return text
