# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data import split
from edgernn.data.arrays import from_arrays
from edgernn.errors import ConfigError, DataError


def parts(chosen):
    return chosen.train, chosen.validation, chosen.test


def disjoint(values):
    sets = [set(np.unique(v).tolist()) for v in values]
    return all(not a & b for i, a in enumerate(sets) for b in sets[i + 1 :])


def line(n, length=4, stride=2, recordings=1, **more):
    """Overlapping windows of a few long recordings, two classes that take turns."""
    number = np.arange(n)
    return from_arrays(
        "line",
        np.ones((n, length, 1)),
        number % 2,
        recording=number * recordings // n,
        start=(number % (n // recordings)) * stride,
        **more,
    )


def test_by_group_keeps_people_apart(people):
    ds = people()
    chosen = split.by_group(ds, seed=3)
    assert disjoint([ds.group[p] for p in parts(chosen)])
    assert [len(np.unique(ds.group[p])) for p in parts(chosen)] == [6, 2, 2]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts(chosen))), np.arange(ds.n))
    again = split.by_group(ds, seed=3)
    for a, b in zip(parts(chosen), parts(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {tuple(split.by_group(ds, seed=s).test) for s in range(5)} != {tuple(chosen.test)}
    assert len(np.unique(ds.group[split.by_group(ds, test=1, validation=3).validation])) == 3


def test_by_recording(people):
    ds = people()
    chosen = split.by_recording(ds)
    assert disjoint([ds.recording[p] for p in parts(chosen)])
    assert [len(p) for p in parts(chosen)] == [108, 36, 36]


def test_by_group_draws_again_for_a_rare_class(people):
    y = np.where(people().group == "p4", 3, people().y)
    for seed in range(20):
        ds = people(y=y)
        assert "p4" in ds.group[split.by_group(ds, seed=seed).train]


def test_a_class_that_can_not_train_is_named(people):
    group = np.array(["a", "b", "c"])[people().y]
    with pytest.raises(DataError, match=r"^people: the class `.` does not occur in the training part"):
        split.by_group(people(group=group))


def test_too_few_groups(people):
    group = np.where(people().group < "p5", "a", "b")
    with pytest.raises(DataError, match="2 groups can't give 1 to test, 1 to validation"):
        split.by_group(people(group=group))
    with pytest.raises(DataError, match="names no|has no groups"):
        split.by_group(people(group=None))
    with pytest.raises(DataError, match="10 groups can't give 0 to test"):
        split.by_group(people(), test=0)


def test_a_recording_of_two_groups_is_refused(people):
    recording = np.zeros(180, int)
    with pytest.raises(DataError, match="the recording `0` is in both the train and the validation part"):
        split.by_group(people(recording=recording))


def test_by_time_orders_recordings(people):
    ds = people()
    chosen = split.by_time(ds)
    assert [np.unique(ds.recording[p]).tolist() for p in parts(chosen)] == [
        list(range(36)),
        list(range(36, 48)),
        list(range(48, 60)),
    ]


def test_by_time_leaves_each_part_a_recording():
    ds = line(12, recordings=3)
    assert [np.unique(ds.recording[p]).tolist() for p in parts(split.by_time(ds))] == [[0], [1], [2]]
    uneven = from_arrays("u", np.ones((10, 4, 1)), np.arange(10) % 2, recording=np.array([0] * 8 + [1, 2]))
    assert [len(p) for p in parts(split.by_time(uneven))] == [8, 1, 1]
    late = from_arrays("l", np.ones((10, 4, 1)), np.arange(10) % 2, recording=np.array([0, 0, 1] + [2] * 7))
    assert [len(p) for p in parts(split.by_time(late))] == [2, 1, 7]


@pytest.mark.parametrize("recordings", [1, 2])
@pytest.mark.parametrize(("length", "stride"), [(4, 2), (10, 1), (4, 4)])
def test_by_time_cuts_a_single_recording_without_overlap(recordings, length, stride):
    ds = line(100, length, stride, recordings)
    chosen = split.by_time(ds)
    covered = [{(int(ds.recording[w]), int(ds.start[w]) + t) for w in p for t in range(length)} for p in parts(chosen)]
    assert not (covered[0] & covered[1] or covered[1] & covered[2] or covered[0] & covered[2])
    assert len(chosen.train) == 60 and max(covered[0]) < min(covered[1]) < min(covered[2])
    dropped = 100 - sum(len(p) for p in parts(chosen))
    assert dropped <= 2 * ((length - 1) // stride)


def test_by_time_refuses():
    with pytest.raises(DataError, match="the validation part has no window"):
        split.by_time(line(20, length=30, stride=1))
    with pytest.raises(ConfigError, match="fractions above 0"):
        split.by_time(line(20), test=0.6, validation=0.5)


def test_given(people):
    ds = people()
    named = np.array(["train", "validation", "test"])[np.minimum(ds.recording // 20, 2)]
    chosen = split.given(people(split=named))
    np.testing.assert_array_equal(chosen.validation, np.arange(60, 120))
    with pytest.raises(DataError, match="names no split"):
        split.given(ds)
    named[0] = "test"
    with pytest.raises(DataError, match="the recording `0` is in both the train and the test part; put it into one"):
        split.given(people(split=named))
    for missing, other in (("test", "train"), ("train", "test")):
        with pytest.raises(DataError, match=f"the {missing} part has no window"):
            split.given(people(split=np.where(named == missing, other, named)))
        with pytest.raises(DataError, match="the .* part has no window"):
            split.given(people(split=np.full(180, other)))
    with pytest.raises(DataError, match="the class `2` does not occur in the training part"):
        split.given(people(split=np.where(ds.y < 2, "train", np.where(ds.recording < 30, "test", "validation"))))


def test_given_draws_a_validation_part_from_the_training_groups(people):
    ds = people()
    named = np.where(ds.group >= "p7", "test", "train")
    chosen = split.given(people(split=named))
    assert chosen.how == "as given, validation by group"
    np.testing.assert_array_equal(chosen.test, np.flatnonzero(named == "test"))
    assert [len(np.unique(ds.group[p])) for p in parts(chosen)] == [6, 1, 3]
    assert disjoint([ds.group[p] for p in parts(chosen)])
    np.testing.assert_array_equal(np.sort(np.concatenate(parts(chosen))), np.arange(ds.n))
    np.testing.assert_array_equal(split.make(people(split=named)).validation, chosen.validation)
    drawn = {tuple(split.make(people(split=named), "given", seed).validation) for seed in range(5)}
    assert len(drawn) > 1
    rare = np.where(ds.group == "p4", 3, ds.y)
    for seed in range(20):
        assert "p4" in ds.group[split.given(people(split=named, y=rare), seed).train]
    with pytest.raises(DataError, match="its training windows are of one group, of which none can be spared"):
        split.given(people(split=np.where(ds.group == "p0", "train", "test")))


def test_given_draws_a_validation_part_from_the_training_recordings(people):
    ds = people()
    named = np.where(ds.recording >= 40, "test", "train")
    chosen = split.given(people(split=named, group=None))
    assert chosen.how == "as given, validation by recording"
    assert disjoint([ds.recording[p] for p in parts(chosen)])
    assert [len(p) for p in parts(chosen)] == [96, 24, 60]


def test_a_validation_part_is_drawn_as_the_test_part_was(people):
    """Where people are on both sides, a validation part of other people would not be like the test part."""
    ds = people()
    named = np.where(ds.recording % 6 == ds.recording // 6 % 6, "test", "train")
    chosen = split.given(people(split=named))
    assert chosen.how == "as given, validation by recording"
    assert [len(np.unique(ds.recording[p])) for p in parts(chosen)] == [40, 10, 10]
    assert disjoint([ds.recording[p] for p in parts(chosen)])
    assert set(ds.group[chosen.validation]) <= set(ds.group[chosen.train])
    assert sorted(np.bincount(ds.y[chosen.validation])) == [9, 9, 12]
    assert split.notes(people(split=named), chosen) == (
        "10 of 10 groups of the test part also train: its figures are not those of new groups",
    )
    alone = people(split=named, recording=None)
    chosen = split.given(alone)
    assert chosen.how == "as given, validation by window"
    np.testing.assert_array_equal(np.bincount(alone.y[chosen.validation]), [10, 10, 10])
    assert "if windows overlap, give `recording`\n" in split.describe(alone, chosen)
    assert len({tuple(split.given(alone, seed).validation) for seed in range(5)}) == 5


@pytest.mark.parametrize(
    ("shared", "how"), [(0, "group"), (1, "group"), (2, "group"), (3, "recording"), (4, "recording")]
)
def test_a_test_part_of_known_and_of_new_people(people, shared, how):
    """Four people of six recordings are tested; of `shared` of them, other recordings train."""
    ds = people()
    person, number = ds.recording // 6, ds.recording % 6
    named = np.where((person < 4) & ((number < 3) | (person >= shared)), "test", "train")
    tested = (named == "test").sum()
    known = (named[person < shared] == "test").sum()
    chosen = split.given(people(split=named))
    assert (known > tested / 2) == (how == "recording")
    assert chosen.how == f"as given, validation by {how}"


def test_a_rare_class_is_held_out_in_each_part(people):
    """Class 3 is of three recordings; a draw that leaves it out of a part gives way to another one."""
    ds = people(y=np.where(np.isin(people().recording, [0, 20, 40]), 3, people().recording % 3))
    for seed in range(10):
        for chosen in (split.by_recording(ds, seed=seed), split.by_group(ds, seed=seed)):
            assert [ds.labels_of(p).tolist() for p in parts(chosen)] == [[0, 1, 2, 3]] * 3
            assert not [note for note in split.notes(ds, chosen) if "class" in note or "`3`" in note]


def test_a_class_that_is_not_tested_is_told(people):
    ds = people()
    rare = people(y=np.where(ds.recording == 3, 3, ds.y), classes=["a", "b", "c", "d"])
    chosen = split.by_group(rare)
    assert split.describe(rare, chosen).splitlines()[2:] == [
        "the test part has no window of `d`: the test accuracy says nothing about it",
        "the validation part has no window of `d`: when to stop training is chosen without it",
    ]
    assert split.describe(ds, split.by_group(ds)).count("\n") == 1
    named = np.where(ds.group < "p7", "train", np.where(ds.y == 0, "test", "validation"))
    given = people(split=named)
    assert split.notes(given, split.make(given))[0] == (
        "the test part has no window of `1`, `2`: the test accuracy says nothing about them"
    )


def test_parts_in_which_nothing_counts():
    y = np.tile([[0, 1], [1, 0]], (5, 1))
    named = np.array(["train"] * 6 + ["validation"] * 2 + ["test"] * 2)
    ignored = np.repeat(named == "test", 2).reshape(10, 2)
    ds = from_arrays("i", np.ones((10, 2, 1)), y, split=named, ignored=ignored, classes=["a", "b"])
    with pytest.raises(DataError, match="in the test part no step counts"):
        split.make(ds)
    few = from_arrays("i", np.ones((10, 2, 1)), y, ignored=ignored, classes=["a", "b"])
    for seed in range(10):
        assert few.counted[split.make(few, seed=seed).test].any()


def test_a_test_part_whose_target_never_changes():
    y = np.array([1.5, 2, 3, 4, 5, 6, 7, 7, 7, 7])
    named = np.array(["train"] * 5 + ["validation"] * 2 + ["test"] * 3)
    ds = from_arrays("c", np.ones((10, 2, 1)), y, split=named)
    with pytest.raises(DataError, match="in the test part no target ever changes"):
        split.make(ds)


def division(ds, chosen):
    """The first line."""
    return split.describe(ds, chosen).splitlines()[0]


def test_describe(people):
    ds = people()
    held_out = ", ".join(np.unique(ds.group[split.by_group(ds).test]))
    assert division(ds, split.by_group(ds)) == f"split by group; held out: {held_out}"
    assert division(ds, split.by_recording(ds)) == "split by recording; held out: 12 of 60 recordings"
    assert division(ds, split.by_time(ds)) == "split by time; held out: p8, p9"
    assert division(ds, split.folds(ds, 10)[3]) == "split by group; held out: p3"
    single = line(100)
    assert division(single, split.by_time(single)) == "split by time; held out: 19 of 100 windows"
    bare = people(group=None, recording=None)
    assert division(bare, split.make(bare)) == (
        "split by window; held out: 36 of 180 windows; "
        "each window counts as a recording of its own, so if windows overlap, give `group` or `recording`"
    )
    named = people(group=None, split=np.where(ds.recording >= 40, "test", "train"))
    assert division(named, split.make(named)) == (
        "split as given, validation by recording; held out: 20 of 60 recordings"
    )


def test_describe_counts_windows(people):
    ds = people()
    assert split.describe(ds, split.by_group(ds)).splitlines()[1] == (
        "108 windows train, 36 validate, 36 test; 4 steps of 2 channels"
    )


def test_describe_names_a_few_groups_only(people):
    many = people(group=np.array([f"p{r:02}" for r in people().recording]))
    chosen = split.by_group(many)
    first = ", ".join(np.unique(many.group[chosen.test])[:8])
    assert division(many, chosen) == f"split by group; held out: {first} and 4 more"


def test_make_chooses(people):
    ds = people()
    named = np.array(["train", "validation", "test"])[np.minimum(ds.recording // 20, 2)]
    np.testing.assert_array_equal(split.make(people(split=named)).test, np.arange(120, 180))
    np.testing.assert_array_equal(split.make(ds).test, split.by_group(ds).test)
    np.testing.assert_array_equal(split.make(people(group=None)).test, split.by_recording(ds).test)
    np.testing.assert_array_equal(split.make(people(split=named), "time").test, split.by_time(ds).test)
    with pytest.raises(ConfigError, match="split is `random`"):
        split.make(ds, "random")  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [3, 5, 10])
def test_folds_test_each_group_once(people, k):
    ds = people()
    tested, validated = [], []
    for fold in split.folds(ds, k):
        assert disjoint([ds.group[p] for p in parts(fold)])
        tested += np.unique(ds.group[fold.test]).tolist()
        validated += np.unique(ds.group[fold.validation]).tolist()
    assert sorted(tested) == sorted(validated) == [f"p{i}" for i in range(10)]


def test_folds_by_recording_and_limits(people):
    ds = people(group=None)
    folds = split.folds(ds, 4)
    assert disjoint([ds.recording[fold.test] for fold in folds])
    with pytest.raises(DataError, match="60 .*s, which can't be dealt to 2 folds: set data.folds from 3 to 60"):
        split.folds(ds, 2)
    with pytest.raises(DataError, match="10 .*s, which can't be dealt to 11 folds: set data.folds from 3 to 10"):
        split.folds(people(), 11)
    two = from_arrays("r", np.ones((4, 2, 1)), np.arange(4.0), group=np.array(["a", "b", "a", "b"]))
    with pytest.raises(DataError, match="r: has 2 groups, which can't be dealt to 3 folds: build without --folds"):
        split.folds(two, 3)


def test_regression_needs_no_classes():
    ds = from_arrays("r", np.ones((10, 2, 1)), np.arange(10.0))
    assert [len(p) for p in parts(split.make(ds))] == [6, 2, 2]


def test_classes_per_step_count_without_padding():
    y = np.array([[0, 1], [0, 1], [0, 0], [0, 0], [1, 0]])
    named = np.array(["test", "validation", "train", "train", "validation"])
    ds = from_arrays("s", np.ones((5, 2, 1)), y, split=named, lengths=np.array([2, 2, 1, 2, 1]))
    with pytest.raises(DataError, match="the class `1` does not occur"):
        split.given(ds)
