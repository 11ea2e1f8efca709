# SPDX-License-Identifier: Apache-2.0
"""edgernn diff"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgernn.cli import outcome
from edgernn.cli.console import Phases, say, table
from edgernn.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from edgernn.diff.compare import Comparison, Culprit, Report
    from edgernn.diff.graph import Graph, Tensor

_LARGEST_FILE = 1 << 30
_SHOWN_PLACES = 5
_SHOWN_VALUES = 16
_SHOWN_NAME = 70


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="X.npz",
    help="Arrays by the names of the model's inputs, or x; the leading axis counts samples.",
)
@click.option(
    "--runtime",
    "names",
    multiple=True,
    metavar="NAME",
    help="A kernel path or environment that `edgernn runtimes` lists, or all. May be repeated. Default: all that are "
    "installed and not emulated.",
)
@click.option(
    "--base", default="", metavar="NAME", help="What the others are compared with. Default: a reference kernel path."
)
@click.option("--samples", type=click.IntRange(1), help="Take the first samples (or windows) only. Default: all.")
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="INPUT=OUTPUT",
    help="An input that takes an output of the step before. May be repeated. An input and an output of the same name "
    "in the signature need none.",
)
@outcome.option
def command(
    model: Path,
    data: Path,
    names: tuple[str, ...],
    base: str,
    samples: int | None,
    states: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Find the operator where runtimes differ on a .tflite file.

    Runs every sample on every kernel path with the results of all operators as outputs. Names the first operator whose
    inputs agree and whose result does not, with its inputs, both results and the exact one. Exit status 0 only if every
    result of every operator is the same on all of them.

    \b
    edgernn diff model.tflite --data windows.npz
    edgernn diff model.tflite --data windows.npz --runtime tflm --samples 10
    """
    from edgernn.diff import compare, paths
    from edgernn.diff import samples as inputs
    from edgernn.diff.report import to_json

    outcome.check(json_file)
    carried = dict(_state(text) for text in states)
    chosen = paths.select(names)
    if base:
        chosen = paths.select(tuple(dict.fromkeys((*(path.name for path in chosen), base))))
    if len(chosen) < 2:
        raise ConfigError("there is one runtime only, nothing to compare it with: name another with --runtime")
    content = _content(model)
    arrays = inputs.load(data)
    graph = _graph(model, content)
    prepared = inputs.prepare(graph, arrays, carried, samples)
    with Phases()("compare", prepared.count) as progress:
        found = compare.compare(content, graph, prepared, chosen, base, progress)
    outcome.give(json_file, lambda: to_json(found), lambda: show(found), good=found.agrees)


def show(report: "Report") -> None:
    """Prints the tables, and the first operator that is to blame on each path that differs."""
    _show_outputs(report)
    if any(count.differing for count in report.pairs.values()) and len(report.pairs) > 1:
        _show_pairs(report)
    for comparison in report.paths:
        for line in _remarks(report, comparison):
            say(line)
    told: list[Comparison] = []
    for comparison in filter(lambda path: path.ops, report.paths):
        like = next((earlier for earlier in told if comparison.differs_like(earlier)), None)
        say("")
        if like is not None:
            say(f"{comparison.name} differs from {report.base} as {like.name} does")
            continue
        told.append(comparison)
        _show_kinds(report, comparison)
        if comparison.first is not None:
            for line in _story(report, comparison, comparison.first):
                say(line)


def _state(text: str) -> tuple[str, str]:
    target, equals, source = text.partition("=")
    if not (target and equals and source):
        raise ConfigError(f"--state {text} is no INPUT=OUTPUT: name an input and the output that it takes")
    return target, source


def _content(model: Path) -> bytes:
    if not model.is_file():
        raise ModelError(f"{model}: no such file; give the path of a .tflite file")
    if model.stat().st_size > _LARGEST_FILE:
        raise ModelError(f"{model}: has more than {_LARGEST_FILE >> 20} MiB, which is too large to be compared")
    try:
        return model.read_bytes()
    except OSError as error:
        raise ModelError(f"{model}: can't be read ({error.strerror}); give the path of a .tflite file") from error


def _graph(model: Path, content: bytes) -> "Graph":
    from edgernn.diff import graph, paths

    try:
        paths.verify(content)
        return graph.read(content)
    except ModelError as error:
        raise ModelError(f"{model}: can't be compared, {error}; give a .tflite file that LiteRT loads") from error


def _show_outputs(report: "Report") -> None:
    columns = ("runtime", "version", "status", "values", "differ", "share", "largest", "ops that differ")
    rows = []
    for path in report.paths:
        told = path.status not in ("base", "unavailable")
        count = path.outputs
        counts = (f"{count.values:,}", f"{count.differing:,}", f"{count.share:.2%}", f"{count.largest:g}")
        rows.append(
            (path.name, path.version, path.status, *(counts if told else "----"), len(path.ops) if told else "-")
        )
    samples = "1 sample" if report.samples == 1 else f"{report.samples:,} samples"
    table(f"Outputs of {samples}, compared with {report.base}", columns, rows, texts=3)


