# SPDX-License-Identifier: Apache-2.0
"""Models in ONNX, as PyTorch and tf2onnx export them.

The graph is read, not run: constants and shapes are computed, and what becomes of the data is followed axis by axis
(`values`) until it is a chain of steps (`steps`). A node that can't be followed does no harm unless the
output depends on it.
"""

from collections import ChainMap
from collections.abc import MutableMapping, Sequence
from pathlib import Path

import numpy as np

from edgernn.errors import ModelError
from edgernn.importers.chain import Imported
from edgernn.importers.onnx_graph import constants, layers, values
from edgernn.importers.onnx_graph.file import MAX_NODES, Graph, Node, open_file, quote
from edgernn.importers.onnx_graph.layers import Reading, Value
from edgernn.importers.onnx_graph.steps import Axis, Dim, Input, build
from edgernn.importers.onnx_graph.values import Fill, Piece, Signal, State

_MOVES = {
    "Cast",
    "Concat",
    "Expand",
    "Gather",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}
_RECURRENT = {"GRU": (5,), "LSTM": (5, 6), "RNN": (5,)}
_LOOPS = (
    "tf2onnx writes layers as loops that it does not know, among them SimpleRNN, GRU(reset_after=False) and "
    "GRU(use_bias=False)"
)
_UNROLLED = (
    "the steps of a layer are written out one after the other, as PyTorch does with nn.RNN when it exports with "
    "dynamo=True; export with dynamo=False"
)

Scope = MutableMapping[str, Value | ModelError]


def read(path: Path) -> Imported:
    """The model in the file. Raises ModelError with one sentence for what is damaged or not supported, and OSError."""
    file = open_file(path)
    reading = Reading(file.opset)
    graph = file.graph
    states = _initial_states(graph)
    scope: Scope = dict(graph.constants)
    for name, shape in graph.inputs.items():
        scope[name] = State(name) if name in states else _input(name, shape)
    reading.streaming = bool(states)
    if states:
        listed = ", ".join(map(quote, sorted(states)))
        reading.notes.append(f"initial states are inputs of the file ({listed}): they start at zero, and are kept")
    # The chain refuses numbers that are not finite, with their place.
    with np.errstate(all="ignore"):
        _run(graph, scope, reading)
        signal = _output(graph, scope)
        settled, notes = values.settle(signal, "the output")
        return build(settled.pieces[0].step, [*reading.notes, *notes])


def _input(name: str, shape: Sequence[int | str] | None) -> Signal | ModelError:
    if shape is None or not 1 <= len(shape) <= 4:
        return ModelError(f"the input {quote(name)} is not declared as samples [batch, steps, features]")
    sizes = [size if isinstance(size, int) else Dim((size or f"{name}.{i}",)) for i, size in enumerate(shape)]
    axes = tuple(map(Axis, sizes))
    return Signal(axes, (Piece(Input(name, axes)),))


def _initial_states(graph: Graph) -> set[str]:
    """Names of the graph's inputs that are the initial states of layers, however they get there."""
    made = {output: node for node in graph.nodes for output in node.outputs if output}
    pending = [node.inputs[i] for node in graph.nodes for i in _RECURRENT.get(node.op, ()) if i < len(node.inputs)]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        node = made.get(name)
        if node is not None and node.op in _MOVES:
            pending.extend(node.inputs if node.op == "Concat" else node.inputs[:1])
    return {name for name in graph.inputs if name in seen}


def _output(graph: Graph, scope: Scope) -> Signal:
    """The one output that is no final state of a layer."""
    found = {name: _get(scope, name, "the graph's output") for name in graph.outputs}
    wanted = {name: value for name, value in found.items() if not _is_state(value)} or found
    if len(wanted) != 1:
        listed = ", ".join(quote(name) for name in list(wanted)[:8]) or "none"
        raise ModelError(f"the model has to have one output beside states, and these are there: {listed}")
    ((name, value),) = wanted.items()
    if isinstance(value, ModelError):
        raise value
    if not isinstance(value, Signal):
        raise ModelError(f"the output {quote(name)} does not depend on the model's input")
    return value


def _is_state(value: Value | ModelError) -> bool:
    return isinstance(value, State) or (isinstance(value, Signal) and all(piece.final for piece in value.pieces))


