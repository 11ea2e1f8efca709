# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks [NAME]...: measures (all without a name, but agree and nightly), writes results/*.json, docs."""

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

MEASURES = (
    "accuracy",
    "streams",
    "speed",
    "peers",
    "scaling",
    "product",
    "startup",
    "boards",
    "footprint",
    "pruned",
    "seeds",
    "sparse",
    "control",
    "agree",
    "nightly",
)
"""Modules with a function `measure`."""
NEEDED = {
    "peers": ("matplotlib", "torch"),
    "scaling": ("matplotlib",),
    "boards": ("matplotlib",),
    "startup": ("torch",),
}
"""Packages of the extra "bench" that a benchmark takes."""
_BY_NAME = ("agree", "nightly")
"""Those that only run where they are named: `make agree`, `make nightly`."""
_INTERRUPTED = 130


def main() -> None:
    """Ends with one sentence where something is wrong: what was measured until then is written."""
    unknown = set(sys.argv[1:]) - set(MEASURES)
    if unknown:
        sys.exit(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(MEASURES)}")
    chosen = sys.argv[1:] or [name for name in MEASURES if name not in _BY_NAME]
    missing = {package for name in chosen for package in NEEDED.get(name, ()) if find_spec(package) is None}
    if missing:
        sys.exit(f"{' and '.join(sorted(missing))} missing: run make bench, or pip install '.[bench]'")
    try:
        _run(chosen)
    except KeyboardInterrupt:
        print("stopped; the benchmarks before this one are written", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} missing: run make bench, or pip install '.[build,bench]'")
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is not there: make bench installs the compilers and emulators")
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))


def _run(names: list[str]) -> None:
    from benchmarks import results
    from edgernn.errors import EdgernnError

    commit = results.commit()
    try:
        for name in names:
            print(name, file=sys.stderr)
            results.write(name, import_module(f"benchmarks.{name}").measure(), commit)
            _show(name)
    except EdgernnError as error:
        sys.exit(str(error))
    if "agree" in names:
        from benchmarks import agree

        if not agree.agrees(results.read("agree")):
            sys.exit("a runtime differs from the reference or is not there: see benchmarks/results/agree.json")


def _show(name: str) -> None:
    """Brings the pages and the plots up to date with the results of a benchmark."""
    from benchmarks import plots, tables

    for page in tables.PAGES:
        page.write_text(tables.update(page.read_text(encoding="utf-8"), name), encoding="utf-8")
    plots.write([name])


if __name__ == "__main__":
    main()
