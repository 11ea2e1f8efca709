# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.config import load
from edgernn.errors import ConfigError, DataError

pytest.importorskip("pandas")


@pytest.fixture
def beats(tmp_path):
    def dataset(text, *settings):
        path = tmp_path / "beats.csv"
        path.write_text(text)
        overrides = ["data.source=csv", f"data.path={path}", "data.layout=wide", 'data.columns=["*"]', *settings]
        return load(None, overrides).data.load()

    return dataset


ROWS = "".join(f"{i}.5,{i + 1}.5,{i + 2}.5,{i + 3}.5,{'NV'[i % 2]},p{i // 2}\n" for i in range(4))
NAMED = "a,b,c,d,kind,person\n" + ROWS


def test_a_row_is_a_window(beats):
    ds = beats(NAMED, "data.label=kind", "data.group=person")
    assert ds.x.shape == (4, 4, 1) and ds.classes == ("N", "V") and ds.group.tolist() == ["p0", "p0", "p1", "p1"]
    np.testing.assert_array_equal(ds.x[1, :, 0], [1.5, 2.5, 3.5, 4.5])
    assert ds.notes == ("1 file read as CSV: separator `,`",)
    unnamed = beats(ROWS, 'data.label="5"', 'data.group="6"')
    np.testing.assert_array_equal(unnamed.x, ds.x)
    two = beats(NAMED, "data.label=kind", "data.channels=2")
    np.testing.assert_array_equal(two.x[0], [[0.5, 1.5], [2.5, 3.5]])


def test_targets_and_missing_values_of_a_row(beats):
    ds = beats(NAMED, 'data.target=["d"]')
    assert ds.x.shape == (4, 3, 1) and ds.y[:, 0].tolist() == [3.5, 4.5, 5.5, 6.5]
    with pytest.raises(DataError, match="line 3, column `of a row` holds `NaN`"):
        beats(NAMED.replace("2.5,3.5,4.5,V", "NaN,3.5,4.5,V"), "data.label=kind")
    left = beats(NAMED.replace("2.5,3.5,4.5,V", "NaN,3.5,4.5,V"), "data.label=kind", "data.missing=drop")
    assert left.n == 3


def test_a_class_of_rows_that_does_not_count(beats):
    text = NAMED + "1.5,2.5,3.5,4.5,Q,p9\n"
    assert beats(text, "data.label=kind", 'data.ignore=["Q"]').n == 4


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (("data.window=2",), "data.window does not go with"),
        (("data.per_step=true",), "data.per_step does not go with"),
        (("data.time=a",), "leave time and annotations out"),
        (("data.missing=hold",), 'give missing as "error" or "drop"'),
        (("data.channels=3",), "columns has 4 names, which are no whole steps of 3 channels"),
    ],
)
def test_keys_that_do_not_go_with_a_window_a_row(beats, settings, says):
    with pytest.raises(ConfigError, match=says):
        beats(NAMED, "data.label=kind", *settings)


def test_the_refusal_of_a_long_reading_suggests_it(tmp_path):
    path = tmp_path / "beats.csv"
    names = ",".join(f"s{i}" for i in range(40))
    path.write_text(f"{names},kind\n" + ("1.5," * 40 + "N\n") * 3)
    data = load(None, ["data.source=csv", f"data.path={path}", "data.label=kind"]).data
    with pytest.raises(DataError, match=r'if a row is a whole window, write layout = "wide" and columns = \["\*"\]'):
        data.load()
