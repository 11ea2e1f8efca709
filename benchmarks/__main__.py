# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks [NAME]...: measures (without names all but agree), writes results/*.json and the docs."""

import sys

from benchmarks import accuracy, agree, boards, control, results, speed, tables

MEASURES = {
    "accuracy": accuracy.measure,
    "speed": speed.measure,
    "boards": boards.measure,
    "control": control.measure,
    "agree": agree.measure,
}

unknown = set(sys.argv[1:]) - set(MEASURES)
if unknown:
    sys.exit(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(MEASURES)}")
commit = results.commit()
for name in sys.argv[1:] or [name for name in MEASURES if name != "agree"]:
    results.write(name, MEASURES[name](), commit)
for page in tables.PAGES:
    page.write_text(tables.update(page.read_text(encoding="utf-8")), encoding="utf-8")
if "agree" in sys.argv[1:] and not agree.agrees(results.read("agree")):
    sys.exit("a runtime differs from the reference or is not there: see benchmarks/results/agree.json")
