# SPDX-License-Identifier: Apache-2.0
"""The configuration of a layer, of which nothing is believed: every value is checked when it is taken."""

from collections.abc import Mapping
from typing import Any

from edgernn.errors import ModelError

_TRAINING = (
    *("kernel_initializer", "recurrent_initializer", "bias_initializer"),
    *("kernel_regularizer", "recurrent_regularizer", "bias_regularizer"),
    *("kernel_constraint", "recurrent_constraint", "bias_constraint"),
    *("activity_regularizer", "dropout", "recurrent_dropout", "seed", "trainable", "unit_forget_bias"),
)
_SHAPES = ("batch_input_shape", "batch_shape", "build_input_shape", "input_dim", "input_length", "input_shape")
_WAYS = ("dtype", "implementation", "name", "unroll", "zero_output_for_mask")
HARMLESS = frozenset((*_TRAINING, *_SHAPES, *_WAYS))
"""Options that change nothing about what a trained layer computes of a window."""


class Options:
    """A layer's options. `where` names the layer for errors."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values, self._where = values, where
        self._known = set(HARMLESS)

    def any(self, key: str, default: object = None) -> object:
        """The value as it stands in the file, NumPy's numbers as plain ones."""
        self._known.add(key)
        value = self._values.get(key, default)
        if (
            isinstance(value, Mapping)
            and value.get("class_name") == "__numpy__"
            and isinstance(value.get("config"), Mapping)
        ):
            return value["config"].get("value")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or False."""
        value = self.any(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A number."""
        value = self.any(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, value, "a number")
        return _float(value)

    def size(self, key: str) -> int:
        """A number of values, 1 to 2**16."""
        value = self.any(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**16:
            raise self._wrong(key, value, "a size from 1 to 65536")
        return value

    def numbers(self, key: str) -> list[float]:
        """A number or a list of numbers."""
        value = self.any(key)
        values = flat(value)
        numbers = [_float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if not numbers or len(numbers) != len(values):
            raise self._wrong(key, value, "numbers")
        return numbers

    def must(self, key: str, *allowed: object, default: object = None) -> None:
        """Refuses an option that has another value than those that are supported, the default when it is missing."""
        value = self.any(key, default)
        if isinstance(value, list | dict) or not any(value == one and type(value) is type(one) for one in allowed):
            raise self._wrong(key, value, f"{' or '.join(map(shown, allowed))} only")

    def function(self, key: str, default: str = "linear") -> str:
        """The name of an activation; None is linear. A function of somebody's own is refused."""
        value = self.any(key, default)
        if value is None:
            return "linear"
        if not isinstance(value, str) or not value.isidentifier() or len(value) > 40:
            raise self._wrong(key, value, "an activation of Keras; code is never run")
        return value

    def done(self) -> None:
        """Refuses what nothing asked for, unless it is harmless or switched off."""
        for key, value in self._values.items():
            if key not in self._known and value not in (None, False, [], {}, ""):
                raise ModelError(f"{self._where}: its option {shown(key)} is not known, so nothing says what it does")

    def _wrong(self, key: str, value: object, wanted: str) -> ModelError:
        return ModelError(f"{self._where}: {key} is {shown(value)}; supported is {wanted}")


def flat(value: object) -> list[object]:
    """The values of lists in lists, as deep as json reads them; a single value is a list of one."""
    found, rest = [], [value]
    while rest:
        top = rest.pop()
        if isinstance(top, list):
            rest.extend(reversed(top))
        else:
            found.append(top)
    return found


def shown(value: object) -> str:
    """Something from the file in a message: short, on one line."""
    if isinstance(value, Mapping):
        value = value.get("registered_name") or value.get("class_name") or "something of its own"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")
