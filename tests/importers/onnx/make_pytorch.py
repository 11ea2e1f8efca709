# SPDX-License-Identifier: Apache-2.0
"""Writes pytorch/: models that PyTorch exported to ONNX, what they compute, and the versions that did it.

In an environment of its own: pip install torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2, then python make_pytorch.py.
NAME.torchscript.onnx and NAME.dynamo.onnx are what the two exporters make of a model; NAME.npz has windows x [n, T, F]
and its outputs y, [n, K] or [n, T, K].
"""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

FOLDER = Path(__file__).with_name("pytorch")
FEATURES, UNITS, OUTPUTS, STEPS, WINDOWS = 3, 6, 4, 11, 5


class Last(nn.Module):
    """The idiom of the tutorials: out[:, -1] into a linear layer."""

    def __init__(self, kind: str, **options: object) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(FEATURES, UNITS, batch_first=True, **options)
        self.head = nn.Linear(UNITS * (2 if options.get("bidirectional") else 1), OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.head(out[:, -1])


class LastKept(Last):
    """The same with out[:, -1:, :].squeeze(1)."""

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.head(out[:, -1:, :].squeeze(1))


class ZerosGiven(Last):
    """Initial states of zeros, made by hand as old tutorials do."""

    def forward(self, x: Tensor) -> Tensor:
        zeros = torch.zeros(self.rnn.num_layers, x.size(0), UNITS)
        out, _ = self.rnn(x, (zeros, zeros) if isinstance(self.rnn, nn.LSTM) else zeros)
        return self.head(out[:, -1, :])


class TimeFirst(Last):
    """[T, n, F], as nn.RNN takes it by default, and the last layer's final state."""

    def __init__(self, kind: str, **options: object) -> None:
        super().__init__(kind, **options)
        self.rnn.batch_first = False

    def forward(self, x: Tensor) -> Tensor:
        _, h = self.rnn(x.transpose(0, 1))
        return self.head(h[-1])


class StepsFirst(TimeFirst):
    """The whole model over [T, n, F]."""

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.head(out)


class FinalState(Last):
    """(h, c) of an LSTM, h squeezed."""

    def forward(self, x: Tensor) -> Tensor:
        _, (h, _) = self.rnn(x)
        return self.head(h.squeeze(0))


class EveryStep(Last):
    """An output for every step."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0])


class TwoKinds(nn.Module):
    """Normalization by buffers, a GRU, an LSTM, and a head of two layers with a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.5, -1.0, 2.0]))
        self.register_buffer("std", torch.tensor([2.0, 0.5, 1.5]))
        self.gru, self.lstm = nn.GRU(FEATURES, UNITS, batch_first=True), nn.LSTM(UNITS, 5, batch_first=True)
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, OUTPUTS), nn.Softmax(dim=-1)
        )

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.lstm(self.gru((x - self.mean) / self.std)[0])
        return self.head(steps[:, -1, :])


class Both(Last):
    """Both directions, the final states side by side."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, bidirectional=True)

    def states(self, x: Tensor) -> Tensor:
        _, final = self.rnn(x)
        return final[0] if isinstance(self.rnn, nn.LSTM) else final

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(torch.cat((h[-2], h[-1]), dim=1))


class BothFlat(Both):
    """The same by permute and reshape."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.states(x).permute(1, 0, 2).reshape(x.shape[0], -1))


class BothSum(Both):
    """The two directions' final states added."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.head = nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.states(x).sum(dim=0))


class BothEnds(Both):
    """out[:, -1] of the one, out[:, 0] of the other direction: the final states again."""

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.head(torch.cat((out[:, -1, :UNITS], out[:, 0, UNITS:]), dim=-1))


class Streaming(Last):
    """Takes and gives the states."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        out, new = self.rnn(x, h)
        return torch.tanh(self.head(out)), new


class StreamingLSTM(Last):
    """Takes and gives both states."""

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out, (new_h, new_c) = self.rnn(x, (h, c))
        return torch.sigmoid(self.head(out)), new_h, new_c


class Standardized(Last):
    """BatchNorm1d in front and behind, which is a factor and an offset once trained."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.norm, self.behind = nn.BatchNorm1d(FEATURES), nn.BatchNorm1d(UNITS)
        for norm in (self.norm, self.behind):
            nn.init.uniform_(norm.running_mean, -1, 1)
            nn.init.uniform_(norm.running_var, 0.2, 2)
            nn.init.uniform_(norm.weight, 0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(self.norm(x.transpose(1, 2)).transpose(1, 2))
        return self.head(self.behind(out[:, -1]))


class DenseInFront(Last):
    """A linear layer in front of the recurrent one, one output without an axis of its own behind it."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.front, self.head = nn.Linear(FEATURES, FEATURES), nn.Linear(UNITS, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(torch.relu(self.front(x)))
        return self.head(out[:, -1]).squeeze(-1)


class Rows(Last):
    """Every step of every window as one row, as old code does it, and logarithms of probabilities."""

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        rows = self.head(out.reshape(-1, UNITS))
        return torch.log_softmax(rows.reshape(x.size(0), x.size(1), OUTPUTS), dim=-1)


