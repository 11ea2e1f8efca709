# SPDX-License-Identifier: Apache-2.0
"""Reading .npz files that somebody else may have made."""

import math
import zipfile
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt


def read_npz(path: str | PathLike[str], limit: int) -> dict[str, npt.NDArray[Any]]:
    """Every array of an .npz file, by name. Nothing is unpickled.

    limit: bytes that all arrays together may have; checked against what the file declares before anything is unpacked.
    Raises OSError when the file can't be opened, ValueError with half a sentence when it is damaged, cut short, no .npz
    at all, too large, or holds Python objects.
    """
    with Path(path).open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                declared = sum(member.file_size for member in members)
                if declared > limit:
                    raise _Refused(f"it declares {declared} bytes, above the limit of {limit}")
                return {member.filename.removesuffix(".npy"): _read(archive, member) for member in members}
        except _Refused as refused:
            raise ValueError(str(refused)) from None
        except Exception as error:
            # zipfile, its decompressors and NumPy's header parser raise a dozen unrelated kinds for damaged bytes.
            raise ValueError("it is no readable .npz file, cut short or damaged") from error


class _Refused(Exception):
    pass


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as stream:
        shape, dtype = _header(stream)
        if dtype.hasobject:
            raise _Refused(f"`{name}` holds pickled objects, which are refused, instead of numbers or strings")
        # NumPy allocates what the header declares before it reads, so a header that lies must be found first.
        if dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize != member.file_size - stream.tell():
            raise _Refused(f"`{name}` declares {dtype} {list(shape)}, which is not what the file holds")
    with archive.open(member) as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"format {version}")
    return shape, dtype
