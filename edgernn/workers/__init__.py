# SPDX-License-Identifier: Apache-2.0
"""Runtimes in programs of their own: what they need clashes with what this process has, or they crash.

`tflite_worker.py` is the program, `client` the way to it, `environments` where it runs. docs/runtimes.md has the
protocol.
"""
