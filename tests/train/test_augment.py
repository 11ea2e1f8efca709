# SPDX-License-Identifier: Apache-2.0
"""Augmentation changes what it says and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn.errors import ConfigError
from edgernn.train.augment import Augmentation, augment, channels
from edgernn.train.examples import Examples

N, T, F = 40, 12, 8
VECTORS = ((0, 1, 2), (3, 4, 5))
DEVIATION = np.linspace(0.5, 2, F, dtype=np.float32)
FLOAT32 = 1e-5
"""Products of float32 numbers below 5."""


@pytest.fixture
def examples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, T, F)).astype(np.float32)
    lengths = rng.integers(3, T + 1, N).astype(np.int32)
    return Examples(x, lengths, rng.integers(0, 3, N), False)


@pytest.fixture
def ramp():
    """Every sample is the number of its step; so is its label."""
    steps = np.broadcast_to(np.arange(T), (N, T))
    x = np.repeat(steps[..., None], F, axis=2).astype(np.float32)
    lengths = np.random.default_rng(1).integers(1, T + 1, N).astype(np.int32)
    return Examples(x, lengths, steps.astype(np.int64), True)


def changed(examples, seed=0, **options):
    return augment(examples, Augmentation(**options), DEVIATION, np.random.default_rng(seed))


def same_but_for_x(a, b):
    for name in ("lengths", "y", "class_weights"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.x.dtype == np.float32
    return not np.array_equal(a.x, b.x)


def test_everything_is_off_by_default(examples):
    assert not same_but_for_x(changed(examples), examples)


EVERYTHING = dict(vectors=VECTORS, rotation=(9.0, 9.0, 9.0), mirror=(1,), speed=0.2, scaling=0.1, noise=0.1)


def test_the_generator_decides_and_the_windows_stay_as_they_are(examples):
    before = examples.x.copy()
    first, second, other = (changed(examples, seed, **EVERYTHING) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.x, second.x)
    assert not np.array_equal(first.x, other.x)
    np.testing.assert_array_equal(examples.x, before)


def test_a_rotation_keeps_norms_and_angles(examples):
    found = changed(examples, vectors=VECTORS, rotation=(60.0, 20.0, 90.0))
    assert same_but_for_x(found, examples)
    for vector in VECTORS:
        turned, straight = found.x[..., vector], examples.x[..., vector]
        gram = straight @ straight.transpose(0, 2, 1)
        np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1), gram, rtol=0, atol=10 * FLOAT32)
    np.testing.assert_array_equal(found.x[..., 6:], examples.x[..., 6:])


def test_a_rotation_is_the_same_for_all_vectors_and_no_reflection(examples):
    basis = np.tile(np.eye(3, dtype=np.float32), (N, 4, 1))
    both = replace(examples, x=np.concatenate([basis, basis, np.zeros((N, T, 2), np.float32)], axis=2))
    found = changed(both, vectors=VECTORS, rotation=(30.0, 30.0, 30.0)).x
    np.testing.assert_array_equal(found[..., :3], found[..., 3:6])
    np.testing.assert_allclose(np.linalg.det(found[:, :3, :3]), 1, rtol=FLOAT32)
    assert len(np.unique(found[:, 0, 0])) == N


def test_a_rotation_about_one_axis_by_the_angle_drawn(examples):
    """About x: x stays, and the angle of y and z has the standard deviation asked for."""
    many = replace(examples, x=np.zeros((4000, 1, F), np.float32))
    many.x[..., 1] = 1
    found = changed(many, vectors=VECTORS[:1], rotation=(20.0, 0.0, 0.0)).x[:, 0]
    np.testing.assert_array_equal(found[:, 0], 0)
    assert np.rad2deg(np.arctan2(found[:, 2], found[:, 1])).std() == pytest.approx(20, rel=0.05)


def test_half_of_the_windows_are_mirrored(examples):
    found = changed(examples, mirror=(0, 3))
    signs = found.x / examples.x
    assert set(np.unique(signs)) == {-1, 1}
    flipped = signs[:, 0, 0] == -1
    assert 0.25 < flipped.mean() < 0.75
    expected = np.ones((N, T, F))
    expected[flipped, :, 0] = expected[flipped, :, 3] = -1
    np.testing.assert_array_equal(signs, expected)


def test_speed_changes_samples_labels_and_lengths_alike(ramp):
    found = changed(ramp, speed=0.5)
    moving = ramp.lengths > 4
    speed = np.where(moving, found.x[:, 1, 0], 1)
    assert (np.exp(-0.5) <= speed).all() and (speed <= np.exp(0.5)).all() and len(np.unique(speed)) > 10
    for number in np.flatnonzero(moving):
        last, length = ramp.lengths[number] - 1, found.lengths[number]
        at = speed[number] * np.arange(length)
        np.testing.assert_allclose(found.x[number, :length, 3], at, rtol=FLOAT32)
        assert at[-1] <= last + FLOAT32 and (length == T or at[-1] + speed[number] > last - FLOAT32)
        assert np.abs(found.y[number, :length] - at).max() <= 0.5 + FLOAT32


def test_speed_moves_ignored_steps_with_their_labels(ramp):
    found = changed(replace(ramp, ignored=ramp.y % 3 == 0), speed=0.5)
    assert (found.lengths != ramp.lengths).any()
    np.testing.assert_array_equal(found.ignored, found.y % 3 == 0)


def test_speed_leaves_at_least_one_step_and_at_most_all(ramp):
    for lengths in (changed(ramp, seed, speed=1.0).lengths for seed in range(5)):
        assert (lengths.min(), lengths.max(), lengths.dtype) == (1, T, np.int32)


def test_padding_does_not_come_into_a_window(examples):
    inside = (np.arange(T) < examples.lengths[:, None])[..., None]
    found = [changed(replace(examples, x=np.where(inside, examples.x, np.float32(p))), speed=0.4) for p in (0, 1e6)]
    np.testing.assert_array_equal(found[0].x, found[1].x)
    assert np.abs(found[0].x).max() < 10


def test_speed_keeps_a_target_of_the_whole_window(examples):
    found = changed(replace(examples, y=np.ones((N, 2), np.float32)), speed=0.3)
    np.testing.assert_array_equal(found.y, np.ones((N, 2)))


def test_scaling_is_a_gain_for_each_channel_of_a_window(examples):
    gains = changed(examples, scaling=0.2).x / examples.x
    np.testing.assert_allclose(gains, np.broadcast_to(gains[:, :1], gains.shape), rtol=FLOAT32)
    assert np.log(gains[:, 0]).std() == pytest.approx(0.2, rel=0.2)


def test_noise_is_in_deviations_of_its_channel(examples):
    many = replace(examples, x=np.zeros((500, T, F), np.float32))
    np.testing.assert_allclose(changed(many, noise=0.1).x.std(axis=(0, 1)), 0.1 * DEVIATION, rtol=0.05)


def test_channels_by_name():
    assert channels(["b", "a"], ("a", "b", "c"), "augment.mirror") == (1, 0)
    with pytest.raises(ConfigError, match="augment.mirror names the channel 'd', .* it has a, b, c"):
        channels(["d"], ("a", "b", "c"), "augment.mirror")
