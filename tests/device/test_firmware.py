# SPDX-License-Identifier: Apache-2.0
"""Images: that they are built whole, and that their sizes are those of the image."""

import re
import subprocess
from dataclasses import astuple

import numpy as np
import pytest

from edgernn import footprint, load
from edgernn.device import boards, firmware
from edgernn.errors import DeviceError
from edgernn.quantize import quantize


@pytest.fixture(scope="module")
def integer(pristine):
    return load(pristine).integer


@pytest.fixture(scope="module")
def built(tmp_path_factory, integer):
    return firmware.build(boards.get("cortex_m4"), integer, tmp_path_factory.mktemp("cortex_m4"))


def symbols(image):
    """Sizes in the image by name."""
    told = subprocess.run(["arm-none-eabi-nm", "-S", str(image)], capture_output=True, text=True, check=True).stdout
    return {name: int(size, 16) for size, name in re.findall(r"^\w+ (\w+) \w (\S+)$", told, re.MULTILINE)}


def test_sizes(built, integer):
    board = boards.get("cortex_m4")
    sizes, found = firmware.measure(board, built), symbols(built)
    weights = footprint.totals(integer.program)["weight_bytes"]
    assert weights < sizes.constants < weights + 200
    runtime = sum(size for name, size in found.items() if name.startswith("edgernn_"))
    assert runtime <= sizes.runtime <= runtime + 32, "the parts are aligned"
    step = found["model_step"] + found["model_reset"]
    assert step <= sizes.step <= step + 16
    assert all(size > 0 for size in astuple(sizes))
    assert sizes.step + sizes.runtime + sizes.constants < sizes.flash < 16_000
    assert 16_384 < sizes.ram < 17_000, "16 kB of stack, and little more"


def test_a_smaller_image(built, integer, tmp_path):
    board = boards.get("cortex_m4")
    small = firmware.measure(board, firmware.build(board, integer, tmp_path, "-Os"))
    fast = firmware.measure(board, built)
    assert small.flash < fast.flash and small.constants == fast.constants


def test_a_make_around_it_changes_nothing(integer, tmp_path, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "n")
    monkeypatch.setenv("MAKELEVEL", "1")
    assert firmware.build(boards.get("host"), integer, tmp_path).is_file()


def test_a_model_that_is_too_large(make_model, tmp_path):
    model = make_model(("gru", 256, {}), ("dense", 2, {}))
    x = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    large = quantize(model, x, np.array([3, 3], np.int32)).model
    words = (
        r"the image of cortex_m3 does not build \(.*overflowed by \d+ bytes\): it needs Debian's packages gcc-arm-none"
    )
    with pytest.raises(DeviceError, match=words):
        firmware.build(boards.get("cortex_m3"), large, tmp_path)


def test_a_library_that_is_missing(integer, tmp_path, monkeypatch):
    monkeypatch.setenv("C_INCLUDE_PATH", "")
    monkeypatch.setenv("GCC_EXEC_PREFIX", "/nowhere/")
    with pytest.raises(
        DeviceError, match=r"the image of cortex_m4 does not build \(.+\): it needs Debian's packages gcc"
    ):
        firmware.build(boards.get("cortex_m4"), integer, tmp_path)
