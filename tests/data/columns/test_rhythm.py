# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data.columns.rhythm import agreed, missing, notes
from edgernn.errors import ConfigError, DataError

ROWS = np.arange(1000)


@pytest.mark.parametrize("rate", [0.000278, 0.0167, 0.05, 1, 3.3, 10, 50, 100, 104, 1000, 20_000, 48_000])
@pytest.mark.parametrize("begin", [0, 1.6e9])
def test_even_rows(of, rate, begin):
    found = of(begin + ROWS / rate)
    # Today's seconds have a resolution of a quarter of a microsecond: at 48 kHz a hundredth of a step.
    assert found.rate == pytest.approx(rate, rel=1e-5)
    assert (found.spans, found.lost, found.even, len(found.gaps)) == (((0, 1000),), 0, True, 0)


@pytest.mark.parametrize("rate", [17, 48, 52, 104, 208, 300, 333, 400, 416, 700, 833, 900, 1000, 1200, 1430, 1600])
@pytest.mark.parametrize("rounded", [np.round, np.floor])
def test_times_in_whole_milliseconds(of, rate, rounded):
    found = of(rounded(ROWS / rate * 1000) / 1000)
    assert found.rate == pytest.approx(rate, rel=3e-3)
    assert (found.spans, found.lost, found.even) == (((0, 1000),), 0, True)


def test_a_logger_slower_than_its_clock_shows(of, rng):
    """1.05 s printed in whole seconds: every twentieth step is 2 s, but no row is missing."""
    for period in (1.05, 1.06 + 0.01 * np.sin(ROWS / 100)):
        found = of(np.floor(ROWS * period))
        assert found.rate == pytest.approx(1 / np.mean(period), rel=0.01)
        assert (len(found.spans), found.lost) == (1, 0)


@pytest.mark.parametrize("jitter", [0.01, 0.05, 0.1])
def test_jitter(of, rng, jitter):
    for time in (
        np.cumsum(0.02 * (1 + jitter * rng.normal(size=1000))),
        0.02 * (ROWS + jitter * rng.normal(size=1000)),
    ):
        found = of(time)
        assert found.rate == pytest.approx(50, rel=0.01)
        assert (len(found.spans), found.lost, found.even) == (1, 0, True)


def test_a_timer_of_two_steps(of):
    assert of(np.cumsum(np.tile([0.019, 0.021], 500))).rate == pytest.approx(50, rel=1e-4)


def test_whole_seconds_of_a_gps(of, rng):
    found = of(np.floor(ROWS + 0.5 + 0.1 * rng.normal(size=1000)))
    assert found.rate == pytest.approx(1, rel=1e-3)
    assert of(np.floor(np.sort(ROWS + 0.3 * rng.normal(size=1000)))).rate == pytest.approx(1, rel=0.01)


def test_gaps_cut(of):
    time = ROWS * 0.02
    time[300:] += 0.5
    time[700:] += 100
    found = of(time)
    assert found.spans == ((0, 300), (300, 700), (700, 1000)) and found.rate == pytest.approx(50)
    np.testing.assert_allclose(found.gaps, [0.52, 100.02])
    assert notes([found, found], "t") == ["column `t` has 4 gaps, the longest of 100 s; no window spans one"]
    time[700:] += 139_999.5
    assert notes([of(time)], "t") == ["column `t` has 2 gaps, the longest of 140,100 s; no window spans one"]


def test_single_rows_that_are_missing_are_told(of, rng):
    kept = np.ones(1000, bool)
    kept[rng.choice(np.arange(1, 999, 3), 40, replace=False)] = False
    found = of(ROWS[kept] * 0.02)
    assert found.rate == pytest.approx(50) and (len(found.spans), found.lost) == (1, 40)
    told = (
        "column `t` says that 40 single rows are missing among 960; give rate = 50 to fill them by resampling, or gap"
    )
    assert missing([found], "t") == [f"{told} = 1.5 to cut there"] and not notes([found], "t")
    assert found.resampled(50) and not of(ROWS * 0.02).resampled(50), "which fills them"
    found = of(ROWS[kept] * 0.02, gap=1.5)
    assert (len(found.spans), found.lost) == (41, 0)


@pytest.mark.parametrize(
    ("gap", "spans"), [("", 3), (2.5, 3), ("2.5", 3), ("0.05s", 3), (1.5, 3), ("1s", 2), ("200s", 1)]
)
def test_gap(of, gap, spans):
    time = ROWS * 0.02
    time[300:] += 0.5
    time[700:] += 100
    assert len(of(time, gap=gap, rate=50).spans) == spans
    if spans < 3:
        assert of(time, gap=gap, rate=50).resampled(50)
        with pytest.raises(DataError, match=f"line 302.*gap = {gap} allows this step of 0.52 s, but nothing fills it"):
            of(time, gap=gap)


