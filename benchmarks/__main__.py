# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks [accuracy] [speed]: measures (all by default), writes results/*.json, updates the README."""

import sys

from benchmarks import accuracy, results, speed, tables

MEASURES = {"accuracy": accuracy.measure, "speed": speed.measure}

unknown = set(sys.argv[1:]) - set(MEASURES)
if unknown:
    sys.exit(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(MEASURES)}")
commit = results.commit()
for name in sys.argv[1:] or MEASURES:
    results.write(name, MEASURES[name](), commit)
tables.README.write_text(tables.update(tables.README.read_text(encoding="utf-8")), encoding="utf-8")
