# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data.arrays import from_arrays
from edgernn.errors import DataError

X = np.arange(4 * 3 * 2, dtype=np.float64).reshape(4, 3, 2) + 1
Y = np.array([0, 1, 1, 0])


def test_classes_per_window():
    ds = from_arrays("a", X, Y)
    assert (ds.task, ds.per_step, ds.classes, ds.n) == ("classification", False, ("0", "1"), 4)
    assert ds.x.dtype == np.float32 and ds.lengths.dtype == np.int32 and ds.y.dtype == np.int64
    assert ds.features == ("channel 0", "channel 1")
    np.testing.assert_array_equal(ds.recording, [0, 1, 2, 3])
    np.testing.assert_array_equal(ds.start, [0, 0, 0, 0])


def test_string_labels_are_sorted_and_classes_give_the_order():
    y = np.array(["run", "walk", "run", "sit"])
    ds = from_arrays("a", X, y)
    assert ds.classes == ("run", "sit", "walk")
    np.testing.assert_array_equal(ds.y, [0, 2, 0, 1])
    ordered = from_arrays("a", X, y, classes=["walk", "sit", "run"])
    np.testing.assert_array_equal(ordered.y, [2, 0, 2, 1])
    np.testing.assert_array_equal(from_arrays("a", X, y.astype("S")).y, ds.y)


