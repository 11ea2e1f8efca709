# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import numpy as np
import pytest

from edgernn.data.columns import clock
from edgernn.data.columns.column import floats
from edgernn.errors import ConfigError, DataError

ROWS = np.arange(60)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (
            20,
            r'steps of column `t` are 20: milliseconds \(50 Hz\) or seconds \(0.05 Hz\)\? give time_unit = "ms" or "s"',
        ),
        (20_000, r'microseconds \(50 Hz\) or milliseconds \(0.05 Hz\)\? give time_unit = "us" or "ms"'),
        (20_000_000, r'nanoseconds \(50 Hz\) or microseconds \(0.05 Hz\)\? give time_unit = "ns" or "us"'),
        (60, r"milliseconds \(16.7 Hz\) or seconds \(0.0167 Hz\)"),
        (3600, r"milliseconds \(0.278 Hz\)"),
        (1, r"milliseconds \(1,000 Hz\) or seconds \(1 Hz\).*; if they are row numbers, leave time out and give rate"),
    ],
)
def test_whole_steps_do_not_say_their_unit(read, step, says):
    with pytest.raises(DataError, match=says):
        read(ROWS * step)
    with pytest.raises(DataError, match=says):
        read([f"{value}.0" for value in ROWS * step])


@pytest.mark.parametrize("rate", [2.5, 10, 50, 100, 1000, 20_000, 48_000])
def test_fractions_are_seconds(read, rate):
    time, words = read([f"{7 + row / rate:.9f}" for row in ROWS])
    np.testing.assert_allclose(time, ROWS / rate, atol=1e-9)
    assert words == "seconds"


@pytest.mark.parametrize("rate", [4000, 8000, 16_000, 22_050])
def test_counted_samples_are_milliseconds_or_seconds(read, rate):
    """A recorder's column of k / rate: exact from 0 on, so that 4 kHz in milliseconds looks like 4 Hz in seconds."""
    cells = [repr(row / rate * 1000) for row in ROWS.tolist()]
    with pytest.raises(DataError, match=r'milliseconds \(.*,.* Hz\) or seconds .*give time_unit = "ms" or "s"'):
        read(cells)
    np.testing.assert_allclose(read(cells, rate=rate)[0], ROWS / rate, atol=1e-9)
    np.testing.assert_allclose(read(cells, rate=rate / 1000)[0], ROWS / rate * 1000, atol=1e-6)


@pytest.mark.parametrize("step", [2, 5, 10, 20, 40, 100])
def test_millis_after_twelve_days_are_no_epoch(read, step):
    """1,200,000,000 is a second of 2008, and millis() of a board that has run for a fortnight."""
    with pytest.raises(DataError, match=r'milliseconds .* or seconds .*give time_unit = "ms" or "s"'):
        read(1_200_000_000 + ROWS * step)


@pytest.mark.parametrize("step", [1, 15, 30, 60, 900])
def test_seconds_since_1970_at_which_meters_log(read, step):
    assert "seconds since 1970" in read(1_200_000_000 + ROWS * step)[1]


@pytest.mark.parametrize("step", [16.7, 0.5])
def test_large_fractions_are_not_decided(read, step):
    with pytest.raises(DataError, match='milliseconds .* or seconds .* give time_unit = "ms" or "s"'):
        read([f"{row * step:.1f}" for row in ROWS])


@pytest.mark.parametrize(
    ("name", "step", "unit"),
    [
        ("time_ms", 20, "ms"),
        ("t [ms]", 20, "ms"),
        ("timestamp_us", 20_000, "us"),
        ("timestampNs", 20_000_000, "ns"),
        ("Time (s)", 20, "s"),
        ("millis", 20, "ms"),
        ("micros()", 20_000, "us"),
        ("uptimeMS", 20, "ms"),
        ("seconds_elapsed", 20, "s"),
        ("Zeit / µs", 20_000, "us"),
        ("time (min)", 1, "min"),
        ("hours", 1, "h"),
    ],
)
def test_a_name_says_the_unit(read, name, step, unit):
    time, words = read(ROWS * step, name=name)
    np.testing.assert_allclose(time, ROWS * step * clock.UNITS[unit])
    assert words.endswith("as the column's name says")


