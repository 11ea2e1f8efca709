# SPDX-License-Identifier: Apache-2.0
"""What `edgernn build` and `convert` print at the end, of the artifact that they made."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgernn.cli import agreement, footprints, results, verbosity
from edgernn.cli.console import made, say
from edgernn.cli.verdict import verdict

if TYPE_CHECKING:
    from edgernn.build import Built
    from edgernn.convert import Converted


def show(artifact: "Built | Converted", same_class: float | None = None) -> None:
    """What quantization did, how the runtimes agree, what the model costs, and where it is.

    same_class: as `edgernn.cli.verdict.verdict` has it.
    """
    from edgernn.backends.c.footprint import footprints as cores

    before, after = artifact.stages[-2:]
    say(verdict(before.metrics, after.metrics, artifact.layers, artifact.model.operands, same_class))
    say("")
    if verbosity.is_verbose():
        results.show_quantization([asdict(layer) for layer in artifact.layers])
        say("")
    agreement.show(artifact.validation)
    say("")
    footprints.show_footprints(cores(artifact.model), rate=0)
    say("")
    made(artifact.folder, f"Artifact: {artifact.folder}")
