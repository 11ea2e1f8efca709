# SPDX-License-Identifier: Apache-2.0
"""edgernn: sessions of both engines, and the C alone."""

from collections.abc import Iterator

import edgernn
from benchmarks.generated import Generated
from benchmarks.peers.case import EXACT, STEP, WINDOW, Case, Contender
from edgernn.engine import native

NATIVE, NUMPY, ENGINE_C, GENERATED_C = "native", "NumPy engine", "native, its C alone", "generated C alone"


def version() -> str:
    return f"{edgernn.__version__}, kernels {native.kernels()}"


def contenders(case: Case) -> Iterator[Contender]:
    """Sessions take float samples, the C takes operands: a window as sessions run it, and its steps one by one."""
    model = edgernn.load(case.folder)
    for name, engine in ((NATIVE, "native"), (NUMPY, "numpy")):
        yield Contender(name, STEP, EXACT, model.session(engine).step, list(case.x))
        yield Contender(name, WINDOW, EXACT, model.session(engine).run, [case.x])
    yield Contender(ENGINE_C, WINDOW, EXACT, native.load(model.integer).run, [case.operands[None]])
    yield Contender(GENERATED_C, STEP, EXACT, Generated(model.integer, case.folder / "generated"), [case.operands])
