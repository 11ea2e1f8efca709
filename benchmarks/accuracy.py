# SPDX-License-Identifier: Apache-2.0
"""Accuracy on people not seen in training, every fold, at every stage of a build."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from edgernn import config
from edgernn.build import cross_validate

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


@contextmanager
def _announce(name: str, total: int) -> Iterator[Callable[[int], None]]:
    print(f"  {name}", file=sys.stderr)
    yield lambda done: None


def measure() -> dict[str, Any]:
    """The accuracy of each stage of each fold, by model."""
    models = []
    for name, overrides in MODELS.items():
        print(name, file=sys.stderr)
        folds = cross_validate(config.load(None, overrides), _announce)
        models.append(
            {
                "name": name,
                "set": overrides,
                "parameters": folds[0][-1].parameters,
                "folds": [{stage.name: round(stage.metrics["accuracy"], 4) for stage in fold} for fold in folds],
            }
        )
    return {"data": "watch, unseen people", "models": models}
