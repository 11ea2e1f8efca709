# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data.columns import repair
from edgernn.data.columns.column import MISSING, floats
from edgernn.data.text.form import is_number


@pytest.mark.parametrize("cell", ["1.5", "-0", "5.", ".5", "+1e-3", "1E308", "007"])
def test_numbers(cell):
    # An object array and a broken neighbour take the slow way, a list the fast one.
    assert floats([cell]).tolist() == floats(np.array([cell, "1e"], object)).tolist()[:1] == [float(cell)]


@pytest.mark.parametrize("cell", ["", " ", "nan", "inf", "1_0", "1e", "+-1", "1.2.3", "--", ".", "٣", "0x10", "1,5"])
def test_no_numbers(cell):
    assert np.isnan(floats([cell, "1"])).tolist() == [True, False]


def test_decimal_comma():
    np.testing.assert_array_equal(floats(["1,5", "1.5", ",5", "2"], ","), [1.5, np.nan, 0.5, 2])
    assert floats([]).shape == (0,)


def test_numbers_are_read_as_python_reads_them():
    values = np.random.default_rng(0).normal(size=20_000) * 10.0 ** np.arange(-10, 10).repeat(1000)
    np.testing.assert_array_equal(floats([repr(value) for value in values.tolist()]), values)


@pytest.mark.parametrize("cell", sorted(MISSING))
def test_what_is_missing_is_so_everywhere(column, cell):
    """A cell that `missing` fills must not keep its column from being taken for one of numbers."""
    assert is_number(cell)
    assert is_number(cell.upper())
    assert repair.channel([column(["1", cell, "2"])], missing="hold").values[0].tolist() == [1, 1, 2]
