# SPDX-License-Identifier: Apache-2.0
"""The table, and sigmoid and tanh on all 65,536 inputs."""

from decimal import Decimal, localcontext

import numpy as np

from edgernn.spec import ops
from edgernn.spec.tables import SIGMOID_TABLE

EVERY_INT16 = np.arange(-32768, 32768).astype(np.int16)
SIGMOID = ops.sigmoid(EVERY_INT16).astype(np.int64)
TANH = ops.tanh(EVERY_INT16).astype(np.int64)


def test_no_entry_lies_near_a_rounding_boundary():
    """65536 is far below 2**53, so a libm that is off by several units errs by less than 1e-10."""
    with localcontext(prec=50):
        entries = [65536 / (1 + (Decimal(-i) / 24).exp()) for i in range(256)]
        assert min(abs(entry % 1 - Decimal("0.5")) for entry in entries) > Decimal("1e-3")
        above = [int(stored) - round(entry) for stored, entry in zip(SIGMOID_TABLE, entries, strict=True)]
    assert set(above) == {0, 1} and sum(above) == 43


def test_the_table_can_not_be_changed():
    assert not SIGMOID_TABLE.flags.writeable
    assert (np.diff(SIGMOID_TABLE) >= 0).all()


def test_sigmoid_and_tanh_are_monotone():
    assert np.diff(SIGMOID).min() == 0
    assert np.diff(TANH).min() == 0


def test_sigmoid_is_within_1_1_units_of_the_true_function():
    """Of 2**-15: the last rounding gives 1/2, entries that are rounded or stand 1/65536 higher the rest.

    Linear interpolation of a concave function errs by up to (1/24)**2 / 8 * 0.0963 = 0.69 downwards, entries upwards.
    """
    exact = 32768 / (1 + np.exp(EVERY_INT16 / -(2.0**ops.SIGMOID_FRAC)))
    assert np.abs(SIGMOID - exact).max() < 1.1


def test_tanh_is_within_2_5_units_of_the_true_function():
    """Of 2**-15: as 2 sigmoid(2 x) - 1 it doubles the errors of sigmoid, but for the last rounding."""
    exact = 32768 * np.tanh(EVERY_INT16 / 2.0**ops.TANH_FRAC)
    assert np.abs(TANH - exact).max() < 2.5


def test_the_ends():
    assert (SIGMOID.min(), SIGMOID.max(), SIGMOID[32768]) == (1, 32767, 16384)
    assert (TANH.min(), TANH.max(), TANH[32768]) == (-32746, 32746, 0)
    assert round(32746 / 2**ops.UNIT_FRAC, 5) == 0.99933


def test_a_saturated_state_fits_its_int8_copy():
    assert ops.operand(np.array([-32746, 32746], np.int16), 8, "int8").tolist() == [-127, 127]


def test_symmetry():
    """sigmoid(-x) = 1 - sigmoid(x) exactly; tanh is odd but for at most 3 units, because it rounds half up."""
    negative, positive = slice(32767, 0, -1), slice(32769, None)
    np.testing.assert_array_equal(SIGMOID[negative] + SIGMOID[positive], 32768)
    sums = TANH[negative] + TANH[positive]
    assert (sums.min(), sums.max()) == (0, 3)
