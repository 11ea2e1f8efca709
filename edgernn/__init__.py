# SPDX-License-Identifier: Apache-2.0
"""edgernn: small recurrent networks whose integer results are the same bytes on every runtime.

model = edgernn.load("artifact")
session = model.session()
y = session.step(x)
"""

from edgernn.artifact import Model, load
from edgernn.errors import EdgernnError
from edgernn.session import Session, Streams

__all__ = ["EdgernnError", "Model", "Session", "Streams", "__version__", "load"]

__version__ = "0.1.0"