@pytest.mark.parametrize("name", ["time", "t", "timestamp", "bus", "ms or s", "measurements"])
def test_other_names_say_nothing(read, name):
    with pytest.raises(DataError, match="give time_unit"):
        read(ROWS * 20, name=name)


@pytest.mark.parametrize(
    ("name", "begin", "step"), [("t_ms", 0, 0.02), ("t_us", 0, 20), ("t_s", 1_600_000_000_000, 20)]
)
def test_a_name_that_can_not_be_true(read, name, begin, step):
    with pytest.raises(DataError, match=f"the name of column `{name}` says .* give time_unit"):
        read(begin + ROWS * step, name=name)
    assert read(ROWS * step, "s", name)[0][1] == step


@pytest.mark.parametrize(
    ("begin", "step", "words"),
    [
        (1_600_000_000, 1, "seconds since 1970, from 2020-09-13 12:26:40 UTC"),
        (1_600_000_000, 3600, "seconds since 1970"),
        (1_600_000_000_000, 20, "milliseconds since 1970"),
        (1_600_000_000_000, 60_000, "milliseconds since 1970"),
        (1_600_000_000_000_000, 20_000, "microseconds since 1970"),
        (1_600_000_000_000_000, 60_000_000, "microseconds since 1970"),
        (1_600_000_000_000_000_000, 20_000_000, "nanoseconds since 1970"),
    ],
)
def test_counts_since_1970(read, begin, step, words):
    time, found = read(begin + ROWS * step)
    unit = {"sec": "s", "mil": "ms", "mic": "us", "nan": "ns"}[words[:3]]
    # A float of 64 bits holds today's seconds to a quarter of a microsecond.
    np.testing.assert_allclose(time, ROWS * step * clock.UNITS[unit], atol=5e-7)
    assert found.startswith(words)


def test_counts_since_1970_with_fractions(read):
    time, _ = read([f"{1_600_000_000 + row / 50:.6f}" for row in ROWS])
    np.testing.assert_allclose(time, ROWS / 50, atol=1e-6)


def test_counters_as_large_as_counts_since_1970_are_not_decided(read):
    with pytest.raises(DataError, match=r"microseconds \(50 Hz\)"):
        read(1_600_000_000 + ROWS * 20_000)
    with pytest.raises(DataError, match=r"nanoseconds \(50 Hz\)"):
        read(1_600_000_000_000_000 + ROWS * 20_000_123)


def test_nanoseconds_of_a_telephone(read):
    """No other unit fits: read as microseconds it would have run for ten years."""
    time, words = read(320_000_000_000_000 + ROWS * 20_000_123)
    np.testing.assert_allclose(time, ROWS * 0.020000123, atol=1e-9)
    assert words == "nanoseconds"


def test_ticks_of_no_unit(read):
    with pytest.raises(DataError, match="no rate of a sensor in any unit; give time_unit"):
        read(132_000_000_000_000_000 + ROWS * 200_000)


def test_a_known_rate_decides(read):
    for rate, unit in ((50, "ms"), (0.05, "s"), (48, "ms")):
        np.testing.assert_allclose(read(ROWS * 20, rate=rate)[0], ROWS * 20 * clock.UNITS[unit])
    with pytest.raises(DataError, match="give time_unit"):
        read(ROWS * 20, rate=25)


@pytest.mark.parametrize("unit", list(clock.UNITS))
def test_a_unit_that_is_given(read, unit):
    np.testing.assert_allclose(read(ROWS * 7, unit, "t_ms")[0], ROWS * 7 * clock.UNITS[unit])


