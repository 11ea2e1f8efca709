# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks [accuracy] [speed] [boards]: measures (all by default), writes results/*.json and the docs."""

import sys

from benchmarks import accuracy, boards, results, speed, tables

MEASURES = {"accuracy": accuracy.measure, "speed": speed.measure, "boards": boards.measure}

unknown = set(sys.argv[1:]) - set(MEASURES)
if unknown:
    sys.exit(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(MEASURES)}")
commit = results.commit()
for name in sys.argv[1:] or MEASURES:
    results.write(name, MEASURES[name](), commit)
for page in tables.PAGES:
    page.write_text(tables.update(page.read_text(encoding="utf-8")), encoding="utf-8")
