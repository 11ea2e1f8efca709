# SPDX-License-Identifier: Apache-2.0
"""Models that Keras 2 or 3 saved: .keras and .h5 files. Keras is not needed, and no code from the file is run."""

from pathlib import Path

from edgernn.errors import ModelError
from edgernn.importers.chain import Imported
from edgernn.importers.hdf5 import HDF5Error
from edgernn.importers.keras.graph import read_graph
from edgernn.importers.keras.layers import build, check, leaves
from edgernn.importers.keras.store import open_file


def read(path: Path) -> Imported:
    """The model in a .keras or .h5 file that `model.save` wrote: Sequential, or functional as one chain of layers.

    Raises ModelError with one sentence for what is not supported, by name and place, and for a damaged file.
    """
    try:
        stored = open_file(path)
        graph = read_graph(stored.config)
        check(graph.nodes)
        wanted = list(leaves(graph.nodes))
        weights = dict(zip((leaf.path for leaf in wanted), stored.load(wanted), strict=True))
        return build(graph, weights)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except HDF5Error as error:
        raise ModelError(f"{path}: {error}; save the model again with Keras") from None