@pytest.mark.parametrize(
    ("size", "name", "step"),
    [(2**32, "t", 20), (2**32, "micros", 20_000), (2**16, "ms", 20), (2**32 // 1000, "ms", 20)],
)
def test_counters_that_wrap(column, size, name, step):
    cells = (size - 30 * step - 7 + ROWS * step) % size
    found = clock.seconds([column(cells, name)])
    unit = "us" if name == "micros" else "ms"
    np.testing.assert_allclose(np.diff(found.seconds[0]), step * clock.UNITS[unit], rtol=1e-6)
    assert "continued where it wraps (line 33)" in found.notes[0]


def test_a_signed_counter_wraps(column):
    cells = np.where(ROWS < 30, 2**31 - 600 + ROWS * 20, -(2**31) - 600 + ROWS * 20)
    np.testing.assert_allclose(np.diff(clock.seconds([column(cells, "ms")]).seconds[0]), 0.02)


def test_a_restart_is_no_wrap(column):
    cells = np.concatenate([ROWS, ROWS]) * 20
    found = clock.seconds([column(cells, "ms")])
    assert not found.notes and np.diff(found.seconds[0]).min() < 0


def test_units_that_do_not_fit(read):
    with pytest.raises(ConfigError, match="time_unit is `msec`; it should be auto, s, ms"):
        read([1], "msec")
    with pytest.raises(DataError, match="line 2.*no number of milliseconds"):
        read(["2020-03-09"], "ms")
    with pytest.raises(DataError, match="line 2.*neither a number nor a date"):
        read(["5"], "datetime")


def test_days_of_a_spreadsheet_are_not_seconds(read):
    for minutes in (1, 5, 15, 60):
        with pytest.raises(DataError, match='days .*give time_unit = "s" or "d"'):
            read([f"{43899 + row * minutes / 1440:.7f}" for row in ROWS])
    np.testing.assert_allclose(read([f"{43899 + row / 1440:.9f}" for row in ROWS], "d")[0], ROWS * 60, atol=1e-4)
    # Seconds of a day, from about noon on.
    np.testing.assert_allclose(read([f"{43899 + row / 50:.2f}" for row in ROWS])[0], ROWS / 50)


def test_the_decimal_comma(read):
    np.testing.assert_allclose(read(["0,00", "0,02", "0,04"], decimal=",")[0], [0, 0.02, 0.04])
    assert np.isnan(floats(["1.000,5", "1.5", "1_0", "nan", "inf", "0x1"], ",")).all()


RATES = [rate * scale for scale in (0.01, 0.1, 1, 10, 100, 1000, 10_000) for rate in (1, 1.04, 1.25, 1.6, 2, 3.3, 5, 8)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "date"])
@pytest.mark.parametrize("begin", [0, 1.6e9])
def test_never_another_rate(column, unit, begin):
    """Columns as loggers write them, from 0.01 Hz to 20 kHz: their rate, or a sentence that names time_unit."""
    for rate in (rate for rate in RATES if rate <= 20_000):
        times = begin + np.arange(40) / rate
        scale = 1 if unit == "date" else 1 / clock.UNITS[unit]
        if unit in ("s", "date") and begin and rate > 1e5:
            continue
        if unit == "s":
            cells = [f"{time:.6f}".rstrip("0").rstrip(".") for time in times]
        elif unit == "date":
            cells = [datetime.fromtimestamp(time, UTC).isoformat(" ", "microseconds")[:26] for time in times]
        else:
            cells = [str(int(begin) * round(scale) + round(row / rate * scale)) for row in range(40)]
        for options in ({}, {"rate": rate}):
            try:
                found = clock.seconds([column(cells)], **options).seconds[0]
            except DataError as error:
                assert "give time_unit" in str(error), error
                assert unit != "date" and not (unit == "s" and rate > 25 and "." in cells[1])
                continue
            if found[-1] == found[0]:
                continue
            # Whole milliseconds are no closer than that.
            off = {"ms": 1e-3}.get(unit, 2e-6)
            assert abs(found[-1] - found[0] - 39 / rate) <= off, (cells[:3], rate, options)


@pytest.mark.parametrize("begin", [45_000.25, 738_000.25, 2_460_000.25])
def test_days_of_any_calendar_are_not_seconds(read, begin):
    with pytest.raises(DataError, match=r'days \(1 Hz\)\? give time_unit = "s" or "d"'):
        read([f"{begin + row / 86400:.9f}" for row in ROWS])


@pytest.mark.parametrize(
    ("cell", "says"), [("NaN", "holds `NaN`; a row needs its time"), ("", "is empty; a row needs")]
)
def test_a_row_without_a_time(read, cell, says):
    with pytest.raises(DataError, match=f"line 5, column `t` {says}"):
        read(["0.0", "0.1", "0.2", cell, "0.4"])
