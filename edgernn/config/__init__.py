# SPDX-License-Identifier: Apache-2.0
"""What `edgernn build` and `edgernn convert` are told, with a validated schema; `edgernn init` writes it as TOML.

`schema` is the keys, `reading` makes a configuration of TOML, `writing` makes TOML of the default one.
"""

from edgernn.config.reading import load, load_convert, stored_csv
from edgernn.config.schema import (
    SOURCES,
    AugmentConfig,
    Config,
    ConvertConfig,
    CsvData,
    ModelConfig,
    NpzData,
    PruneConfig,
    QuantizeConfig,
    TrainConfig,
    WatchData,
    artifact_name,
)
from edgernn.config.writing import commented

__all__ = [
    "SOURCES",
    "AugmentConfig",
    "Config",
    "ConvertConfig",
    "CsvData",
    "ModelConfig",
    "NpzData",
    "PruneConfig",
    "QuantizeConfig",
    "TrainConfig",
    "WatchData",
    "artifact_name",
    "commented",
    "load",
    "load_convert",
    "stored_csv",
]
