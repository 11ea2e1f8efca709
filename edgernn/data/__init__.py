# SPDX-License-Identifier: Apache-2.0
"""Sensor data: reading (`watch`, `npz`, `csv`), windows, splits, and normalization statistics."""
