# SPDX-License-Identifier: Apache-2.0
"""One file a runtime: `version()`, and `contenders(case)`, what it can do with a model. Imported by the worker only.

Each calls its runtime as its documentation does for speed, with arrays of its own kind that are ready, in one thread.
"""