@pytest.mark.parametrize("gap", ["x", "0.01s", 0.5, "nan", "infs", -1, "s"])
def test_gaps_that_are_none(of, gap):
    with pytest.raises(ConfigError, match="gap is .*give steps, such as 2.5, or seconds"):
        of(ROWS * 0.02, gap=gap)


def test_irregular_rows(of, rng):
    time = np.cumsum(rng.exponential(0.02, 1000))
    with pytest.raises(
        DataError, match=r"irregular: median 0.014.* s, mean 0.02.* s, .*; give rate, such as rate = 49"
    ):
        of(time)
    found = of(time, rate=50)
    assert not found.even and found.resampled(50) and len(found.spans) == 1


@pytest.mark.parametrize("seed", range(20))
def test_irregular_rows_are_never_a_rate(of, seed):
    rng = np.random.default_rng(seed)
    for steps in (
        rng.exponential(0.02, 60),
        rng.exponential(1, 200).round(),
        rng.exponential(0.02, 500).round(3),
        rng.lognormal(0, 1, 100),
        rng.choice([0.01, 0.05], 100),
        np.repeat([0.02, 0.04], 200),
    ):
        if not steps.any():
            continue
        with pytest.raises(DataError, match="give rate|does not grow|give packets"):
            of(np.cumsum(steps))


@pytest.mark.parametrize(
    ("time", "says"),
    [
        ([0, 1, 2, 1.5, 3, 4], "line 5, column `t` does not grow; sort the rows by time"),
        (
            [0, 1, 2, 3, 0, 1, 2],
            "line 6, column `t` starts again at `0.0` behind `3.0`; .* name the column of the recording",
        ),
        (
            [60.0 * row - 3600 * (row > 80) for row in range(200)],
            "line 83, .*goes back by an hour, as at the end of summer",
        ),
        ([5, 5, 5, 5], "column `t` is `5.0` in all rows, so it does not grow; .* since the row before, leave time out"),
        (
            [50, 51, 52, 0, 54, 55],
            "line 5, column `t` holds `0.*`, far from the rows beside it; repair or remove this row",
        ),
        ([50, 51, 52, 9999, 54, 55], "line 5, column `t` holds `9999.*`, far from the rows beside it"),
        ([9, 8, 7, 6, 5, 4], "line 3, column `t` goes back in each row; sort the rows"),
        ([1, 0, 3, 2, 5, 4, 7, 6], "line 3, column `t` goes back here and in many other rows; sort the rows by time"),
        ([20, 21, 20, 20, 21, 20, 21], "line 4, column `t` goes back in many rows; .* since the row before"),
        ([0, 0.02, 0.04, 0.06, 0.06, 0.08, 0.1, 0.12], "line 6.*the time of the row before.*remove one"),
        ([0, 20, 40, 60, 60, 80, 100, 120], "line 6.*the time of the row before"),
        ([0, 0.013, 0.026, 0.039, 0.039, 0.052, 0.065, 0.078, 0.091, 0.104], "line 6.*the time of the row before"),
    ],
)
def test_times_that_do_not_grow(of, time, says):
    with pytest.raises(DataError, match=says):
        of(time)


def test_few_rows(of):
    assert (of([]).rate, of([7]).rate, of([7]).spans) == (0, 0, ((0, 1),))
    assert of([7, 7.5]).rate == 2


def test_one_rate_for_all(of, column):
    parts = [of(ROWS / 50), of(ROWS / 51), of([3])]
    columns = [column([], where=f"{number}.csv") for number in range(4)]
    assert agreed(parts, columns[:3]) == pytest.approx(50.5, rel=1e-3)
    assert agreed(parts[2:], columns[2:3]) == 0
    assert agreed([of(ROWS / 50), of(ROWS / 100)], columns[:2], 25) == 25
    with pytest.raises(DataError, match=r"1.csv: has 100 rows a second, 0.csv 50; give rate = 50"):
        agreed([parts[0], of(ROWS / 100), parts[0]], columns[:3])


def test_what_is_resampled(of):
    found = of(ROWS / 50)
    assert [found.resampled(rate) for rate in (0, 50, 50.1, 51, 25)] == [False, False, False, True, True]
    assert not of([1]).resampled(50)
    assert notes([found, of(ROWS / 25)], "t", 50) == [
        "1 of 2 recordings are resampled from 25 to 50 Hz; that adds no information"
    ]
    assert notes([found], "t", 25) == ["1 of 1 recordings are resampled from 50 to 25 Hz"]
    assert notes([found, of(ROWS / 40)], "t", 25) == ["2 of 2 recordings are resampled from 40-50 to 25 Hz"]
