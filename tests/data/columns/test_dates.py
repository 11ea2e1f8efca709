# SPDX-License-Identifier: Apache-2.0
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from edgernn.data.columns import clock
from edgernn.errors import DataError

ROWS = np.arange(60)
MARCH = datetime(2020, 3, 9, 10, 14, tzinfo=UTC)


def iso(step, count=60, pattern="%Y-%m-%d %H:%M:%S.%f"):
    return [(MARCH + timedelta(seconds=step * row)).strftime(pattern) for row in range(count)]


@pytest.mark.parametrize(
    ("pattern", "step"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", 0.02),
        ("%Y-%m-%dT%H:%M:%S.%fZ", 0.02),
        ("%Y-%m-%d %H:%M:%S,%f", 0.02),
        ("%Y-%m-%dT%H:%M:%S+01:00", 1),
        ("%Y-%m-%d %H:%M:%S-0330", 1),
        ("%Y-%m-%d %H:%M:%S", 1),
        ("%Y/%m/%d %H:%M", 60),
        ("%Y-%m-%d", 86400),
        ("%Y%m%d%H%M%S", 1),
        ("%Y%m%dT%H%M%SZ", 1),
        ("%d.%m.%Y %H:%M:%S", 1),
        ("%d.%m.%Y, %H:%M:%S,%f", 0.5),
        ("%d/%m/%Y %H.%M.%S", 3600 * 24),
        ("%m/%d/%Y %I:%M:%S %p", 3600 * 24),
    ],
)
def test_dates(read, pattern, step):
    time, words = read(iso(step, pattern=pattern))
    np.testing.assert_allclose(time, ROWS * step, atol=1e-6)
    assert words.startswith("dates as")


def test_times_without_a_fraction_among_some_with(read):
    cells = [str(MARCH.replace(tzinfo=None) + timedelta(seconds=row / 4)) for row in range(8)]
    assert cells[0].endswith(":00") and cells[1].endswith(".250000")
    np.testing.assert_allclose(read(cells)[0], np.arange(8) / 4)


def test_dates_are_since_1970(column):
    for cell in ("2020-03-09 10:14:00", "2020-03-09T11:14+01:00", "2020-03-09 04:44:00 -05:30", "09.03.2020 10:14"):
        assert clock.seconds([column([cell])]).seconds[0][0] == MARCH.timestamp()
    assert clock.seconds([column(["1969-12-31", "2000-02-29"])]).seconds[0].tolist() == [-86400, 951782400]


def test_the_day_is_decided_by_all_files(column):
    march = column(["09/03/2020 10:14:00", "09/03/2020 10:14:01"])
    with pytest.raises(DataError, match=r"day first or the month.* \"%d/%m/%Y %H:%M:%S\" or \"%m/%d/%Y %H:%M:%S\""):
        clock.seconds([march, column(["10/03/2020 10:14:00"])])
    found = clock.seconds([march, column(["13/03/2020 10:14:00"])])
    assert found.words == "dates as day, month, year" and found.seconds[0][0] == MARCH.timestamp()
    found = clock.seconds([march, column(["10/13/2020 10:14:00"])])
    assert found.words == "dates as month, day, year"
    np.testing.assert_array_equal(np.diff(clock.seconds([march]).seconds[0]), [1])


def test_the_format_that_is_named_fits(column):
    with pytest.raises(DataError, match=r'time_unit = "%d-%m-%Y %I:%M %p" or "%m-%d-%Y %I:%M %p"'):
        clock.seconds([column(["1-2-2020 3:04 PM", "2-2-2020 3:04 PM"])])


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["09/03/20 10:14"], "a year of two digits; give the format"),
        (["2020-02-30"], "`2020-02-30`, which is no date"),
        (["2020-13-01"], "`2020-13-01`, which is no date"),
        (["13/13/2020"], "`13/13/2020`, which is no date"),
        (["2020-03-09 25:00"], "no time of day"),
        (["2020-03-09 10:61"], "no time of day"),
        (["2020-03-09 10:14", "2020/03/09 10:15"], "dates of several forms"),
        (["2020-03-09 10:14", "2020-03-09 10:15Z"], "line 3.*some times have an offset to UTC"),
        (["2020-03-09 10:14", "noon"], "line 3, column `t` holds `noon`, which is no time like the first"),
        (["0.02", "x"], "line 3, column `t` holds `x`, which is neither a number nor a date"),
        (["10:14", "10:15"], "`10:14`, which is neither.*give its format, such as time_unit"),
        (["9-Mar-2020"], "neither a number nor a date that is known"),
        (["0.02", ""], "line 3, column `t` is empty; a row needs its time"),
        (["nan", "1"], "line 2, column `t` holds `nan`"),
    ],
)
def test_what_is_no_time(read, cells, says):
    with pytest.raises(DataError, match=says):
        read(cells)


def test_times_of_day_across_midnight(read):
    time, words = read(["23:59:59.96", "23:59:59.98", "00:00:00.00", "00:00:00.02"])
    np.testing.assert_allclose(time, [0, 0.02, 0.04, 0.06], atol=1e-9)
    assert words == "times of day"
    np.testing.assert_allclose(read(["11:59:59 PM", "12:00:00 AM", "12:00:01 AM"])[0], [0, 1, 2])
    np.testing.assert_allclose(read(["99:59:59", "100:00:00"])[0], [0, 1])


def test_a_format_that_is_given(read):
    np.testing.assert_allclose(read(["9-Mar-2020", "10-Mar-2020"], "%d-%b-%Y")[0], [0, 86400])
    np.testing.assert_allclose(read(["23:59", "00:00"], "%H:%M")[0], [0, 60])
    np.testing.assert_allclose(read(["23:59 +0100", "23:00 +0000"], "%H:%M %z")[0], [0, 60])
    with pytest.raises(DataError, match="line 3.*time_unit = `%d/%m/%Y` does not describe"):
        read(["09/03/2020", "09/13/2020"], "%d/%m/%Y")


def test_many_dates_raise_no_warning(column):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clock.seconds([column(iso(1, pattern="%Y-%m-%dT%H:%M:%SZ")), column(iso(1, pattern="%Y-%m-%d %H:%M:%SZ"))])


@pytest.mark.parametrize(
    "pattern", ["%d-%b-%Y %H:%M:%S", "%b %d, %Y %I:%M:%S %p", "%H:%M:%S:%f", "%M:%S.%f", "%a %b %d %H:%M:%S %Y"]
)
def test_the_format_that_fits_is_named(read, pattern):
    cells = iso(1, pattern=pattern)
    with pytest.raises(DataError, match="give its format, such as time_unit = ") as told:
        read(cells)
    named = str(told.value).partition('time_unit = "')[2].rstrip('"')
    assert named == pattern
    np.testing.assert_allclose(read(cells, named)[0], ROWS)


def test_minutes_go_on_behind_the_hour(read):
    cells = [f"{(3590 + row) // 60 % 60:02d}:{(3590 + row) % 60:02d}.0" for row in ROWS]
    np.testing.assert_allclose(read(cells, "%M:%S.%f")[0], ROWS)
