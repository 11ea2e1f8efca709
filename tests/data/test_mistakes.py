# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data import mistakes, npz
from edgernn.data.arrays import from_arrays
from edgernn.errors import DataError

N, T = 40, 12
Y = np.arange(N) % 3


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x(rng):
    return rng.normal(3, 1, (N, T, 2)).astype(np.float32)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 10), (0.5, 2)])
def test_one_hot_in_other_numbers(x, low, high):
    y = np.where(np.eye(3)[Y] == 1, high, low)
    with pytest.raises(DataError, match=r"they look like one-hot classes; save y.argmax\(1\) as integers"):
        from_arrays("a", x, y)
    assert from_arrays("a", x, y.astype(float), targets=["p", "q", "r"]).task == "regression"


def test_integers_with_gaps_may_be_numbers_to_estimate(x):
    with pytest.raises(DataError, match="40 different integers from -20 to 58; save y as floats"):
        from_arrays("a", x, 2 * np.arange(N) - 20)


@pytest.mark.parametrize("names", [["Walk", "walk", "sit"], ["1", "1.0", "2"], ["up_1", "up 1", "sit"]])
def test_names_of_classes_and_people_that_are_alike(x, names):
    with pytest.raises(DataError, match="the classes `.*` and `.*` differ only by case, spaces, zeros or code"):
        from_arrays("a", x, np.array(names)[Y])
    assert from_arrays("a", x, np.array(names)[Y], classes=names).classes == tuple(names)
    with pytest.raises(DataError, match="the groups `.*` and `.*` differ only by case"):
        from_arrays("a", x, Y, group=np.array(names)[Y])


@pytest.mark.parametrize("name", ["nan", "NaT", "?", "null"])
def test_a_name_for_no_label(x, name):
    with pytest.raises(DataError, match="looks like a missing label; leave its windows out, or name it in `classes`"):
        from_arrays("a", x, np.array([name, "sit", "walk"])[Y])


@pytest.mark.parametrize(
    ("label", "same"), [("2.0", "2"), ("2.000e+00", "2"), ("1.5", "1.5"), ("2", "2"), ("v2.0", "v2.0")]
)
def test_whole_numbers(label, same):
    assert mistakes.whole(label) == same


@pytest.mark.parametrize("fill", [0, np.nan])
def test_padding_without_lengths(x, rng, fill):
    lengths = rng.integers(4, T, N)
    padded = np.where(np.arange(T)[:, None] < lengths[:, None, None], x, fill)
    with pytest.raises(DataError, match=r"40 of 40 windows end in steps of .*; save their `lengths`|3\d of 40 windows"):
        from_arrays("a", padded, Y)
    with pytest.raises(DataError, match="begin in steps of .*, as padding does; pad behind"):
        from_arrays("a", padded[:, ::-1], Y)
    assert from_arrays("a", padded, Y, lengths=lengths).n == N
    if fill == 0:
        assert from_arrays("a", padded, Y, lengths=np.full(N, T)).n == N


def test_zeros_that_are_values(x, rng):
    counts = rng.poisson(0.3, (N, T, 1))
    assert from_arrays("a", counts, Y).n == N
    silent = np.where((np.arange(N) % 5 == 0)[:, None, None], 0, x)
    assert from_arrays("a", silent, Y).n == N


@pytest.mark.parametrize("per_step", [False, True])
def test_a_channel_that_is_the_label(x, per_step):
    y = np.repeat(Y[:, None], T, 1) if per_step else Y
    told = np.concatenate([x, np.broadcast_to(5 - 2 * Y[:, None, None], (N, T, 1))], axis=2)
    with pytest.raises(DataError, match="channel 2 has one value for each class, 5, 3, ...: it is the label"):
        from_arrays("a", told, y)
    with pytest.raises(DataError, match="the channel `r` has one value for each class"):
        from_arrays("a", told, y, features=["p", "q", "r"])
    told[0, 0, 2] += 1
    assert from_arrays("a", told, y).n == N


def test_a_mark_for_missing_values_in_windows(x, tmp_path):
    x[4, 5, 1] = x[9, 0, 1] = -9999
    np.savez(tmp_path / "a.npz", x=x, y=Y)
    with pytest.raises(DataError, match="window 4, step 5: channel 1 holds -9999 in 2 of 480 rows, far from the rest"):
        npz.load(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=x, y=Y, features=["p", "q"])
    assert npz.load(tmp_path / "a.npz").n == N


def test_targets_of_a_table_that_are_classes():
    with pytest.raises(DataError, match="the targets sit, walk have a single 1 in each row"):
        mistakes.check_named_targets("a", ("sit", "walk"), np.eye(2)[Y % 2])
    assert mistakes.check_named_targets("a", ("v",), Y[:, None].astype(float)) == (
        "the target `v` has only the whole numbers 0 to 2; if they are classes, name it by label instead of target",
    )
    assert mistakes.check_named_targets("a", ("v",), Y[:, None] + 0.5) == ()