def test_labels_per_step_ignore_padding():
    y = np.array([[0, 1, 99], [1, 1, 1], [0, 0, 0], [1, -5, 7]])
    ds = from_arrays("a", X, y, lengths=np.array([2, 3, 3, 1]))
    assert ds.per_step and ds.classes == ("0", "1")
    np.testing.assert_array_equal(ds.y, [[0, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(ds.labels_of(np.array([2])), [0])


STEPS = np.array([[0, 1, 2], [1, 1, 2], [0, 0, 0], [1, 0, 2]])


def test_ignored_steps_do_not_count():
    ignored = STEPS == 2
    y = np.where(ignored, -1, STEPS)
    ds = from_arrays("a", X, y, lengths=np.array([2, 3, 3, 3]), ignored=ignored)
    assert ds.classes == ("0", "1") and ds.ignored is not None
    np.testing.assert_array_equal(ds.y, [[0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(ds.ignored[:, 2], [False, True, False, True])
    np.testing.assert_array_equal(ds.counted, ds.mask & (STEPS != 2))
    np.testing.assert_array_equal(ds.take([1]).labels_of(np.array([0])), [1])
    np.testing.assert_array_equal(ds.take([3, 0]).ignored, ds.ignored[[3, 0]])
    plain = from_arrays("a", X, ds.y, lengths=ds.lengths)
    assert plain.digest() != ds.digest() and plain.ignored is None
    np.testing.assert_array_equal(plain.counted, plain.mask)
    targets = np.where(ignored, np.nan, STEPS + 0.5)[..., None]
    real = from_arrays("a", X, targets, ignored=ignored)
    np.testing.assert_array_equal(real.y[..., 0], np.where(ignored, 0, STEPS + 0.5))


@pytest.mark.parametrize(
    ("y", "ignored", "says"),
    [
        (STEPS, np.zeros((4, 2), bool), r"ignored is bool \[4, 2\]; give bool \[4, 3\]"),
        (STEPS, np.zeros((4, 3)), r"ignored is float64 \[4, 3\]; give bool"),
        (STEPS, np.ones((4, 3), bool), "every step is ignored"),
        (STEPS[..., None] + 0.5, np.ones((4, 3), bool), "every step is ignored"),
        (Y, np.zeros((4, 3), bool), "ignored marks steps, but y is per window"),
    ],
)
def test_what_can_not_be_ignored(y, ignored, says):
    with pytest.raises(DataError, match=says):
        from_arrays("a", X, y, ignored=ignored)


@pytest.mark.parametrize("y", [np.array([0.5, 1, 2, 3]), np.array([[0.5], [1], [2], [3]])])
def test_floats_are_real_targets(y):
    ds = from_arrays("a", X, y)
    assert (ds.task, ds.classes, ds.targets) == ("regression", (), ("target_0",))
    assert ds.y.dtype == np.float32
    np.testing.assert_array_equal(ds.y, [[0.5], [1], [2], [3]])


def test_real_targets_per_step_ignore_padding():
    y = np.arange(4 * 3 * 2).reshape(4, 3, 2) + 0.5
    y[3, 1:] = np.nan
    ds = from_arrays("a", X, y, lengths=np.array([3, 3, 2, 1]), targets=["speed", "angle"])
    assert (ds.task, ds.per_step, ds.targets) == ("regression", True, ("speed", "angle"))
    assert ds.y.dtype == np.float32 and np.isnan(y[3, 1]).all()
    np.testing.assert_array_equal(ds.y[[2, 3]], [[y[2, 0], y[2, 1], [0, 0]], [y[3, 0], [0, 0], [0, 0]]])
    np.testing.assert_array_equal(ds.take([3]).y, ds.y[3:])


def test_as_many_targets_as_steps():
    y = np.arange(12).reshape(4, 3) + 0.5
    named = from_arrays("a", X, y, targets=["a", "b", "c"])
    assert not named.per_step and named.y.shape == (4, 3)
    assert from_arrays("a", X, y[..., None]).per_step
    assert not from_arrays("a", X[:, :1], y[:, :1]).per_step
    assert from_arrays("a", X, y[:, :2]).targets == ("target_0", "target_1")


@pytest.mark.parametrize(
    ("y", "accepted"),
    [
        ([0, 1, 1, 0], False),
        ([2, 0, 1, 1], False),
        ([0, 1, 2, 3], True),
        ([1, 2, 2, 1], False),
        ([2, 3, 3, 2], True),
        ([0, 2, 2, 0], True),
        ([0, 1, 1, 0.5], True),
        ([*range(20), 3], False),
        ([*range(21), 3], True),
    ],
)
def test_floats_that_look_like_class_numbers(y, accepted):
    x = np.ones((len(y), 3, 1))
    if accepted:
        assert from_arrays("a", x, np.array(y, float)).task == "regression"
    else:
        says = rf"floats {min(y)} to {max(y)}, .* as integers, or give a `targets` name"
        column = np.array(y, float)[:, None]
        for same in (column[:, 0], column, np.repeat(column, 3, axis=1)[..., None]):
            with pytest.raises(DataError, match=says):
                from_arrays("a", x, same)
    assert from_arrays("a", x, np.array(y, float), targets=["grade"]).task == "regression"


ONE_HOT = np.eye(5, dtype=int)[[0, 1, 4, 0]]
STEPS_ONE_HOT = np.eye(4)[STEPS]
SEVERAL = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]])


@pytest.mark.parametrize("kind", [float, int, bool, np.uint8])
@pytest.mark.parametrize(
    ("y", "lengths", "says"),
    [
        (
            ONE_HOT,
            None,
            r"y has rows of a single 1: .* one-hot classes; save y\.argmax\(1\) as integers, or give `targets`",
        ),
        (STEPS_ONE_HOT, None, r"one-hot classes; save y\.argmax\(2\) as integers, or give .* if they are 4 numbers"),
        (STEPS_ONE_HOT * [[[1], [1], [0]]], [2, 2, 2, 2], r"one-hot classes; save y\.argmax\(2\)"),
        (ONE_HOT[:, None], None, r"one-hot classes; save y\.argmax\(2\)"),
        (ONE_HOT[:, [0, 1, 4]], None, r"one-hot"),
        (ONE_HOT[:, :2] + [[0, 0], [0, 0], [1, 0], [0, 0]], None, r"one-hot"),
        (SEVERAL, None, "y has rows of zeros and ones, .* several classes at once; save one class for each row"),
    ],
)
def test_columns_for_classes(y, lengths, says, kind):
    with pytest.raises(DataError, match=says) as caught:
        from_arrays("a", X, y.astype(kind), lengths=None if lengths is None else np.array(lengths))
    assert "\n" not in str(caught.value)


def test_probabilities_for_classes():
    y = np.array([[0.7, 0.3], [0.1, 0.9], [1, 0], [0.25, 0.75]], np.float32)
    with pytest.raises(DataError, match=r"rows that sum to 1: they look like probabilities .*; save y\.argmax\(1\)"):
        from_arrays("a", X, y)
    for other in (y + 0.01, 2 * y - 1, y[:, :1]):
        assert from_arrays("a", X, other).task == "regression"


def test_named_targets_may_be_zeros_and_ones():
    names = ["a", "b", "c", "d", "e"]
    assert from_arrays("a", X, ONE_HOT[:, :2] + [[0, 0], [0, 0], [1, 1], [0, 1]] + 0.0, targets=names[:2]).n == 4
    steps = from_arrays("a", X, STEPS_ONE_HOT[..., :3], targets=names[:3])
    assert steps.per_step and steps.targets == ("a", "b", "c")


def test_a_single_1_among_the_steps_of_each_window():
    y = np.eye(3, dtype=int)[[0, 2, 1, 1]]
    with pytest.raises(
        DataError, match=r"as many columns as x has steps, 3: save y\.argmax\(1\) .* name the `classes`"
    ):
        from_arrays("a", X, y)
    assert from_arrays("a", X, y, classes=["no", "yes"]).per_step
    assert from_arrays("a", X, STEPS % 2).per_step


def waves(noise=0.0, shape=(20, 60, 3)):
    """Channels of different phases."""
    rng = np.random.default_rng(0)
    n, steps, channels = shape
    phase = rng.uniform(0, 6, (n, 1, channels))
    return np.sin(0.3 * np.arange(steps)[None, :, None] + phase) + noise * rng.normal(size=shape)


@pytest.mark.parametrize("shape", [(20, 60, 3), (20, 128, 6), (2, 40, 9), (20, 60, 1), (20, 256, 64)])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_channels_first(shape, noise):
    x, y = waves(noise, shape), np.arange(shape[0]) % 2
    assert from_arrays("a", x, y).x.shape == shape
    says = (
        rf"{shape[2]} steps of {shape[1]} channels, .* channels first; save x\.transpose\(0, 2, 1\), or give `features`"
    )
    turned = x.transpose(0, 2, 1)
    with pytest.raises(DataError, match=says):
        from_arrays("a", turned, y)
    names = [f"bin {i}" for i in range(shape[1])]
    assert from_arrays("a", turned, y, features=names).x.shape == turned.shape
    assert from_arrays("a", turned, y, lengths=np.full(len(y), shape[2])).x.shape == turned.shape


@pytest.mark.parametrize("shape", [(20, 5, 64), (20, 1, 64), (20, 8, 40)])
def test_few_steps_of_many_channels(shape):
    """Channels that have nothing to do with each other."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).cumsum(axis=1) + 5 * rng.normal(size=shape[2])
    assert from_arrays("a", x, np.arange(20) % 2).x.shape == shape
    assert from_arrays("a", np.ones(shape), np.arange(20) % 2).x.shape == shape


def test_padding_becomes_zero_even_when_it_was_not_finite():
    x = X.copy()
    x[1, 2] = np.nan
    ds = from_arrays("a", x, Y, lengths=np.array([3, 2, 3, 3]))
    np.testing.assert_array_equal(ds.x[1], [[7, 8], [9, 10], [0, 0]])
    np.testing.assert_array_equal(ds.mask[1], [True, True, False])
    assert np.isnan(x[1, 2]).all()


def not_finite(value, at):
    x = X.copy()
    x[at] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "more", "says"),
    [
        (X[:, :, 0], Y, {}, r"x has the shape \[4, 3\]; give \[windows, steps, channels\]"),
        (X[:0], Y[:0], {}, r"x has the shape \[0, 3, 2\]"),
        (X + 1j, Y, {}, "x has the dtype complex128"),
        (not_finite(np.nan, (2, 1, 1)), Y, {}, r"nan in float32 at window 2, step 1, channel 1 \(channel 1\)"),
        (not_finite(-np.inf, (0, 2, 0)), Y, {"features": ["ax", "ay"]}, r"-inf .* window 0, step 2, channel 0 \(ax\)"),
        (not_finite(1e39, (1, 0, 0)), Y, {}, "inf in float32 at window 1, step 0"),
        (X, Y, {"features": ["ax"]}, "x has 2 channels, but 1 features are named"),
        (X, Y, {"features": list("abc")}, r"but 3 features are named; save x\.transpose\(0, 2, 1\), channels last"),
        (X, Y[:3], {}, r"y has the shape \[3\] but x has 4 windows"),
        (X, np.zeros((4, 2), int), {}, r"y has the shape \[4, 2\]; give classes as \[4\] per window or \[4, 3\]"),
        (X, Y + 1j, {}, "y has the dtype complex128"),
        (X, np.array([None] * 4), {}, "y has the dtype object"),
        (X, np.array([0.0, 1, np.inf, 2]), {}, "y holds inf in float32 at window 2, target 0"),
        (X, np.zeros((4, 2, 2)), {}, r"y has the shape \[4, 2, 2\]; give real targets as \[4\] or .* \[4, 3, K\]"),
        (X, np.zeros((4, 0)), {}, r"y has the shape \[4, 0\]"),
        (X, np.zeros((4, 3, 1, 1)), {}, r"y has the shape \[4, 3, 1, 1\]"),
        (X, np.zeros((4, 3)), {}, r"may be per step or per window; save y as \[4, 3, 1\] for a target per step, give"),
        (X, np.zeros((4, 3)), {"targets": ["a"]}, "y has 3 targets, but 1 are named"),
        (X, np.zeros((4, 2)), {"targets": ["a", "a"]}, "two targets have the same name, `a`"),
        (X, Y, {"targets": ["a"]}, "targets are named, but y holds classes"),
        (X, not_finite(np.nan, (1, 2, 0)), {}, r"y holds nan .* window 1, step 2, target 0 \(target_0\)"),
        (X, Y + 0.5, {"classes": ["a", "b"]}, "y holds floats, but classes are named"),
        (X, Y - 1, {}, "y holds the class -1; number the classes from 0"),
        (X, Y * 2, {}, "the class `1` has no window"),
        (X, np.array([1, 2, 3, 1]), {}, "y holds the classes 1 to 3 and no 0; number them from 0: save y - 1"),
        (X, Y[:, None], {}, r"y has the shape \[4, 1\]; save y\[:, 0\]; give classes as \[4\]"),
        (X, np.full(4, 0.1), {}, "the target `target_0` is 0.1.* everywhere, so nothing can be learned"),
        (X, np.array([[1.5, 3.5]] * 2 + [[1.5, 0]] * 2), {}, "the target `target_0` is 1.5 everywhere"),
        (X, Y, {"classes": ["a", "b", "c"]}, "the class `c` has no window"),
        (X, Y, {"classes": ["a"]}, r"y holds the class 1, but classes names only 0..0"),
        (X, Y, {"classes": ["a", "a"]}, "two classes have the same name, `a`; give each class its own"),
        (X, Y, {"features": ["ax", "ax"]}, "two features have the same name, `ax`; give each feature its own"),
        (X, Y, {"features": ["ax", "a\x1b[31my"]}, r"a feature is named 'a\\x1b\[31my'; give a name of characters"),
        (X, Y, {"features": ["ax", " "]}, "a feature is named ' '; give a name"),
        (X, Y, {"classes": ["a\nb", "c"]}, r"a class is named 'a\\nb'"),
        (X, np.array(list("aab\t")), {}, r"a class is named '\\t'"),
        (X, Y + 0.5, {"targets": ["a\ud800"]}, r"a target is named 'a\\ud800'"),
        (X, Y, {"group": np.array(["p", "q", "p", "\u202eq"])}, r"a group is named '\\u202eq'"),
        (X, Y, {"rate": -1.0}, "rate is -1.0; give steps a second"),
        (X, Y, {"rate": float("inf")}, "rate is inf; give steps a second"),
        (X, Y * 10**12, {}, r"fewer windows \(4\) than classes \(1000000000001\)"),
        (X, np.full(4, 2**64 - 1, np.uint64), {}, "y holds 18446744073709551615"),
        (X, np.array(list("abca")), {"classes": ["a", "b"]}, "y holds the class `c`, which classes does not name"),
        (X, Y * 0, {}, "all windows are of one class"),
        (X, Y, {"lengths": np.array([3, 0, 3, 3])}, r"the length of window 1 is 0; give 1 to 3 \(x's steps"),
        (X, Y, {"lengths": np.array([3, 3, 3, 2**40])}, "the length of window 3 is 1099511627776"),
        (X, Y, {"lengths": np.array([3, 3])}, r"lengths has the shape \[2\]"),
        (X, Y, {"lengths": np.array([3.0, 3, 3, 3])}, "lengths has the dtype float64"),
        (X, Y, {"group": np.array(["a"])}, r"group has the shape \[1\]"),
        (X, Y, {"group": np.array([0.5] * 4)}, "group has the dtype float64"),
        (X, Y, {"group": np.array([b"\xff"] * 4)}, "group holds bytes that are not UTF-8"),
        (X, Y, {"split": np.array(["train", "train", "val", "test"])}, "split of window 2 is `val`"),
        (X, Y, {"start": np.array([0, 1, -1, 0])}, "start of window 2 is negative"),
    ],
)
def test_bad_arrays_are_named(x, y, more, says):
    with pytest.raises(DataError, match=says) as caught:
        from_arrays("my.npz", x, y, **more)
    assert str(caught.value).startswith("my.npz: ") and "\n" not in str(caught.value)
