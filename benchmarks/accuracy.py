# SPDX-License-Identifier: Apache-2.0
"""Accuracy on people not seen in training, every fold, at every stage of a build."""

import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from edgernn import build, config
from edgernn.train.fit import Fitted, fit

MODELS = {
    "GRU-32": ["prune.sparsity=0"],
    "GRU-32, 20 % of the weights pruned": [],
    "GRU-32, half of the weights pruned": ["prune.sparsity=0.5"],
    "GRU-32, a quarter of the units removed": ["prune.sparsity=0", "prune.units=0.25"],
    "GRU-32, int16 operands": ["prune.sparsity=0", 'quantize.operands="int16"'],
    "GRU-16": ["prune.sparsity=0", "model.units=16"],
    "LSTM-32": ["prune.sparsity=0", 'model.cell="lstm"'],
    "RNN-32": ["prune.sparsity=0", 'model.cell="rnn"'],
}


def measure() -> dict[str, Any]:
    """The accuracy of each stage of each fold, by model."""
    return of(MODELS)


def of(models: Mapping[str, list[str]]) -> dict[str, Any]:
    """`measure` for models by name, each given by what it sets."""
    rows, trainer = [], _once()
    for name, overrides in models.items():
        print(name, file=sys.stderr)
        folds = build.cross_validate(config.load(None, overrides), _announce, trainer)
        rows.append(
            {
                "name": name,
                "set": overrides,
                "parameters": folds[0][-1].parameters,
                "folds": [{stage.name: round(stage.metrics["accuracy"], 4) for stage in fold} for fold in folds],
            }
        )
    return {"data": "watch, unseen people", "models": rows}


def _once() -> build.Trainer:
    """`fit` that trains nothing twice: models that differ in what follows have the same model of the same seed."""
    known: dict[str, Fitted] = {}

    def remembering(*arguments: Any) -> Fitted:
        start, train, validation, recipe, seed, progress, teachers = arguments
        key = hashlib.sha256(pickle.dumps((start, train, validation, recipe, seed, teachers))).hexdigest()
        if key not in known:
            known[key] = fit(start, train, validation, recipe, seed, progress, teachers)
        return known[key]

    return remembering


@contextmanager
def _announce(name: str, total: int) -> Iterator[Callable[[int], None]]:
    print(f"  {name}", file=sys.stderr)
    yield lambda done: None
