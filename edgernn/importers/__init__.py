# SPDX-License-Identifier: Apache-2.0
"""Float models that other frameworks trained: `read` makes one from their files, whose content is never trusted.

A reader is one module here. It takes its file apart into calls of `edgernn.importers.chain.Chain`, which knows what a
chain of layers may hold, and refuses by name and place what it can't take over exactly.
"""
