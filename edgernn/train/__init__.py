# SPDX-License-Identifier: Apache-2.0
"""Training with Keras on TensorFlow, the only place that imports them."""
