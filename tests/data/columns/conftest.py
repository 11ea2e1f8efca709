# SPDX-License-Identifier: Apache-2.0
"""Reading of one column of times."""

import pytest

from edgernn.data.columns import clock


@pytest.fixture
def read(column):
    """The times of one column from its first on, and how they were read."""

    def times(cells, unit="auto", name="t", **options):
        found = clock.seconds([column(cells, name)], unit, **options)
        return found.seconds[0] - found.seconds[0][0], found.words

    return times