def _show_pairs(report: "Report") -> None:
    """A row and a column for each set of paths that give the same outputs."""
    both = {**report.pairs, **{(b, a): count for (a, b), count in report.pairs.items()}}
    groups: list[list[str]] = []
    for path in (path.name for path in report.paths if path.status != "unavailable"):
        same = next((group for group in groups if not both[path, group[0]].differing), None)
        if same is None:
            groups.append([path])
        else:
            same.append(path)
    columns = ["", "runtimes that give the same outputs", *map(str, range(1, len(groups) + 1))]
    rows = [
        (
            number,
            ", ".join(group),
            *("-" if group is other else f"{both[group[0], other[0]].share:.2%}" for other in groups),
        )
        for number, group in enumerate(groups, 1)
    ]
    say("")
    table("Share of output values that differ between any two", columns, rows, texts=2)


def _remarks(report: "Report", path: "Comparison") -> Iterator[str]:
    if path.reason:
        yield path.reason if path.reason.startswith(path.name) else f"{path.name}: {path.reason}"
    if path.disturbed:
        yield (
            f"{path.name} gives {path.disturbed:,} other output values when all results are outputs: what is shown of "
            f"its operators may not be what happens without"
        )
    if path.status == "differs" and path.first is None:
        yield f"{path.name}: no operator differs on equal inputs when all results are outputs"


def _show_kinds(report: "Report", path: "Comparison") -> None:
    from edgernn.diff.report import by_kind

    columns = ("kind", "operators", "of them differ", "values", "differ", "share", "largest")
    rows = [
        (entry.kind, entry.operators, entry.differing, f"{entry.values.values:,}", f"{entry.values.differing:,}")
        + (f"{entry.values.share:.2%}", f"{entry.values.largest:g}")
        for entry in by_kind(report.graph, path)
    ]
    if rows:
        table(f"Operators of {path.name} that differ from {report.base} although their inputs agree", columns, rows)


def _story(report: "Report", path: "Comparison", culprit: "Culprit") -> Iterator[str]:
    """The first operator to blame: its inputs, and the results at the first places that differ."""
    from edgernn.diff.report import places

    graph, differing = report.graph, places(culprit)
    result = graph.tensors[culprit.result]
    yield f"First, at {culprit.place}: operator {culprit.op.index} of {len(graph.ops)}, {culprit.op.kind}"
    for index in culprit.op.given:
        yield f"  input  {_described(graph.tensors[index])}{_input_values(culprit, index, differing)}"
    yield f"  result {_described(result)}"
    fused = "" if culprit.op.activation == "NONE" else f", {culprit.op.activation} fused into it"
    if not differing:
        shapes = f"{list(culprit.expected.shape)} and {list(culprit.found.shape)}"
        yield f"    the shapes differ: {shapes}{fused}"
        return
    yield f"    {len(differing):,} of {culprit.expected.size:,} values differ{fused}:"
    for place in differing[:_SHOWN_PLACES]:
        values = f"{report.base} {_value(result, culprit.expected, place)}, {path.name} "
        values += _value(result, culprit.found, place)
        exact = "" if culprit.exact is None else f", exact {culprit.exact[place]:.4f}"
        yield f"    {list(place)}: {values}{exact}"
    if culprit.keeps:
        yield "    It also reads what earlier samples left, which can't be seen and may be what differs."


def _described(tensor: "Tensor") -> str:
    name = tensor.name if len(tensor.name) <= _SHOWN_NAME else tensor.name[: _SHOWN_NAME - 3] + "..."
    scales = ""
    if len(tensor.scales) == 1:
        scales = f", scale {tensor.scales[0]:.8g}, zero point {tensor.zero_points[0]}"
    elif tensor.scales:
        scales = f", {len(tensor.scales)} scales"
    return f"{name}: {'constant ' if tensor.data is not None else ''}{tensor.dtype} {list(tensor.shape)}{scales}"


def _input_values(culprit: "Culprit", index: int, differing: list[tuple[int, ...]]) -> str:
    """Values that matter for the places that differ, or the first ones; nothing where they are not known."""
    if index not in culprit.inputs:
        return ""
    values = culprit.inputs[index]
    if values.shape == culprit.expected.shape and differing:
        picked = ", ".join(str(values[place]) for place in differing[:_SHOWN_PLACES])
        return f"; where the result differs: {picked}"
    if culprit.op.kind == "FULLY_CONNECTED" and index in culprit.op.inputs[1:] and differing:
        row = differing[0][-1]
        return f"; [{row}]: {_first(values[row])}"
    return f": {_first(values)}"


def _first(values: Any) -> str:
    flat = values.ravel()
    return " ".join(map(str, flat[:_SHOWN_VALUES])) + (" ..." if flat.size > _SHOWN_VALUES else "")


def _value(tensor: "Tensor", values: Any, place: tuple[int, ...]) -> str:
    """An integer with what it stands for, or a float."""
    if len(tensor.scales) != 1:
        return str(values[place])
    return f"{values[place]} ({float(tensor.dequantize(values[place])):.6g})"
