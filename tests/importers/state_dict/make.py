# SPDX-License-Identifier: Apache-2.0
"""Writes pytorch/: state_dicts that safetensors saved, their descriptions, and what PyTorch computes with them.

In an environment of its own: pip install torch==2.13.0 safetensors==0.8.0 numpy, then python make.py. NAME.safetensors
has its description in NAME.toml, and in NAME.npz windows x [n, T, F] and outputs y, [n, K] or [n, T, K].
"""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

FOLDER = Path(__file__).with_name("pytorch")
FEATURES, UNITS, OUTPUTS, STEPS, WINDOWS = 3, 6, 4, 11, 5

GRU = '[[layers]]\nname = "rnn"\nkind = "gru"\n'
LSTM = GRU.replace("gru", "lstm")
RNN = GRU.replace("gru", "rnn")
HEAD = '\n[[layers]]\nname = "head"\nkind = "dense"\n'
HIDDEN = '\n[[layers]]\nname = "head.0"\nkind = "dense"\nactivation = "relu"\n'
CLASSES = '\n[[layers]]\nname = "head.2"\nkind = "dense"\nactivation = "softmax"\n'


class Model(nn.Module):
    """A recurrent layer and a head. take: as in a description; with normalized, (x - mean) / std in front."""

    def __init__(self, kind: str, take: str = "last", head: nn.Module | None = None, **options: object) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(FEATURES, UNITS, batch_first=True, **options)
        self.head = head or nn.Linear(UNITS * (1 + self.rnn.bidirectional), OUTPUTS)
        self.take = take

    def forward(self, x: Tensor) -> Tensor:
        out, state = self.rnn(x)
        h = state[0] if isinstance(state, tuple) else state
        both = torch.cat((h[-2], h[-1]), dim=1) if self.rnn.bidirectional else h[-1]
        return self.head({"last": out[:, -1], "all": out, "h_n": both}[self.take])


class Normalized(Model):
    """The same over (x - mean) / std."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.register_buffer("mean", torch.tensor([0.5, -1.0, 2.0]))
        self.register_buffer("std", torch.tensor([2.0, 0.5, 1.5]))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x - self.mean) / self.std)


class Bare(nn.GRU):
    """A recurrent layer alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[0]


class Summed(Model):
    """Both directions' final states added."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[1].sum(dim=0))


def models() -> dict[str, tuple[nn.Module, str]]:
    torch.manual_seed(7)
    mlp = nn.Sequential(nn.Linear(UNITS, 7), nn.ReLU(), nn.Linear(7, OUTPUTS), nn.Softmax(dim=-1))
    every = 'take = "all"\n\n'
    final = 'take = "h_n"\n\n'
    numbers = "mean = [0.5, -1, 2.0]\nstd = [2.0, 0.5, 1.5]\n\n"
    normalized = Normalized("LSTM")
    return {
        "gru": (Model("GRU"), GRU + HEAD),
        "gru_stacked": (Model("GRU", head=mlp, num_layers=3), GRU + HIDDEN + CLASSES),
        "gru_no_bias": (Model("GRU", bias=False), GRU + HEAD),
        "gru_bare": (Bare(FEATURES, UNITS, batch_first=True), every + '[[layers]]\nname = ""\nkind = "gru"\n'),
        "gru_bfloat16": (Model("GRU").to(torch.bfloat16).float(), GRU + HEAD),
        "lstm_every_step": (Model("LSTM", "all"), every + LSTM + HEAD),
        "lstm_double": (Model("LSTM").double(), LSTM + HEAD),
        "lstm_buffers": (normalized, 'mean = "mean"\nstd = "std"\n\n' + LSTM + HEAD),
        "lstm_numbers": (normalized, numbers + LSTM + HEAD),
        "rnn": (Model("RNN", num_layers=2), RNN + HEAD),
        "gru_both": (Model("GRU", "h_n", bidirectional=True), final + GRU + HEAD),
        "lstm_both": (Model("LSTM", "h_n", bidirectional=True), final + LSTM + HEAD),
        "rnn_both_sum": (
            Summed("RNN", head=nn.Linear(UNITS, OUTPUTS), bidirectional=True),
            final + RNN + 'merge = "sum"\n' + HEAD,
        ),
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(1)
    x = torch.randn(WINDOWS, STEPS, FEATURES)
    for name, (model, description) in models().items():
        model.eval()
        with torch.no_grad():
            y = model(x.to(next(model.parameters()).dtype))
        state = model.state_dict()
        if "numbers" in name:
            state = {key: tensor for key, tensor in state.items() if key not in ("mean", "std")}
        if "bfloat16" in name:
            state = {key: tensor.to(torch.bfloat16) for key, tensor in state.items()}
        save_file(state, FOLDER / f"{name}.safetensors")
        (FOLDER / f"{name}.toml").write_text(description, encoding="utf-8")
        np.savez(FOLDER / f"{name}.npz", x=x.numpy(), y=y.float().contiguous().numpy())
    versions = {package: version(package) for package in ("torch", "safetensors", "numpy")}
    text = json.dumps({"python": platform.python_version(), **versions}, indent=2)
    (FOLDER / "versions.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
