# SPDX-License-Identifier: Apache-2.0
"""Text files that commands write: whole or not at all."""

import os
import shutil
from pathlib import Path

from edgernn.errors import EdgernnError
from edgernn.scratch import scratch


def write(file: Path, text: str, *, replace: bool) -> None:
    """Writes `text` aside and moves it to `file`; a link or a device is written through.

    Raises EdgernnError when `file` exists and may not be replaced, or can't be written.
    """
    if not replace and os.path.lexists(file):
        raise EdgernnError(f"{file} exists already: add --force to replace it, or name another file")
    try:
        if file.is_symlink() or (file.exists() and not file.is_file()):
            file.write_text(text, encoding="utf-8")
            return
        with scratch(file.parent, f".{file.name}.") as folder:
            aside = folder / file.name
            aside.write_text(text, encoding="utf-8")
            if file.exists():
                shutil.copymode(file, aside)
            aside.replace(file)
    except OSError as error:
        raise EdgernnError(f"{file} can't be written ({error.strerror}): name another file") from error
