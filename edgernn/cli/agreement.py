# SPDX-License-Identifier: Apache-2.0
"""What is printed of a comparison of runtimes with the reference."""

from typing import TYPE_CHECKING

from edgernn.cli.console import say, table

if TYPE_CHECKING:
    from edgernn.validate import Report

_NAMED = 3
"""Runtimes that are named where more are unavailable for the same reason."""


def show(report: "Report") -> None:
    """Prints the table, why runtimes are unavailable, and the first difference of each that differs."""
    columns = ("runtime", "kernels", "architecture", "version", "status", "steps", "values", "mismatches", "largest")
    rows = [
        (r.name, r.kernels, r.architecture, r.version, r.status)
        + (f"{r.steps:,}", f"{r.values:,}", f"{r.mismatches:,}", r.max_abs_diff)
        for r in report.runtimes
    ]
    once = {"architecture": "{}", "steps": "{} steps", "values": "{} values each"}
    table("Agreement with the reference", columns, rows, texts=5, once=once)
    reasons: dict[str, list[str]] = {}
    for result in report.runtimes:
        if result.reason:
            reasons.setdefault(result.reason, []).append(result.name)
    for reason, names in reasons.items():
        others = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        say(reason if reason.startswith(f"{names[0]} ") else f"{', '.join(names[:_NAMED])}{others}: {reason}")
    for result in report.runtimes:
        if result.first_difference is not None:
            say(f"{result.name} differs first in {result.first_difference}")