def _run(graph: Graph, scope: Scope, reading: Reading) -> None:
    """The value of every node into `scope`; where one is not supported, the error that says so."""
    reading.nodes += len(graph.nodes)
    if reading.nodes > MAX_NODES:
        raise ModelError(f"it has more than {MAX_NODES} nodes")
    for node in graph.nodes:
        given = [_get(scope, name, node.where) if name else None for name in node.inputs]
        results = _results(node, given, scope, reading)
        for i, name in enumerate(node.outputs):
            if not name:
                continue
            if name in scope:
                raise ModelError(f"{node.where}: it gives {quote(name)} a second time")
            missing = ModelError(f"{node.where}: its output {i} is not supported")
            scope[name] = results if isinstance(results, ModelError) else results[i] if i < len(results) else missing


def _get(scope: Scope, name: str, where: str) -> Value | ModelError:
    if name not in scope:
        raise ModelError(f"{where}: it reads {quote(name)}, which nothing before it gives")
    return scope[name]


def _results(
    node: Node, given: Sequence[Value | ModelError | None], scope: Scope, reading: Reading
) -> Sequence[Value] | ModelError:
    try:
        if node.op == "If":
            return _branch(node, given, scope, reading)
        return _apply(node, given, reading)
    except ModelError as error:
        return error
    except (ArithmeticError, AttributeError, IndexError, LookupError, TypeError, ValueError):
        return ModelError(f"{node.where}: its inputs and attributes do not fit together")


def _apply(node: Node, given: Sequence[Value | ModelError | None], reading: Reading) -> Sequence[Value]:
    if node.op in ("Loop", "Scan"):
        raise ModelError(f"{node.where}: loops are not supported ({_LOOPS}); convert the .keras file itself")
    broken = next((value for value in given if isinstance(value, ModelError)), None)
    known = [None if isinstance(value, ModelError) else value for value in given]
    if node.op in ("ConstantOfShape", "Expand", "Tile") and _uniform(node, known):
        return (_uniform(node, known) or Fill(None),)
    if broken is not None:
        raise broken
    if any(isinstance(value, Signal) for value in known):
        handler = layers.HANDLERS.get(node.op)
        if handler is None:
            raise ModelError(_unsupported(node))
        return handler(node, known, reading)
    if node.op in ("Gemm", "MatMul") and known and isinstance(known[0], Fill | State):
        raise ModelError(f"{node.where}: {_UNROLLED}")
    if known and isinstance(known[0], State) and node.op in _MOVES:
        return (known[0],) * len(node.outputs)
    if node.op in _MOVES and any(isinstance(value, Fill) for value in known):
        return (_filled(known),) * len(node.outputs)
    return constants.compute(node, known, reading.opset)


def _uniform(node: Node, given: Sequence[Value | None]) -> Fill | None:
    """One number in a shape that need not be known."""
    if node.op == "ConstantOfShape":
        value = node.tensor("value")
        return Fill(0.0 if value is None else float(value.ravel()[0]))
    first = given[0] if given else None
    if isinstance(first, Fill):
        return first
    if isinstance(first, np.ndarray) and first.dtype != object and first.size:
        return Fill(float(first.ravel()[0]) if (first == first.ravel()[0]).all() else None)
    return None


def _filled(given: Sequence[Value | None]) -> Fill:
    fills = {value.number if isinstance(value, Fill) else None for value in given[:1]}
    fills |= {value.number for value in given if isinstance(value, Fill)}
    return Fill(fills.pop()) if len(fills) == 1 else Fill(None)


def _branch(
    node: Node, given: Sequence[Value | ModelError | None], scope: Scope, reading: Reading
) -> Sequence[Value] | ModelError:
    """The branch of an If whose condition is known."""
    condition = given[0]
    if isinstance(condition, ModelError):
        raise condition
    if not isinstance(condition, np.ndarray) or condition.dtype == object or condition.size != 1:
        raise ModelError(f"{node.where}: its condition depends on the data or on a size that can change")
    graph = node.graph("then_branch" if bool(condition.ravel()[0]) else "else_branch")
    inner: Scope = ChainMap({}, scope)
    inner.update(graph.constants)
    _run(graph, inner, reading)
    results: list[Value] = []
    for name in graph.outputs:
        value = _get(inner, name, node.where)
        if isinstance(value, ModelError):
            raise value
        results.append(value)
    return results


def _unsupported(node: Node) -> str:
    known = ", ".join(sorted(layers.HANDLERS))
    return f"{node.where}: this operator is not supported; there are {known}"
