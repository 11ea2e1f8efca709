# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data import streams
from edgernn.data.arrays import from_arrays
from edgernn.data.dataset import Series
from edgernn.errors import DataError

LONG = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
OTHER = LONG[::-1].copy()


def cut(starts, length=8, series=LONG):
    return np.stack([series[start : start + length] for start in starts])


def whole(recordings):
    return None if recordings is None else [Series(number, 0, x) for number, x in enumerate(recordings)]


def make(starts, recording=None, y=None, series=None, **more):
    recording = np.zeros(len(starts), int) if recording is None else np.array(recording)
    x = np.concatenate(
        [cut([start], series=(LONG, OTHER, LONG)[r]) for start, r in zip(starts, recording, strict=True)]
    )
    y = np.arange(len(starts)) % 2 if y is None else y
    return from_arrays(
        "set", x, y, recording=recording, start=np.array(starts), series=whole(series), complete=False, **more
    )


def test_windows_that_overlap_or_touch_are_joined_and_a_gap_ends_a_stream():
    first, second, third = streams.streams(make([20, 0, 8, 4, 3], [0, 0, 0, 0, 1]))
    assert (first.recording, second.recording, third.recording) == (0, 0, 1)
    np.testing.assert_array_equal(first.x, LONG[:16])
    np.testing.assert_array_equal(first.windows, [1, 3, 2])
    np.testing.assert_array_equal(first.begins, [0, 4, 8])
    np.testing.assert_array_equal(first.ends, [7, 11, 15])
    np.testing.assert_array_equal(second.x, LONG[20:28])
    np.testing.assert_array_equal(third.x, OTHER[3:11])


def test_a_window_within_another_one_ends_nothing():
    x = np.zeros((3, 8, 2), np.float32)
    for row, (start, length) in zip(x, [(0, 8), (2, 3), (6, 8)], strict=True):
        row[:length] = LONG[start : start + length]
    lengths, start = np.array([8, 3, 8]), np.array([0, 2, 6])
    data = from_arrays("set", x, np.array([0, 1, 0]), lengths=lengths, start=start, recording=np.zeros(3, int))
    (stream,) = streams.streams(data)
    np.testing.assert_array_equal(stream.x, LONG[:14])
    np.testing.assert_array_equal(stream.ends, [7, 4, 13])


def test_recordings_fill_what_lies_between_windows():
    data = make([2, 20], series=(LONG, OTHER))
    (stream,) = streams.streams(data)
    np.testing.assert_array_equal(stream.x, LONG[2:28])
    np.testing.assert_array_equal(stream.ends, [7, 25])
    y, known = streams.targets(data, stream)
    np.testing.assert_array_equal(np.flatnonzero(~known), np.arange(8, 18))
    np.testing.assert_array_equal(y[known], [0] * 8 + [1] * 8)
    assert streams.class_changes(data, [stream]) == 1
    (part,) = streams.streams(make([2, 4, 20], [0, 0, 1], series=(LONG, OTHER)).take([0, 1]))
    np.testing.assert_array_equal(part.x, LONG[2:12])


def test_a_gap_of_a_recording_ends_a_stream():
    x, y = cut([0, 4, 20, 24]), np.array([0, 1, 0, 1])
    series = [Series(0, 0, LONG[:14]), Series(0, 18, LONG[18:])]
    data = from_arrays("set", x, y, recording=np.zeros(4, int), start=np.array([0, 4, 20, 24]), series=series)
    first, second = streams.streams(data)
    np.testing.assert_array_equal(first.x, LONG[:12])
    np.testing.assert_array_equal(second.x, LONG[20:32])
    assert first.windows.tolist() == [0, 1] and second.windows.tolist() == [2, 3]


@pytest.mark.parametrize("starts, recording", [([0, 0, 0], [0, 1, 2]), ([5, 6, 7], [0, 1, 2]), ([0, 12], [0, 0])])
def test_data_that_is_not_continuous(starts, recording):
    assert streams.streams(make(starts, recording)) == ()


def test_recordings_without_starts_are_no_streams():
    assert streams.streams(from_arrays("set", cut([0, 4]), np.array([0, 1]), recording=np.zeros(2, int))) == ()


@pytest.mark.parametrize("series", [None, (LONG,)])
def test_starts_that_contradict_the_samples(series):
    data = from_arrays(
        "set.npz",
        cut([0, 4, 8]),
        np.array([0, 1, 0]),
        recording=np.zeros(3, int),
        start=np.arange(3),
        series=whole(series),
    )
    with pytest.raises(DataError, match=r"set.npz: window 1 shares steps .* give the step of the recording at which"):
        streams.streams(data)


def test_a_recording_that_is_too_short():
    with pytest.raises(DataError, match="window 1 lies in no stretch of recording 0"):
        streams.streams(make([0, 20], series=(LONG[:20],)))


def test_classes_of_steps_are_those_of_the_window_that_begins_last():
    data = make([0, 4, 8], y=np.array([0, 1, 0]))
    (stream,) = streams.streams(data)
    y, known = streams.targets(data, stream)
    assert known.all() and y.tolist() == [0] * 4 + [1] * 4 + [0] * 8
    assert streams.class_changes(data, [stream]) == 2


def test_classes_and_targets_of_steps():
    labels = np.random.default_rng(1).integers(0, 3, 40)
    data = make([0, 4, 8], y=cut([0, 4, 8], series=labels))
    (stream,) = streams.streams(data)
    y, known = streams.targets(data, stream)
    assert known.all()
    np.testing.assert_array_equal(y, labels[:16])
    data = make([0, 4], y=cut([0, 4], series=LONG), targets=["a", "b"])
    (stream,) = streams.streams(data)
    np.testing.assert_array_equal(streams.targets(data, stream)[0], LONG[:12])


def test_a_real_target_of_a_window_is_that_of_its_last_step():
    data = make([0, 4], y=np.array([[1.5], [2.5]]))
    (stream,) = streams.streams(data)
    y, known = streams.targets(data, stream)
    assert np.flatnonzero(known).tolist() == [7, 11]
    assert y[known, 0].tolist() == [1.5, 2.5]


def test_outputs_come_from_streams_that_are_never_reset():
    data = make([0, 4, 20, 3, 11], [0, 0, 0, 1, 1])

    def total(x):
        return x.cumsum(axis=1)

    found = streams.outputs(data, streams.streams(data), total)
    assert found.shape == data.x.shape
    # Sums in the same order, so the floats are the same.
    np.testing.assert_array_equal(found[1], LONG[:12].cumsum(axis=0)[4:])
    np.testing.assert_array_equal(found[2], LONG[20:28].cumsum(axis=0))
    np.testing.assert_array_equal(found[4], OTHER[3:19].cumsum(axis=0)[8:])


def test_many_streams_are_run_in_batches(monkeypatch):
    monkeypatch.setattr(streams, "_BATCH", 50)
    data, seen = make([0, 4, 0, 4, 20, 3], [0, 0, 1, 1, 1, 1]), []

    def run(x):
        seen.append(x.shape)
        return x

    np.testing.assert_array_equal(streams.outputs(data, streams.streams(data), run), data.x)
    assert seen == [(2, 12, 2), (1, 12, 2)]
