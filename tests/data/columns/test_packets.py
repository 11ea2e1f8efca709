# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.errors import DataError

ROWS = np.arange(1000)

PACKETS = {
    "a millisecond apart": ROWS // 5 * 0.1 + ROWS % 5 * 0.001,
    "with one time": ROWS // 5 * 0.1,
    "late by chance": ROWS // 5 * 0.1 + ROWS % 5 * 1e-4 + np.repeat(np.random.default_rng(3).uniform(0, 0.03, 200), 5),
    "in whole seconds": np.floor(0.31 + ROWS / 50),
    "of two": ROWS // 2 * 0.04 + ROWS % 2 * 0.001,
    "of a queue of 100": ROWS // 100 * 2.0 + ROWS % 100 * 1e-4,
}
LAST = np.random.default_rng(4).integers(4, 7, 300).cumsum() - 1
PACKETS["of many sizes"] = 0.02 * LAST[np.searchsorted(LAST, ROWS)]


@pytest.mark.parametrize("time", PACKETS.values(), ids=PACKETS.keys())
def test_packets(of, time):
    with pytest.raises(DataError, match=r"come in groups of .*give packets = true"):
        of(time)
    with pytest.raises(DataError, match="come in groups"):
        of(time, rate=50)
    found = of(time, packets=True)
    assert found.rate == pytest.approx(50, rel=0.01) and found.spans == ((0, 1000),) and found.even
    np.testing.assert_allclose(np.diff(found.time), 0.02, rtol=0.01)


def test_groups_that_are_recordings(of):
    time = ROWS // 100 * 60 + ROWS % 100 * 0.02
    with pytest.raises(DataError, match="groups of 100, 0.02 s apart, one every 60 s"):
        of(time)
    found = of(time, gap=2.5)
    assert found.rate == pytest.approx(50) and len(found.spans) == 10


def test_lost_packets_are_gaps(of):
    kept = np.ones(1000, bool)
    kept[500:505] = kept[800:815] = False
    found = of(PACKETS["a millisecond apart"][kept], packets=True)
    assert found.rate == pytest.approx(50) and found.spans == ((0, 500), (500, 795), (795, 980))
    np.testing.assert_allclose(found.gaps, [0.12, 0.32])


def test_what_has_no_packets(of, rng):
    with pytest.raises(DataError, match="fewer than three packets.*leave packets out"):
        of(ROWS * 0.02, packets=True)
    with pytest.raises(DataError, match="no packets of evenly spaced samples"):
        of(np.cumsum(rng.exponential(0.02, 1000) ** 2), packets=True)


@pytest.mark.parametrize(("step", "low", "high"), [(1.0, 40, 1000), (1.0, 60, 61), (0.02, 100, 1000), (0.001, 30, 900)])
def test_sessions_are_no_packets(of, rng, step, low, high):
    """A session every few hours: a packet has one size, or holds what was sampled since the last one."""
    sizes = rng.integers(low, high, 12)
    every = 3600 * 3 if step > 0.1 else 4 * high * step
    begins = np.arange(12) * every + rng.uniform(0, 0.3 * every, 12)
    found = of(np.concatenate([begin + step * np.arange(size) for begin, size in zip(begins, sizes, strict=True)]))
    assert found.rate == pytest.approx(1 / step, rel=1e-3)
    assert np.diff(found.spans, axis=1).ravel().tolist() == sizes.tolist()
    assert len(found.gaps) == 11


@pytest.mark.parametrize("most", [1, 2, 5, 9])
def test_packets_of_what_was_sampled_since_are_no_sessions(of, rng, most):
    """A host that polls late now and then gets a larger packet."""
    period = 0.01
    polls = np.cumsum(0.1 * rng.integers(1, most + 1, 60) ** rng.integers(0, 2, 60))
    rows = np.floor(polls / period).astype(int)
    time = np.concatenate(
        [poll + 1e-4 * np.arange(last - first) for poll, first, last in zip(polls[1:], rows, rows[1:], strict=False)]
    )
    with pytest.raises(DataError, match="come in groups .* packets = true"):
        of(time)


def test_rows_of_one_time_are_not_cut_by_a_gap(of):
    """A smaller gap can't part rows that have one time, so it is no way out."""
    with pytest.raises(DataError, match=r"evenly spaced samples \(50 Hz\)$"):
        of(np.repeat(np.arange(20) * 0.1, 5))
