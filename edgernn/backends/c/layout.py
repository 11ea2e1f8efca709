# SPDX-License-Identifier: Apache-2.0
"""Matrices in the order in which the C runtime's kernels read them: edgernn_kernel_t, edgernn_sparse_t (edgernn.h)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.spec.ops import OPERAND_LIMIT, Int8, Int32
from edgernn.spec.program import Kernel

BLOCK = 4
"""Rows and columns of a block: EDGERNN_BLOCK of edgernn.h."""
INT8_SUM_LIMIT = 2**23
"""What no sum of products reaches in the kernels of int8 operands: they work with 256 times it."""
SPARSE_SHARE = 0.75
"""The largest share of blocks with a weight that is not zero at which the others are left out. A block costs up to a
quarter more where its place has to be looked up: from here on that is smaller and faster (docs/benchmarks.md)."""
_MOST_COLUMN_BLOCKS = 2**8
_MOST_BLOCKS = 2**16 - 1


@dataclass(frozen=True)
class Layout:
    """A matrix as the runtime wants it.

    words: int8 [n, 4], four weights of a row, row by row of each block; bias: int32 [rows], with half a unit of the
    result, None where all biases are zero; shift: uint8 [rows]; rows are filled up to whole blocks in each part.
    first: uint16 [rows / 4 + 1], index: uint8 [blocks], where blocks of zeros are left out, else None.
    wide: whether the operands are int16.
    """

    words: Int8
    bias: Int32 | None
    shift: npt.NDArray[np.uint8]
    columns: int
    first: npt.NDArray[np.uint16] | None
    index: npt.NDArray[np.uint8] | None
    wide: bool

    @property
    def size(self) -> int:
        """Bytes in flash, without the descriptor."""
        arrays = self.words, self.bias, self.shift, self.first, self.index
        return sum(array.nbytes for array in arrays if array is not None)


def lay_out(kernel: Kernel, shift: Int32, parts: int, dtype: str) -> Layout:
    """The layout of a kernel [N, K] with a shift for each row, each of `parts` equal parts of the rows on its own.

    dtype: of the operands.
    """
    columns = kernel.weights.shape[1]
    weights = _filled(kernel.weights, parts, rounded_up(columns))
    biases = kernel.bias + (np.int32(1) << (shift - 1))
    blocks = weights.reshape(len(weights) // BLOCK, BLOCK, -1, BLOCK).transpose(0, 2, 1, 3)
    kept: npt.NDArray[np.bool_] = np.any(blocks, axis=(2, 3))
    first = index = None
    if _is_sparse(kept):
        first = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.uint16)
        index = np.nonzero(kept)[1].astype(np.uint8)
        blocks = blocks[kept]
    return Layout(
        words=blocks.reshape(-1, BLOCK),
        bias=_filled(biases[:, None], parts)[:, 0].astype(np.int32) if kernel.bias.any() else None,
        shift=np.maximum(_filled(shift[:, None], parts)[:, 0], 1).astype(np.uint8),
        columns=columns,
        first=first,
        index=index,
        wide=dtype == "int16" or _is_large(kernel.weights),
    )


def rounded_up(number: int) -> int:
    """The least multiple of BLOCK that is not smaller."""
    return -(-number // BLOCK) * BLOCK


def _filled(rows: npt.NDArray[Any], parts: int, columns: int = 1) -> npt.NDArray[Any]:
    """Rows [N, K] with zeros behind each of the parts up to whole blocks, and behind each row up to so many columns."""
    by_part = rows.reshape(parts, -1, rows.shape[1])
    rest = rounded_up(by_part.shape[1]) - by_part.shape[1]
    return np.pad(by_part, ((0, 0), (0, rest), (0, columns - rows.shape[1]))).reshape(-1, columns)


def _is_sparse(kept: npt.NDArray[np.bool_]) -> bool:
    few = kept.mean() <= SPARSE_SHARE
    return bool(few and kept.shape[1] <= _MOST_COLUMN_BLOCKS and kept.sum() <= _MOST_BLOCKS)


def _is_large(weights: Int8) -> bool:
    return bool(np.abs(weights.astype(np.int64)).sum(axis=1).max() * OPERAND_LIMIT["int8"] >= INT8_SUM_LIMIT)
