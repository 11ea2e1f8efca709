# SPDX-License-Identifier: Apache-2.0
"""Measurements behind the figures in the documentation: `make bench`, or `python -m benchmarks [NAME]...`."""
