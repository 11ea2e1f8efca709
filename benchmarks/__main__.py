# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks [NAME]...: measures (without names all but agree), writes results/*.json and the docs."""

import sys
from importlib.util import find_spec

from benchmarks import (
    accuracy,
    agree,
    boards,
    control,
    peers,
    plots,
    product,
    pruned,
    results,
    scaling,
    sparse,
    speed,
    startup,
    tables,
)

MEASURES = {
    "accuracy": accuracy.measure,
    "speed": speed.measure,
    "peers": peers.measure,
    "scaling": scaling.measure,
    "product": product.measure,
    "startup": startup.measure,
    "boards": boards.measure,
    "pruned": pruned.measure,
    "sparse": sparse.measure,
    "control": control.measure,
    "agree": agree.measure,
}
NEEDED = {
    "peers": ("matplotlib", "torch"),
    "scaling": ("matplotlib",),
    "boards": ("matplotlib",),
    "startup": ("torch",),
}
"""Packages of the extra "bench" that a benchmark takes."""

unknown = set(sys.argv[1:]) - set(MEASURES)
if unknown:
    sys.exit(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(MEASURES)}")
chosen = sys.argv[1:] or [name for name in MEASURES if name != "agree"]
missing = {package for name in chosen for package in NEEDED.get(name, ()) if find_spec(package) is None}
if missing:
    sys.exit(f"{' and '.join(sorted(missing))} missing: run make bench, or pip install '.[bench]'")
commit = results.commit()
for name in chosen:
    results.write(name, MEASURES[name](), commit)
for page in tables.PAGES:
    page.write_text(tables.update(page.read_text(encoding="utf-8")), encoding="utf-8")
plots.write(chosen)
if "agree" in chosen and not agree.agrees(results.read("agree")):
    sys.exit("a runtime differs from the reference or is not there: see benchmarks/results/agree.json")
