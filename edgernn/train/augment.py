# SPDX-License-Identifier: Apache-2.0
"""Random changes to training windows that leave their meaning as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ConfigError
from edgernn.train.examples import Examples


@dataclass(frozen=True)
class Augmentation:
    """How strongly each change is drawn, anew for every window; all off by default.

    vectors: triples of channels that are the x, y and z of one vector; rotation: standard deviation of the angle about
    x, y and z in degrees, the same rotation for all vectors of a window; mirror: channels whose sign changes in a
    mirror image, which half of the windows become; speed: the window runs up to exp(+-speed) times as fast; scaling:
    standard deviation of the logarithm of a gain for each channel; noise: standard deviation of noise on every sample,
    in standard deviations of its channel.
    """

    vectors: tuple[tuple[int, int, int], ...] = ()
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mirror: tuple[int, ...] = ()
    speed: float = 0.0
    scaling: float = 0.0
    noise: float = 0.0


def channels(names: Sequence[str], features: Sequence[str], what: str) -> tuple[int, ...]:
    """Numbers of the channels of these names. Raises ConfigError, naming the option `what`, for an unknown one."""
    for name in names:
        if name not in features:
            raise ConfigError(f"{what} names the channel {name!r}, which the data lacks: it has {', '.join(features)}")
    return tuple(list(features).index(name) for name in names)


def augment(
    examples: Examples, augmentation: Augmentation, deviation: npt.NDArray[np.float32], rng: np.random.Generator
) -> Examples:
    """The same windows, changed; deviation: float32 [F], standard deviation of each channel."""
    n, _, features = examples.x.shape
    if augmentation.speed:
        examples = _at_speed(examples, np.exp(rng.uniform(-augmentation.speed, augmentation.speed, n)))
    x = examples.x.copy()
    if augmentation.vectors and any(augmentation.rotation):
        turns = _rotations(rng.normal(size=(n, 3)) * np.deg2rad(augmentation.rotation))
        for vector in augmentation.vectors:
            x[..., vector] = np.einsum("nij,ntj->nti", turns, x[..., vector])
    if augmentation.mirror:
        signs = np.ones((n, 1, features), np.float32)
        mirrored = np.flatnonzero(rng.random(n) < 0.5)
        signs[mirrored[:, None], 0, augmentation.mirror] = -1
        x *= signs
    if augmentation.scaling:
        x *= np.exp(rng.normal(scale=augmentation.scaling, size=(n, 1, features))).astype(np.float32)
    if augmentation.noise:
        x += rng.standard_normal(x.shape, dtype=np.float32) * (augmentation.noise * deviation)
    return replace(examples, x=x)


def _at_speed(examples: Examples, speed: npt.NDArray[Any]) -> Examples:
    """Each window played `speed` times as fast: linear interpolation from its start; faster windows become shorter."""
    steps = examples.x.shape[1]
    lengths = np.minimum((examples.lengths - 1) // speed + 1, steps).astype(np.int32)
    at = np.minimum(speed[:, None] * np.arange(steps), (examples.lengths - 1)[:, None])
    before = np.floor(at).astype(np.int64)
    after = np.minimum(before + 1, (examples.lengths - 1)[:, None])
    share = (at - before).astype(np.float32)[..., None]
    rows = np.arange(len(speed))[:, None]
    x = examples.x[rows, before] * (1 - share) + examples.x[rows, after] * share
    y, ignored = examples.y, examples.ignored
    if examples.per_step:
        nearest = np.rint(at).astype(np.int64)
        y = y[rows, nearest]
        ignored = None if ignored is None else ignored[rows, nearest]
    return replace(examples, x=x, lengths=lengths, y=y, ignored=ignored)


def _rotations(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Rotation matrices [n, 3, 3] of rotation vectors [n, 3] in radians (Rodrigues' formula)."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None] + 1e-12
    x, y, z = (vectors / angle[:, 0]).T
    zero = np.zeros_like(x)
    cross: npt.NDArray[Any] = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    turns: npt.NDArray[Any] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return turns.astype(np.float32)
