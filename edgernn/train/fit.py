# SPDX-License-Identifier: Apache-2.0
"""The training loop: Adam with a cosine learning rate, averaged weights, early stopping, and masks for pruning."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.model import FloatModel
from edgernn.train import network as networks
from edgernn.train.augment import Augmentation, augment
from edgernn.train.examples import Examples
from edgernn.train.libraries import tensorflow_and_keras
from edgernn.train.magnitude import RAMP, Block, Masks, scheduled_sparsity

_WARM_UP_STEPS = 50
_SHORTEST_EPOCH = 50
_LAST_RATE = 0.02
_AVERAGE = 0.99
_TOLERANCE = 0.02
_TOLERANCE_OF_ERROR = 0.1
_EARLIEST = 0.5
_EVALUATION_BATCH = 512

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Epoch:
    """A point of the learning curve.

    number: from 1; loss: mean over the steps of the epoch, of training windows as they were changed; score: accuracy or
    r2 on the validation windows, None in the epochs that can't be chosen.
    """

    number: int
    loss: float
    score: float | None


@dataclass(frozen=True)
class Fitted:
    """A trained model, and how it went: an Epoch for each that was trained."""

    model: FloatModel
    curve: tuple[Epoch, ...]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    epochs: passes through the data, repeated up to 50 steps where it is small; learning_rate: the highest; clip_norm:
    of the whole gradient; weight_decay: of matrices, decoupled; patience: epochs in the second half without a better
    validation score before training stops; sparsity: share of the blocks of a matrix that are zero in the end; block:
    their rows and columns (`edgernn.train.magnitude`).
    """

    epochs: int
    batch_size: int
    learning_rate: float
    clip_norm: float
    weight_decay: float
    dropout: float
    recurrent_dropout: float
    label_smoothing: float
    patience: int
    augmentation: Augmentation
    sparsity: float = 0.0
    block: Block = (1, 1)


def fit(
    model: FloatModel,
    train: Examples,
    validation: Examples,
    recipe: Recipe,
    seed: int,
    progress: Progress = lambda epochs: None,
    teachers: Sequence[FloatModel] = (),
) -> Fitted:
    """`model` trained from the weights that it has; progress is called with the epochs done since its last call.

    With teachers it learns what they give on average instead of the targets (distillation, arXiv:1503.02531): what a
    pruned model does then stays close to what it did before, and several models err less than one.

    In the second half of the epochs an exponential moving average of the weights is scored on `validation` (accuracy,
    or r2 for regression) after each. The result is the latest average whose score is close to the best one (within 2
    points, or a tenth more squared error), because scores on few people are too noisy to trust their maximum. Training
    stops early when no score was better than the best for `patience` epochs.
    """
    _, keras = tensorflow_and_keras()
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    loop = _Loop(model, recipe, teachers)
    batch = min(recipe.batch_size, len(train.x))
    per_epoch = max(math.ceil(len(train.x) / batch), _SHORTEST_EPOCH)
    first_choice = _first_choice(recipe)
    best, chosen, since_best, done = -math.inf, model, 0, 0
    curve: list[Epoch] = []
    for epoch in range(recipe.epochs):
        order, losses = rng.permutation(len(train.x)), []
        for number in range(per_epoch):
            indices = np.take(order, range(number * batch, (number + 1) * batch), mode="wrap")
            drawn = augment(train.take(indices), recipe.augmentation, model.interface.std, rng)
            losses.append(loop.step(drawn, done, per_epoch * recipe.epochs))
            done += 1
        progress(1)
        score = None if epoch < first_choice else _score(loop, validation)
        curve.append(Epoch(epoch + 1, float(np.mean(losses)), score))
        if score is None:
            continue
        since_best = 0 if score > best else since_best + 1
        best = max(best, score)
        if score >= best - _slack(model, best):
            chosen = loop.averaged()
        if since_best >= recipe.patience:
            break
    return Fitted(chosen, tuple(curve))


def _slack(model: FloatModel, best: float) -> float:
    """How far a score may lie below the best: 2 points of accuracy, or a tenth more squared error."""
    return _TOLERANCE if model.interface.task == "classification" else _TOLERANCE_OF_ERROR * (1 - best)


def _first_choice(recipe: Recipe) -> int:
    """The first epoch whose weights may be chosen: a late one, and with pruning one that is as sparse as wanted."""
    return int(recipe.epochs * (RAMP if recipe.sparsity else _EARLIEST))


