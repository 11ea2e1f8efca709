# SPDX-License-Identifier: Apache-2.0
"""A worker with LiteRT in it that has a fault: python faulty_worker.py PROGRAM (crash | flip HEX)

crash: it is killed by a signal at its third invocation; flip: of every model that it loads, it changes a bit in the
first of the bytes HEX.
"""

import os
import runpy
import signal
import sys

program, fault, *wanted = sys.argv[1:]
worker = runpy.run_path(program)
run, load = worker["LiteRtModel"].run, worker["LiteRt"].load
invocations = 0


def crash(model, arrays):
    global invocations
    invocations += 1
    if invocations == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return run(model, arrays)


def flip(runtime, content, kernels):
    at = content.index(bytes.fromhex(*wanted))
    return load(runtime, content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :], kernels)


if fault == "crash":
    worker["LiteRtModel"].run = crash
else:
    worker["LiteRt"].load = flip
sys.argv = [program, "litert"]
worker["main"]()
