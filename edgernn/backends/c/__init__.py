# SPDX-License-Identifier: Apache-2.0
"""C99 for any machine: the step of a model as straight calls of a small runtime, without malloc or floating point."""

from edgernn.backends.c.engine import NativeRuntime
from edgernn.backends.c.host import CRuntime
from edgernn.backends.c.write import export

__all__ = ["RUNTIMES", "export"]

RUNTIMES = (CRuntime(), NativeRuntime())
