# SPDX-License-Identifier: Apache-2.0
"""Requests to the host's firmware, a program on a line of its own."""

import numpy as np
import pytest

from edgernn.device.link import Device, LostError
from edgernn.device.protocol import Frame, Kind, encode
from edgernn.device.transport import hosted
from edgernn.errors import DeviceError

X = np.array([1, -2, 3], np.int8)


def test_the_host_firmware(device, model):
    program, info = model.integer.program, device.info()
    assert (info.features, info.outputs, info.state_bytes, info.operand_bytes) == (3, 2, 10, 1)
    assert (info.selftest, info.board, info.ticks_per_second) == (0, "host", 10**9)
    y, after = device.step(X)
    assert len(y) == program.tensors[program.y].size and device.read_state() == after != bytes(10)
    device.write_state(bytes(10))
    again, _ = device.step(X)
    np.testing.assert_array_equal(again, y)
    assert device.run(1000, X) > 0
    device.reset()
    assert device.read_state() == bytes(10)
    device.exit()
    with pytest.raises(DeviceError, match="firmware.elf ended with status 0"):
        device.reset()


def test_what_the_host_firmware_refuses(device):
    with pytest.raises(DeviceError, match="takes another number of bytes"):
        device.step(X[:2])
    with pytest.raises(DeviceError, match="an operand is beyond its model's limit"):
        device.step(np.full(3, -128, np.int8))
    assert device.info().board == "host", "the device lives on"


def test_a_frame_that_is_too_long(image):
    with Device(hosted([str(image)]), "host", 2.0) as under_test:
        with pytest.raises(LostError, match="it is too long"):
            under_test.write_state(bytes(2000))
        assert under_test.info().board == "host"


def test_a_line_that_is_full_of_remains(image):
    line = hosted([str(image)])
    with Device(line, "host", 10.0) as under_test:
        line.write(encode(Frame(Kind.WRITE_STATE, 1, bytes(10)))[:7])
        assert under_test.info().board == "host"
        line.write(bytes(range(1, 256)) * 20)
        under_test.reset()
        assert under_test.read_state() == bytes(10)
