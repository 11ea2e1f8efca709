# SPDX-License-Identifier: Apache-2.0
"""The equations in NumPy, in float32, as one writes them down (`edgernn.cells` has their sources)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.case import FLOAT, STEP, WINDOW, Case, Contender

Array = npt.NDArray[np.float32]


def version() -> str:
    return np.__version__


def contenders(case: Case) -> Iterator[Contender]:
    cells: dict[str, Callable[[Case], Any]] = {"gru": Gru, "lstm": Lstm}
    step, stepped = cells[case.cell](case).step, cells[case.cell](case).step
    yield Contender("float step", STEP, FLOAT, step, list(case.x))
    yield Contender("float step", WINDOW, FLOAT, lambda window: np.stack([stepped(x) for x in window]), [case.x])


class Gru:
    def __init__(self, case: Case) -> None:
        self.w, self.u, (self.b, self.c) = (
            case.weights["kernel"],
            case.weights["recurrent_kernel"],
            case.weights["bias"],
        )
        self.h = np.zeros(case.units, np.float32)

    def step(self, x: Array) -> Array:
        xz, xr, xn = (x @ self.w + self.b).reshape(3, -1)
        hz, hr, hn = (self.h @ self.u + self.c).reshape(3, -1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        n = np.tanh(xn + r * hn)
        self.h = n + z * (self.h - n)
        return self.h


class Lstm:
    def __init__(self, case: Case) -> None:
        self.w, self.u, self.b = case.weights["kernel"], case.weights["recurrent_kernel"], case.weights["bias"]
        self.h = self.c = np.zeros(case.units, np.float32)

    def step(self, x: Array) -> Array:
        i, f, g, o = (x @ self.w + self.h @ self.u + self.b).reshape(4, -1)
        self.c = sigmoid(f) * self.c + sigmoid(i) * np.tanh(g)
        self.h = sigmoid(o) * np.tanh(self.c)
        return self.h


def sigmoid(v: Array) -> Array:
    return np.float32(1) / (np.float32(1) + np.exp(-v))
