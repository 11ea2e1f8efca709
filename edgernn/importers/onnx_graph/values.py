# SPDX-License-Identifier: Apache-2.0
"""What the values of an ONNX graph can be when it is read without being run, and what moves them about.

Constants and shapes are NumPy arrays, shapes with an unknown size in them of dtype object. Data are a `Signal`: which
steps made it, and which of its axes is what. All functions raise ModelError when axes would get mixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgernn.errors import ModelError
from edgernn.importers.onnx_graph.steps import Axis, Dim, Last, Layer, Size, Step

Array = npt.NDArray[np.generic]

_TRAP = (
    "its last output of the backward direction has seen one step only; take the final states, which PyTorch gives as "
    "h_n: torch.cat((h_n[-2], h_n[-1]), dim=1)"
)

_NAMES = {
    "batch": "the batch",
    "rows": "steps and windows at once",
    "stack": "the states",
    "time": "the steps",
    "values": "the features or units",
}


@dataclass(frozen=True)
class Fill:
    """One number everywhere, whatever the shape; None where numbers differ or are not known."""

    number: float | None


@dataclass(frozen=True)
class State:
    """A graph input that is the initial state of a layer, or a part of one."""

    name: str


@dataclass(frozen=True)
class Piece:
    """What a step gives: in which direction ("" for all but recurrent layers), and of which moment of the window:
    "all", "first", "last", or "cell" for the final c of an LSTM. final: it is one of the final states.
    """

    step: Step
    direction: str = ""
    moment: str = "all"
    final: bool = False


@dataclass(frozen=True)
class Signal:
    """Data. Several pieces lie along the axis "stack", or one after the other along the values, or are added up."""

    axes: tuple[Axis, ...]
    pieces: tuple[Piece, ...]
    summed: bool = False

    @property
    def values(self) -> Axis | None:
        """The axis of values, once it is known."""
        return next((axis for axis in self.axes if axis.role == "values"), None)

    @property
    def stack(self) -> Axis | None:
        """The axis that the pieces lie along."""
        return next((axis for axis in self.axes if axis.role == "stack"), None)

    @property
    def side_by_side(self) -> bool:
        """Whether the pieces lie along the values."""
        return len(self.pieces) > 1 and self.stack is None and not self.summed

    def place(self, axis: int, where: str) -> int:
        """An axis counted from either end, from the front."""
        if not -len(self.axes) <= axis < len(self.axes):
            raise ModelError(f"{where}: it takes axis {axis} of data with {len(self.axes)} axes")
        return axis % len(self.axes)


def settle(signal: Signal, where: str) -> tuple[Signal, list[str]]:
    """The signal as what one step gives, ready for the next step, and notes."""
    notes: list[str] = []
    if signal.stack is not None:
        raise ModelError(f"{where}: it works on the states of several layers or directions at once")
    if len({id(piece.step) for piece in signal.pieces}) > 1:
        raise ModelError(f"{where}: it joins two branches of the model; only a chain of layers is supported")
    if len(signal.pieces) > 1:
        step: Step = _both(signal, where)
    else:
        step = _one(signal.pieces[0], where, notes)
    return replace(signal, pieces=(Piece(step),), summed=False), notes


def _one(piece: Piece, where: str, notes: list[str]) -> Step:
    step = piece.step
    if isinstance(step, Layer) and step.backward is not None and not step.use:
        if piece.direction == "backward":
            raise ModelError(
                f"{where}: it takes the backward direction of {step.where} alone; take both, or export one"
            )
        notes.append(f"{step.where}: its backward direction is not used")
        step = replace(step, backward=None)
    if piece.moment == "cell":
        raise ModelError(f"{where}: it takes the cell state c of an LSTM; only its output h is supported")
    if piece.moment == "first":
        raise ModelError(f"{where}: it takes the first step's output; only the last one's or all are supported")
    return Last(step, where) if piece.moment == "last" else step


def _both(signal: Signal, where: str) -> Step:
    step = signal.pieces[0].step
    taken = [(piece.direction, piece.moment) for piece in signal.pieces]
    if not isinstance(step, Layer):
        raise ModelError(f"{where}: it joins parts of the data that belong to different steps of the window")
    if taken == [("forward", "last"), ("backward", "first")]:
        return replace(step, use="sum" if signal.summed else "concat")
    if taken == [("forward", "all"), ("backward", "all")]:
        return replace(step, use="sequence")
    if taken == [("forward", "last"), ("backward", "last")]:
        raise ModelError(f"{step.where}: {_TRAP}")
    if taken == [("backward", "first"), ("forward", "last")]:
        raise ModelError(f"{where}: it puts the backward direction in front; put the forward one first")
    raise ModelError(
        f"{where}: of the two directions of {step.where} only their final states, forward first, can be used"
    )


def drop(signal: Signal, k: int, *, streaming: bool) -> Signal:
    """Without axis k, which has one value. streaming: a window of one step is any step of an endless one."""
    axis = signal.axes[k]
    without = replace(signal, axes=signal.axes[:k] + signal.axes[k + 1 :])
    return without if axis.role != "time" or streaming else _at(without, "last")


def insert(signal: Signal, k: int) -> Signal:
    """With a new axis of one value at k."""
    return replace(signal, axes=(*signal.axes[:k], Axis(1), *signal.axes[k:]))


def transpose(signal: Signal, order: Sequence[int], where: str) -> Signal:
    if sorted(order) != list(range(len(signal.axes))):
        raise ModelError(f"{where}: it orders {len(signal.axes)} axes as {list(order)[:8]}")
    return replace(signal, axes=tuple(signal.axes[k] for k in order))


def select(signal: Signal, k: int, index: int, where: str, *, streaming: bool) -> Signal:
    """One place of axis k, which goes."""
    axis = signal.axes[k]
    if isinstance(axis.size, int) and not -axis.size <= index < axis.size:
        raise ModelError(f"{where}: it takes place {index} of {axis.size}")
    if axis.size == 1:
        return drop(signal, k, streaming=streaming)
    if axis.role == "stack":
        without = signal.axes[:k] + signal.axes[k + 1 :]
        return replace(signal, axes=without, pieces=(signal.pieces[index],))
    if axis.role != "time":
        raise ModelError(f"{where}: it takes a part of {_named(axis)}; only the last step of a window can be taken")
    last = index == -1 or (isinstance(axis.size, int) and index % axis.size == axis.size - 1)
    first = index == 0 or (isinstance(axis.size, int) and index % axis.size == 0)
    if not last and not first:
        raise ModelError(f"{where}: it takes step {index} of a window; only the last one's output or all are supported")
    return _at(replace(signal, axes=signal.axes[:k] + signal.axes[k + 1 :]), "last" if last else "first")


def cut(signal: Signal, k: int, start: int, end: Size, where: str, *, streaming: bool) -> Signal:
    """Places start to end of axis k, which stays."""
    axis = signal.axes[k]
    if isinstance(axis.size, int) and isinstance(end, int):
        start, end, _ = slice(start, end).indices(axis.size)
    if start == 0 and (end == axis.size or (isinstance(end, int) and isinstance(axis.size, Dim) and end >= 2**31 - 1)):
        return signal
    if axis.role == "stack" and isinstance(end, int) and start < end:
        pieces = signal.pieces[start:end]
        axes = (*signal.axes[:k], Axis(len(pieces), "stack" if len(pieces) > 1 else ""), *signal.axes[k + 1 :])
        return replace(signal, axes=axes, pieces=pieces)
    if axis.role == "values" and signal.side_by_side and isinstance(end, int) and isinstance(axis.size, int):
        units = axis.size // len(signal.pieces)
        if start % units == end % units == 0 and start < end:
            axes = (*signal.axes[:k], Axis(end - start, "values"), *signal.axes[k + 1 :])
            return replace(signal, axes=axes, pieces=signal.pieces[start // units : end // units])
    one = isinstance(end, int) and (end - start == 1 or (start == -1 and end >= 2**31 - 1))
    if axis.role == "time" and one:
        return insert(select(signal, k, start, where, streaming=streaming), k)
    raise ModelError(f"{where}: it takes a part of {_named(axis)}; only the last step of a window can be taken")


def concat(signals: Sequence[Signal], axis: int, where: str) -> Signal:
    """Along an axis of pieces, or of values of pieces."""
    first = signals[0]
    k = first.place(axis, where)
    if len(signals) == 1:
        return first
    if any(signal.summed or _others(signal, k) != _others(first, k) for signal in signals):
        raise ModelError(f"{where}: it joins data with different axes")
    role = "stack" if all(_stacks(signal, k) for signal in signals) else "values"
    sizes = [signal.axes[k].size for signal in signals]
    shares = {size * len(first.pieces) == sizes[0] * len(signal.pieces) for size, signal in _with(sizes, signals)}
    if role == "values" and (shares != {True} or not all(_lies_in_values(signal, k) for signal in signals)):
        kind = _named(first.axes[k])
        raise ModelError(f"{where}: it joins data along {kind}; only the final states of layers can be joined")
    joined = Axis(sum(size for size in sizes if isinstance(size, int)), role)
    pieces = tuple(piece for signal in signals for piece in signal.pieces)
    return Signal((*first.axes[:k], joined, *first.axes[k + 1 :]), pieces)


def _others(signal: Signal, k: int) -> list[str]:
    """What the axes beside k are, and whether there are as many."""
    return [axis.role if axis.size != 1 else "" for i, axis in enumerate(signal.axes) if i != k]


def _stacks(signal: Signal, k: int) -> bool:
    axis = signal.axes[k]
    return axis.role == "stack" or (axis.role == "" and axis.size == 1 and len(signal.pieces) == 1)


def _lies_in_values(signal: Signal, k: int) -> bool:
    axis = signal.axes[k]
    return axis.role == "values" and isinstance(axis.size, int) and signal.stack is None


def _with(sizes: Sequence[Size], signals: Sequence[Signal]) -> list[tuple[Size, Signal]]:
    return list(zip(sizes, signals, strict=True))


def add_up(signals: Sequence[Signal], where: str) -> Signal:
    """The sum of the final states of two directions."""
    pieces = [piece for signal in signals for piece in signal.pieces]
    layers = {id(piece.step) for piece in pieces}
    if len(pieces) != 2 or len(layers) != 1 or {piece.direction for piece in pieces} != {"forward", "backward"}:
        raise ModelError(f"{where}: it adds two branches of the model; only a chain of layers is supported")
    ordered = sorted(pieces, key=lambda piece: piece.direction, reverse=True)
    return Signal(signals[0].axes, (ordered[0], ordered[1]), summed=True)


def reshape(signal: Signal, target: Sequence[Size], where: str, *, streaming: bool) -> Signal:
    """Axes of one value come and go, steps and windows become rows and back, and a stack of pieces goes next to each
    other; nothing else keeps its meaning.
    """
    for candidate in _candidates(signal):
        groups = _groups(candidate.axes, target)
        kept = [_merged(group) for group in groups or []]
        chosen = tuple(axis for axis in kept if axis is not None)
        if groups is None or len(chosen) < len(kept):
            continue
        there = {id(part) for axis in chosen for part in (axis, *axis.parts)}
        gone = any(axis.role == "time" and id(axis) not in there for axis in candidate.axes)
        moved = replace(candidate, axes=chosen)
        return _at(moved, "last") if gone and not streaming else moved
    wanted = ", ".join("?" if isinstance(size, Dim) else str(size) for size in target[:8])
    raise ModelError(f"{where}: it arranges {_listed(signal.axes)} as [{wanted}], which mixes them")


def _candidates(signal: Signal) -> list[Signal]:
    """The signal, with rows as the axes that they are, and with pieces next to each other as a stack."""
    axes = tuple(part for axis in signal.axes for part in (axis.parts or (axis,)))
    found = [signal, *([replace(signal, axes=axes)] if len(axes) > len(signal.axes) else [])]
    return [*found, *(stacked for one in found if (stacked := _stacked(one)) is not None)]


def _stacked(signal: Signal) -> Signal | None:
    values = signal.values
    if values is None or not signal.side_by_side or not isinstance(values.size, int):
        return None
    count = len(signal.pieces)
    parts = (Axis(count, "stack"), Axis(values.size // count, "values"))
    k = signal.axes.index(values)
    return replace(signal, axes=(*signal.axes[:k], *parts, *signal.axes[k + 1 :]))


def _groups(axes: Sequence[Axis], target: Sequence[Size]) -> list[list[Axis]] | None:
    """The axes that become each axis of `target`, or None."""
    open_at = next((i for i, size in enumerate(target) if size == -1), None)
    if open_at is None:
        front = _take(axes, target)
        return None if front is None or any(axis.size != 1 for axis in axes[front[1] :]) else front[0]
    front = _take(axes, target[:open_at])
    if front is None:
        return None
    left = axes[front[1] :]
    back = _take(left[::-1], target[:open_at:-1])
    if back is None:
        return None
    middle = list(left[: len(left) - back[1]])
    return [*front[0], middle, *[group[::-1] for group in back[0][::-1]]]


def _take(axes: Sequence[Axis], sizes: Sequence[Size]) -> tuple[list[list[Axis]], int] | None:
    """Axes from the front whose sizes multiply to each of `sizes`, and how many were taken."""
    groups, i = [], 0
    for wanted in sizes:
        group: list[Axis] = []
        size: Size = 1
        if wanted == 1 and i < len(axes) and axes[i].size == 1:
            group.append(axes[i])
            i += 1
        while size != wanted:
            if i == len(axes):
                return None
            group.append(axes[i])
            size = size * axes[i].size
            i += 1
        groups.append(group)
    return groups, i


def _merged(group: Sequence[Axis]) -> Axis | None:
    """One axis for the group, or None where they do not belong together."""
    wide = [axis for axis in group if axis.size != 1]
    if not wide:
        known = [axis for role in ("values", "time", "batch") for axis in group if axis.role == role]
        return known[0] if known else Axis(1)
    if len(wide) == 1:
        return wide[0]
    size: Size = 1
    for axis in wide:
        size = size * axis.size
    if [axis.role for axis in wide] == ["stack", "values"]:
        return Axis(size, "values")
    return Axis(size, "rows", tuple(wide)) if all(axis.role in ("", "time", "batch") for axis in wide) else None


def _at(signal: Signal, moment: str) -> Signal:
    return replace(signal, pieces=tuple(_piece_at(piece, moment) for piece in signal.pieces))


def _piece_at(piece: Piece, moment: str) -> Piece:
    return replace(piece, moment=moment) if piece.moment == "all" else piece


def _named(axis: Axis) -> str:
    return _NAMES.get(axis.role, "an axis")


def _listed(axes: Sequence[Axis]) -> str:
    return ", ".join(_named(axis) for axis in axes) or "one number"
