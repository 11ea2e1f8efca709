# SPDX-License-Identifier: Apache-2.0
import re

import numpy as np
import pytest

from edgernn.data.columns import repair
from edgernn.errors import DataError


@pytest.fixture
def read(column):
    """One recording's channel."""

    def values(cells, **options):
        found = repair.channel([column(cells, "co")], **options)
        return found.values[0], found.kept[0], found.notes

    return values


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_numbers(read):
    values, kept, notes = read(["1", "-2.5", "+3e2", ".5", "7."])
    np.testing.assert_array_equal(values, [1, -2.5, 300, 0.5, 7])
    assert kept.all() and notes == ()
    np.testing.assert_array_equal(read(["1,5", "-2"], decimal=",")[0], [1.5, -2])


@pytest.mark.parametrize(
    "cell", ["", "NaN", "nan", "NA", "N/A", "n/a", "#N/A", "null", "None", "NULL", "?", "-", "inf", "-Inf", "Infinity"]
)
def test_missing_cells(read, cell):
    cells = [cell, "1", cell, cell, "4", cell]
    with pytest.raises(DataError, match=r'line 2, column `co`.*\(4 such cells among 6\); give missing = "hold"'):
        read(cells)
    for missing, expected in (("hold", [1, 1, 1, 1, 4, 4]), ("interpolate", [1, 1, 2, 3, 4, 4])):
        values, kept, notes = read(cells, missing=missing)
        np.testing.assert_array_equal(values, expected)
        assert kept.all() and "4 of 6 rows lack a value, at most 2 in a row" in notes[0]
    values, kept, notes = read(cells, missing="drop")
    np.testing.assert_array_equal(kept, [False, True, False, False, True, False])
    assert np.isfinite(values).all() and "the recordings are cut there" in notes[0]


@pytest.mark.parametrize(
    ("cells", "options", "says"),
    [
        (["1", "x"], {}, "line 3, column `co` holds `x`, which is no number; repair it, or empty it and give missing"),
        (["1", "x"], {"missing": "hold"}, "holds `x`"),
        (["1", "1,5"], {}, 'holds `1,5`, which is no number; is the decimal mark ","'),
        (["1", "1.5"], {"decimal": ","}, 'holds `1.5`, which is no number; is the decimal mark "."'),
        (["1", "1_000"], {}, "holds `1_000`"),
        (["1", "1e39"], {}, "line 3, column `co` holds `1e39`, which is beyond float32"),
        (["", "?"], {"missing": "hold"}, 'a.csv: column `co` holds no value; .*missing = "drop"'),
    ],
)
def test_cells_that_are_no_numbers(read, cells, options, says):
    with pytest.raises(DataError, match=says):
        read(cells, **options)


def test_recordings_do_not_fill_each_other(column):
    found = repair.channel([column(["1", "2", ""]), column(["", "8"])], missing="hold")
    np.testing.assert_array_equal(np.concatenate(found.values), [1, 2, 2, 8, 8])
    assert not repair.channel([column(["", ""])], missing="drop").kept[0].any()


@pytest.mark.parametrize("missing", ["hold", "interpolate", "drop"])
def test_targets_are_never_invented(column, missing):
    found = repair.target([column(["1", "", "3"])], missing=missing)
    np.testing.assert_array_equal(found.kept[0], [True, False, True])
    with pytest.raises(DataError, match="line 3, column `t` is empty; give missing"):
        repair.target([column(["1", "", "3"])])


def test_labels(column):
    columns = [column(["NA", "", "None"], "what"), column(["?"], "what")]
    kept, notes = repair.label(columns, missing="hold")
    np.testing.assert_array_equal(np.concatenate(kept), [True, False, True, True])
    assert "1 of 4 rows lack a value" in notes[0] and "cut there" in notes[0]
    with pytest.raises(DataError, match="line 3, column `what` is empty"):
        repair.label(columns)
    assert repair.label(columns[1:]) == ((np.array([True]),), ())


def test_what_looks_like_a_mark_is_refused(read, rng):
    cells = rng.normal(5, 2, 1000).round(2)
    cells[100:160] = -200
    with pytest.raises(
        DataError,
        match=r"line 102: column `co` holds -200 in 60 of 1,000 rows, far from the rest .*sentinels = \[-200\]",
    ):
        read(cells)
    assert (read(cells, sentinels=())[0] == -200).sum() == 60
    with pytest.raises(
        DataError, match="line 102, column `co` holds `-200.0` .60 such cells among 1,000.; give missing"
    ):
        read(cells, sentinels=(-200,))
    np.testing.assert_array_equal(read(cells, sentinels=(-200.0,), missing="hold")[0][99:161][:-1], cells[99])
    assert (~read(cells, sentinels=[-200], missing="drop")[1]).sum() == 60


@pytest.mark.parametrize("mark", [-127, -200, -999, 999, -9999, 9999, 99999, -32768, 32767, 65535, 1e20, 9999.9])
@pytest.mark.parametrize(
    "usual",
    [
        lambda rng: rng.normal(20, 3, 400).round(1),
        lambda rng: rng.normal(0, 1, 400).round(4),
        lambda rng: np.sin(np.arange(400) / 5).round(4),
        lambda rng: rng.integers(0, 2, 400),
    ],
    ids=["temperature", "acceleration", "tone", "switch"],
)
def test_marks(read, rng, mark, usual):
    cells = usual(rng).astype(float)
    read(cells)
    cells[[5, 6, 77]] = mark
    with pytest.raises(DataError, match="a mark for missing values"):
        read(cells)


