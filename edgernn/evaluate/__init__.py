# SPDX-License-Identifier: Apache-2.0
"""How good an artifact is on labelled windows: on its held-out ones, as they are stored in it, or on others."""

from edgernn.evaluate.evaluation import Evaluation, Group, baselines, evaluate, held_out
from edgernn.evaluate.interval import Interval

__all__ = ["Evaluation", "Group", "Interval", "baselines", "evaluate", "held_out"]