def models() -> dict[str, nn.Module]:
    torch.manual_seed(7)
    return {
        "gru": Last("GRU"),
        "lstm": Last("LSTM"),
        "rnn": Last("RNN"),
        "gru_no_bias": Last("GRU", bias=False),
        "gru_stacked": Last("GRU", num_layers=3, dropout=0.2),
        "lstm_stacked": LastKept("LSTM", num_layers=2),
        "rnn_stacked": TimeFirst("RNN", num_layers=2),
        "lstm_final_state": FinalState("LSTM"),
        "gru_zeros_given": ZerosGiven("GRU"),
        "lstm_zeros_given": ZerosGiven("LSTM", num_layers=2),
        "lstm_every_step": EveryStep("LSTM"),
        "gru_steps_first": StepsFirst("GRU", num_layers=2),
        "two_kinds": TwoKinds(),
        "gru_both": Both("GRU"),
        "lstm_both": BothFlat("LSTM"),
        "rnn_both": BothSum("RNN"),
        "gru_both_ends": BothEnds("GRU"),
        "gru_streaming": Streaming("GRU"),
        "lstm_streaming": StreamingLSTM("LSTM"),
        "gru_batch_norm": Standardized("GRU"),
        "gru_dense_in_front": DenseInFront("GRU"),
        "lstm_rows": Rows("LSTM"),
        "gru_one_step": Streaming("GRU"),
        "gru_one_window": Last("GRU"),
        "gru_unbatched": EveryStep("GRU"),
        "gru_both_last": Last("GRU", bidirectional=True),
        "lstm_both_every_step": EveryStep("LSTM", bidirectional=True),
    }


def inputs(name: str, x: Tensor) -> tuple[Tensor, ...]:
    if "one_step" in name:
        return x[:1, :1], torch.zeros(1, 1, UNITS)
    if "one_window" in name:
        return (x[:1],)
    if "unbatched" in name:
        return (x[0],)
    states = [torch.zeros(1, len(x), UNITS) for _ in range(2)]
    if "streaming" in name:
        return (x, *states) if "lstm" in name else (x, states[0])
    return (x.transpose(0, 1).contiguous(),) if "steps_first" in name else (x,)


def export(name: str, model: nn.Module, given: tuple[Tensor, ...], path: Path, dynamo: bool) -> None:
    names = ["x", "h", "c"][: len(given)]
    first = {0: "steps", 1: "batch"} if "steps_first" in name else {0: "batch", 1: "steps"}
    fixed = any(word in name for word in ("one_step", "one_window", "unbatched"))
    axes = {} if fixed else {"x": first, **{state: {1: "batch"} for state in names[1:]}}
    if dynamo:
        dims = {label: torch.export.Dim(label) for label in ("batch", "steps")}
        shapes = None if fixed else tuple({k: dims[label] for k, label in axes[one].items()} for one in names)
        options = {"dynamic_shapes": shapes, "external_data": False, "verbose": False}
    else:
        options = {"dynamic_axes": axes}
    torch.onnx.export(model, given, path, input_names=names, dynamo=dynamo, **options)
    strip(path)


def strip(path: Path) -> None:
    """Takes away where the exporter's sources and this script lay, and what else only a debugger reads."""
    model = onnx.load(path)
    for part in (
        model,
        model.graph,
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for part in (*model.graph.initializer, *model.graph.node):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    onnx.save(model, path)


def result(name: str, model: nn.Module, given: tuple[Tensor, ...], x: Tensor) -> Tensor:
    with torch.no_grad():
        if "one_step" in name:
            return torch.stack([run_steps(model, window) for window in x])
        if "one_window" in name:
            return torch.cat([model(window[None]) for window in x])
        if "unbatched" in name:
            return torch.stack([model(window) for window in x])
        found = model(*given)
    y = found[0] if isinstance(found, tuple) else found
    return y.transpose(0, 1) if "steps_first" in name else y


def run_steps(model: nn.Module, window: Tensor) -> Tensor:
    """A model of one step, over a window."""
    h, outputs = torch.zeros(1, 1, UNITS), []
    for sample in window:
        y, h = model(sample[None, None], h)
        outputs.append(y[0, 0])
    return torch.stack(outputs)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(1)
    x = torch.randn(WINDOWS, STEPS, FEATURES)
    for name, model in models().items():
        model.eval()
        given = inputs(name, x)
        y = result(name, model, given, x)
        np.savez(FOLDER / f"{name}.npz", x=x.numpy(), y=y.contiguous().numpy())
        export(name, model, given, FOLDER / f"{name}.torchscript.onnx", dynamo=False)
        export(name, model, given, FOLDER / f"{name}.dynamo.onnx", dynamo=True)
    versions = {package: version(package) for package in ("torch", "onnx", "onnxscript", "numpy")}
    text = json.dumps({"python": platform.python_version(), **versions}, indent=2)
    (FOLDER / "versions.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
