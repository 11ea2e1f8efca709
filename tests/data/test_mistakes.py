# SPDX-License-Identifier: Apache-2.0
"""Arrays that were saved in another form than meant: each is refused with its likely cause and what decides it."""

import numpy as np
import pytest

from edgernn.data import classes, mistakes, npz
from edgernn.errors import DataError

N, T = 40, 12


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def load(tmp_path, rng):
    """What is read of windows of two channels of noise around 5 and two classes, with some arrays others."""

    def make(**arrays):
        path = tmp_path / "w.npz"
        x = rng.normal(5, 0.5, (N, T, 2)).astype(np.float32)
        np.savez(path, **{"x": x, "y": np.arange(N) % 2, **arrays})
        return npz.load(path)

    return make


@pytest.fixture
def x(rng):
    return rng.normal(5, 0.5, (N, T, 2)).astype(np.float32)


def padded(x, value, where="end"):
    short = np.arange(N) % 5
    steps = np.arange(T) if where == "begin" else T - 1 - np.arange(T)
    x[steps < short[:, None]] = value
    return x, T - short


@pytest.mark.parametrize(("value", "word"), [(0, "zeros"), (np.nan, "NaN")])
def test_padding_without_lengths(load, x, value, word):
    x, lengths = padded(x, value)
    with pytest.raises(DataError, match=f"24 of 40 windows end in steps of {word}, as padding does; save their `leng"):
        load(x=x, features=["a", "b"])
    assert load(x=np.nan_to_num(x), lengths=lengths).lengths.min() == T - 4
    assert load(x=np.nan_to_num(x), lengths=np.full(N, T)).lengths.min() == T


def test_padding_in_front(load, x):
    with pytest.raises(DataError, match="24 of 40 windows begin in steps of zeros.*pad behind the steps instead"):
        load(x=padded(x, 0, "begin")[0])


def test_zeros_that_are_values(load, x, rng):
    x[rng.random((N, T)) < 0.4] = 0
    assert load(x=x).x.shape == (N, T, 2)


@pytest.mark.parametrize("mark", [-200, 9999, 99.9])
def test_marks_of_missing_values(load, x, mark):
    x[7, 3, 1] = x[9, :2, 1] = mark
    with pytest.raises(DataError, match=r"window 7, step 3: channel 1 holds .* in 3 of 480 rows, far from the rest"):
        load(x=x, features=["a", "b"])
    assert load(x=x, sentinels=np.zeros(0)).x.min() == x.min()
    with pytest.raises(DataError, match="sentinels lists values that stand for missing ones; fill them in x"):
        load(x=x, sentinels=[mark])


def test_what_is_far_but_no_usual_mark_is_a_value(load, x):
    x[7, 3, 1] = x[9, 3, 1] = 77.3
    assert load(x=x).x.max() == np.float32(77.3)


def test_a_label_among_the_channels(load, x):
    x[:, :, 1] = 3 + (np.arange(N) % 2)[:, None]
    with pytest.raises(DataError, match=r"channel 1 has one value for each class, 3, 4, \.\.\.: it is the label"):
        load(x=x)
    with pytest.raises(DataError, match=r"the channel `b` has one value for each class"):
        load(x=x, features=["a", "b"])
    x[0, 0, 1] = 3.5
    assert load(x=x).x.shape == (N, T, 2)


@pytest.mark.parametrize(
    "names", [("Walk", "walk"), ("walk ", "walk"), ("1", "01"), ("go up", "go_up"), ("caf\u00e9", "cafe\u0301")]
)
def test_names_that_are_likely_one(load, names):
    with pytest.raises(DataError, match="the classes `.*` and `.*` differ only by case, spaces, zeros or code"):
        load(y=np.array(names)[np.arange(N) % 2])
    with pytest.raises(DataError, match="the groups `.*` and `.*` differ only by"):
        load(group=np.array(names)[np.arange(N) % 2])


@pytest.mark.parametrize(
    ("label", "same"), [("2.0", "2"), ("2.000e+00", "2"), ("1.5", "1.5"), ("2", "2"), ("v2.0", "v2.0")]
)
def test_labels_that_are_whole_numbers(label, same):
    assert classes.whole(label) == same


def test_a_class_that_is_no_label(load):
    with pytest.raises(DataError, match=r"y holds the class `\?`, which looks like a missing label; leave its windows"):
        load(y=np.array(["a", "?"])[np.arange(N) % 2])
    found = load(y=np.array(["a", "?"])[np.arange(N) % 2], classes=["a", "?"])
    assert found.classes == ("a", "?")


def test_integers_that_may_be_numbers(load):
    with pytest.raises(DataError, match="y holds 40 different integers from 0 to 117; save y as floats if they are"):
        load(y=np.arange(N) * 3)
    assert load(y=np.arange(N) * 3.0, targets=["mm"]).targets == ("mm",)


@pytest.mark.parametrize("levels", [(-1, 1), (0, 100), (0.05, 0.95)])
def test_one_hot_in_other_values(load, levels):
    y = np.where(np.eye(3)[np.arange(N) % 3] == 1, levels[1], levels[0]).astype(np.float32)
    with pytest.raises(DataError, match=r"look like one-hot classes; save y.argmax\(1\) as integers"):
        load(y=y)
    assert load(y=y, targets=["a", "b", "c"]).targets == ("a", "b", "c")


def test_targets_of_a_table():
    one_hot = np.eye(3)[np.arange(60) % 3]
    with pytest.raises(DataError, match="the targets a, b, c have a single 1 in each row: .* name it by label instead"):
        mistakes.check_named_targets("t.csv", ["a", "b", "c"], one_hot)
    (note,) = mistakes.check_named_targets("t.csv", ["kind"], 1.0 + np.arange(60)[:, None] % 3)
    assert note.startswith("the target `kind` has only the whole numbers 1 to 3; if they are classes, name it")
    assert mistakes.check_named_targets("t.csv", ["mm"], np.linspace(0, 1, 60)[:, None]) == ()