class _Loop:
    """One network in training, its optimizer, its averaged twin and its masks."""

    def __init__(self, model: FloatModel, recipe: Recipe, teachers: Sequence[FloatModel]) -> None:
        tensorflow, keras = tensorflow_and_keras()
        self._model, self._recipe = model, recipe
        self._network = networks.build(model, recipe.dropout, recipe.recurrent_dropout)
        self._twin = networks.build(model)
        self._masks = Masks(model, self._network, self._twin, recipe.block)
        self._optimizer = keras.optimizers.AdamW(
            recipe.learning_rate, beta_2=0.99, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip_norm
        )
        self._optimizer.exclude_from_weight_decay(var_names=["bias"])
        self._optimizer.build(self._network.trainable_variables)
        self._teachers = [networks.build(teacher) for teacher in teachers]
        self._loss = _loss(keras, model, recipe.label_smoothing, taught=bool(teachers))
        self._compiled = tensorflow.function(self._update, jit_compile=True)
        self._evaluate = tensorflow.function(lambda x: self._twin(x, training=False), jit_compile=True)

    def step(self, batch: Examples, number: int, total: int) -> Any:
        """One step of gradient descent, the `number`th of `total`; the loss before it."""
        if self._recipe.sparsity:
            self._masks.update(scheduled_sparsity(self._recipe.sparsity, number / total))
        self._optimizer.learning_rate = self._recipe.learning_rate * _rate(number, total)
        momentum = np.float32(min(_AVERAGE, (1 + number) / (10 + number)))
        x = self._model.interface.normalize(batch.x)
        return self._compiled(x, batch.step_targets(), batch.step_weights(), momentum)

    def averaged(self) -> FloatModel:
        """The model with the averaged weights."""
        return networks.extract(self._twin, self._model)

    def outputs(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Network outputs of the averaged weights for raw windows, in batches of one shape: a new one is compiled."""
        normalized, batch = self._model.interface.normalize(x), min(_EVALUATION_BATCH, len(x))
        outputs = []
        for start in range(0, len(x), batch):
            part = normalized[start : start + batch]
            padded = np.pad(part, ((0, batch - len(part)), (0, 0), (0, 0)))
            outputs.append(np.asarray(self._evaluate(padded))[: len(part)])
        return np.concatenate(outputs)

    def _update(self, x: Any, y: Any, weight: Any, momentum: Any) -> Any:
        tensorflow, _ = tensorflow_and_keras()
        variables = self._network.trainable_variables
        if self._teachers:
            y = self._taught(x)
        with tensorflow.GradientTape() as tape:
            loss = self._loss(y, self._network(x, training=True), weight)
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for average, variable in zip(self._twin.trainable_variables, variables, strict=True):
            average.assign(momentum * average + (1 - momentum) * variable)
        self._masks.apply()
        return loss

    def _taught(self, x: Any) -> Any:
        """What the teachers give for normalized windows, on average: of each class the probability, or the targets."""
        _, keras = tensorflow_and_keras()
        given = [teacher(x, training=False) for teacher in self._teachers]
        if self._model.interface.task == "classification":
            given = [keras.ops.softmax(logits) for logits in given]
        return sum(given[1:], given[0]) / len(given)


def _loss(keras: Any, model: FloatModel, label_smoothing: float, *, taught: bool) -> Callable[[Any, Any, Any], Any]:
    """Weighted mean over steps of cross-entropy, or of the squared error; taught: of classes, y has probabilities."""
    classes = len(model.interface.outputs)

    def classification(y: Any, outputs: Any, weight: Any) -> Any:
        if taught:
            wanted = y
        else:
            wanted = keras.ops.one_hot(y, classes) * (1 - label_smoothing) + label_smoothing / classes
        losses = keras.ops.categorical_crossentropy(wanted, outputs, from_logits=True)
        return keras.ops.sum(losses * weight) / keras.ops.sum(weight)

    def regression(y: Any, outputs: Any, weight: Any) -> Any:
        losses = keras.ops.mean(keras.ops.square(y - outputs), axis=-1)
        return keras.ops.sum(losses * weight) / keras.ops.sum(weight)

    return classification if model.interface.task == "classification" else regression


def _rate(number: int, total: int) -> float:
    """Share of the learning rate: linear warm-up, then a cosine down to _LAST_RATE (Loshchilov & Hutter 2017)."""
    warm = min(1.0, (number + 1) / _WARM_UP_STEPS)
    return warm * (_LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * number / total)))


def _score(loop: _Loop, validation: Examples) -> float:
    """Accuracy of the averaged weights over the counted steps, or r2."""
    outputs, weights = loop.outputs(validation.x), validation.step_weights() > 0
    judged, wanted = outputs[weights], validation.step_targets()[weights]
    if wanted.ndim == 1:
        return float((judged.argmax(axis=1) == wanted).mean())
    spread = float(np.square(wanted - wanted.mean(axis=0)).mean())
    return 1 - float(np.square(judged - wanted).mean()) / (spread or 1.0)
