# SPDX-License-Identifier: Apache-2.0
"""Images of the firmware, and the programs that make and check them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgernn import load
from edgernn.backends.c.write import sources
from edgernn.device.boards import FIRMWARE, Board
from edgernn.device.link import Device
from edgernn.device.transport import WAITING, emulated, hosted
from edgernn.model import IntegerModel

MODEL = "model"


@pytest.fixture(scope="session")
def write_sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[IntegerModel], Path]:
    """Writes the C of a model, as the firmware wants it, into a new folder."""

    def write(model: IntegerModel) -> Path:
        folder = tmp_path_factory.mktemp("sources")
        for name, text in sources(model, MODEL).items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def small_sources(write_sources: Callable[[IntegerModel], Path], pristine: Path) -> Path:
    """The C of the small artifact's model."""
    return write_sources(load(pristine).integer)


@pytest.fixture(scope="session")
def make_image(run_tool: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds a board's image from the C of a model. A missing compiler fails the test with the board's packages."""

    def make(board: Board, folder: Path) -> Path:
        assert not board.missing, f"{', '.join(board.missing)}: install {' '.join(board.packages)} (make tools)"
        out = tmp_path_factory.mktemp(board.name)
        words = f"BOARD={board.name}", f"MODEL={folder}", f"OUT={out}"
        run_tool("make", "-s", "-C", FIRMWARE, *words)
        return out / "firmware.elf"

    return make


@pytest.fixture(scope="session")
def start() -> Callable[[Board, Path], Device]:
    """Starts an image; the device answers by then, and has to be closed."""

    def started(board: Board, image: Path) -> Device:
        command = board.command(image, WAITING)
        device = Device(emulated(command) if board.has_uart else hosted(command), board.name, 20.0)
        try:
            device.info()  # Repeated until it is heard: a UART that is still off loses what it gets.
        except BaseException:
            device.close()
            raise
        return device

    return started
