# SPDX-License-Identifier: Apache-2.0
"""The integer specification: primitives, programs over them, and the interpreter that is the reference."""
