# SPDX-License-Identifier: Apache-2.0
"""Makes stock_gru.tflite, by TensorFlow's own converter, and its samples stock_gru.npz: python -m tests.diff.make

An unrolled GRU of 8 units over 4 steps of 3 channels with a dense layer of 2, full-integer INT8 (`benchmarks.stock`).
The committed file was made with TensorFlow 2.21.0 and Keras 3.15.1; others may give other bytes.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    x = (rng.normal(size=(300, 4, 3)) + y[:, None, None]).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        np.savez(Path(scratch) / "windows.npz", x=x, y=y)
        command = [sys.executable, "-m", "benchmarks.stock", "gru", "8", f"{scratch}/windows.npz", scratch]
        subprocess.run(command, cwd=HERE.parent.parent, check=True)
        shutil.copy(Path(scratch) / "model.tflite", HERE / "stock_gru.tflite")
    np.savez_compressed(HERE / "stock_gru.npz", x=x[:60])
