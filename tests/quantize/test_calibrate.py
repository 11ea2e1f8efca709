# SPDX-License-Identifier: Apache-2.0
"""The scale that is chosen is the one of the smallest error."""

import math

import numpy as np
import pytest

from edgernn.quantize.calibrate import INT16_FRACS, OPERAND_FRACS, ErrorTable, calibrate, fake_quantize
from edgernn.spec.ops import OPERAND_LIMIT

CANDIDATES = [(INT16_FRACS, 32767), *((OPERAND_FRACS, limit) for limit in OPERAND_LIMIT.values())]
RNG = np.random.default_rng(0)
SAMPLES = {
    "normal": RNG.normal(size=60),
    "large": 5000 * RNG.normal(size=60),
    "small": 1e-3 * RNG.normal(size=60),
    "heavy tails": RNG.standard_cauchy(60),
    "an outlier": np.append(RNG.normal(size=500), 300.0),
    "one-sided": RNG.exponential(3, 60),
    "beyond every range": np.array([1e6, -1e6, 1.0]),
}


def squared_error(values, frac, limit):
    """Of rounding half to even and clipping, one value at a time."""
    step = 2.0**-frac
    return math.fsum((max(-limit, min(limit, round(value / step))) * step - value) ** 2 for value in values.tolist())


@pytest.mark.parametrize("fracs, limit", CANDIDATES)
@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
def test_the_best_scale_has_the_smallest_squared_error(values, fracs, limit):
    table = ErrorTable(fracs, limit)
    for part in np.array_split(values, 3):
        table.see(part)
    errors = [squared_error(values, frac, limit) for frac in fracs]
    assert table.best() == fracs[int(np.argmin(errors))]


def test_the_widest_range_among_equals():
    table = ErrorTable(OPERAND_FRACS, 127)
    table.see(np.array([32.0, -48.0]))
    assert table.best() == 0


@pytest.mark.parametrize("fracs, limit", CANDIDATES)
def test_nothing_but_zeros_gives_the_range_of_one(fracs, limit):
    table = ErrorTable(fracs, limit)
    assert 2.0 ** -table.best() * (limit + 1) == 1
    table.see(np.zeros(5))
    assert 2.0 ** -table.best() * (limit + 1) == 1


def test_a_rare_outlier_is_clipped():
    table = ErrorTable(OPERAND_FRACS, 127)
    table.see(np.append(RNG.normal(size=100_000), 8.1))
    assert table.best() == 5


def test_fake_quantize_clips_and_rounds():
    values = np.array([-9.0, -1.01, 0.24, 0.26, 0.375, 31.6, 40.0])
    assert fake_quantize(values, 2, 127).tolist() == [-9.0, -1.0, 0.25, 0.25, 0.5, 31.5, 31.75]


@pytest.mark.parametrize("limit", OPERAND_LIMIT.values())
def test_every_matrix_and_operand_is_watched(make_model, windows, layers, limit):
    model = make_model(*layers)
    found = calibrate(model, *windows, limit)
    assert found.linears.keys() == model.matrices().keys()
    assert {"input/x", *(f"{name}/x" for name in model.names()[1:])} <= found.operands.keys()