def test_two_marks_and_one_row_of_a_file(read, column, rng):
    cells = rng.normal(20, 3, 400)
    cells[[1, 2]], cells[[5, 6]] = -999, -9999
    with pytest.raises(DataError, match=r"holds -9999 in 2 and -999 in 2 of 400 rows.*sentinels = \[-9999, -999\]"):
        read(cells)
    clean = np.sin(np.arange(60) / 5).round(4)
    once = np.where(np.arange(60) == 7, -200, clean)
    with pytest.raises(DataError, match="b.csv: line 9: column `t` holds -200 in 1 of 120 rows"):
        repair.channel([column(clean), column(once, where="b.csv")])


@pytest.mark.parametrize("mark", [-1, 0, 127, 4095, 8190, 1e9, 99999.9, -273.15, 9.96921e36])
def test_any_value_that_is_repeated_far_from_the_rest(read, column, rng, mark):
    cells = rng.normal(5, 0.3, 500)
    cells[[30, 31, 70]] = mark
    with pytest.raises(
        DataError, match=r"in 3 of 500 rows, far from the rest .* give sentinels = \[([-+.\de]+)\]"
    ) as told:
        read(cells)
    given = float(re.search(r"sentinels = \[(.*?)\]", str(told.value))[1])
    assert repair.channel([column(cells)], sentinels=[given], missing="drop").kept[0].sum() == 497


def test_a_single_value_beyond_all_measure(read, rng):
    cells = rng.normal(0, 1, 500)
    cells[7] = 1544027337.5
    with pytest.raises(DataError, match=r"holds 1544027337.5 in 1 of 500 rows, far from the rest"):
        read(cells)


def test_minus_one_among_counts(read, rng):
    cells = rng.integers(2, 400, 800)
    cells[::40] = -1
    with pytest.raises(DataError, match="holds -1 in 20 of 800 rows"):
        read(cells)


def test_a_negative_mark_in_a_channel_of_wide_range(read, rng):
    """UCI's air quality: NOx from 2 to 1479, and -200."""
    cells = rng.integers(2, 1480, 2000)
    cells[::6] = -200
    with pytest.raises(DataError, match="holds -200 in 334 of 2,000"):
        read(cells)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: np.clip(rng.normal(0, 25_000, 4000).round(), -32768, 32767),
        lambda rng: np.clip(rng.normal(40_000, 25_000, 4000).round(), 0, 65535),
        lambda rng: rng.integers(0, 65536, 4000),
        lambda rng: np.concatenate([np.zeros(500), rng.normal(100, 1, 500)]),
        lambda rng: rng.integers(0, 12_000, 4000),
        lambda rng: rng.choice([-200, 0, 200], 400),
        lambda rng: rng.choice([90, -90, 99, 0, 45], 400),
        lambda rng: np.arange(20_000),
        lambda rng: np.full(300, 65535),
        lambda rng: np.repeat(np.arange(-999, 1000, 27), 5),
        lambda rng: np.concatenate([rng.normal(0, 1, 1000), [847.2, 613.9, -99.3]]),
        lambda rng: np.concatenate([np.zeros(600), rng.normal(2300, 20, 100)]),
        lambda rng: rng.poisson(2, 500) - 1,
    ],
    ids=[
        "rails",
        "rail",
        "adc",
        "off and on",
        "counts",
        "setpoints",
        "angles",
        "ramp",
        "constant",
        "grid",
        "spikes",
        "kettle",
        "noise",
    ],
)
def test_no_false_alarm(read, rng, make):
    assert read(make(rng))[1].all()


def test_a_channel_that_never_changes_is_told(column):
    columns = [column([3, 3], "v"), column([3], "v")]
    assert repair.channel(columns).notes == ("column `v` is 3 in all rows; it tells a model nothing",)
    assert repair.channel([*columns, column([4], "v")]).notes == ()


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("2 974", "write numbers without thousands"),
        ("2'959.4", "write numbers without thousands"),
        ("0.064 g", "write the number alone, without `g`"),
        ("-1.5%", "write the number alone, without `%`"),
        ("0x3eb", "repair it"),
        ("#DIV/0!", "give missing"),
        ("1.#QNAN", "give missing"),
    ],
)
def test_why_a_cell_is_no_number(read, cell, says):
    with pytest.raises(DataError, match=says):
        read(["1.5", cell, "2.5"])


def test_what_looks_like_a_row_number(column):
    counted = [column(range(20)), column(range(7, 30))]
    assert "column `t` grows by 1 in each row" in repair.channel(counted).notes[0]
    assert repair.channel([*counted, column([1, 2, 4, 8, 16, 32] * 3)]).notes == ()


def test_a_recording_in_another_unit(column, rng):
    parts = [column(rng.normal(0, 1, 50) * (1000 if at == 2 else 1), where=f"{at}.csv") for at in range(4)]
    note = repair.channel(parts).notes[0]
    assert note.startswith("2.csv: column `t` reaches") and note.endswith("is it written in another unit?")
