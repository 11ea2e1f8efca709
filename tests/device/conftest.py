# SPDX-License-Identifier: Apache-2.0
"""Programs that are devices: the host's firmware, and lines that say what a test wants."""

import os
import subprocess
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgernn import load
from edgernn.device import boards, firmware
from edgernn.device.link import Device
from edgernn.device.protocol import Info, Ticks
from edgernn.device.transport import hosted

MakeImage = Callable[[Path], Path]


@pytest.fixture
def info() -> Info:
    """What a device may say of itself."""
    names = "24d2509c773349ce", "cortex_m4", "dsp"
    return Info(1, 2, Ticks.OF_THE_CORE, 6, 7, 64, 25_000_000, -1, 4096, 660, *names)


@pytest.fixture
def packed() -> bytes:
    """The payload that stands for `info`."""
    numbers = "02010201 0600 0700 40000000 40787d01 ffffffff 00100000 94020000"
    return bytes.fromhex(numbers) + b"24d2509c773349ce" + b"cortex_m4 dsp"


@pytest.fixture(scope="session")
def make_image(tmp_path_factory: pytest.TempPathFactory) -> MakeImage:
    """Builds this machine's firmware for an artifact."""

    def make(artifact: Path) -> Path:
        return firmware.build(boards.get("host"), load(artifact).integer, tmp_path_factory.mktemp("firmware"))

    return make


@pytest.fixture(scope="session")
def image(make_image: MakeImage, pristine: Path) -> Path:
    """This machine's firmware for `pristine`."""
    return make_image(pristine)


@pytest.fixture
def device(image: Path) -> Iterator[Device]:
    """This machine's firmware for `pristine`, running."""
    with Device(hosted([str(image)]), "host", 10.0) as opened:
        yield opened


@pytest.fixture
def pty() -> Iterator[Callable[..., str]]:
    """Makes a serial port whose other end is a program's stdin and stdout; without a program, nobody is there."""
    descriptors: list[int] = []
    programs: list[subprocess.Popen[bytes]] = []

    def make(*command: str | Path) -> str:
        ours, theirs = os.openpty()
        tty.setraw(ours)
        descriptors.extend((ours, theirs))
        if command:
            programs.append(subprocess.Popen(command, stdin=ours, stdout=ours))
        return os.ttyname(theirs)

    yield make
    for program in programs:
        program.kill()
        program.wait()
    for descriptor in descriptors:
        os.close(descriptor)
