# SPDX-License-Identifier: Apache-2.0
"""edgernn: small recurrent networks whose integer results are the same bytes on every runtime.

model = edgernn.load("artifact")
session = model.session()
y = session.step(x)
"""

from edgernn.artifact import Model, load
from edgernn.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    DeviceError,
    EdgernnError,
    MissingExtraError,
    MissingToolError,
    ModelError,
    SlowEngineWarning,
    WorkerError,
)
from edgernn.session import Session, Streams

__all__ = [
    "ArtifactError",
    "ConfigError",
    "DataError",
    "DeviceError",
    "EdgernnError",
    "MissingExtraError",
    "MissingToolError",
    "Model",
    "ModelError",
    "Session",
    "SlowEngineWarning",
    "Streams",
    "WorkerError",
    "__version__",
    "load",
]

__version__ = "0.1.0"
