# SPDX-License-Identifier: Apache-2.0
"""What blocks of zeros save."""

from typing import Any

from benchmarks.tables.markdown import Blocks, table


def _costs(figures: dict[str, Any]) -> str:
    """Bytes, instructions and time by share of zeros, and how many times fewer than without."""
    costs = figures["costs"]
    dense = next(iter(costs.values()))

    def cells(cost: dict[str, float], key: str, form: str = ",.0f") -> tuple[str, str]:
        return f"{cost[key]:{form}}", f"{dense[key] / cost[key]:.2f}"

    rows = [
        (f"{float(share):.0%}", *(cell for key in dense for cell in cells(cost, key))) for share, cost in costs.items()
    ]
    titles = {
        "constants": "bytes of constants",
        "cortex_m4": "instructions, Cortex-M4",
        "cortex_m0": "instructions, Cortex-M0",
        "host_ns": "ns on the host",
    }
    return table(("zeros", *(word for key in dense for word in (titles[key], "times fewer"))), rows)


BLOCKS: Blocks = {"sparse": (("sparse",), _costs)}
