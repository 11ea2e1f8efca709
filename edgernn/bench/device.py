# SPDX-License-Identifier: Apache-2.0
"""What a step costs on a device, and what its firmware takes: counted by the device, and read from the image."""

from dataclasses import dataclass

from edgernn.artifact import Model
from edgernn.device.firmware import Sizes
from edgernn.device.link import Device
from edgernn.device.protocol import Info, Ticks
from edgernn.device.targets import Target
from edgernn.errors import EdgernnError
from edgernn.golden import Golden
from edgernn.spec.ops import Array

_SECONDS = 0.02
"""By the device's own clock: enough for its coarsest counter, of 50 instructions a tick, to be right to 0.01 %."""
_MOST_STEPS = 2**20


@dataclass(frozen=True)
class Figures:
    """Of one target; `reason` says why there are none.

    cost: of a step, in `unit`: "instructions" of an emulated board, "cycles" of a core that counts them, "ns", or as in
    "ticks of 25 MHz" of what may be any of these; sizes: of the image, None where it was not built here; state: bytes
    of the model's state; stack: the most bytes of stack that were ever used, 0 where unknown; ram: static data with the
    state, and that stack, 0 where unknown.
    """

    name: str
    version: str
    cost: float = 0
    unit: str = ""
    sizes: Sizes | None = None
    state: int = 0
    stack: int = 0
    ram: int = 0
    reason: str = ""


def measure(model: Model, golden: Golden, target: Target) -> Figures:
    """Runs steps with the first golden sample on a target, and closes it."""
    version = ""
    with target:
        try:
            version = target.version()
            device = target.connect(model.folder, model.integer)
            ticks = _ticks_of_a_step(device, golden.x[0, 0])
            return _figures(target, version, ticks, device.info())
        except EdgernnError as error:
            return Figures(target.name, version, reason=str(error))


def _ticks_of_a_step(device: Device, x: Array) -> float:
    """The ticks of one step, from as many as take _SECONDS."""
    enough = _SECONDS * device.info().ticks_per_second
    steps, ticks = 1, device.run(1, x)
    while ticks < enough and steps < _MOST_STEPS:
        steps *= 4
        ticks = device.run(steps, x)
    return ticks / steps


def _figures(target: Target, version: str, ticks: float, info: Info) -> Figures:
    cost, unit = ticks, "cycles"
    if target.emulates_board or info.ticks == Ticks.OF_A_CLOCK:
        # Under QEMU's -icount shift=0 a nanosecond stands for an instruction.
        cost, unit = ticks * 1e9 / info.ticks_per_second, "instructions" if target.emulates_board else "ns"
    elif target.may_emulate:
        unit = f"ticks of {info.ticks_per_second / 1e6:g} MHz"
    ram = target.sizes.ram - info.stack_size + info.stack_used if target.sizes else 0
    return Figures(target.name, version, cost, unit, target.sizes, info.state_bytes, info.stack_used, ram)
