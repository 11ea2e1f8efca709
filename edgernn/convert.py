# SPDX-License-Identifier: Apache-2.0
"""From the file of another framework to an artifact: read, prepare, quantize, and the rest by `edgernn.pack`."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import artifact, importers, metrics, pack, predictions
from edgernn.config import ConvertConfig
from edgernn.data.dataset import Dataset
from edgernn.errors import EdgernnError, ModelError
from edgernn.importers.prepare import Prepared, predict, prepare, results
from edgernn.metrics import Fidelity, fidelity
from edgernn.model import IntegerModel
from edgernn.pack import Phase, Stage
from edgernn.predictions import Predictions
from edgernn.quantize import LayerReport, Quantized, quantize
from edgernn.validate import Report


@dataclass(frozen=True)
class Converted:
    """What became of a conversion.

    notes: what of the file was left out or changed its form; normalization: whose mean and deviation scale the inputs,
    "model" or "data"; division: which windows were taken for what, in words; fidelity: of the integers to the floats;
    baselines: `metrics.baselines`, empty where the windows have no labels.
    """

    folder: Path
    notes: tuple[str, ...]
    normalization: str
    division: str
    stages: tuple[Stage, ...]
    baselines: Mapping[str, float]
    fidelity: Fidelity
    layers: tuple[LayerReport, ...]
    validation: Report
    model: IntegerModel


def convert(
    file: Path,
    data: Path,
    config: ConvertConfig,
    folder: Path,
    *,
    description: Path | None = None,
    force: bool = False,
    phase: Phase = pack.silent,
) -> Converted:
    """Makes an artifact of the model in `file`, whole or not at all; its scales fit the windows of the .npz `data`.

    description: see `edgernn.importers.read`. Raises EdgernnError (ModelError, DataError, ConfigError, ArtifactError,
    MissingExtraError) for everything that a user can mend, and when a runtime does not give the reference's bytes.
    """
    artifact.check_target(folder, force=force)
    pack.check_packages("edgernn convert", lambda: importers.check_package(file))
    prepared = prepare(importers.read(file, description), data, config)
    calibration = prepared.train.spread(config.quantize.windows)
    with phase("quantize", 1), np.errstate(over="ignore", invalid="ignore"):
        stages, close, quantized, given = _quantized(prepared, calibration, file, config)
    baselines = metrics.baselines(prepared.train, prepared.judged) if prepared.labelled else {}
    details = {
        "folds": [],
        "fidelity": asdict(close),
        "source": _provenance(file, description, prepared),
        "data": _data(prepared, calibration),
        "config": config.model_dump(mode="json"),
    }
    contents = pack.Contents(
        name=artifact_name(config, file),
        original=prepared.model,
        quantized=quantized,
        stages=stages,
        held_out=prepared.judged,
        predictions=given,
        packages=("safetensors",) if importers.format_of(file) == "safetensors" else (),
        evaluation={"baselines": baselines},
        manifest=details,
    )
    report = pack.write(folder, contents, force=force, phase=phase)
    return Converted(
        folder=folder,
        notes=prepared.notes,
        normalization=prepared.normalization,
        division=prepared.describe(calibration.n),
        stages=stages,
        baselines=baselines,
        fidelity=close,
        layers=quantized.layers,
        validation=report,
        model=quantized.model,
    )


def artifact_name(config: ConvertConfig, file: Path) -> str:
    """`config.name`, or else the file's name without its suffix."""
    return config.name or file.resolve().stem


def _quantized(
    prepared: Prepared, calibration: Dataset, file: Path, config: ConvertConfig
) -> tuple[tuple[Stage, Stage], Fidelity, Quantized, Predictions | None]:
    """Both forms of the model on the judged windows, how close they are, the integer one, and what both gave."""
    part, interface = prepared.judged, prepared.model.interface
    exact = predict(prepared.model, part)
    try:
        quantized = quantize(prepared.model, calibration.x, calibration.lengths, config.quantize.operands)
    except EdgernnError as error:
        raise ModelError(
            f"{file} can't be quantized on these windows: {error}, or give windows as the model takes them"
        ) from error
    found = pack.integer_outputs(quantized.model, part)
    good = [metrics.evaluate(outputs, part) if prepared.labelled else {} for outputs in (exact, found)]
    stages = pack.float_stage("float", prepared.model, good[0]), pack.integer_stage(quantized.model, good[1])
    close = fidelity(results(interface, part, exact), results(interface, part, found), interface)
    given = predictions.collect(part, {"float": exact, "integer": found}) if prepared.labelled else None
    return stages, close, quantized, given


def _data(prepared: Prepared, calibration: Dataset) -> dict[str, Any]:
    return {
        "name": prepared.train.name,
        "sha256": prepared.digest,
        "windows": {"calibration": calibration.n, "train": prepared.train.n, "test": prepared.judged.n},
        "held_out": prepared.apart,
    }


def _provenance(file: Path, description: Path | None, prepared: Prepared) -> dict[str, Any]:
    kind = importers.format_of(file)
    if kind == "safetensors":
        description = importers.description_of(file, description)
    return {
        **_file(file),
        "format": kind,
        "description": None if description is None else _file(description),
        "normalization": prepared.normalization,
        "notes": list(prepared.notes),
    }


def _file(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
