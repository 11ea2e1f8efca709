# SPDX-License-Identifier: Apache-2.0
"""Opening a text file that nobody vouches for: a regular file, of lines that end, in an encoding that is found out."""

import codecs
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgernn.errors import DataError

MAX_BYTES = 1 << 30
MAX_LINE = 1 << 20
_MAX_SHOWN = 60
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    # In front of UTF-16, whose mark is the begin of its own.
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT = {
    b"PK\x03\x04": "a ZIP archive, as spreadsheets are; unpack it, or export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "a spreadsheet; export it as CSV",
    b"\x1f\x8b": "compressed by gzip; unpack it",
    b"BZh": "compressed by bzip2; unpack it",
    b"\xfd7zXZ": "compressed by xz; unpack it",
    b"\x93NUMPY": 'an array of NumPy; give data.source = "npz" with arrays x and y',
    b"\x89HDF": "an HDF5 file; export its table as CSV",
    b"MATLAB 5.0": "a MATLAB file; export its table as CSV",
    b"PAR1": "a Parquet file; export it as CSV",
    b"%PDF-": "a PDF; give the table as text",
}
"""What the first bytes of a file say that is no text."""


@dataclass(frozen=True)
class TextFile:
    """encoding: as Python names it, what the whole file can be read in."""

    path: Path
    encoding: str

    @contextmanager
    def opened(self) -> Iterator[io.TextIOWrapper]:
        """The file as text, its line ends as they are."""
        with _regular(self.path) as raw, io.TextIOWrapper(raw, encoding=self.encoding, newline="") as text:
            yield text

    def head(self, lines: int, characters: int = 1 << 18) -> list[str]:
        """At most so many of the first lines, without their ends; where they are long, fewer."""
        found: list[str] = []
        with self.opened() as text:
            while len(found) < lines and characters > 0 and (line := text.readline()):
                found.append(line.rstrip("\r\n"))
                characters -= len(line)
        return found


def examine(path: Path) -> TextFile:
    """Reads the file once, in blocks.

    Raises DataError for what is no regular file (a pipe would be waited for, a device has no end), is larger than
    MAX_BYTES, has a line longer than MAX_LINE, or is no text.
    """
    with _regular(path) as raw:
        start = raw.read(4096)
        for encoding in _encodings(path, start):
            raw.seek(0)
            try:
                _check_lines(path, raw, encoding)
            except UnicodeDecodeError:
                continue
            return TextFile(path, encoding)
    raise DataError(f"{shown(path)}: is no text in UTF-8, UTF-16 or Latin-1; give a text file")


def shown(text: str | Path) -> str:
    """For a message: without characters that a terminal acts on, and cut short where it is no path."""
    whole = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
    return whole if isinstance(text, Path) or len(whole) <= _MAX_SHOWN else f"{whole[:_MAX_SHOWN]}..."


def listed(names: list[str], most: int = 20) -> str:
    """For a message: at most so many of the names."""
    more = len(names) - most
    return ", ".join(map(shown, names[:most])) + (f" and {more} more" if more > 0 else "")


@contextmanager
def _regular(path: Path) -> Iterator[BinaryIO]:
    try:
        # Without O_NONBLOCK the opening of a pipe waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise DataError(f"{shown(path)}: can't be read ({error.strerror}); repair or remove it") from None
    with os.fdopen(descriptor, "rb") as raw:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{shown(path)}: is a pipe, a device or a folder and no regular file; remove it")
        if status.st_size > MAX_BYTES:
            raise DataError(f"{shown(path)}: is larger than {MAX_BYTES >> 30} GiB; divide it into more files")
        yield raw


def _encodings(path: Path, start: bytes) -> list[str]:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return [encoding]
    for mark, what in _NO_TEXT.items():
        if start.startswith(mark):
            raise DataError(f"{shown(path)}: is {what}")
    if b"\0" not in start:
        return ["utf-8", "cp1252", "latin-1"]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) > len(start) // 4:
        return ["utf-16-be" if even else "utf-16-le"]
    raise DataError(f"{shown(path)}: holds zero bytes, so it is no text; give a text file")


def _check_lines(path: Path, raw: BinaryIO, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    number, length = 1, 0
    while block := raw.read(MAX_LINE):
        text = decoder.decode(block)
        ends = [at for at in (text.find("\n"), text.find("\r")) if at >= 0]
        length += min(ends) if ends else len(text)
        if length > MAX_LINE:
            raise DataError(
                f"{shown(path)}: line {number} has more than {MAX_LINE:,} characters; "
                "give a table with a row a time step, or leave the file out"
            )
        if ends:
            number += text.count("\n")
            length = len(text) - 1 - max(text.rfind("\n"), text.rfind("\r"))
    decoder.decode(b"", final=True)
