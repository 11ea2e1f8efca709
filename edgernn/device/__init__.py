# SPDX-License-Identifier: Apache-2.0
"""Devices that hold a model, emulated or real: how to build for them, reach them, and talk to them."""
