# SPDX-License-Identifier: Apache-2.0
"""What is stored of the held-out part: it comes back, is bounded, has the same bytes, and is not trusted."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn import predictions
from edgernn.data.arrays import from_arrays
from edgernn.errors import ArtifactError
from edgernn.predictions import collect, load


@pytest.fixture
def data():
    """Six windows of at most 4 steps, with places of every kind."""
    return from_arrays(
        "d",
        np.random.default_rng(0).normal(size=(6, 4, 3)),
        np.arange(6) % 2,
        lengths=np.array([4, 2, 4, 1, 4, 4]),
        group=np.array(["b", "a", "b", "c", "a", "b"]),
        recording=np.array([5, 5, 7, 7, 8, 8]),
        start=np.array([0, 4, 0, 4, 0, 4]),
    )


@pytest.fixture
def outputs():
    return {"float": np.arange(48.0).reshape(6, 4, 2), "integer": -np.arange(48.0).reshape(6, 4, 2)}


def test_windows_are_judged_at_their_last_step(data, outputs):
    found = collect(data, outputs)
    assert found.step.tolist() == [3, 1, 3, 0, 3, 3] and found.window.tolist() == list(range(6))
    np.testing.assert_array_equal(found.outputs["float"], outputs["float"][np.arange(6), found.step])
    assert [found.groups[number] for number in found.group] == data.group.tolist()
    assert (found.windows, len(found), found.total) == (6, 6, 6)


def test_steps_that_do_not_count_are_left_out(outputs):
    y, ignored = np.arange(24).reshape(6, 4) % 2, np.zeros((6, 4), bool)
    ignored[2, 1:] = True
    found = collect(from_arrays("d", np.zeros((6, 4, 3)), y, ignored=ignored), outputs)
    assert len(found) == 21 and found.windows == 6
    assert (found.step[found.window == 2]).tolist() == [0]


def test_a_forecast_keeps_the_last_values(outputs):
    x = np.random.default_rng(0).normal(size=(6, 4, 3))
    data = from_arrays("d", x, np.ones((6, 2)) * np.arange(6)[:, None], features=["a", "b", "c"], targets=["c", "a"])
    np.testing.assert_array_equal(collect(data, outputs).outputs["last_value"], data.x[:, 3, [2, 0]])


def test_what_is_stored_comes_back(data, outputs, make_interface, tmp_path):
    stored = collect(data, outputs)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        stored.save(tmp_path / name)
    first, second = ((tmp_path / name / predictions.FILE).read_bytes() for name in ("first", "second"))
    assert first == second
    found = load(tmp_path / "first", make_interface(3, 2))
    assert found.groups == ("a", "b", "c") and found.total == 6
    for name in ("y", "window", "step", "length", "start", "recording", "group"):
        np.testing.assert_array_equal(getattr(found, name), getattr(stored, name))
    assert list(found.outputs) == ["float", "integer"]
    np.testing.assert_array_equal(found.outputs["integer"], stored.outputs["integer"])


def test_what_is_stored_is_bounded(data, outputs, make_interface, tmp_path, monkeypatch):
    monkeypatch.setattr(predictions, "_MOST_BYTES", 3 * (8 + 2 * 2 * 4 + 4 * 4 + 2 * 8))
    some = collect(data, outputs).bounded()
    assert some.window.tolist() == [0, 2, 5] and some.total == 6
    some.save(tmp_path)
    assert load(tmp_path, make_interface(3, 2)).total == 6


HOSTILE = {
    "no y": {"y": None},
    "no place": {"step": None},
    "no integers": {"outputs/integer": None},
    "another array": {"\x1b[31mmore": np.zeros(1)},
    "y a scalar": {"y": np.int64(1)},
    "no results": {"y": np.zeros(0, np.int64)},
    "y of floats": {"y": np.zeros(6)},
    "a class beyond": {"y": np.full(6, 2)},
    "a class below": {"y": np.full(6, -1)},
    "outputs of another width": {"outputs/integer": np.zeros((6, 3), np.float32)},
    "outputs of another length": {"outputs/float": np.zeros((5, 2), np.float32)},
    "outputs that are not finite": {"outputs/integer": np.full((6, 2), np.nan, np.float32)},
    "outputs of float64": {"outputs/integer": np.zeros((6, 2))},
    "a step behind its window": {"step": np.full(6, 4, np.int32)},
    "a window below zero": {"window": np.full(6, -1, np.int32)},
    "places of another dtype": {"start": np.zeros(6)},
    "places of another length": {"recording": np.zeros(5, np.int64)},
    "a group without a name": {"group": np.full(6, 3, np.int32)},
    "groups that are numbers": {"groups": np.arange(3)},
    "a total below": {"total": np.array([5])},
    "two totals": {"total": np.array([6, 6])},
    "objects": {"y": np.array([None] * 6)},
    "too large": {"y": np.zeros(2**23, np.int64)},
}


@pytest.mark.parametrize("changed", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_does_not_fit(data, outputs, make_interface, edit_npz, tmp_path, changed):
    collect(data, outputs).save(tmp_path)
    edit_npz(tmp_path / predictions.FILE, changed)
    with pytest.raises(ArtifactError, match=r"held_out.npz can't be used \(.*\): build the artifact again") as caught:
        load(tmp_path, make_interface(3, 2))
    assert str(caught.value).isprintable()


def test_a_file_that_is_cut_short(data, outputs, make_interface, tmp_path):
    collect(data, outputs).save(tmp_path)
    file = tmp_path / predictions.FILE
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="cut short or damaged"):
        load(tmp_path, make_interface(3, 2))


def test_groups_are_not_needed(data, outputs, make_interface, tmp_path):
    collect(replace(data, group=None), outputs).save(tmp_path)
    assert load(tmp_path, make_interface(3, 2)).groups == ()
