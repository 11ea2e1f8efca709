# SPDX-License-Identifier: Apache-2.0
"""Read the arrays of a pickled .npy file without running the pickle.

The stream is taken apart with `pickletools.genops`, which only lists opcodes. Of these the few that NumPy writes for
dicts and lists of arrays are interpreted here; the four global names they use are compared as text and stand for
steps of this file. Nothing named in the stream is imported, looked up or called, and every other opcode or name is
refused.
"""

import io
import math
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

_ENCODE = "_codecs encode"
_NDARRAY = "numpy ndarray"
_DTYPE = "numpy dtype"
_RECONSTRUCT = "numpy.core.multiarray _reconstruct"
_GLOBALS = frozenset((_ENCODE, _NDARRAY, _DTYPE, _RECONSTRUCT))
_NUMBERS = ("f8", "i8")
_OBJECT = "O8"
_MARK = object()


def read(path: Path) -> object:
    """The object in a .npy file that holds one pickled object: str, int, None, bool, tuple, list, dict, array.

    Arrays are float64 or int64. Raises DataError when the file is missing, damaged, or holds anything else.
    """
    try:
        stream = io.BytesIO(path.read_bytes())
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"format {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:
        # NumPy's header parser raises many kinds for damaged bytes.
        raise DataError(f"{path}: not a readable .npy file; install it again") from error
    if shape != () or dtype != np.dtype(object):
        raise DataError(f"{path}: holds an array of {dtype} {list(shape)}, not one pickled object; install it again")
    try:
        return interpret(stream.read())
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def interpret(stream: bytes) -> object:
    """The object that a pickle stream of NumPy arrays describes, built without running it.

    Raises DataError for any opcode, name or array that `read` does not list, and for a damaged stream.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            # genops only warns of a broken escape in a name.
            warnings.simplefilter("error", DeprecationWarning)
            for opcode, argument, _ in pickletools.genops(stream):
                step = _STEPS.get(opcode.name)
                if step is None:
                    raise _refused(f"the opcode {opcode.name}")
                step(machine, argument)
            return machine.result()
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, DeprecationWarning):
        raise DataError("the pickle stream is damaged; install the file again") from None


def _refused(what: str) -> DataError:
    return DataError(f"the pickle stream holds {what}, which is refused because only plain arrays are read")


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass
class _DType:
    """A dtype; NumPy writes its byte order in a second step."""

    code: str
    complete: bool = False


class _Unfilled:
    """An array whose shape, dtype and data are not known yet."""


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def result(self) -> object:
        if len(self.stack) != 1 or isinstance(self.stack[0], (_Global, _DType, _Unfilled)):
            raise ValueError
        return self.stack[0]

    def above_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items


def _push(machine: _Machine, value: object) -> None:
    machine.stack.append(value)


def _push_global(machine: _Machine, name: str) -> None:
    if name not in _GLOBALS:
        raise _refused(f"the name `{name}`")
    machine.stack.append(_Global(name))


def _put(machine: _Machine, key: int) -> None:
    machine.memo[key] = machine.stack[-1]


def _get(machine: _Machine, key: int) -> None:
    value = machine.memo[key]
    if isinstance(value, _Unfilled):
        raise _refused("an array used twice")
    machine.stack.append(value)


def _tuple(count: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: object) -> None:
        items = [machine.stack.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(items)))

    return step


def _append(machine: _Machine, _: object) -> None:
    item = machine.stack.pop()
    _list(machine).append(item)


def _appends(machine: _Machine, _: object) -> None:
    items = machine.above_mark()
    _list(machine).extend(items)


def _list(machine: _Machine) -> list[Any]:
    top = machine.stack[-1]
    if not isinstance(top, list):
        raise TypeError
    return top


def _set_items(machine: _Machine, _: object) -> None:
    items = machine.above_mark()
    target = machine.stack[-1]
    if not isinstance(target, dict) or not all(isinstance(key, str) for key in items[::2]):
        raise TypeError
    target.update(zip(items[::2], items[1::2], strict=True))


def _reduce(machine: _Machine, _: object) -> None:
    arguments = machine.stack.pop()
    function = machine.stack.pop()
    match function, arguments:
        case _Global(name=name), (str(encoded), "latin1") if name == _ENCODE:
            machine.stack.append(encoded.encode("latin-1"))
        case _Global(name=name), (str(code), 0, 1) if name == _DTYPE and code in (*_NUMBERS, _OBJECT):
            machine.stack.append(_DType(code))
        case _Global(name=name), (_Global(name=kind), (0,), b"b") if name == _RECONSTRUCT and kind == _NDARRAY:
            machine.stack.append(_Unfilled())
        case _:
            raise _refused("a call that makes no array of float64 or int64")


def _build(machine: _Machine, _: object) -> None:
    state = machine.stack.pop()
    match machine.stack[-1], state:
        case _DType(code=code) as dtype, (3, order, None, None, None, -1, -1, int()) if order == (
            "|" if code == _OBJECT else "<"
        ):
            dtype.complete = True
        case _Unfilled(), (1, tuple(shape), _DType(complete=True, code=code), bool(fortran), data):
            machine.stack[-1] = _single(shape, data) if code == _OBJECT else _array(shape, code, fortran, data)
        case _:
            raise _refused("a state that is not an array's")


def _single(shape: tuple[Any, ...], data: object) -> object:
    if shape != () or not isinstance(data, list) or len(data) != 1:
        raise _refused("an array of objects")
    return data[0]


def _array(shape: tuple[Any, ...], code: str, fortran: bool, data: object) -> npt.NDArray[Any]:
    if not isinstance(data, bytes) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise TypeError
    values = np.frombuffer(data, np.dtype("<" + code))
    if math.prod(shape) != len(values):
        raise ValueError
    return values.reshape(shape, order="F" if fortran else "C").copy(order="K")


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, version: None,
    "STOP": lambda machine, _: None,
    "MARK": lambda machine, _: _push(machine, _MARK),
    "NONE": lambda machine, _: _push(machine, None),
    "NEWTRUE": lambda machine, _: _push(machine, True),
    "NEWFALSE": lambda machine, _: _push(machine, False),
    "EMPTY_TUPLE": lambda machine, _: _push(machine, ()),
    "EMPTY_LIST": lambda machine, _: _push(machine, []),
    "EMPTY_DICT": lambda machine, _: _push(machine, {}),
    "BININT": _push,
    "BININT1": _push,
    "BININT2": _push,
    "BINUNICODE": _push,
    "GLOBAL": _push_global,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "TUPLE": lambda machine, _: _push(machine, tuple(machine.above_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEMS": _set_items,
    "REDUCE": _reduce,
    "BUILD": _build,
}
