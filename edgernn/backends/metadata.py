# SPDX-License-Identifier: Apache-2.0
"""What a file of another format says about itself, so that it can be used without the artifact."""

import json

from edgernn.model import Interface
from edgernn.spec.program import SPEC_VERSION

METADATA = "edgernn"
"""Name of the entry."""


def metadata(interface: Interface) -> str:
    """JSON with the task, the names and the normalization of inputs and outputs."""
    return json.dumps({"spec_version": SPEC_VERSION, **interface.to_json()})
