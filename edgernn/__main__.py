# SPDX-License-Identifier: Apache-2.0
"""python -m edgernn"""

from edgernn.cli import main

main()
