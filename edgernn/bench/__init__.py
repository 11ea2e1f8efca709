# SPDX-License-Identifier: Apache-2.0
"""How long a step takes: `edgernn.bench.host`."""
