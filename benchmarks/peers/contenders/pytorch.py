# SPDX-License-Identifier: Apache-2.0
"""PyTorch: nn.GRU and nn.LSTM, their cells, and both dynamically quantized."""

import warnings
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import torch

from benchmarks.peers.case import DYNAMIC, FLOAT, STEP, WINDOW, Case, Contender

LAYER, CELL, QUANTIZED = "float layer", "float cell", "dynamically quantized layer"

# quantize_dynamic is deprecated in favour of torchao, which has no recurrent layers.
warnings.simplefilter("ignore")
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.set_grad_enabled(False)


def version() -> str:
    return metadata.version("torch")


def contenders(case: Case) -> Iterator[Contender]:
    layer = _filled(getattr(torch.nn, case.cell.upper())(case.inputs, case.units), case, "_l0")
    cell = _filled(getattr(torch.nn, f"{case.cell.upper()}Cell")(case.inputs, case.units), case, "")
    quantized = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(layer), {type(layer)})[0]
    x = torch.from_numpy(case.x)
    samples, window = [sample[None, None] for sample in x], [x[:, None]]
    for name, arithmetic, module in ((LAYER, FLOAT, layer), (QUANTIZED, DYNAMIC, quantized)):
        yield Contender(name, STEP, arithmetic, _Stream(module, _zero(case, 1, 1)), samples)
        yield Contender(name, WINDOW, arithmetic, _Stream(module, _zero(case, 1, 1)), window)
    yield Contender(CELL, STEP, FLOAT, _CellStream(cell, _zero(case, 1)), [sample[None] for sample in x])


def _filled(module: Any, case: Case, suffix: str) -> Any:
    """The module with the case's weights. PyTorch has the gates of a GRU as r, z, n; Keras has z, r, n."""
    bias = case.weights["bias"]
    weights = {
        "weight_ih": case.weights["kernel"].T,
        "weight_hh": case.weights["recurrent_kernel"].T,
        "bias_ih": bias[0] if bias.ndim == 2 else bias,
        "bias_hh": bias[1] if bias.ndim == 2 else 0 * bias,
    }
    order = [1, 0, 2] if case.cell == "gru" else [0, 1, 2, 3]
    tensors = {name: torch.tensor(weight).chunk(len(order)) for name, weight in weights.items()}
    module.load_state_dict({f"{name}{suffix}": torch.cat([gates[i] for i in order]) for name, gates in tensors.items()})
    return module.eval()


def _zero(case: Case, *shape: int) -> Any:
    zero = torch.zeros(*shape, case.units)
    return zero if case.cell == "gru" else (zero, zero)


class _Stream:
    """A layer, which takes steps [T, 1, F] and gives their outputs and the state."""

    def __init__(self, module: Any, state: Any) -> None:
        self._module, self._state = module, state

    def __call__(self, x: Any) -> Any:
        y, self._state = self._module(x, self._state)
        return y


class _CellStream:
    """A cell, which takes a step [1, F] and gives the state: h, or h and c."""

    def __init__(self, module: Any, state: Any) -> None:
        self._module, self._state = module, state

    def __call__(self, x: Any) -> Any:
        self._state = self._module(x, self._state)
        return self._state[0] if isinstance(self._state, tuple) else self._state
