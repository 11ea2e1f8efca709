# SPDX-License-Identifier: Apache-2.0
"""The engine in C: the extension module `_engine`, and the bytes that it loads (`serialize`)."""
