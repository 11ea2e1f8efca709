# SPDX-License-Identifier: Apache-2.0
"""The table of what a model adds to a program, a row a core."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from edgernn.cli.console import say, table
from edgernn.cli.selection import level

if TYPE_CHECKING:
    from edgernn.backends.c.footprint import Footprint

_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_CLOCK = re.compile(r"(\d+(?:\.\d+)?) ?([kmg]?)hz", re.IGNORECASE | re.ASCII)


class _Clock(click.ParamType[float]):
    """A frequency as a number of hertz."""

    name = "clock"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _CLOCK.fullmatch(str(value))
        hertz = float(found[1]) * _UNITS[found[2].lower()] if found else 0.0
        if not hertz:
            self.fail(f"{value!r} is no clock: give a number and its unit, as in 64MHz", param, ctx)
        return hertz


clock = click.option(
    "--clock",
    type=_Clock(),
    metavar="FREQUENCY",
    help="Of the core, as in 64MHz: how long a step takes at least, and its share of the time between two samples.",
)
optimize = level(("s", "2"), "The compiler's level whose code is counted.")


def show_footprints(footprints: "Sequence[Footprint]", rate: float, hertz: float | None = None) -> None:
    """A row a core. rate: steps a second, 0 where unknown; hertz: the clock, None where it is open."""
    from edgernn.backends.c.footprint import Footprint, rounded

    def time(one: Footprint) -> tuple[str, ...]:
        if hertz is None:
            return (f"{one.instructions * rate / 1e6:.2g}",) if rate else ()
        milliseconds = one.milliseconds(hertz)
        share = f"{milliseconds * rate / 1e3:.2%}" if rate else "-"
        return f"{milliseconds:.3g}", share

    rows = [
        (
            *(one.core, f"{rounded(one.flash):,}", f"{one.constants:,}", f"{rounded(one.code):,}"),
            *(f"{rounded(one.float_code):,}", f"{one.state:,}", f"{one.stack:,}"),
            *(f"{rounded(one.instructions):,}", *time(one)),
        )
        for one in footprints
    ]
    columns = ["core", "flash", "const.", "code", "float", "state", "stack", "instr."]
    if hertz is not None:
        columns += ["ms", "share"]
    elif rate:
        columns += ["MHz"]
    table(f"On a microcontroller, compiled with {footprints[0].level}: bytes, and instructions a step", columns, rows)
    say("flash: what a program grows by, constants (exact) and code; float: code that")
    say("float samples add; instr.: instructions, not cycles, as QEMU counts them.")
    if hertz is not None:
        say(f"ms: at least so many at {hertz / 1e6:g} MHz, as if an instruction took one cycle;")
        say("share: of the time between two samples.")
    elif rate:
        say(f"MHz: the least clock that keeps up with {rate:g} steps a second.")
